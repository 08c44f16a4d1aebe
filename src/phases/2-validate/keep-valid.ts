import { type Diagnostic, diagnosticCodes } from '../../diagnostics.ts';
import type { Document } from '../1-read/document.ts';
import { createSchemaCheck, type SchemaCheck } from './check-schema.ts';
import type { Sourced } from './kubernetes.ts';
import { type Finding, type Report, toDiagnostic } from './report.ts';
import type { Schema } from './schema.ts';

/** How objects of a kind are checked: by schema, and by rules that no schema can say. */
export interface Rules<T> {
  readonly schema: Schema;
  readonly checkSchema: SchemaCheck;
  readonly check: (object: T, report: Report) => void;
}

/** Puts the rules of a kind together; `T` is the type that the schema describes. */
export function rulesOf<T>(schema: Schema, check: Rules<T>['check']): Rules<T> {
  return { schema, checkSchema: createSchemaCheck(schema), check };
}

/** The objects of a kind without errors, and every finding about any of them. */
export function keepValid<T>(
  documents: readonly Document[],
  { checkSchema, check }: Rules<T>,
): { valid: Sourced<T>[]; diagnostics: Diagnostic[] } {
  const valid: Sourced<T>[] = [];
  const diagnostics: Diagnostic[] = [];
  let findings: Finding[] = [];
  const report: Report = (code, path, message) => findings.push({ code, path, message });
  for (const document of documents) {
    const { value } = document;
    findings = [...checkSchema(value)];
    if (isTyped<T>(value, findings)) {
      check(value, report);
      if (!findings.some(({ code }) => diagnosticCodes[code] === 'error')) {
        valid.push({ object: value, document });
      }
    }
    for (const finding of findings) {
      diagnostics.push(toDiagnostic(finding, document));
    }
  }
  return { valid, diagnostics };
}

/** Whether every field has its type, if not always a good value: then the other rules can look at it too. */
function isTyped<T>(_value: unknown, findings: readonly Finding[]): _value is T {
  return !findings.some(({ code }) => code === 'wrong-type' || code === 'missing-field');
}
