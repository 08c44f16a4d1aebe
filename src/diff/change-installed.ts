import { isDeepStrictEqual } from 'node:util';
import { tableComment } from '../phases/5-plan/names.ts';
import type { SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { changeChains } from './change-chains.ts';
import { changeElements } from './change-elements.ts';
import type { Command } from './command.ts';
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
