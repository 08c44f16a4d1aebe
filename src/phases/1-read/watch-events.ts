import { type Diagnostic, toDiagnostic } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { namespaceOf } from '../../kubernetes/services.ts';
import { pushTo } from '../../lib/lists.ts';
import { countOf } from '../../lib/text.ts';
import { describeValue, isMapping, type Mapping, mappingIn } from '../../lib/unknown-values.ts';

/** What a watch says about an object (metav1.WatchEvent), as `kubectl get -w --output-watch-events` prints it. */
type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

const eventTypes: ReadonlySet<unknown> = new Set<WatchEventType>(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/**
 * The objects that there are after all watch events among the documents, each at the place of its last change: an event
 * replaces or removes what was read of its object before. Without events, the documents as they are.
 */
export function applyWatchEvents(documents: Document[]): { documents: Document[]; diagnostics: Diagnostic[] } {
  if (!documents.some(({ value }) => isWatchEvent(value))) {
    return { documents, diagnostics: [] };
  }
  const diagnostics: Diagnostic[] = [];
  /** By identity, in the order of the last change; several plain documents may have one identity. */
  const objects = new Map<string, Document[]>();
  /** Identities of all objects that were read, also of those that are deleted since. */
  const known = new Set<string>();
  /** Events that change an object that was not read before. */
  const unlisted: Document[] = [];
  for (const document of documents) {
    const { value, source, path } = document;
    if (!isWatchEvent(value)) {
      const key = identityOf(value);
      known.add(key);
      pushTo(objects, key, document);
      continue;
    }
    const changed: Document = { value: value['object'], source, path: [...path, 'object'] };
    const key = identityOf(changed.value);
    if (!known.has(key) && changesObject(value['type'])) {
      unlisted.push(changed);
    }
    known.add(key);
    switch (value['type'] as WatchEventType) {
      case 'ADDED':
      case 'MODIFIED':
        objects.delete(key);
        objects.set(key, [changed]);
        break;
      case 'DELETED':
        objects.delete(key);
        break;
      case 'BOOKMARK':
        break;
      case 'ERROR':
        diagnostics.push(describeError(changed));
        break;
    }
  }
  return { documents: [...objects.values()].flat(), diagnostics: [...describeUnlisted(unlisted), ...diagnostics] };
}

function changesObject(type: unknown): boolean {
  return type === 'MODIFIED' || type === 'DELETED';
}

/**
 * Without `--watch-only`, kubectl prints each object as ADDED first. So the objects that did not change are missing too,
 * and one diagnostic says so.
 */
function describeUnlisted(unlisted: readonly Document[]): Diagnostic[] {
  const [first] = unlisted;
  if (!first) {
    return [];
  }
  const others = unlisted.length > 1 ? ` (and of ${countOf(unlisted.length - 1, 'more object')})` : '';
  const message = `the watch has no initial list: the first event of this object${others} is a change, so what did not change is missing; watch without --watch-only, one kind each: kubectl get services -A -w --output-watch-events -o json`;
  return [toDiagnostic({ code: 'incomplete-list', path: [], message }, first)];
}

function isWatchEvent(value: unknown): value is Mapping {
  return isMapping(value) && eventTypes.has(value['type']) && isMapping(value['object']) && value['kind'] === undefined;
}

/** Objects of one API group, kind, namespace and name are versions of one object. */
function identityOf(value: unknown): string {
  if (!isMapping(value)) {
    return '';
  }
  const { apiVersion, kind } = value;
  const metadata = mappingIn(value, 'metadata');
  const group = typeof apiVersion === 'string' && apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return JSON.stringify([group, kind, namespaceOf(metadata), metadata['name']]);
}

/** After an error, changes may be missing. */
function describeError(document: Document): Diagnostic {
  const { message = 'no message' } = isMapping(document.value) ? document.value : {};
  const said = `the watch ended with an error of the API server: ${describeValue(message)}; start it again`;
  return toDiagnostic({ code: 'watch-error', path: ['message'], message: said }, document);
}
