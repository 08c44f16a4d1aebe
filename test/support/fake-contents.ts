import type { Chain, Element, Rule, Ruleset, SetDeclaration, Statement } from '../../src/nft/ruleset.ts';
import { elementsOf } from '../../src/nft/ruleset-parts.ts';

/** A table while the fake kernel changes it. */
export interface Contents {
  readonly comment: string;
  readonly sets: Map<string, FakeSet>;
  readonly chains: Map<string, { readonly chain: Chain; readonly rules: Rule[] }>;
}

/** A set or map; every element by itself. */
export interface FakeSet {
  readonly declaration: SetDeclaration;
  readonly elements: Map<string, Element>;
}

/** A copy of a ruleset's data that may be changed. */
export function openContents({ comment, sets, chains }: Ruleset): Contents {
  return {
    comment,
    sets: new Map(
      sets.map(({ elements, lists, ...declaration }) => {
        const every = elementsOf(lists ? { ...declaration, elements, lists } : { ...declaration, elements });
        return [declaration.name, { declaration, elements: new Map(every.map((element) => [element.key, element])) }];
      }),
    ),
    chains: new Map(chains.map((chain) => [chain.name, { chain, rules: [...chain.rules] }])),
  };
}

/** The ruleset that a table holds. */
export function closeContents({ comment, sets, chains }: Contents): Pick<Ruleset, 'comment' | 'sets' | 'chains'> {
  return {
    comment,
    sets: [...sets.values()].map(({ declaration, elements }) => ({ ...declaration, elements: [...elements.values()] })),
    chains: [...chains.values()].map(({ chain, rules }) => ({ ...chain, rules })),
  };
}

/** Throws a refusal. */
export function need(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new Error(`refused: ${message}`);
  }
}

/** Whether a rule or an element leads to a chain. */
export function isChainInUse({ sets, chains }: Contents, name: string): boolean {
  return (
    [...chains.values()].some(({ rules }) => rules.flat().some((one) => targetsOf(one).includes(name))) ||
    [...sets.values()].some(({ elements }) =>
      [...elements.values()].some(({ value }) => value && 'chain' in value && value.chain === name),
    )
  );
}

/** Whether a rule reads or writes a set. */
export function isSetInUse({ chains }: Contents, name: string): boolean {
  return [...chains.values()].some(({ rules }) => rules.flat().some((one) => setOfStatement(one) === name));
}

/** Chains that a statement may go to. */
export function targetsOf(statement: Statement): readonly string[] {
  if ('chains' in statement) {
    return statement.chains;
  }
  return 'chain' in statement ? [statement.chain] : [];
}

/** The set or map that a statement names. */
export function setOfStatement(statement: Statement): string | undefined {
  if ('set' in statement) {
    return statement.set;
  }
  return 'map' in statement ? statement.map : undefined;
}
