/** A parsed object of whatever content. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value is an object with keys: no list, no null. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
