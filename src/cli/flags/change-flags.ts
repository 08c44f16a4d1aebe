import { type Command, InvalidArgumentError } from 'commander';
import { type ClusterChange, scalableKinds } from '../../control-plane/change-cluster.ts';
import { parseObjectName } from '../../control-plane/object-names.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import { composeYaml } from '../../phases/1-read/parse-yaml.ts';

/** A change that the command line asks for. */
export type RequestedChange =
  | { readonly text: string; readonly change: ClusterChange }
  /** The cluster becomes that of other files. */
  | { readonly text: string; readonly path: string };

/**
 * Adds the flags that change a cluster.
 *
 * @param requested receives the changes in the order in which they are given.
 */
export function addChangeOptions(command: Command, requested: RequestedChange[]): Command {
  const collect = (flag: string, read: (value: string) => ClusterChange) => (value: string) => {
    requested.push({ text: `${flag} ${value}`, change: read(value) });
    return value;
  };
  return command
    .optionsGroup('Changes, in the order given:')
    .option(
      '--drain <node>',
      'as kubectl drain does: no new Pods on this Node, and its Pods are recreated elsewhere; may be repeated',
      collect('drain', (node) => ({ kind: 'drain', node })),
    )
    .option(
      '--lose-zone <zone>',
      'all Nodes of this zone fail, with what runs there; may be repeated',
      collect('lose zone', (zone) => ({ kind: 'lose-zone', zone })),
    )
    .option(
      '--scale <kind/[namespace/]name=number>',
      'another number of Pods, as in deployment/web=5; may be repeated',
      collect('scale', readScale),
    )
    .option(
      '--set <service.spec.field=value>',
      'another value of a field of a Service, as in shop/web.spec.externalTrafficPolicy=Local; may be repeated',
      collect('set', readSetting),
    )
    .option('--with <path>', 'replace the cluster by that of this file or folder; may be repeated', (path: string) => {
      requested.push({ text: `with ${path}`, path });
      return path;
    });
}

function readScale(text: string): ClusterChange {
  const [, name = '', digits = ''] = /^([^=]*)=(\d{1,9})$/.exec(text) ?? [];
  const workload = parseObjectName(name, scalableKinds);
  if (digits === '' || typeof workload === 'string') {
    const problem = digits !== '' && typeof workload === 'string' ? workload : undefined;
    throw new InvalidArgumentError(problem ?? 'expected KIND/NAME=NUMBER, such as deployment/web=5');
  }
  return { kind: 'scale', workload, replicas: Number(digits) };
}

/** `shop/web.spec.ports[0].port=8080`: neither names of Services nor those of namespaces have dots. */
function readSetting(text: string): ClusterChange {
  const equals = text.indexOf('=', text.lastIndexOf('"]') + 1);
  const [, names = '', steps = ''] = /^([^.[]*)(.*)$/s.exec(text.slice(0, Math.max(0, equals))) ?? [];
  const [name = '', namespace, ...others] = names.split('/').reverse();
  const path = readPath(steps);
  if (name === '' || namespace === '' || others.length > 0 || path?.[0] !== 'spec' || path.length < 2) {
    throw new InvalidArgumentError(
      'expected SERVICE.spec.FIELD=VALUE, such as shop/web.spec.externalTrafficPolicy=Local',
    );
  }
  return { kind: 'set', service: { namespace, name }, path, value: readValue(text.slice(equals + 1), path) };
}

/** Fields, numbers of entries, and keys in quotes: `.spec.ports[0].port`, `.spec.selector["example.com/app"]`. */
const step = /\.([A-Za-z_][\w-]*)|\[(\d{1,4})\]|\["([^"\\]*)"\]/y;

function readPath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  for (step.lastIndex = 0; step.lastIndex < text.length; ) {
    const found = step.exec(text);
    if (!found) {
      return undefined;
    }
    const [, field, index, key] = found;
    path.push(index === undefined ? (field ?? key ?? '') : Number(index));
  }
  return path;
}

function readValue(text: string, path: Path): unknown {
  const [document, ...others] = composeYaml(text);
  if (document?.kind === 'error' || others.length > 0) {
    throw new InvalidArgumentError(`the value of ${describePath(path)}, ${describeValue(text)}, is not YAML`);
  }
  return document?.value ?? null;
}
