import type { IndexedRuleset } from '../walk/indexed-ruleset.ts';
import { joinKey, splitKey } from '../walk/key-text.ts';

/**
 * The ranges in sets of intervals whose key is that of a frontend and a range, `10.0.0.1 . tcp . 80 . 192.0.2.0/24`: their
 * texts by the key of the frontend.
 */
export function readSourceRanges({ sets }: Pick<IndexedRuleset, 'sets'>): Map<string, string[]> {
  const ranges = new Map<string, string[]>();
  for (const { declaration, entries } of sets.values()) {
    if (declaration.flags?.includes('interval') && declaration.key.length > 1) {
      for (const key of entries.keys()) {
        const parts = splitKey(key);
        const frontend = joinKey(parts.slice(0, -1));
        const known = ranges.get(frontend);
        if (known) {
          known.push(parts.at(-1) ?? '');
        } else {
          ranges.set(frontend, [parts.at(-1) ?? '']);
        }
      }
    }
  }
  return ranges;
}
