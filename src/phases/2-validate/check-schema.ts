import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { DiagnosticCode, Problem } from '../../diagnostics/diagnostic.ts';
import { suggestClosest } from '../../lib/text.ts';
import { describePath, describeValue, listWords, type Path } from '../../lib/unknown-values.ts';
import type { Schema } from './schema.ts';

/** Checks a value against a schema: every violation, at most one for each field, in the words of its schema. */
export type SchemaCheck = (value: unknown) => readonly Problem[];

/** Makes the check of a schema. The work is put off until the first value, for few inputs have all kinds. */
export function createSchemaCheck(schema: Schema): SchemaCheck {
  let validator: ValidateFunction | undefined;
  return (value) => {
    validator ??= ajv.compile(schema);
    return validator(value) ? noProblems : describeErrors(validator.errors ?? [], value);
  };
}

const noProblems: readonly Problem[] = [];

// Compiling must not take longer than checking: no meta schema (a test checks ours against it), no optimizer.
const ajv = new Ajv({
  strict: true,
  allErrors: true,
  verbose: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
});
ajv.addVocabulary(['code', 'expects']);

/** A wrong value breaks several words of a schema, its type and its enum say; the first one tells it all. */
function describeErrors(errors: readonly ErrorObject[], root: unknown): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    const missing: unknown = error.params['missingProperty'];
    const key = typeof missing === 'string' ? `${error.instancePath}/${missing}` : error.instancePath;
    if (!problems.has(key)) {
      problems.set(key, describeError(error, root));
    }
  }
  return [...problems.values()];
}

function describeError(error: ErrorObject, root: unknown): Problem {
  const path = pathOf(error.instancePath, root);
  const missing: unknown = error.params['missingProperty'];
  if (typeof missing === 'string') {
    return { code: 'missing-field', path, message: `${describePath([...path, missing])} is missing` };
  }
  const schema = (error.parentSchema ?? {}) as Schema;
  const { code, expectation } = expectationOf(error, schema);
  return { code, path, message: `${describePath(path)} is ${describeValue(error.data)}; ${expectation}` };
}

function expectationOf(error: ErrorObject, schema: Schema): { code: DiagnosticCode; expectation: string } {
  if (error.keyword === 'enum') {
    return { code: 'unknown-value', expectation: describeWords(schema.enum ?? [], error.data) };
  }
  const expectation = schema.expects ?? `${typeNames[schema.type ?? 'object']} is expected`;
  return { code: error.keyword === 'type' ? 'wrong-type' : (schema.code ?? 'wrong-type'), expectation };
}

const typeNames: Readonly<Record<NonNullable<Schema['type']>, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
};

function describeWords(values: readonly (string | null)[], value: unknown): string {
  const words = values.filter((word) => word !== null).filter((word) => word !== '');
  const closest = typeof value === 'string' ? suggestClosest(value, words) : undefined;
  const suggestion = closest === undefined ? '' : `; did you mean ${closest}?`;
  return `possible are ${listWords(words)}${suggestion}`;
}

/** A JSON pointer as a path: indices of lists become numbers again, which only the value itself can tell from keys. */
function pathOf(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const key = Array.isArray(value) ? Number(name) : name;
    path.push(key);
    value = isIndexable(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return path;
}

function isIndexable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
