import type { Chain, Hook, Ruleset } from '../phases/5-plan/ruleset.ts';
import { checkChains } from './check-chains.ts';
import { checkStatement } from './check-statement.ts';
import { indexSet } from './index-set.ts';
import type { BaseChain, IndexedRuleset, IndexedSet } from './indexed-ruleset.ts';
import { UnknownRule } from './unknown-rule.ts';

/**
 * Prepares a ruleset for any number of walks; takes time in proportion to its elements. Throws `UnknownRule` for whatever
 * the walker does not understand and for what nft would refuse: unknown kinds, dangling names, keys that do not fit,
 * loops, translation in the wrong hook.
 */
export function indexRuleset(ruleset: Ruleset): IndexedRuleset {
  const { family } = ruleset;
  const sets = new Map<string, IndexedSet>();
  for (const set of ruleset.sets) {
    refuseSecond(sets, set.name, { set: set.name });
    sets.set(set.name, indexSet(set, family));
  }
  const chains = new Map<string, Chain>();
  for (const chain of ruleset.chains) {
    refuseSecond(chains, chain.name, { chain: chain.name });
    chains.set(chain.name, chain);
  }
  const names = { family, sets, chains };
  for (const chain of ruleset.chains) {
    for (const [rule, statements] of chain.rules.entries()) {
      for (const statement of statements) {
        checkStatement(statement, names, { chain: chain.name, rule });
      }
    }
  }
  checkChains(names);
  return { ...names, hooks: sortBaseChains(ruleset.chains) };
}

/**
 * The priority at which a chain is called. NAT chains are called at that of the kernel's own NAT, whatever they ask for;
 * their priorities only order them among themselves.
 */
function callingPriority({ hook: { type, hook, priority } }: BaseChain): number {
  if (type === 'filter') {
    return priority;
  }
  return hook === 'prerouting' || hook === 'output' ? -100 : 100;
}

function sortBaseChains(chains: readonly Chain[]): IndexedRuleset['hooks'] {
  const sorted = chains
    .filter((chain): chain is BaseChain => chain.hook !== undefined)
    .sort((a, b) => callingPriority(a) - callingPriority(b) || a.hook.priority - b.hook.priority);
  const of = (hook: Hook['hook']): BaseChain[] => {
    const called = sorted.filter((chain) => chain.hook.hook === hook);
    const undecided = called.find((chain, index) => haveOnePlace(chain, called[index + 1]));
    if (undecided) {
      throw new UnknownRule({ chain: undecided.name }, `another chain has the same priority in the ${hook} hook`);
    }
    return called;
  };
  return {
    prerouting: of('prerouting'),
    input: of('input'),
    forward: of('forward'),
    output: of('output'),
    postrouting: of('postrouting'),
  };
}

function haveOnePlace(chain: BaseChain, next: BaseChain | undefined): boolean {
  if (!next || callingPriority(chain) !== callingPriority(next)) {
    return false;
  }
  return chain.hook.type !== next.hook.type || chain.hook.priority === next.hook.priority;
}

function refuseSecond(
  known: ReadonlyMap<string, unknown>,
  name: string,
  place: { set: string } | { chain: string },
): void {
  if (known.has(name)) {
    throw new UnknownRule(place, 'declared twice');
  }
}
