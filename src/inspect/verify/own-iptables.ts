/**
 * The rules of a Service proxy among all rules of iptables, kube-proxy's iptables mode (pkg/proxy/iptables) or svc2nft's own
 * (docs/iptables.md), and which rules it may have in its chains.
 */

import { type Cidr, isLoopback, rangeOf, singleAddress } from '../../net/address.ts';
import type { Chain, Rule, Ruleset, Statement, StatementOf } from '../../nft/ruleset.ts';
import { targetsOf } from '../../nft/ruleset-parts.ts';
import type { Expectations } from './expectations.ts';
import type { IptablesTraits } from './iptables-fates.ts';
import type { ConfiguredIptables } from './verification.ts';

/** The rules of one proxy in one family. */
export interface OwnRules {
  readonly layout: IptablesTraits['layout'];
  /** Its chains, and of the kernel's chains only the jumps to these. */
  readonly ruleset: Ruleset;
}

/** The rules of svc2nft, or else those of kube-proxy, without those of other programs; undefined if there are none of both. */
export function selectOwnRules(ruleset: Ruleset): OwnRules | undefined {
  for (const layout of ['svc2nft', 'kube-proxy'] as const) {
    const own = ruleset.chains.filter(({ name, rules }) => patterns[layout].test(name) && rules.length > 0);
    if (own.length > 0) {
      return { layout, ruleset: withoutOthers(ruleset, patterns[layout]) };
    }
  }
  return undefined;
}

/**
 * The names of chains. kube-router has others that begin with `KUBE-`, and kubelet has `KUBE-FIREWALL` in common with
 * kube-proxy.
 */
const patterns: Readonly<Record<IptablesTraits['layout'], RegExp>> = {
  svc2nft: /^\w+ SVC2NFT-/,
  'kube-proxy':
    /^\w+ KUBE-(?:(?:EXTERNAL-)?SERVICES|NODEPORTS|FORWARD|(?:PROXY-)?FIREWALL|POSTROUTING|MARK-(?:MASQ|DROP)|PROXY-CANARY|(?:SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16})$/,
};

function withoutOthers(ruleset: Ruleset, pattern: RegExp): Ruleset {
  const isOwnJump = (rule: Rule): boolean => rule.flatMap(targetsOf).some((chain) => pattern.test(chain));
  const chains = ruleset.chains.flatMap((chain): Chain[] => {
    if (pattern.test(chain.name)) {
      return [withoutKubelets(chain)];
    }
    return chain.hook ? [keepRules(chain, isOwnJump)] : [];
  });
  return { ...ruleset, chains };
}

/** Until Kubernetes 1.28, kubelet drops what other components have marked with a bit of its own. */
function withoutKubelets(chain: Chain): Chain {
  const isKubelets = (rule: Rule): boolean => rule.some(({ kind }) => kind === 'match-mark');
  return chain.name === 'filter KUBE-FIREWALL' ? keepRules(chain, (rule) => !isKubelets(rule)) : chain;
}

function keepRules(chain: Chain, isKept: (rule: Rule) => boolean): Chain {
  const kept = chain.rules.flatMap((rule, index) => (isKept(rule) ? [index] : []));
  return {
    ...chain,
    rules: kept.map((index) => chain.rules[index] ?? []),
    lines: kept.map((index) => chain.lines?.[index] ?? ''),
  };
}

/** What rules say of settings that no Kubernetes object has. */
export function readIptablesTraits(
  { layout, ruleset: { chains, family } }: OwnRules,
  configured: ConfiguredIptables,
): IptablesTraits {
  const { prefix, guard } = iptablesLayouts[layout];
  const rulesOf = (name: string): readonly Rule[] => chains.find((chain) => chain.name === name)?.rules ?? [];
  const toNodePorts = rulesOf(`nat ${prefix}SERVICES`).filter((rule) =>
    rule.some((statement) => statement.kind === 'jump' && statement.chain === `nat ${prefix}NODEPORTS`),
  );
  const served = family === 'ip' ? toNodePorts.flatMap((rule) => servedLoopback(rule) ?? []) : [];
  const guardsLoopback = rulesOf(`filter ${prefix}${guard}`).some((rule) => rule.some(({ kind }) => kind === 'drop'));
  // Rules of svc2nft follow other options.
  const { loopbackNodePorts = served[0] } = layout === 'kube-proxy' ? configured : {};
  return { layout, loopbackNodePorts: loopbackNodePorts ?? undefined, guardsLoopback };
}

