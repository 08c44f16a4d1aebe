import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Chain, Element, FilledSet, Ruleset, Statement } from '../../../src/nft/ruleset.ts';
import { firewallSets } from '../../../src/phases/5-plan/firewall.ts';
import { rulesetOf, service } from './shop.ts';

/** What should be there: shop/cart with three endpoints. */
export const compiled: Ruleset = rulesetOf({
  services: [service('cart', ['1.10', '2.20', '3.30'], { port: { nodePort: 30080 }, ingress: ['198.18.0.10'] })],
});

/** What applying the compiled ruleset would repair. */
export function linesToRepair(found: Ruleset): string[] {
  return renderChanges(describeChanges(found, compiled), { color: false });
}

/** With other contents of a set. */
export function withSet(
  name: string,
  change: (set: FilledSet) => Partial<FilledSet>,
  ruleset: Ruleset = compiled,
): Ruleset {
  return { ...ruleset, sets: ruleset.sets.map((set) => (set.name === name ? { ...set, ...change(set) } : set)) };
}

/** With other elements of a set. */
export function withElements(name: string, change: (element: Element) => Element): Ruleset {
  return withSet(name, ({ elements }) => ({ elements: elements.map(change) }));
}

/** With source ranges for a frontend, which admit no client. */
export function withoutSources(guarded: Element, ruleset: Ruleset = compiled): Ruleset {
  const sets = firewallSets.map((set) => ({ ...set, elements: set.key.length === 3 ? [guarded] : [] }));
  return { ...ruleset, sets: [...ruleset.sets, ...sets] };
}

/** With other rules in a chain. */
export function withChain(name: string, rules: Chain['rules'], ruleset: Ruleset = compiled): Ruleset {
  const chain = { name, rules };
  const others = ruleset.chains.filter((one) => one.name !== name);
  return { ...ruleset, chains: [...others, chain] };
}

/** goto CHAIN */
export function goTo(chain: string): Statement {
  return { kind: 'goto', chain };
}
