import type { Diagnostic } from '../../diagnostics.ts';
import type { Document } from '../1-read/document.ts';
import { classify, type UsedKind } from './classify.ts';
import { toDiagnostic } from './report.ts';

/** Documents by kind, how many there are of each kind that nothing depends on, and what is no object at all. */
export interface SortedDocuments {
  readonly used: Readonly<Record<UsedKind, Document[]>>;
  readonly unusedKinds: ReadonlyMap<string, number>;
  readonly diagnostics: Diagnostic[];
}

/** Sorts documents by the kind that they say they are. */
export function sortByKind(documents: readonly Document[]): SortedDocuments {
  const used: SortedDocuments['used'] = { Service: [], EndpointSlice: [], Node: [], ServiceCIDR: [] };
  const unusedKinds = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  for (const document of documents) {
    const classified = classify(document.value);
    switch (classified.is) {
      case 'used':
        used[classified.kind].push(document);
        break;
      case 'unused':
        unusedKinds.set(classified.kind, (unusedKinds.get(classified.kind) ?? 0) + 1);
        break;
      case 'wrong':
        diagnostics.push(toDiagnostic(classified.finding, document));
        break;
    }
  }
  return { used, unusedKinds, diagnostics };
}
