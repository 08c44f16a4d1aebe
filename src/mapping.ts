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
