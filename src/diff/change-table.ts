import { isDeepStrictEqual } from 'node:util';
import type { Command } from '../nft/command.ts';
import type { Chain, SetDeclaration } from '../nft/ruleset.ts';
import { setsOf } from '../nft/ruleset-parts.ts';
import { tableComment } from '../phases/5-plan/names.ts';
import { changeElements } from './change-elements.ts';
import type { DesiredParts, TableState } from './table-state.ts';

/**
 * The commands that bring a table to the desired parts; `actual` is changed as the kernel's table will be.
 *
 * Removals come first, in reverse order of creation: rules, elements, sets, chains. Additions follow in order of
 * dependency: sets, chains, rules, elements. A transaction that only touches elements has no command that makes the
 * kernel validate the whole table again.
 */
export function changeTable(actual: TableState, desired: DesiredParts): Command[] {
  const { deleted, added } = changeSets(actual, desired);
  const replaced = new Set(added.map(({ name }) => name).filter((name) => deleted.some((set) => set.name === name)));
  const chains = changeChains(actual.chains, desired.chains, replaced);
  const elements = changeElements(actual, desired);
  const isNew = !actual.exists;
  actual.exists = true;
  return [
    ...(isNew ? [{ kind: 'add-table', comment: tableComment } as const] : []),
    ...chains.flushed.map((chain) => ({ kind: 'flush-chain', chain }) as const),
    ...elements.removals,
    ...deleted.map((set) => ({ kind: 'delete-set', set }) as const),
    ...chains.deleted.map((chain) => ({ kind: 'delete-chain', chain }) as const),
    ...added.map((set) => ({ kind: 'add-set', set }) as const),
    ...chains.added.map((chain) => ({ kind: 'add-chain', chain }) as const),
    ...chains.written.flatMap(({ name, rules }) =>
      rules.map((rule) => ({ kind: 'add-rule', chain: name, rule }) as const),
    ),
    ...elements.additions,
  ];
}

/** A set whose declaration changed is deleted and added again, empty. */
function changeSets(
  { sets }: TableState,
  desired: DesiredParts,
): { deleted: SetDeclaration[]; added: SetDeclaration[] } {
  const deleted: SetDeclaration[] = [];
  const added: SetDeclaration[] = [];
  for (const [name, declaration] of desired.sets) {
    const before = sets.get(name)?.declaration;
    if (isDeepStrictEqual(before, declaration)) {
      continue;
    }
    if (before) {
      deleted.push(before);
      sets.delete(name);
    }
    if (declaration) {
      added.push(declaration);
      sets.set(name, { declaration, elements: new Map(), lists: new Map() });
    }
  }
  return { deleted, added };
}

/** Names of the chains to flush and to delete, the chains to add, and those whose rules are written. */
interface ChainChanges {
  readonly flushed: readonly string[];
  readonly deleted: readonly string[];
  readonly added: readonly Chain[];
  readonly written: readonly Chain[];
}

/**
 * Changes `actual` to the desired chains. All rules of a chain are written together, because nft replaces single rules
 * only by handle. The hook of a chain never changes: see foreignHooks.
 *
 * @param replaced names of sets that are deleted and added again: rules that use them have to be removed in between.
 */
function changeChains(
  actual: Map<string, Chain>,
  desired: DesiredParts['chains'],
  replaced: ReadonlySet<string>,
): ChainChanges {
  const flushed: string[] = [];
  const deleted: string[] = [];
  const added: Chain[] = [];
  const written: Chain[] = [];
  for (const [name, chain] of withUsersOf(replaced, actual, desired)) {
    const before = actual.get(name);
    if (before && chain && isDeepStrictEqual(before.rules, chain.rules) && !usesAny(chain, replaced)) {
      continue;
    }
    if (before && before.rules.length > 0) {
      flushed.push(name);
    }
    if (chain) {
      actual.set(name, chain);
      written.push(chain);
    } else if (before) {
      actual.delete(name);
      deleted.push(name);
    }
    if (chain && !before) {
      added.push(chain);
    }
  }
  return { flushed, deleted, added, written };
}

/** The desired chains, and those that stay as they are but use a replaced set. */
function withUsersOf(
  replaced: ReadonlySet<string>,
  actual: ReadonlyMap<string, Chain>,
  desired: DesiredParts['chains'],
): DesiredParts['chains'] {
  if (replaced.size === 0) {
    return desired;
  }
  const users = [...actual.values()].filter((chain) => !desired.has(chain.name) && usesAny(chain, replaced));
  return new Map([...desired, ...users.map((chain) => [chain.name, chain] as const)]);
}

function usesAny({ rules }: Chain, sets: ReadonlySet<string>): boolean {
  return sets.size > 0 && rules.some((rule) => setsOf(rule).some((name) => sets.has(name)));
}
