import type { Path } from './phases/1-read/document.ts';

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
