import { appendAll } from '../../append-all.ts';
import type { Diagnostic } from '../../diagnostics.ts';
import { isMapping } from '../../mapping.ts';
import { type Namespaced, setNamespaced } from '../../namespaced.ts';
import type { Document } from '../1-read/document.ts';
import { checkSliceOwners } from './check-slice-owners.ts';
import { dropDuplicates } from './drop-duplicates.ts';
import { keepValid, type Rules } from './keep-valid.ts';
import type { ObjectMeta, Snapshot, Sourced } from './kubernetes.ts';
import { endpointSliceRules, nodeRules, serviceCIDRRules, serviceRules } from './rules-by-kind.ts';
import { sortByKind } from './sort-by-kind.ts';

/**
 * Sorts documents by kind and checks them: the valid objects, and every finding about every object, in the order of the
 * documents. Invalid objects are left out, as are slices of headless Services (label service.kubernetes.io/headless),
 * which no proxy reads. Never throws, whatever the documents hold.
 */
export function validate(documents: readonly Document[]): { snapshot: Snapshot; diagnostics: Diagnostic[] } {
  const { used, unusedKinds, diagnostics } = sortByKind(documents);
  const keep = <T extends ObjectOfKind>(candidates: readonly Document[], rules: Rules<T>): Sourced<T>[] => {
    const { valid, diagnostics: findings } = keepValid(candidates, rules);
    const { kept, diagnostics: duplicates } = dropDuplicates(valid, rules.schema);
    appendAll(diagnostics, findings);
    appendAll(diagnostics, duplicates);
    return kept;
  };
  const snapshot = {
    services: keep(used.Service, serviceRules),
    endpointSlices: keep(used.EndpointSlice.filter(isRead), endpointSliceRules),
    nodes: keep(used.Node, nodeRules),
    serviceCIDRs: keep(used.ServiceCIDR, serviceCIDRRules),
    unusedKinds,
  };
  appendAll(diagnostics, checkSliceOwners(snapshot.endpointSlices, namesOf(used.Service)));
  return { snapshot, diagnostics: sortByDocument(diagnostics, documents) };
}

interface ObjectOfKind {
  readonly metadata: ObjectMeta;
}

/** Whether anybody reads a slice: no proxy does with the label service.kubernetes.io/headless. */
export function isRead({ value }: Document): boolean {
  const { labels } = metadataOf(value);
  return !isMapping(labels) || labels['service.kubernetes.io/headless'] === undefined;
}

function namesOf(documents: readonly Document[]): Namespaced<true> {
  const names: Namespaced<true> = new Map();
  for (const { value } of documents) {
    const { namespace, name } = metadataOf(value);
    const isNamed = typeof name === 'string';
    setNamespaced(
      names,
      typeof namespace === 'string' && namespace !== '' ? namespace : 'default',
      isNamed ? name : '',
      true,
    );
  }
  return names;
}

const nothing: Readonly<Record<string, unknown>> = {};

function metadataOf(value: unknown): Readonly<Record<string, unknown>> {
  const metadata = isMapping(value) ? value['metadata'] : undefined;
  return isMapping(metadata) ? metadata : nothing;
}

/** Findings about one document keep their order. */
function sortByDocument(diagnostics: Diagnostic[], documents: readonly Document[]): Diagnostic[] {
  if (diagnostics.length < 2) {
    return diagnostics;
  }
  const places = new Map(documents.map((document, index) => [document, index]));
  const placeOf = ({ place }: Diagnostic): number => (place && places.get(place.document)) ?? 0;
  return diagnostics.sort((a, b) => placeOf(a) - placeOf(b));
}
