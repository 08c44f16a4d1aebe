import { elementText, printDeclaration, printHook, printRule } from '../../src/nft/print.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { elementsOf } from '../../src/nft/ruleset-parts.ts';
import type { Part, Parts } from './read-parts.ts';

/** A ruleset in the form of a listing: what readParts would find if nft printed as the program does. */
export function partsOfRuleset({ family, table, comment, sets, chains }: Ruleset): Parts {
  const place = `${family} ${table}`;
  const parts = new Map<string, Part>([[place, { lines: [comment], elements: [] }]]);
  for (const set of sets) {
    const kind = set.value === undefined ? 'set' : 'map';
    const elements = elementsOf(set).map(elementText).sort();
    parts.set(`${place} ${kind} ${set.name}`, { lines: printDeclaration(set, family), elements });
  }
  for (const { name, hook, rules } of chains) {
    const lines = [...(hook ? [printHook(hook)] : []), ...rules.map((rule) => printRule(rule, family))];
    parts.set(`${place} chain ${name}`, { lines, elements: [] });
  }
  return parts;
}
