import type { Mapping } from '../mapping.ts';
import type { Family } from '../network.ts';
import type { Chain, Hook, Rule } from '../phases/5-plan/ruleset.ts';
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
 * as an empty list.
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
  return { chain: { name, ...(hook && { hook }), rules: read }, oddities };
}

/** What a chain can have and none of ours has. */
function foreignParts(body: Mapping): string[] {
  const { type, hook, prio, policy = 'accept' } = body;
  const isBase = type !== undefined || hook !== undefined;
  return [
    ...(isBase && !readHook(body) ? [`type ${type} hook ${hook} priority ${prio}`] : []),
    ...(policy === 'accept' ? [] : [`policy ${policy}`]),
    ...['comment', 'dev', 'flags'].filter((field) => field in body),
  ];
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
