import { compareText } from '../lib/text.ts';
import type { Rule, Ruleset, Statement, StatementOf } from '../nft/ruleset.ts';
import { elementsIn } from '../nft/ruleset-parts.ts';
import type { LocalDetector, NodePortAddresses } from '../phases/3-model/model.ts';
import { natPostrouting } from '../phases/5-plan/base-chains.ts';
import { kubeProxyNames } from '../phases/5-plan/kube-proxy-names.ts';
import { chainNames, setNames } from '../phases/5-plan/names.ts';
import { type IptablesChainKind, readIptablesName } from '../phases/5-plan-iptables/iptables-names.ts';
import { masqueradeMarksOf } from './follow-iptables-chains.ts';

/** Settings of the node as its rules reflect them; undefined where they do not. */
export interface SettingsInRules {
  readonly masqueradeMarks: readonly number[] | undefined;
  /** Which traffic to cluster IPs is masqueraded. */
  readonly masqueraded: 'no traffic' | 'traffic not from pods' | 'all traffic' | undefined;
  /** How packets of pods are recognized. */
  readonly detector: LocalDetector | 'none' | undefined;
  readonly nodePortAddresses: NodePortAddresses | undefined;
  /** What becomes of node ports at loopback addresses: of those in the set for that. */
  readonly localhostNodePorts: 'untouched' | 'refused' | undefined;
  /** Sorted. */
  readonly serviceCIDRs: readonly string[];
  /** Whether connections are counted; undefined without the map of frontends. */
  readonly counters: 'on' | 'off' | undefined;
}

/** Reads the node's settings from the fixed chains, whose rules they shape, and from three sets. */
export function readNodeSettings(ruleset: Ruleset): SettingsInRules {
  if (ruleset.language === 'iptables') {
    return readIptablesSettings(ruleset);
  }
  const services = rulesOf(chainNames.services, ruleset);
  const masquerading = rulesOf(kubeProxyNames.masquerading, ruleset) ?? rulesOf(natPostrouting.name, ruleset);
  const refusing = rulesOf(chainNames.outgoingRefusals, ruleset);
  return {
    masqueradeMarks: masquerading && readMarks(masquerading),
    masqueraded: services && readMasqueraded(services, ruleset),
    detector: services && readDetector(services, ruleset),
    nodePortAddresses: services && readNodePortAddresses(services, ruleset),
    localhostNodePorts: refusing && (refusing.some(refusesLocalhost) ? 'refused' : 'untouched'),
    serviceCIDRs: [...keysOf(setNames.serviceCidrs, ruleset), ...droppedRanges(ruleset)].sort(compareText),
    counters: readCounters(ruleset),
  };
}

/** Undefined for a chain that is missing or has rules that were not understood. */
function rulesOf(name: string, { chains }: Ruleset): readonly Rule[] | undefined {
  const rules = chains.find((chain) => chain.name === name)?.rules;
  return rules?.every((rule) => rule.length > 0) ? rules : undefined;
}

function keysOf(name: string, ruleset: Ruleset): string[] {
  return elementsIn(ruleset, name)
    .map(({ key }) => key)
    .sort(compareText);
}

/** ip daddr { 10.96.0.0/12, 10.112.0.0/16 } drop, in a table of kube-proxy */
function droppedRanges(ruleset: Ruleset): string[] {
  const rules = rulesOf(kubeProxyNames.clusterIpsCheck, ruleset) ?? [];
  return rules.flatMap(([match, verdict]) => {
    if (verdict?.kind === 'drop' && match?.kind === 'match-list') {
      return match.values;
    }
    return verdict?.kind === 'drop' && match?.kind === 'match' ? [String(match.right)] : [];
  });
}

function readCounters({ sets }: Ruleset): SettingsInRules['counters'] {
  const frontends = sets.find(({ name }) => name === setNames.serviceIps);
  return frontends && (frontends.counter ? 'on' : 'off');
}

function readMarks(rules: readonly Rule[]): number[] {
  return rules.flat().flatMap((statement) => (statement.kind === 'match-mark' ? [statement.mark] : []));
}

/**
 * ip saddr != 10.244.0.0/16 ip daddr @cluster-ips meta mark set meta mark or 0x00004000; before 1.36, kube-proxy has a rule for
 * each cluster IP: ip daddr 10.96.0.1 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
 */
function markingRule(services: readonly Rule[], { chains }: Ruleset): Rule | undefined {
  const ofAll = services.find((rule) => rule.some(({ kind }) => kind === 'set-mark'));
  const marks = (statement: Statement): boolean =>
    statement.kind === 'jump' && statement.chain === kubeProxyNames.markChain;
  const names = (statement: Statement): boolean => statement.kind === 'match' && statement.left.kind === 'dport';
  return ofAll ?? chains.flatMap(({ rules }) => rules).find((rule) => rule.some(marks) && rule.some(names));
}

function readMasqueraded(services: readonly Rule[], ruleset: Ruleset): SettingsInRules['masqueraded'] {
  const rule = markingRule(services, ruleset);
  if (!rule) {
    return 'no traffic';
  }
  return rule.some(isSourceMatch) ? 'traffic not from pods' : 'all traffic';
}

