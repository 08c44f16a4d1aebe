import type { Document, Source } from './document.ts';
import { expandLists } from './expand-lists.ts';

const source: Source = { file: '<objects>', locate: () => undefined };

/** Documents for Kubernetes objects that are at hand already, lists expanded. Diagnostics about them name no line. */
export function documentsOf(objects: readonly unknown[]): Document[] {
  return expandLists(objects, source);
}
