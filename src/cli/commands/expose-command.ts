import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ExposeRequest, exposableKinds, exposeObject } from '../../control-plane/expose-object.ts';
import {
  findObject,
  isKindWord,
  nameOf,
  namespaceIn,
  parseObjectName,
  type WantedObject,
} from '../../control-plane/object-names.ts';
import { hasError, severityOf, withoutLeniency } from '../../diagnostics/diagnostic.ts';
import { escapeControls, listSome } from '../../lib/text.ts';
import { describeValue, isMapping, type Mapping, mappingIn, textIn } from '../../lib/unknown-values.ts';
import { isPortNumber } from '../../net/network.ts';
import { documentsOf, readDocuments } from '../../phases/1-read/read-documents.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addFileOptions, checkedText, type InputFlags, inputPaths } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { namespaceProblem } from '../flags/service-filters.ts';
import { lacksInput } from '../input/load-cluster.ts';
import { loadInput } from '../input/load-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft expose deployment/web shop.yaml --port 80 --target-port 8080
  svc2nft expose deployment/web shop.yaml --type LoadBalancer >> shop.yaml
  { cat shop.yaml; echo ---; svc2nft expose deploy/web shop.yaml --port 80; } | svc2nft explain - --resolve --from outside --to shop/web
  svc2nft expose -f pod.yaml --name debug --cluster-ip None
`;

const notes = `
Prints what kubectl expose --dry-run=client prints, from manifests alone: the selector of the Service is that of the object, its labels are those of the
object, its ports those of the containers unless --port says otherwise. Several ports have the names port-1, port-2 and so on. Without KIND/NAME, the
input has one object that can be exposed. KIND is deployment, replicaset, replicationcontroller, pod or service, or short for it; as with kubectl, an
object with matchExpressions needs --selector, and those of other kinds are not exposed.

The Service is in the namespace of the object, if that has one. What an API server would refuse is an error.
`;

/** The flags of `svc2nft expose`. */
interface ExposeFlags extends InputFlags, Omit<ExposeRequest, 'ports' | 'clusterIP' | 'externalIP' | 'loadBalancerIP'> {
  readonly port?: readonly number[];
  readonly clusterIp?: string;
  readonly externalIp?: string;
  readonly loadBalancerIp?: string;
  readonly output: 'yaml' | 'json';
}

/** `svc2nft expose`: the Service that exposes an object. */
export function exposeCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('expose').argument(
    '[KIND/NAME]',
    'what to expose, such as deployment/web or deployment/shop/web (default: the only object of the input that can be exposed)',
  );
  addFileOptions(command)
    .description('Prints a Service for the Pods of an object, as kubectl expose does.')
    .option('-n, --namespace <name>', 'the namespace of the object and the Service', checkedText(namespaceProblem))
    .optionsGroup('Service:')
    .option('--name <name>', 'its name (default: that of the object)')
    .option('--port <ports>', 'its ports, separated by commas (default: those of the containers)', parsePorts)
    .option('--target-port <port>', 'the number or name of the port of the containers (default: --port)', parseTarget)
    .addOption(
      new Option('--protocol <protocol>', 'of all ports (default: those of the containers, else TCP)').choices([
        'TCP',
        'UDP',
        'SCTP',
      ]),
    )
    .addOption(
      new Option('--type <type>', 'its type (default: ClusterIP)').choices(['ClusterIP', 'NodePort', 'LoadBalancer']),
    )
    .option(
      '--selector <labels>',
      'which Pods, KEY=VALUE separated by commas (default: those of the object)',
      parseLabels,
    )
    .option(
      '-l, --labels <labels>',
      'its labels, KEY=VALUE separated by commas (default: those of the object)',
      parseLabels,
    )
    .option('--cluster-ip <address>', 'its cluster IP, or None')
    .option('--external-ip <address>', 'an external IP at which it is served, too')
    .option('--load-balancer-ip <address>', 'the address to ask for, with type LoadBalancer')
    .addOption(
      new Option('--session-affinity <kind>', 'whether clients keep their endpoint').choices(['None', 'ClientIP']),
    )
    .optionsGroup('Output:')
    .addOption(formatOption('how the Service is written', ['yaml', 'json']).default('yaml'))
    .action(async (object: string | undefined, paths: string[], flags: ExposeFlags) => {
      const words = [...(object === undefined ? [] : [object]), ...paths];
      setExitCode(await runExpose(words, flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

function parsePorts(text: string): number[] {
  return text.split(',').map((part) => {
    const port = /^\d{1,5}$/.test(part.trim()) ? Number(part) : 0;
    if (!isPortNumber(port)) {
      throw new InvalidArgumentError(`${describeValue(part)} is not a port, 1 to 65535`);
    }
    return port;
  });
}

function parseTarget(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function parseLabels(text: string): Mapping {
  const pairs = text.split(',').map((part) => {
    const [key = '', value, ...others] = part.split('=');
    if (key === '' || value === undefined || others.length > 0) {
      throw new InvalidArgumentError(`${describeValue(part)} is not a label such as app=web`);
    }
    return [key, value] as const;
  });
  return Object.fromEntries(pairs);
}

/** Prints the Service; resolves to the exit code. */
async function runExpose(words: readonly string[], flags: ExposeFlags, context: Context): Promise<number> {
  const named = readWords(words);
  if (typeof named === 'string') {
    context.stderr.write(`error: ${named} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const paths = inputPaths(named.paths, flags);
  if (lacksInput(paths, context)) {
    return exitCodes.wrongUsage;
  }
  const { texts, diagnostics: aboutFiles } = await loadInput(paths, context.stdin);
  const { documents, diagnostics: aboutTexts } = readDocuments(texts);
  const diagnostics = withoutLeniency([...aboutFiles, ...aboutTexts]);
  const isRefused = hasError(diagnostics);
  reportDiagnostics(diagnostics, { refused: isRefused, context });
  if (isRefused) {
    return exitCodes.badInput;
  }
  const objects = documents.flatMap(({ value }): Mapping[] => (isMapping(value) ? [value] : []));
  const object = chooseObject(objects, named.object, flags.namespace);
  const service = typeof object === 'string' ? object : checkNames(exposeObject(object, requestOf(flags)));
  if (typeof service === 'string') {
    context.stderr.write(`error: ${escapeControls(service)}\n`);
    return exitCodes.badInput;
  }
  return writeOutput(await textOf(service, flags.output), undefined, context);
}