/** What most rules of kube-proxy say of settings that its configuration does not have. */
export function readMasquerading(
  { layout, ruleset: { chains } }: OwnRules,
  configured: ConfiguredIptables,
): Partial<Pick<Expectations, 'masqueradeAll' | 'masqueradeMark'>> {
  if (layout === 'svc2nft') {
    return {};
  }
  const rules = chains.flatMap((chain) => chain.rules);
  const marks = rules.flat().flatMap((one) => (one.kind === 'set-mark' || one.kind === 'match-mark' ? [one.mark] : []));
  const shapes = chains
    .filter(({ name }) => kindOfChain(name) === 'nat SVC')
    .flatMap((chain) => chain.rules.map(shapeOfRule));
  const countOf = (shape: RegExp): number => shapes.filter((one) => shape.test(one)).length;
  const mark = mostFrequent(marks);
  return {
    ...(configured.masqueradeAll === undefined && {
      masqueradeAll: countOf(/^--dport.*> MARK-MASQ$/) > countOf(/^! .*> MARK-MASQ$/),
    }),
    ...(configured.masqueradeBit === undefined && mark !== undefined && { masqueradeMark: mark }),
  };
}

function mostFrequent(values: readonly number[]): number | undefined {
  const countOf = (value: number): number => values.filter((one) => one === value).length;
  return [...new Set(values)].sort((a, b) => countOf(b) - countOf(a))[0];
}

/** The loopback addresses to which a rule for node ports applies. */
function servedLoopback(rule: Rule): Cidr | undefined {
  const destinations = rule.filter(isDestination);
  if (destinations.some(({ negated }) => negated)) {
    return undefined;
  }
  const [only] = destinations;
  if (!only) {
    return rangeOf('127.0.0.0/8');
  }
  const address = String(only.right);
  return isLoopback(address) ? singleAddress(address) : undefined;
}

type Destination = Extract<Statement, { kind: 'match' }>;

function isDestination(statement: Statement): statement is Destination {
  return statement.kind === 'match' && statement.left.kind === 'address' && statement.left.field === 'daddr';
}

/** The chains of one proxy. Kinds of chains are their names without prefix and hash, `nat SVC` for `nat KUBE-SVC-I5LIAMPLWKMBJ54B`. */
export interface IptablesLayout {
  readonly prefix: string;
  /** The chain that closes loopback addresses to others. */
  readonly guard: string;
  /** By kind of chain, the shapes of rules that it may have. */
  readonly shapes: Readonly<Record<string, readonly string[]>>;
  /** Shapes that are always there. */
  readonly required: Readonly<Record<string, readonly string[]>>;
  /** The jumps from the kernel's chains. */
  readonly jumps: readonly IptablesJump[];
}

/** A jump from a chain of the kernel. */
export interface IptablesJump {
  readonly from: string;
  readonly to: string;
  readonly shape: string;
  /** Whether it is for packets that start a connection alone. */
  readonly isForNew: boolean;
}

function jumps(to: string, from: readonly string[], { isForNew = false, shape = `> ${to}` } = {}): IptablesJump[] {
  return from.map((chain) => ({ from: chain, to: `${chain.split(' ')[0]} ${to}`, shape, isForNew }));
}

const frontend = '--dport -d -p';
const nodePort = '--dport -p';
const postrouting = ['! --mark return', 'mark-xor', 'masquerade'];
const forward = ['--mark accept', 'never accept'];
const toNodePorts = ['-d > NODEPORTS', 'dst-local > NODEPORTS', '! -d dst-local > NODEPORTS'];
const forPods = ['-s > SVC', '-i > SVC'];
const notForPods = ['', '! -s ', '! -i '];
const isForNew = { isForNew: true };

