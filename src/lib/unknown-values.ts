/** How much of a text a message quotes, in characters. */
const longestQuote = 80;

/** A value of the input as a message shows it: texts in JSON's quotes and cut when they are long. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    const cut = value.length > longestQuote ? `${value.slice(0, longestQuote)}...` : value;
    return JSON.stringify(cut);
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : 'a list';
  }
  return typeof value === 'object' && value !== null ? 'a mapping' : String(value);
}

/** A path as Kubernetes writes it: `spec.ports[0].port`, `metadata.labels["app.kubernetes.io/name"]`. */
export function describePath(path: Path): string {
  return path.map(describeKey).join('').replace(/^\./, '');
}

function describeKey(key: string | number): string {
  if (typeof key === 'number') {
    return `[${key}]`;
  }
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `.${key}` : `[${describeValue(key)}]`;
}

/** `a, b and c`, as a sentence lists what is allowed. */
export function listWords(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** A parsed object of whatever content. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value is an object with keys: no list, no null. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object in a field; an empty one where there is none. */
export function mappingIn(parent: Mapping, field: string): Mapping {
  const value = parent[field];
  return isMapping(value) ? value : nothing;
}

/** The list in a field; an empty one where there is none. */
export function listIn(parent: Mapping, field: string): readonly unknown[] {
  const value = parent[field];
  return Array.isArray(value) ? value : [];
}

const nothing: Mapping = {};

/** Keys and indices that lead from a parsed document to one of its values, `['items', 3, 'spec']`. */
export type Path = readonly (string | number)[];
