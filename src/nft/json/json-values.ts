import { describeValue, isMapping, type Mapping } from '../../lib/unknown-values.ts';

/** The key and the value of a mapping that has one key, `{"drop": null}`; undefined for all else. */
export function onlyField(json: unknown): readonly [string, unknown] | undefined {
  if (!isMapping(json)) {
    return undefined;
  }
  const keys = Object.keys(json);
  const [key] = keys;
  return key !== undefined && keys.length === 1 ? [key, json[key]] : undefined;
}

/** A mapping that has no other keys than those known; undefined for all else. What nobody knows may change a meaning. */
export function fieldsOf(json: unknown, known: readonly string[]): Mapping | undefined {
  return isMapping(json) && Object.keys(json).every((key) => known.includes(key)) ? json : undefined;
}

/** The values of a list; versions of nft differ in whether a list of one value is printed as that value. */
export function listOf(json: unknown): readonly unknown[] {
  if (json === undefined) {
    return [];
  }
  return Array.isArray(json) ? json : [json];
}

/** The parts of a concatenation, `{"concat": [...]}`; undefined for all else. */
export function partsOf(json: unknown): readonly unknown[] | undefined {
  const parts = isMapping(json) ? json['concat'] : undefined;
  return Array.isArray(parts) ? parts : undefined;
}

/** A value as a message shows it: texts and numbers as they are, of all else what kind of thing it is. */
export function wordFor(json: unknown): string {
  return typeof json === 'string' ? json : describeValue(json);
}

/** Whether it is a whole number from 0 on. */
export function isCount(json: unknown): json is number {
  return Number.isSafeInteger(json) && Number(json) >= 0;
}

/** Each item read; undefined when one of them is not understood. */
export function readAll<I, T>(items: readonly I[], read: (item: I) => T | undefined): T[] | undefined {
  const results: T[] = [];
  for (const item of items) {
    const result = read(item);
    if (result === undefined) {
      return undefined;
    }
    results.push(result);
  }
  return results;
}