const kubeProxy: IptablesLayout = {
  prefix: 'KUBE-',
  guard: 'FIREWALL',
  shapes: {
    'nat SERVICES': [...['SVC', 'SVL', 'EXT', 'FW'].map((chain) => `${frontend} > ${chain}`), ...toNodePorts],
    'nat NODEPORTS': [`${nodePort} > EXT`, `${frontend} > EXT`],
    'nat EXT': ['> MARK-MASQ', '> SVC', '> SVL', 'src-local > MARK-MASQ', 'src-local > SVC', ...forPods],
    // Its last rule is a comment.
    'nat FW': ['-s > EXT', ''],
    'nat SVC': [...notForPods.map((not) => `${not}${frontend} > MARK-MASQ`), '> SEP', 'listed > SEP', 'random > SEP'],
    'nat SEP': ['-s > MARK-MASQ', '-p dnat', '-p list dnat'],
    'nat MARK-MASQ': ['mark-or'],
    'nat POSTROUTING': postrouting,
    'filter SERVICES': [`${frontend} reject`, `${frontend} drop`],
    'filter EXTERNAL-SERVICES': [frontend, `${nodePort} dst-local`].flatMap((what) => [
      `${what} reject`,
      `${what} drop`,
    ]),
    'filter NODEPORTS': [`${nodePort} accept`],
    'filter FORWARD': [...forward, 'never drop'],
    'filter PROXY-FIREWALL': [`${frontend} drop`],
    'filter FIREWALL': ['! -s ! translated -d drop'],
  },
  required: { 'nat MARK-MASQ': ['mark-or'], 'nat POSTROUTING': postrouting, 'filter FORWARD': forward },
  jumps: [
    ...jumps('SERVICES', ['nat PREROUTING', 'nat OUTPUT']),
    ...jumps('POSTROUTING', ['nat POSTROUTING']),
    ...jumps('SERVICES', ['filter FORWARD', 'filter OUTPUT'], isForNew),
    ...jumps('EXTERNAL-SERVICES', ['filter INPUT', 'filter FORWARD'], isForNew),
    ...jumps('PROXY-FIREWALL', ['filter INPUT', 'filter FORWARD', 'filter OUTPUT'], isForNew),
    ...jumps('NODEPORTS', ['filter INPUT']),
    ...jumps('FORWARD', ['filter FORWARD']),
    ...jumps('FIREWALL', ['filter INPUT', 'filter OUTPUT']),
  ],
};

const refusals = ['reject', 'tcp-reset', 'drop'];
const toFrontends = ['SVC', 'SVL', 'EXT', 'FW'].map((chain) => `${frontend} goto ${chain}`);
const filterHooks = ['filter INPUT', 'filter FORWARD', 'filter OUTPUT'];

function untranslated(chain: string): { isForNew: boolean; shape: string } {
  return { isForNew: true, shape: `! translated > ${chain}` };
}

const svc2nft: IptablesLayout = {
  prefix: 'SVC2NFT-',
  guard: 'LOOPBACK',
  shapes: {
    'nat SERVICES': [...toFrontends, '-d goto TO', ...toNodePorts],
    'nat TO': [...toFrontends, '-d goto TO', ...toNodePorts],
    'nat NODEPORTS': [`${nodePort} goto EXT`, '-p ports goto PORTS'],
    'nat PORTS': [`${nodePort} goto EXT`],
    'nat EXT': ['mark-or', '> SVC', '> SVL', 'src-local mark-or', 'src-local > SVC', ...forPods],
    'nat FW': ['-s > EXT'],
    'nat SVC': [
      ...notForPods.map((not) => `${not}${frontend} mark-or`),
      ...['> SEP', 'listed > SEP', 'random > SEP'],
      ...['', 'random ', 'list ', 'list random ', 'list listed '].map((how) => `-p ${how}dnat`),
    ],
    'nat SEP': ['-s mark-or', '-p dnat', '-p list dnat'],
    'nat POSTROUTING': postrouting,
    'filter SERVICES': [...refusals.map((what) => `${frontend} ${what}`), '-d > CLUSTER-IPS', '-d drop'],
    'filter CLUSTER-IPS': ['-d > REJECT'],
    'filter REJECT': ['-p tcp-reset', 'reject'],
    'filter EXTERNAL': [...refusals.map((what) => `${frontend} ${what}`), ...toNodePorts],
    'filter NODEPORTS': refusals.map((what) => `${nodePort} ${what}`),
    'filter FIREWALL': [`${frontend} drop`],
    'filter HEALTH-CHECKS': [`${nodePort} accept`],
    'filter FORWARD': [...forward, 'never drop'],
    'filter LOOPBACK': ['! translated drop'],
  },
  required: { 'nat POSTROUTING': postrouting, 'filter FORWARD': [...forward, 'never drop'] },
  jumps: [
    ...jumps('SERVICES', ['nat PREROUTING', 'nat OUTPUT']),
    ...jumps('POSTROUTING', ['nat POSTROUTING']),
    ...jumps('FIREWALL', filterHooks, untranslated('FIREWALL')),
    ...jumps('EXTERNAL', filterHooks, untranslated('EXTERNAL')),
    ...jumps('SERVICES', ['filter FORWARD', 'filter OUTPUT'], untranslated('SERVICES')),
    ...jumps('HEALTH-CHECKS', ['filter INPUT']),
    ...jumps('FORWARD', ['filter FORWARD']),
    ...jumps('LOOPBACK', ['filter INPUT'], { shape: '! -i -d > LOOPBACK' }),
  ],
};

