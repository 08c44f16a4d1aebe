import { describePath } from '../../describe-value.ts';
import type { Diagnostic } from '../../diagnostics.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../../namespaced.ts';
import { namespaceOf } from '../../service-rules.ts';
import type { Document } from '../1-read/document.ts';
import { equalInSchema } from './equal-in-schema.ts';
import type { ObjectMeta, Sourced } from './kubernetes.ts';
import { toDiagnostic } from './report.ts';
import type { Schema } from './schema.ts';

/**
 * At most one object for each namespace and name. One that is given twice with the same content counts once; with
 * different content nobody can tell which one is meant, so none is kept and each after the first is reported.
 */
export function dropDuplicates<T extends { readonly metadata: ObjectMeta }>(
  objects: readonly Sourced<T>[],
  schema: Schema,
): { kept: Sourced<T>[]; diagnostics: Diagnostic[] } {
  const first: Namespaced<Sourced<T>> = new Map();
  const disputed = new Set<Sourced<T>>();
  const kept: Sourced<T>[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const sourced of objects) {
    const { metadata } = sourced.object;
    const namespace = namespaceOf(metadata);
    const other = getNamespaced(first, namespace, metadata.name);
    if (!other) {
      setNamespaced(first, namespace, metadata.name, sourced);
      kept.push(sourced);
    } else if (!equalInSchema(schema, withNamespace(other.object), withNamespace(sourced.object))) {
      disputed.add(other);
      diagnostics.push(describeDuplicate(other.document, sourced.document));
    }
  }
  return { kept: disputed.size > 0 ? kept.filter((sourced) => !disputed.has(sourced)) : kept, diagnostics };
}

/** An absent namespace is the default one. */
function withNamespace<T extends { readonly metadata: ObjectMeta }>(object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace: namespaceOf(object.metadata) } };
}

function describeDuplicate(first: Document, second: Document): Diagnostic {
  const message = `the object is given twice with different content, here and at ${describePlace(first)}`;
  return toDiagnostic({ code: 'duplicate-object', path: [], message }, second);
}

function describePlace({ source, path }: Document): string {
  const position = source.locate(path);
  return position ? `${source.file}:${position.line}:${position.column}` : describePath(path) || source.file;
}
