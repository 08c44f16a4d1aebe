import { elementsOf } from '../elements-of.ts';
import type { Family } from '../network.ts';
import type { Element, FilledSet, KeyType } from '../phases/5-plan/ruleset.ts';
import type { IndexedSet, Pattern } from './indexed-ruleset.ts';
import { isCanonical, splitKey } from './key-text.ts';
import { UnknownRule } from './unknown-rule.ts';

const keyTypes: readonly string[] = ['address', 'protocol', 'port', 'index'] satisfies KeyType[];
const valueTypes: readonly unknown[] = [undefined, 'verdict', 'socket'] satisfies FilledSet['value'][];
const setFlags: readonly string[] = ['interval', 'dynamic', 'timeout'] satisfies FilledSet['flags'];

/** The set with lookup tables. Throws {@link UnknownRule} for elements that do not fit the declaration, or exclude each other. */
export function indexSet(set: FilledSet, family: Family): IndexedSet {
  checkDeclaration(set);
  const entries = new Map<string, Element>();
  const patterns = new Map<string, Pattern>();
  const targets = new Set<string>();
  const context = { set, family, seen: new Set<string>() };
  for (const element of elementsOf(set)) {
    checkElement(element, context);
    const { key, value } = element;
    const before = entries.get(key);
    if (before && JSON.stringify(before.value) !== JSON.stringify(value)) {
      throw new UnknownRule({ set: set.name }, `two values for ${key}`);
    }
    entries.set(key, before ?? element);
    if (key.includes('/')) {
      const pattern = patternOf(key);
      patterns.set(pattern.join(), pattern);
    }
    if (value && 'kind' in value && value.kind === 'goto') {
      targets.add(value.chain);
    }
  }
  const isDynamic = set.flags?.includes('dynamic') === true;
  return { declaration: set, isDynamic, entries, patterns: [...patterns.values()], targets };
}

function checkDeclaration({ name, key, value, flags = [] }: FilledSet): void {
  const unknownType =
    key.find((type) => !keyTypes.includes(type)) ?? [value].find((type) => !valueTypes.includes(type));
  const unknownFlag = flags.find((flag) => !setFlags.includes(flag));
  if (unknownType !== undefined || unknownFlag !== undefined || key.length === 0) {
    throw new UnknownRule({ set: name }, `unknown ${unknownType ?? unknownFlag ?? 'key'}`);
  }
}

interface SetContext {
  readonly set: FilledSet;
  readonly family: Family;
  /** Addresses that were found canonical before, as one frontend stands in many elements. */
  readonly seen: Set<string>;
}

function checkElement({ key, value }: Element, context: SetContext): void {
  const { name, key: types, flags } = context.set;
  if (!fits(key, types, context)) {
    throw new UnknownRule({ set: name }, `the key ${key} is not of type ${types.join(' . ')}`);
  }
  if (key.includes('/') && !flags?.includes('interval')) {
    throw new UnknownRule({ set: name }, `the range ${key} needs the flag "interval"`);
  }
  if (!isValue(value, context)) {
    throw new UnknownRule({ set: name }, `the value of ${key} does not fit the declaration`);
  }
}

function isValue(value: Element['value'], context: SetContext): boolean {
  const declared = context.set.value;
  if (declared === undefined || value === undefined) {
    return declared === undefined && value === undefined;
  }
  if ('kind' in value) {
    return declared === 'verdict' && (value.kind === 'drop' || value.kind === 'goto');
  }
  const { address, port } = value;
  return declared === 'socket' && !address.includes('/') && fits(`${address} . ${port}`, ['address', 'port'], context);
}

function fits(text: string, types: readonly KeyType[], { family, seen }: SetContext): boolean {
  const parts = splitKey(text);
  return (
    parts.length === types.length &&
    types.every((type, index) => {
      const part = parts[index] ?? '';
      if (type !== 'address') {
        return isCanonical(part, type, family);
      }
      return seen.has(part) || (isCanonical(part, type, family) && seen.add(part).has(part));
    })
  );
}

function patternOf(key: string): Pattern {
  return splitKey(key).map((part) => {
    const prefix = part.split('/')[1];
    return prefix === undefined ? undefined : Number(prefix);
  });
}
