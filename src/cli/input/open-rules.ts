import { networkInterfaces } from 'node:os';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import type { InputText } from '../../diagnostics/document.ts';
import { type CollectedNode, isCollectedNode, readCollectedNode } from '../../inspect/collect/collected-node.ts';
import { suggestClosest } from '../../lib/text.ts';
import { canonicalAddress, isLoopback } from '../../net/address.ts';
import { decodeText, findLineStarts, positionAt } from '../../phases/1-read/positions.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeDiagnostic } from '../output/report-diagnostics.ts';
import { loadFile, loadInput } from './load-files.ts';

/** Rules that a command looks at, as `--ruleset` names them. */
export interface RulesSource {
  /** What may have them, the first one that does counts; undefined for the kernel. */
  readonly texts: readonly RulesText[] | undefined;
  /** The machine that has the rules in its kernel; absent for a file that does not say. */
  readonly machine?: RulesMachine;
  /** What `svc2nft collect` could not read. */
  readonly missing: readonly string[];
}

/** A text with rules, and what messages call it. */
export interface RulesText {
  readonly file: string;
  readonly text: string;
}

/** What a command asks of the machine that has the rules. */
export interface RulesMachine {
  readonly hostName: string;
  /** Its own addresses without loopback ones, canonical. */
  readonly addresses: readonly string[];
  /** The KubeProxyConfiguration of its kube-proxy, for commands without `--config`. */
  readonly configuration?: InputText;
}

/** What a file with rules may be. */
const whatIsExpected =
  'expected the output of svc2nft compile, svc2nft collect, nft list ruleset, nft -j list ruleset or iptables-save';

/** Opens the kernel of this machine (`kernel`), or reads a file or stdin (`-`); the exit code after a message on stderr. */
export async function openRules(name: string, context: Context): Promise<RulesSource | number> {
  if (name === '') {
    context.stderr.write('error: --ruleset needs a file or kernel\n');
    return exitCodes.wrongUsage;
  }
  if (name === 'kernel') {
    const { hostName } = context;
    return { texts: undefined, machine: { hostName, addresses: addressesOfMachine() }, missing: [] };
  }
  const input = await loadText(name, context);
  const source = 'code' in input || !isCollectedNode(input.text) ? input : await readCollected(input);
  if ('code' in source) {
    writeDiagnostic(source, context);
    return exitCodes.badInput;
  }
  return 'texts' in source ? source : { texts: [source], missing: [] };
}

/** The canonical addresses of this machine in this network namespace, without 127.0.0.0/8 and ::1. */
function addressesOfMachine(): string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = entries.flatMap(({ address }) => canonicalAddress(address) ?? []);
  return addresses.filter((address) => !isLoopback(address));
}

/** The text of a file, or why there is none. */
async function loadText(path: string, { stdin }: Context): Promise<RulesText | Diagnostic> {
  const { texts, diagnostics } = path === '-' ? await loadInput(['-'], stdin) : await loadFile(path);
  const [problem] = diagnostics;
  const [input] = texts;
  if (problem || !input) {
    return problem ? withHint(problem, path) : diagnosticInFile('file-unreadable', 'cannot be read', path);
  }
  const { file } = input;
  const text = decodeText(input);
  if (typeof text !== 'string') {
    return diagnosticInFile('not-text', `not a text file; ${whatIsExpected}`, file);
  }
  return text.trim() === ''
    ? diagnosticInFile('empty-input', `the file is empty; ${whatIsExpected}`, file)
    : { file, text };
}

/** A misspelled `kernel` looks like the name of a missing file. */
function withHint(problem: Diagnostic, path: string): Diagnostic {
  const meant = problem.code === 'file-not-found' ? suggestClosest(path, ['kernel']) : undefined;
  return meant === undefined ? problem : { ...problem, message: `${problem.message} (did you mean ${meant}?)` };
}

/** The rules of a node in a file that `svc2nft collect` printed; a diagnostic if it is damaged. */
async function readCollected({ file, text }: RulesText): Promise<RulesSource | Diagnostic> {
  const { parseYaml } = await import('../../phases/1-read/parse-yaml.ts');
  const [document] = parseYaml(text);
  if (document?.kind !== 'value') {
    const { message = 'it is empty', offset = 0 } = document ?? {};
    const problem = `${message}; the output of svc2nft collect is cut off or damaged`;
    return diagnosticInFile('invalid-yaml', problem, file, positionAt(text, findLineStarts(text), offset));
  }
  const collected = readCollectedNode(document.value);
  if (typeof collected === 'string') {
    return diagnosticInFile('invalid-yaml', collected, file);
  }
  // Which Node is meant, the file says itself.
  const { hostnameOverride: _, ...configuration } = collected.kubeProxy.configuration ?? {};
  return {
    texts: rulesIn(collected, file),
    machine: {
      hostName: collected.node,
      addresses: collected.addresses,
      ...(Object.keys(configuration).length > 0 && {
        configuration: {
          file: `${file}, configuration of kube-proxy`,
          content: Buffer.from(JSON.stringify(configuration)),
        },
      }),
    },
    missing: collected.missing,
  };
}

/** The rules of nft and those of iptables, first those that kube-proxy writes in its mode. */
function rulesIn({ outputs, kubeProxy: { mode } }: CollectedNode, file: string): RulesText[] {
  const printedBy = (program: RegExp): string =>
    Object.entries(outputs)
      .filter(([command]) => program.test(command))
      .map(([, text]) => text)
      .join('\n');
  const texts = [
    { file: `${file}, rules of nft`, text: printedBy(/^nft /) },
    { file: `${file}, rules of iptables`, text: printedBy(/^ip6?tables-(nft-|legacy-)?save$/) },
  ];
  return (mode === 'iptables' ? texts.reverse() : texts).filter(({ text }) => text !== '');
}
