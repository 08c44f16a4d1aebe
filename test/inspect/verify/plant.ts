import type { EndpointAddress } from '../../../src/net/network.ts';
import type { Chain, Element, FilledSet, Rule, Ruleset, Statement } from '../../../src/nft/ruleset.ts';

/** A change to a ruleset; rulesets of the other family, which lack the part, stay as they are. */
export type Plant = (ruleset: Ruleset) => Ruleset;

/** Changes the endpoints of one frontend, `10.96.0.10 . 80`, in an endpoint map. */
export function endpoints(
  map: string,
  frontend: string,
  change: (endpointAddresses: readonly EndpointAddress[]) => EndpointAddress[],
): Plant {
  return set(map, ({ lists = [] }) => ({
    lists: lists.map((list) =>
      list.key === frontend ? { ...list, endpointAddresses: change(list.endpointAddresses) } : list,
    ),
  }));
}

/** Adds an element to a set or map. */
export function addElement(name: string, element: Element): Plant {
  return set(name, ({ elements }) => ({ elements: [...elements, element] }));
}

/** Removes the elements whose key begins with `start`. */
export function removeElements(name: string, start: string): Plant {
  return set(name, ({ elements }) => ({ elements: elements.filter(({ key }) => !key.startsWith(start)) }));
}

/** Changes the elements whose key begins with `start`. */
export function changeElements(name: string, start: string, change: (element: Element) => Element): Plant {
  return set(name, ({ elements }) => ({
    elements: elements.map((element) => (element.key.startsWith(start) ? change(element) : element)),
  }));
}

/** Changes a set or map. */
export function set(name: string, change: (set: FilledSet) => Partial<FilledSet>): Plant {
  return (ruleset) => ({
    ...ruleset,
    sets: ruleset.sets.map((one) => (one.name === name ? { ...one, ...change(one) } : one)),
  });
}

/** Changes a chain. */
export function chain(name: string, change: (chain: Chain) => Partial<Chain>): Plant {
  return (ruleset) => ({
    ...ruleset,
    chains: ruleset.chains.map((one) => (one.name === name ? { ...one, ...change(one) } : one)),
  });
}

/** Changes all rules of a chain, by one statement's kind. */
export function statements(
  name: string,
  kind: Statement['kind'],
  change: (statement: Statement) => Statement[],
): Plant {
  return chain(name, ({ rules }) => ({
    rules: rules.map((rule) => rule.flatMap((each) => (each.kind === kind ? change(each) : [each]))),
  }));
}

/** Removes a rule of a chain, by its position. */
export function removeRule(name: string, position: number): Plant {
  return chain(name, ({ rules }) => ({ rules: rules.filter((_, index) => index !== position) }));
}

/** Puts a rule before those of a chain. */
export function addRule(name: string, ...rule: Rule): Plant {
  return chain(name, ({ rules }) => ({ rules: [rule, ...rules] }));
}

/** Puts a rule behind those of a chain. */
export function appendRule(name: string, ...rule: Rule): Plant {
  return chain(name, ({ rules }) => ({ rules: [...rules, rule] }));
}

/** Adds chains, for IPv4 only. */
export function addChains(...added: readonly Chain[]): Plant {
  return (ruleset) => (ruleset.family === 'ip' ? { ...ruleset, chains: [...ruleset.chains, ...added] } : ruleset);
}
