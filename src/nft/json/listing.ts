/** A table as the kernel holds it, in the words of the compiler's own ruleset. Types only. */

import { describeValue, isMapping, type Mapping } from '../../lib/unknown-values.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { Ruleset } from '../ruleset.ts';

/** Something in the table that no compiler of this program makes. */
export interface Oddity {
  /** What and where, for people: `chain services: rule 2 is not understood`. */
  readonly message: string;
  /** True when commands on single parts cannot mend it, so that the table must be made anew. */
  readonly needsRebuild: boolean;
}

/** An element that traffic wrote into a dynamic set or map: a pin. */
export interface DynamicElement {
  readonly key: string;
  readonly value?: EndpointAddress;
  /** How long it lives after a refresh, and how long still, in seconds; absent when the listing does not say. */
  readonly timeoutSeconds?: number;
  readonly expiresSeconds?: number;
}

/** One table of ours, or what claims to be one. */
export interface Listing {
  /**
   * Whether the kernel keeps the table but runs none of its rules (`flags dormant`). nft 1.0.6 misprints the only flag of a
   * table in JSON, as any text at all; as tables have other flags only while the program that made them runs, that counts too.
   */
  readonly isDormant: boolean;
  /**
   * Sets and chains as far as they are understood; dynamic sets without elements, as compiled. A rule that is not
   * understood is an empty list of statements, which no compiler makes.
   */
  readonly ruleset: Ruleset;
  /** What traffic wrote, by the name of the dynamic set. */
  readonly dynamic: ReadonlyMap<string, readonly DynamicElement[]>;
  readonly oddities: readonly Oddity[];
}

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
