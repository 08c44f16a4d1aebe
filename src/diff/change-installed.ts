import { isDeepStrictEqual } from 'node:util';
import type { Command } from '../nft/command.ts';
import type { Chain, SetDeclaration } from '../nft/ruleset.ts';
import { setsOf } from '../nft/ruleset-parts.ts';
import { tableComment } from '../phases/5-plan/names.ts';
import { changeElements } from './change-elements.ts';
import type { Installed, Wanted } from './installed.ts';

/**
 * Brings a table to what is wanted of it: changes `installed`, and returns the commands that do the same in the kernel.
 *
 * What is in the way goes first and in the reverse order of its making: rules, elements, sets, chains; then what is new
 * comes, each after what it needs: sets, chains, rules, elements. So a transaction that only touches elements has no
 * command that makes the kernel look at the whole table again.
 */
export function changeInstalled(installed: Installed, wanted: Wanted): Command[] {
  const { gone, fresh } = changeSets(installed, wanted);
  const replaced = new Set(fresh.map(({ name }) => name).filter((name) => gone.some((set) => set.name === name)));
  const chains = changeChains(installed.chains, wanted.chains, replaced);
  const elements = changeElements(installed, wanted);
  const isNew = !installed.exists;
  installed.exists = true;
  return [
    ...(isNew ? [{ kind: 'add-table', comment: tableComment } as const] : []),
    ...chains.flushed.map((chain) => ({ kind: 'flush-chain', chain }) as const),
    ...elements.removals,
    ...gone.map((set) => ({ kind: 'delete-set', set }) as const),
    ...chains.gone.map((chain) => ({ kind: 'delete-chain', chain }) as const),
    ...fresh.map((set) => ({ kind: 'add-set', set }) as const),
    ...chains.fresh.map((chain) => ({ kind: 'add-chain', chain }) as const),
    ...chains.written.flatMap(({ name, rules }) =>
      rules.map((rule) => ({ kind: 'add-rule', chain: name, rule }) as const),
    ),
    ...elements.additions,
  ];
}

/** A set whose declaration changed is made anew, empty. */
function changeSets({ sets }: Installed, wanted: Wanted): { gone: SetDeclaration[]; fresh: SetDeclaration[] } {
  const gone: SetDeclaration[] = [];
  const fresh: SetDeclaration[] = [];
  for (const [name, declaration] of wanted.sets) {
    const before = sets.get(name)?.declaration;
    if (isDeepStrictEqual(before, declaration)) {
      continue;
    }
    if (before) {
      gone.push(before);
      sets.delete(name);
    }
    if (declaration) {
      fresh.push(declaration);
      sets.set(name, { declaration, elements: new Map(), lists: new Map() });
    }
  }
  return { gone, fresh };
}

/** What happens to chains: names to flush and to delete, chains to make, and those of which the rules are written. */
interface ChainChanges {
  readonly flushed: readonly string[];
  readonly gone: readonly string[];
  readonly fresh: readonly Chain[];
  readonly written: readonly Chain[];
}

/**
 * Changes `installed` to what is wanted. A chain's rules are written all together, as single rules can only be replaced
 * by handle. A chain is never given another hook: see foreignHooks.
 *
 * @param replaced names of sets that are deleted and made again: whoever uses them has to let go in between.
 */
function changeChains(
  installed: Map<string, Chain>,
  wanted: Wanted['chains'],
  replaced: ReadonlySet<string>,
): ChainChanges {
  const flushed: string[] = [];
  const gone: string[] = [];
  const fresh: Chain[] = [];
  const written: Chain[] = [];
  for (const [name, chain] of withUsersOf(replaced, installed, wanted)) {
    const before = installed.get(name);
    if (before && chain && isDeepStrictEqual(before.rules, chain.rules) && !usesAny(chain, replaced)) {
      continue;
    }
    if (before && before.rules.length > 0) {
      flushed.push(name);
    }
    if (chain) {
      installed.set(name, chain);
      written.push(chain);
    } else if (before) {
      installed.delete(name);
      gone.push(name);
    }
    if (chain && !before) {
      fresh.push(chain);
    }
  }
  return { flushed, gone, fresh, written };
}

/** The chains that are wanted, and those that nobody spoke of but that use a replaced set. */
function withUsersOf(
  replaced: ReadonlySet<string>,
  installed: ReadonlyMap<string, Chain>,
  wanted: Wanted['chains'],
): Wanted['chains'] {
  if (replaced.size === 0) {
    return wanted;
  }
  const users = [...installed.values()].filter((chain) => !wanted.has(chain.name) && usesAny(chain, replaced));
  return new Map([...wanted, ...users.map((chain) => [chain.name, chain] as const)]);
}

function usesAny({ rules }: Chain, sets: ReadonlySet<string>): boolean {
  return sets.size > 0 && rules.some((rule) => setsOf(rule).some((name) => sets.has(name)));
}
