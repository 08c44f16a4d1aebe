import type { DiagnosticCode, Problem } from '../../diagnostics/diagnostic.ts';
import { listWords, suggestClosest } from '../../lib/text.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import type { Schema } from './schemas.ts';

/** What ajv makes of a schema: whether a value is valid; if not, `errors` says why until the next call. */
export interface SchemaValidator {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

/** The part of ajv's ErrorObject in use here; paths are JSON pointers. */
interface SchemaError {
  readonly keyword: string;
  /** Into the value. */
  readonly instancePath: string;
  /** Into the schema, with the keyword at the end: `#/properties/spec/type`. */
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Every violation of a schema in a value, at most one for each field, in the words of the schema. */
export function checkSchema(value: unknown, schema: Schema, validator: SchemaValidator): readonly Problem[] {
  return validator(value) ? noProblems : describeErrors(validator.errors ?? [], value, schema);
}

const noProblems: readonly Problem[] = [];

/** A wrong value may violate several keywords of a schema, such as its type and its enum; the first one is enough. */
function describeErrors(errors: readonly SchemaError[], root: unknown, schema: Schema): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    const missing = error.params['missingProperty'];
    const key = typeof missing === 'string' ? `${error.instancePath}/${missing}` : error.instancePath;
    if (!problems.has(key)) {
      problems.set(key, describeError(error, root, schema));
    }
  }
  return [...problems.values()];
}

function describeError(error: SchemaError, root: unknown, schema: Schema): Problem {
  const { path, value } = follow(error.instancePath, root);
  const missing = error.params['missingProperty'];
  if (typeof missing === 'string') {
    return { code: 'missing-field', path, message: `${describePath([...path, missing])} is missing` };
  }
  const violated = follow(error.schemaPath.slice(0, error.schemaPath.lastIndexOf('/')), schema).value as Schema;
  const { code, expectation } = expectationOf(error.keyword, violated, value);
  return { code, path, message: `${describePath(path)} is ${describeValue(value)}; ${expectation}` };
}

function expectationOf(
  keyword: string,
  schema: Schema,
  value: unknown,
): { readonly code: DiagnosticCode; readonly expectation: string } {
  if (keyword === 'enum') {
    return { code: 'unknown-value', expectation: describeWords(schema.enum ?? [], value) };
  }
  const expectation = schema.expects ?? `expected ${typeNames[schema.type ?? 'object']}`;
  return { code: keyword === 'type' ? 'wrong-type' : (schema.code ?? 'wrong-type'), expectation };
}

const typeNames: Readonly<Record<NonNullable<Schema['type']>, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  boolean: 'true or false',
};

function describeWords(values: readonly (string | null)[], value: unknown): string {
  const words = values.filter((word) => word !== null).filter((word) => word !== '');
  const closest = typeof value === 'string' ? suggestClosest(value, words) : undefined;
  const suggestion = closest === undefined ? '' : `; did you mean ${closest}?`;
  return `possible values are ${listWords(words)}${suggestion}`;
}

/** Where a JSON pointer leads, and the pointer as a path, whose list indices are numbers. */
function follow(pointer: string, root: unknown): { readonly path: Path; readonly value: unknown } {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const key = Array.isArray(value) ? Number(name) : name;
    path.push(key);
    value = isIndexable(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return { path, value };
}

function isIndexable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
