import type { Mapping } from '../../lib/unknown-values.ts';
import type { Family, Protocol } from '../../net/network.ts';
import { l4proto, protocolOf } from '../expressions.ts';
import type { Deviation } from '../listed-table.ts';
import type { Chain, Hook, Rule, Statement } from '../ruleset.ts';
import { wordFor } from './json-values.ts';
import { readProtocol } from './read-expression.ts';
import { readStatement } from './read-statement.ts';

/** A chain as nft prints it: its own body, and those of its rules. */
interface ChainObject {
  readonly name: string;
  readonly body: Mapping;
  readonly rules: readonly Mapping[];
}

/** A chain, and what is odd about it. */
interface ListedChain {
  readonly chain: Chain;
  readonly deviations: readonly Deviation[];
}

/**
 * Reads a chain. A base chain that is not understood comes without a hook, a rule that is not understood or has a comment
 * as an empty list. A policy that is not accept stands for such a rule at the end.
 */
export function readChain({ name, body, rules }: ChainObject, family: Family): ListedChain {
  const deviations = foreignParts(body).map(
    (part): Deviation => ({ message: `chain ${name}: unexpected ${part}`, needsRebuild: true }),
  );
  const hook = readHook(body);
  const read = rules.map((rule, index): Rule => {
    const problem = 'comment' in rule ? 'has a comment' : 'is not understood';
    const understood = 'comment' in rule ? undefined : readRule(rule['expr'], family);
    if (!understood) {
      deviations.push({ message: `chain ${name}: rule ${index + 1} ${problem}`, needsRebuild: false });
    }
    return understood ?? [];
  });
  const { policy = 'accept' } = body;
  const all = policy === 'accept' ? read : [...read, []];
  return { chain: { name, ...(hook && { hook }), rules: all }, deviations };
}

/** What a chain can have and none of ours has. */
function foreignParts(body: Mapping): string[] {
  const { policy = 'accept' } = body;
  const isBase = 'type' in body || 'hook' in body || 'prio' in body;
  return [
    ...(isBase && !readHook(body) ? [describeHook(body)] : []),
    ...(policy === 'accept' ? [] : [`policy ${wordFor(policy)}`]),
    ...['comment', 'dev', 'flags'].filter((field) => field in body),
  ];
}

/** `type route hook output priority 0`, `type filter without hook and priority`. */
function describeHook({ type, hook, prio }: Mapping): string {
  const parts = Object.entries({ type, hook, priority: prio });
  const known = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${wordFor(value)}`]));
  const missing = parts.flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (known.length === 0) {
    return 'empty type';
  }
  return missing.length === 0 ? known.join(' ') : `${known.join(' ')} without ${missing.join(' and ')}`;
}

function readHook({ type, hook, prio }: Mapping): Hook | undefined {
  const knownType = types.find((known) => known === type);
  const knownHook = hooks.find((known) => known === hook);
  return knownType && knownHook && typeof prio === 'number'
    ? { type: knownType, hook: knownHook, priority: prio }
    : undefined;
}

const types: readonly Hook['type'][] = ['filter', 'nat'];
const hooks: readonly Hook['hook'][] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** A rule, given its `expr`; undefined when a part of it is not understood. */
function readRule(json: unknown, family: Family): Rule | undefined {
  const rule: Statement[] = [];
  for (const part of Array.isArray(json) ? json : []) {
    const protocol = protocolAskedBy(rule.at(-1));
    const statement = readStatement(part, { family, protocol });
    if (!statement) {
      return undefined;
    }
    if (statement.kind === 'dnat') {
      // Its protocol is the match before it.
      rule.pop();
    }
    rule.push(statement);
  }
  return rule.length === 0 ? undefined : withProtocol(rule);
}

/**
 * The rule as it was written: nft does not print a match for the protocol where a port of that protocol (`tcp dport`)
 * follows, which the compiler writes in front of all such lookups but those that pick an endpoint at random.
 */
function withProtocol(rule: readonly Statement[]): Rule {
  const asked = protocolAskedBy(rule[0]);
  const rest = asked === undefined ? rule : rule.slice(1);
  const [lookup] = rest;
  if (lookup?.kind !== 'match-set' && lookup?.kind !== 'dnat-map') {
    return rule;
  }
  const protocol = lookup.key.map(protocolOf).find((found) => found !== undefined);
  if (protocol === undefined || (asked !== undefined && asked !== protocol)) {
    return rule;
  }
  const isPick = lookup.key.some(({ kind }) => kind === 'numgen');
  return isPick ? rest : [{ kind: 'match', left: l4proto, right: protocol }, ...rest];
}

/** The protocol of `meta l4proto tcp`; undefined for other statements. */
function protocolAskedBy(statement: Statement | undefined): Protocol | undefined {
  const isQuestion = statement?.kind === 'match' && statement.left.kind === 'l4proto' && !statement.negated;
  return isQuestion ? readProtocol(statement.right) : undefined;
}
