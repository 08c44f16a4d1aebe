import type { Mapping } from '../mapping.ts';
import type { Family } from '../network.ts';
import type { Chain, Hook, Rule } from '../phases/5-plan/ruleset.ts';
import { wordFor } from './json-shapes.ts';
import type { Oddity } from './listing.ts';
import { readRule } from './read-rule.ts';

/** A chain as nft prints it: its own body, and those of its rules. */
interface ChainObject {
  readonly name: string;
  readonly body: Mapping;
  readonly rules: readonly Mapping[];
}

/** A chain, and what is odd about it. */
export interface ListedChain {
  readonly chain: Chain;
  readonly oddities: readonly Oddity[];
}

/**
 * Reads a chain. A base chain that is not understood comes without a hook, a rule that is not understood or has a comment
 * as an empty list. A policy that is not accept stands for such a rule at the end.
 */
export function readChain({ name, body, rules }: ChainObject, family: Family): ListedChain {
  const oddities = foreignParts(body).map(
    (part): Oddity => ({ message: `chain ${name}: no chain of ours has ${part}`, needsRebuild: true }),
  );
  const hook = readHook(body);
  const read = rules.map((rule, index): Rule => {
    const problem = 'comment' in rule ? 'has a comment' : 'is not understood';
    const understood = 'comment' in rule ? undefined : readRule(rule['expr'], family);
    if (!understood) {
      oddities.push({ message: `chain ${name}: rule ${index + 1} ${problem}`, needsRebuild: false });
    }
    return understood ?? [];
  });
  const { policy = 'accept' } = body;
  const all = policy === 'accept' ? read : [...read, []];
  return { chain: { name, ...(hook && { hook }), rules: all }, oddities };
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
    return 'an empty type';
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
