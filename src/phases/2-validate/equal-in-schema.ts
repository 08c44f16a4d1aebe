import { isMapping } from '../../mapping.ts';
import type { Schema } from './schema.ts';

/**
 * Whether two values agree in everything that a schema names. Fields that it does not name do not count (a second dump
 * of a cluster has other heartbeats and versions), and an absent field equals null.
 */
export function equalInSchema(schema: Schema, a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const { items = {} } = schema;
    return a.length === b.length && a.every((item: unknown, index) => equalInSchema(items, item, b[index]));
  }
  if (!isMapping(a) || !isMapping(b)) {
    return (a ?? null) === (b ?? null);
  }
  const { properties = {}, additionalProperties } = schema;
  const others = additionalProperties ? [...Object.keys(a), ...Object.keys(b)] : [];
  return [...Object.keys(properties), ...others].every((key) =>
    equalInSchema(properties[key] ?? additionalProperties ?? {}, a[key], b[key]),
  );
}