/** The Service, or why the schema of Services refuses it. */
function checkNames(service: Mapping | string): Mapping | string {
  const { diagnostics } = validate(typeof service === 'string' ? [] : documentsOf([service]));
  const invalid = diagnostics.find((one) => severityOf(one) === 'error');
  return invalid ? `the Service would be refused: ${invalid.message}` : service;
}

interface Words {
  readonly object: WantedObject | undefined;
  readonly paths: readonly string[];
}

/** KIND/NAME, KIND NAME as kubectl takes it, or paths alone; or what is wrong with the first word. */
function readWords([first, second, ...others]: readonly string[]): Words | string {
  if (first === undefined) {
    return { object: undefined, paths: [] };
  }
  const rest = second === undefined ? [] : [second, ...others];
  if (isKindWord(first, exposableKinds) && second !== undefined && !existsSync(first)) {
    const object = parseObjectName(`${first}/${second}`, exposableKinds);
    return typeof object === 'string' ? object : { object, paths: others };
  }
  const object = parseObjectName(first, exposableKinds);
  if (typeof object !== 'string') {
    return { object, paths: rest };
  }
  return first === '-' || existsSync(first) ? { object: undefined, paths: [first, ...rest] } : object;
}

/** The object that is meant; or why there is none, in one line. */
function chooseObject(
  objects: readonly Mapping[],
  wanted: WantedObject | undefined,
  namespace: string | undefined,
): Mapping | string {
  const isThere = (object: Mapping): boolean => {
    const own = textIn(mappingIn(object, 'metadata'), 'namespace');
    return namespace === undefined || own === '' || own === namespace;
  };
  const there = objects.filter(isThere);
  if (wanted) {
    return findObject(there, wanted);
  }
  const ofKinds = there.filter(({ kind }) => exposableKinds.some((one) => one === kind));
  const workloads = ofKinds.filter(({ kind }) => kind !== 'Service');
  const candidates = workloads.length > 0 ? workloads : ofKinds;
  const [only, ...others] = candidates;
  if (only && others.length === 0) {
    return only;
  }
  const names = candidates.map((one) => `${String(one['kind']).toLowerCase()}/${namespaceIn(one)}/${nameOf(one)}`);
  return names.length === 0
    ? 'the input has no Deployment, ReplicaSet, ReplicationController, Pod or Service'
    : `the input has several objects that can be exposed; say which one: ${listSome(names, 5)}`;
}

function requestOf({
  port,
  clusterIp,
  externalIp,
  loadBalancerIp,
  output: _,
  filename: __,
  ...same
}: ExposeFlags): ExposeRequest {
  return {
    ...same,
    ...(port && { ports: port }),
    ...(clusterIp !== undefined && { clusterIP: clusterIp }),
    ...(externalIp !== undefined && { externalIP: externalIp }),
    ...(loadBalancerIp !== undefined && { loadBalancerIP: loadBalancerIp }),
  };
}

async function textOf(service: Mapping, format: ExposeFlags['output']): Promise<string> {
  if (format === 'json') {
    return `${JSON.stringify(service, undefined, 2)}\n`;
  }
  const { stringify } = await import('yaml');
  return stringify(service, { aliasDuplicateObjects: false });
}
