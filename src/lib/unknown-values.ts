import { cutText } from './text.ts';

/**
 * A value of the input as a message shows it: strings in JSON quotes, cut if they are long.
 *
 * @param longestQuote how much of a string is shown, in characters.
 */
export function describeValue(value: unknown, longestQuote = 80): string {
  if (typeof value === 'string') {
    return JSON.stringify(cutText(value, longestQuote));
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : 'a list';
  }
  return typeof value === 'object' && value !== null ? 'a mapping' : String(value);
}

/** A path in the notation of Kubernetes: `spec.ports[0].port`, `metadata.labels["app.kubernetes.io/name"]`. */
export function describePath(path: Path): string {
  return path.map(describeKey).join('').replace(/^\./, '');
}

function describeKey(key: string | number): string {
  if (typeof key === 'number') {
    return `[${key}]`;
  }
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `.${key}` : `[${describeValue(key)}]`;
}

/** A parsed object with any content. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value is an object with keys, not a list or null. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object in a field, or an empty one. */
export function mappingIn(parent: Mapping, field: string): Mapping {
  const value = parent[field];
  return isMapping(value) ? value : nothing;
}

/** The list in a field, or an empty one. */
export function listIn(parent: Mapping, field: string): readonly unknown[] {
  const value = parent[field];
  return Array.isArray(value) ? value : [];
}

const nothing: Mapping = {};

/** The text in a field, or an empty one. */
export function textIn(parent: Mapping, field: string): string {
  const value = parent[field];
  return typeof value === 'string' ? value : '';
}

/** The entries of an object in a field, such as metadata.labels, their values as texts. */
export function entriesIn(parent: Mapping, field: string): [key: string, value: string][] {
  return Object.entries(mappingIn(parent, field)).map(([key, value]) => [key, String(value)]);
}

/** Keys and indices from a parsed document to one of its values, `['items', 3, 'spec']`. */
export type Path = readonly (string | number)[];
