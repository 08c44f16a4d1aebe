import { compareText } from '../lib/text.ts';
import type { Rule, Ruleset, Statement } from '../nft/ruleset.ts';
import { chainNames, setNames } from '../phases/5-plan/names.ts';

/** The settings of the node as texts; undefined where the rules do not tell. */
export type Settings = Readonly<Record<SettingName, readonly string[] | undefined>>;

/** A setting of the node, as people call it. */
export type SettingName =
  | 'masquerade mark'
  | 'masqueraded to cluster IPs'
  | 'pods'
  | 'node port addresses'
  | 'service CIDRs';

/** Reads the node's settings from the chains of the fixed kind, whose rules they shape, and from two sets. */
export function readSettings(ruleset: Ruleset): Settings {
  const services = rulesOf(chainNames.services, ruleset);
  const masquerading = rulesOf(chainNames.masquerading, ruleset);
  return {
    'masquerade mark': masquerading && readMark(masquerading),
    'masqueraded to cluster IPs': services && [readMasqueraded(services)],
    pods: services && readPods(services, ruleset),
    'node port addresses': services && readNodePortAddresses(services, ruleset),
    'service CIDRs': keysOf(setNames.serviceCidrs, ruleset),
  };
}

/** Undefined for a chain that is missing or holds rules that nobody understands. */
function rulesOf(name: string, { chains }: Ruleset): readonly Rule[] | undefined {
  const rules = chains.find((chain) => chain.name === name)?.rules;
  return rules?.every((rule) => rule.length > 0) ? rules : undefined;
}

function keysOf(name: string, { sets }: Ruleset): string[] {
  const elements = sets.find((set) => set.name === name)?.elements ?? [];
  return elements.map(({ key }) => key).sort(compareText);
}

function readMark(rules: readonly Rule[]): string[] {
  return rules
    .flat()
    .flatMap((statement) =>
      statement.kind === 'match-mark' ? [`0x${statement.mark.toString(16).padStart(8, '0')}`] : [],
    );
}

/** ip daddr @cluster-ips ip saddr != 10.244.0.0/16 meta mark set meta mark or 0x00004000 */
function markingRule(services: readonly Rule[]): Rule | undefined {
  return services.find((rule) => rule.some(({ kind }) => kind === 'set-mark'));
}

function readMasqueraded(services: readonly Rule[]): string {
  const rule = markingRule(services);
  if (!rule) {
    return 'nothing';
  }
  return rule.some(isSourceMatch) ? 'what comes from others than pods' : 'everything';
}

/**
 * How pods are told from others. Where everything is masqueraded, only the chains for external policy Local ask; without
 * any such chain nobody can tell.
 */
function readPods(services: readonly Rule[], { chains }: Ruleset): string[] | undefined {
  const rule = markingRule(services);
  const match = rule?.find(isSourceMatch);
  if (!rule || match) {
    return match ? [podsText(match)] : [];
  }
  for (const { rules } of chains) {
    const [first, last] = rules[0] ?? [];
    if (first && isSourceMatch(first) && last?.kind === 'goto') {
      return [podsText(first)];
    }
  }
  return undefined;
}

type Match = Extract<Statement, { kind: 'match' }>;

function isSourceMatch(statement: Statement): statement is Match {
  if (statement.kind !== 'match') {
    return false;
  }
  const { left } = statement;
  return left.kind === 'iifname' || (left.kind === 'address' && left.field === 'saddr');
}

function podsText({ left, right }: Match): string {
  return left.kind === 'iifname' ? `interface ${right}` : `${right}`;
}

function readNodePortAddresses(services: readonly Rule[], ruleset: Ruleset): string[] {
  const rule = services.find((statements) =>
    statements.some((statement) => statement.kind === 'vmap' && statement.map === setNames.serviceNodePorts),
  );
  const isListed = rule?.some((statement) => statement.kind === 'match-set' && statement.set === setNames.nodePortIps);
  return isListed ? keysOf(setNames.nodePortIps, ruleset) : ['all addresses of the node'];
}