/** The chains of each proxy. */
export const iptablesLayouts: Readonly<Record<IptablesTraits['layout'], IptablesLayout>> = {
  'kube-proxy': kubeProxy,
  svc2nft,
};

/** The kind of a chain: `nat SVC`. Chains for local endpoints have the rules of those for all. */
export function kindOfChain(name: string): string {
  const kind = name.replace(/^(\w+) (?:KUBE|SVC2NFT)-/, '$1 ').replace(/-(?:[A-Z2-7]{16}|(?:TCP|UDP|SCTP)-\d+)$/, '');
  return kind === 'nat SVL' ? 'nat SVC' : kind;
}

/** What a rule matches, and its target, in this order: `--dport -d -p > SVC`. Comments and counters are left out. */
export function shapeOfRule(rule: Rule): string {
  const words = rule.flatMap(wordOf);
  const targets = rule.flatMap(targetOf);
  return [...words.sort(), ...targets].join(' ');
}

function wordOf(statement: Statement): string[] {
  switch (statement.kind) {
    case 'comment':
    case 'counter':
      return [];
    case 'match':
      return [negatedWord(statement, wordOfMatch(statement))];
    case 'match-mark':
      return [negatedWord(statement, '--mark')];
    case 'match-translated':
      return [negatedWord(statement, 'translated')];
    case 'match-set':
      return [negatedWord(statement, 'listed')];
    case 'match-random':
      return ['random'];
    case 'match-ports':
      return [negatedWord(statement, 'ports')];
    case 'update':
      return ['list'];
    default:
      return targetOf(statement).length > 0 ? [] : [statement.kind];
  }
}

function negatedWord({ negated = false }: { readonly negated?: boolean }, word: string): string {
  return negated ? `! ${word}` : word;
}

function wordOfMatch({ left }: StatementOf<'match'>): string {
  switch (left.kind) {
    case 'address':
      return left.field === 'saddr' ? '-s' : '-d';
    case 'iifname':
      return '-i';
    case 'l4proto':
      return '-p';
    case 'dport':
      return '--dport';
    case 'fib-type':
      return left.field === 'saddr' ? 'src-local' : 'dst-local';
    default:
      return left.kind;
  }
}

function targetOf(statement: Statement): string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto': {
      const [, kind] = kindOfTarget(statement.chain);
      return [statement.kind === 'goto' ? `goto ${kind}` : `> ${kind}`];
    }
    case 'set-mark':
      return [`mark-${statement.operator}`];
    case 'dnat':
    case 'accept':
    case 'drop':
    case 'reject':
    case 'tcp-reset':
    case 'return':
    case 'masquerade':
      return [statement.kind];
    default:
      return [];
  }
}

/** Chains for local endpoints have a kind of their own as targets. */
function kindOfTarget(chain: string): readonly [table: string, kind: string] {
  const [table = '', name = ''] = chain.split(' ');
  return [table, name.includes('-SVL-') ? 'SVL' : (kindOfChain(chain).split(' ')[1] ?? '')];
}