/**
 * With masqueradeAll, only the chains for external policy Local ask where a packet comes from; without any, the rules do
 * not show it.
 */
function readDetector(services: readonly Rule[], ruleset: Ruleset): SettingsInRules['detector'] {
  const rule = markingRule(services, ruleset);
  const match = rule?.find(isSourceMatch);
  if (!rule || match) {
    return match ? detectorOf(match) : 'none';
  }
  for (const { rules } of ruleset.chains) {
    // ip saddr 10.244.0.0/16 goto tcp-cluster-3
    const [first, last] = rules[0] ?? [];
    if (first && isSourceMatch(first) && last?.kind === 'goto') {
      return detectorOf(first);
    }
  }
  return undefined;
}

type Match = StatementOf<'match'>;

function isSourceMatch(statement: Statement): statement is Match {
  if (statement.kind !== 'match') {
    return false;
  }
  const { left } = statement;
  return left.kind === 'iifname' || (left.kind === 'address' && left.field === 'saddr');
}

function detectorOf({ left, right }: Match): LocalDetector {
  const text = String(right);
  if (left.kind !== 'iifname') {
    return { kind: 'source', cidr: text };
  }
  const prefix = text.endsWith('*');
  return { kind: 'interface', name: prefix ? text.slice(0, -1) : text, prefix };
}

function readNodePortAddresses(services: readonly Rule[], ruleset: Ruleset): NodePortAddresses {
  const rule = services.find((statements) =>
    statements.some((statement) => statement.kind === 'vmap' && statement.map === setNames.serviceNodePorts),
  );
  const isListed = rule?.some((statement) => statement.kind === 'match-set' && statement.set === setNames.nodePortIps);
  return isListed ? { kind: 'listed', addresses: keysOf(setNames.nodePortIps, ruleset) } : { kind: 'all' };
}

/** ip daddr 127.0.0.0/8 meta l4proto . th dport @localhost-nodeports goto reject-chain */
function refusesLocalhost(rule: Rule): boolean {
  return rule.some((statement) => statement.kind === 'match-set' && statement.set === setNames.localhostNodePorts);
}

/** The same from the chains of kube-proxy and svc2nft in rules of iptables. */
function readIptablesSettings(ruleset: Ruleset): SettingsInRules {
  const rulesIn = (table: string, ...of: readonly IptablesChainKind[]): Rule[] =>
    ruleset.chains.flatMap(({ name, rules }) => {
      const known = readIptablesName(name);
      return known?.table === table && of.includes(known.kind) ? rules : [];
    });
  const choosing = rulesIn('nat', 'cluster', 'local');
  return {
    masqueradeMarks: listOrNone(masqueradeMarksOf(ruleset)),
    ...(choosing.length > 0
      ? readClusterIPMarking(choosing, rulesIn('nat', 'external'))
      : { masqueraded: undefined, detector: undefined }),
    nodePortAddresses: readNodePortJumps(rulesIn('nat', 'services')),
    localhostNodePorts: undefined,
    serviceCIDRs: rulesIn('filter', 'services').flatMap(droppedRange).sort(compareText),
    counters: undefined,
  };
}

/** -d 10.96.0.10/32 ! -s 10.244.0.0/16 -p tcp --dport 80 -j KUBE-MARK-MASQ; with policy Local, -s 10.244.0.0/16 -j KUBE-SVC-X */
function readClusterIPMarking(
  choosing: readonly Rule[],
  external: readonly Rule[],
): Pick<SettingsInRules, 'masqueraded' | 'detector'> {
  const marking = choosing.filter((rule) => rule.some((one) => one.kind === 'match' && one.left.kind === 'dport'));
  const match = marking.flat().find(isSourceMatch);
  const podMatch = match ?? external.flat().find(isSourceMatch);
  const detector = podMatch && detectorOf(podMatch);
  if (marking.length === 0) {
    // Or no cluster IP has endpoints.
    return { masqueraded: detector ? undefined : 'no traffic', detector: detector ?? 'none' };
  }
  return { masqueraded: match ? 'traffic not from pods' : 'all traffic', detector };
}

function listOrNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** -d 192.0.2.11/32 -j KUBE-NODEPORTS, or -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS */
function readNodePortJumps(services: readonly Rule[]): NodePortAddresses | undefined {
  const jumps = services.filter((rule) =>
    rule.some((statement) => statement.kind === 'jump' && readIptablesName(statement.chain)?.kind === 'node-ports'),
  );
  const matches = jumps.flat().filter((statement) => statement.kind === 'match');
  if (matches.some(({ left }) => left.kind === 'fib-type')) {
    return { kind: 'all' };
  }
  const addresses = matches.flatMap(({ left, negated, right }) =>
    left.kind === 'address' && !negated ? [String(right)] : [],
  );
  return jumps.length > 0 ? { kind: 'listed', addresses: addresses.sort(compareText) } : undefined;
}

/** -d 10.96.0.0/16 -j DROP */
function droppedRange(rule: Rule): string[] {
  const matches = rule.filter((statement) => statement.kind === 'match');
  const [match, ...others] = matches;
  const isRange = match?.left.kind === 'address' && others.length === 0 && String(match.right).includes('/');
  return isRange && rule.some(({ kind }) => kind === 'drop') ? [String(match.right)] : [];
}
