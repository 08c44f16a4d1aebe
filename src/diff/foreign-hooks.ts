import { isDeepStrictEqual } from 'node:util';
import { baseChains, pinBaseChains } from '../phases/5-plan/base-chains.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';

const hooks = new Map(
  [...baseChains, ...pinBaseChains].map(({ name, type, hook, priority }) => [name, { type, hook, priority }]),
);

/**
 * Names of chains that the kernel calls where no chain of that name belongs, or not where it belongs. A base chain cannot
 * be altered in place, nor can a chain become one, so such a table has to be made anew.
 */
export function foreignHooks({ chains }: Ruleset): string[] {
  return chains.filter(({ name, hook }) => !isDeepStrictEqual(hook, hooks.get(name))).map(({ name }) => name);
}
