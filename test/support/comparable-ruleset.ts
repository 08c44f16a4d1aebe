import type { Ruleset, Statement } from '../../src/nft/ruleset.ts';
import { setsOf } from '../../src/nft/ruleset-parts.ts';
import { isDispatchChainName } from '../../src/phases/5-plan/known-names.ts';

/**
 * A ruleset without the freedom that updates have: sets, elements and chains by name, endpoints of a list by their text,
 * without idle chains and the empty maps that they read.
 */
export function comparableRuleset({ sets, chains }: Ruleset): unknown {
  const verdicts = sets.flatMap(({ elements }) =>
    elements.flatMap(({ value }) => (value && 'kind' in value && value.kind === 'goto' ? [value.chain] : [])),
  );
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (!needed.has(name)) {
      needed.add(name);
      byName.get(name)?.rules.flat().flatMap(targetsOf).forEach(need);
    }
  };
  verdicts.forEach(need);
  const kept = chains.filter(({ name }) => needed.has(name) || !isDispatchChainName(name));
  const used = new Set(kept.flatMap(({ rules }) => rules.flatMap(setsOf)));
  const keptSets = sets.filter(
    ({ name, key, lists = [] }) => used.has(name) || lists.length > 0 || !key.includes('index'),
  );
  return {
    sets: sorted(
      keptSets.map(({ elements, lists = [], ...set }) => ({
        ...set,
        elements: sorted(elements),
        lists: sorted(
          lists.map(({ key, endpointAddresses }) => ({ key, endpointAddresses: sorted(endpointAddresses) })),
        ),
      })),
    ),
    chains: sorted(kept),
  };
}

function sorted(values: readonly object[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}

function targetsOf(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return [statement.chain];
    case 'random-goto':
      return statement.chains;
    default:
      return [];
  }
}
