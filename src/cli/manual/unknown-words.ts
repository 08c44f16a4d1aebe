import { wholeInput } from '../../kubernetes/completeness.ts';
import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';

/** What other programs call our commands. */
const meanings: Readonly<Record<string, readonly string[]>> = {
  compile: ['build', 'render', 'generate', 'template', 'translate', 'convert'],
  diff: ['plan', 'preview', 'compare', 'changes', 'dry-run'],
  apply: ['install', 'load', 'sync', 'update', 'deploy', 'up', 'restore'],
  explain: ['describe', 'trace', 'why', 'route', 'lookup', 'where'],
  list: ['get', 'ls', 'show', 'services', 'svc', 'frontends', 'endpoints', 'dump'],
  verify: ['check', 'validate', 'lint', 'audit', 'test'],
  graph: ['draw', 'dot', 'svg', 'mermaid', 'picture', 'diagram', 'visualize', 'plot'],
  migrate: ['upgrade', 'switch', 'migration', 'replace', 'move'],
  whatif: ['what-if', 'simulate', 'drain', 'scale', 'impact'],
  expose: ['service', 'create', 'publish'],
  resolve: ['complete', 'expand', 'fill', 'defaults'],
  lab: ['simulate', 'sandbox', 'playground', 'try', 'run', 'emulate', 'kind', 'minikube'],
  dns: ['records', 'zone', 'zones', 'names', 'dig', 'nslookup', 'coredns'],
  top: ['rates', 'traffic', 'stats', 'connections', 'counters'],
  status: ['health', 'healthz', 'info', 'state', 'ping'],
  doctor: ['diagnose', 'preflight'],
  collect: ['gather', 'bundle', 'must-gather', 'sosreport', 'support-bundle', 'save', 'record'],
  clean: ['delete', 'destroy', 'remove', 'rm', 'flush', 'uninstall', 'down', 'reset', 'purge', 'cleanup'],
  completion: ['completions', 'complete'],
  help: ['man', 'usage', 'commands'],
};

/** It deletes, so it is never what a typo may have meant. */
const neverGuessed = 'clean';

/**
 * The message for a word that is not a command, with the command that it probably means: by what other programs call it, or
 * by its spelling.
 *
 * @param names of the commands.
 */
export function describeUnknownCommand(word: string, names: readonly string[]): string {
  return `error: unknown command ${escapeControls(describeValue(word))}${suggestCommand(word, names)}`;
}

function suggestCommand(word: string, names: readonly string[]): string {
  const lower = word.toLowerCase();
  const meant = names.find((name) => meanings[name]?.includes(lower));
  if (meant === neverGuessed) {
    return '; svc2nft clean removes the tables from the kernel';
  }
  const guessed = names.filter((name) => name !== neverGuessed);
  const closest = meant ?? suggestClosest(word, guessed);
  return closest === undefined ? `; the commands are ${names.join(', ')}` : `; did you mean svc2nft ${closest}?`;
}

/** An option that a command does not have, where people may expect it. */
interface Expectation {
  /** Separated by blanks. */
  readonly options: string;
  /** Separated by blanks. */
  readonly commands: string;
  readonly advice: string;
}

const readers = 'compile diff apply explain list verify graph';

const expectations: readonly Expectation[] = [
  {
    options: '-w --watch',
    commands: 'apply',
    advice: 'apply runs once; docs/commands.md shows a systemd timer that repeats it',
  },
  {
    options: '-R --recursive',
    commands: readers,
    advice: 'a folder is always read with its subfolders',
  },
  {
    options: '-n --namespace -l --selector --service',
    commands: 'compile diff apply verify',
    advice: 'the rules of a node are about all Services; list and graph can select some',
  },
  {
    options: '-A --all-namespaces',
    commands: 'compile diff apply verify explain',
    advice: 'all namespaces of the input are read, without an option',
  },
  { options: '-y --yes --force', commands: 'apply clean', advice: 'nothing is asked, so the option is not needed' },
  {
    options: '--live --context --kubeconfig --server',
    commands: 'apply',
    advice: `apply reads files; svc2nft agent --once reads a cluster, or ${wholeInput} | svc2nft apply ...`,
  },
  {
    options: '--resolve',
    commands: 'apply agent',
    advice: 'rules for this machine come from a cluster; svc2nft lab runs manifests in network namespaces of its own',
  },
  { options: '--dry-run', commands: 'expose', advice: 'expose only prints, so the option is not needed' },
  {
    options: '--cluster --user --token --as --insecure-skip-tls-verify',
    commands: `agent ${readers}`,
    advice: 'a kubeconfig says that: --kubeconfig FILE and --context NAME choose one',
  },
];

/**
 * What to do without an option that a command does not have but that people may expect; undefined for any other.
 *
 * @param option as it was given, also `--context=name`.
 */
export function adviseOnOption(option: string, command: string): string | undefined {
  const name = option.replace(/=.*/s, '');
  const found = expectations.find(
    ({ options, commands }) => options.split(' ').includes(name) && commands.split(' ').includes(command),
  );
  return found?.advice;
}

/** Whether a word can only be meant as a command: it is not the name of a file, and does not look like one. */
export function looksLikeCommand(word: string, exists: (path: string) => boolean): boolean {
  return /^[^-./][^./]*$/.test(word) && !exists(word);
}
