import { type Diagnostic, type Problem, toDiagnostic } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import {
  describeNamespacesWithoutSlices,
  findMissingKinds,
  findNamespacesWithoutSlices,
  incompleteCodes,
  needsSlices,
} from '../../kubernetes/completeness.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { EndpointSlice, ObjectMeta, Service, Snapshot, Sourced } from '../../kubernetes/objects.ts';
import { isServed, namespaceOf, ownerLabel } from '../../kubernetes/services.ts';
import { appendAll, collectAll } from '../../lib/lists.ts';
import { countOf } from '../../lib/text.ts';
import { describePath, describeValue, isMapping } from '../../lib/unknown-values.ts';
import type { Schema } from './schemas.ts';
import {
  classify,
  endpointSliceRules,
  isRead,
  keepValid,
  metadataOf,
  nodeRules,
  type ObjectRules,
  serviceCIDRRules,
  serviceRules,
  type UsedKind,
} from './validate-object.ts';

/**
 * Validates documents: returns the valid objects by kind, and all diagnostics in the order of the documents. Invalid
 * objects are left out, and so are slices of headless Services (label service.kubernetes.io/headless), which proxies do
 * not read. Does not throw, whatever the documents contain.
 */
export function validate(documents: readonly Document[]): Validation {
  const { used, unusedKinds, diagnostics, badAnswers } = sortByKind(documents);
  const keep = <T extends ObjectOfKind>(candidates: readonly Document[], rules: ObjectRules<T>): Sourced<T>[] => {
    const { valid, diagnostics: found } = keepValid(candidates, rules);
    const { kept, diagnostics: duplicates } = dropDuplicates(valid, rules.schema);
    appendAll(diagnostics, found);
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
  const names = namesOf(used.Service);
  appendAll(diagnostics, checkSliceOwners(snapshot.endpointSlices, names));
  appendAll(diagnostics, noteNodePorts(snapshot.services));
  return {
    snapshot,
    diagnostics: [...badAnswers, ...sortByDocument(summarizeManifests(diagnostics, used.Service), documents)],
    lacking: badAnswers.length > 0 ? [] : findLacking({ used, unusedKinds }, names),
  };
}

/** What is not a list of documents: programs in JavaScript may give the objects themselves. */
export function checkDocuments(documents: unknown): Diagnostic[] {
  const advice = 'expected a list of documents: readDocuments reads texts, documentsOf takes objects';
  if (!Array.isArray(documents)) {
    return [{ code: 'invalid-option', message: `documents: ${describeValue(documents)}; ${advice}` }];
  }
  const index = documents.findIndex((document) => !isDocument(document));
  const found = describeValue(documents[index]);
  return index < 0 ? [] : [{ code: 'invalid-option', message: `documents[${index}]: ${found}; ${advice}` }];
}

function isDocument(value: unknown): boolean {
  return (
    isMapping(value) &&
    isMapping(value['source']) &&
    typeof value['source']['locate'] === 'function' &&
    Array.isArray(value['path'])
  );
}

/** The result of validating an input. */
interface Validation {
  readonly snapshot: Snapshot;
  /** About documents. First come errors of the API server, lists that are not whole, and the like: others follow from them. */
  readonly diagnostics: Diagnostic[];
  /** About kinds of which there are no objects, although there must be some; empty where a bad answer explains it. */
  readonly lacking: readonly Diagnostic[];
}

function findLacking(
  { used, unusedKinds }: Pick<SortedDocuments, 'used' | 'unusedKinds'>,
  names: ServiceNames,
): Diagnostic[] {
  const services = used.Service.filter(({ value }) => needsSlices(value));
  const missing = findMissingKinds({
    services: services.length,
    otherServices: used.Service.length - services.length,
    endpointSlices: used.EndpointSlice.length,
    isRelated: used.EndpointSlice.some(({ value }) => isOwned(value, names)),
    endpoints: unusedKinds.get('Endpoints') ?? 0,
  });
  const valuesOf = (documents: readonly Document[]): unknown[] => documents.map(({ value }) => value);
  return missing.length > 0
    ? missing
    : describeNamespacesWithoutSlices(findNamespacesWithoutSlices(valuesOf(services), valuesOf(used.EndpointSlice)));
}

/** Whether a slice, valid or not, belongs to one of the Services that need slices. */
function isOwned(slice: unknown, services: ServiceNames): boolean {
  const metadata = metadataOf(slice);
  const { labels } = metadata;
  const owner = isMapping(labels) ? labels[ownerLabel] : undefined;
  return typeof owner === 'string' && getNamespaced(services, namespaceOf(metadata), owner) === true;
}

interface ObjectOfKind {
  readonly metadata: ObjectMeta;
}

/** Services, valid or not, and whether each needs slices. */
type ServiceNames = Namespaced<boolean>;

function namesOf(documents: readonly Document[]): ServiceNames {
  const names: ServiceNames = new Map();
  for (const { value } of documents) {
    const metadata = metadataOf(value);
    const { name } = metadata;
    setNamespaced(names, namespaceOf(metadata), typeof name === 'string' ? name : '', needsSlices(value));
  }
  return names;
}

/** Diagnostics about the same document keep their order. */
function sortByDocument(diagnostics: Diagnostic[], documents: readonly Document[]): Diagnostic[] {
  if (diagnostics.length < 2) {
    return diagnostics;
  }
  const places = new Map(documents.map((document, index) => [document, index]));
  const placeOf = ({ place }: Diagnostic): number => (place && places.get(place.document)) ?? 0;
  return diagnostics.sort((a, b) => placeOf(a) - placeOf(b));
}

/** Documents by kind, the number of those of each unused kind, and diagnostics about those that are not objects. */
interface SortedDocuments {
  readonly used: Readonly<Record<UsedKind, Document[]>>;
  readonly unusedKinds: ReadonlyMap<string, number>;
  readonly diagnostics: Diagnostic[];
  /** Diagnostics about errors of the API server, lists that are not whole, and other answers without objects. */
  readonly badAnswers: readonly Diagnostic[];
}

/** Sorts documents by their kind. */
function sortByKind(documents: readonly Document[]): SortedDocuments {
  const used: SortedDocuments['used'] = { Service: [], EndpointSlice: [], Node: [], ServiceCIDR: [] };
  const unusedKinds = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  const answers: { problem: Problem; document: Document }[] = [];
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
        if (incompleteCodes.has(classified.problem.code)) {
          answers.push({ problem: classified.problem, document });
        } else {
          diagnostics.push(toDiagnostic(classified.problem, document));
        }
        break;
    }
  }
  return { used, unusedKinds, diagnostics, badAnswers: summarizeAnswers(answers) };
}

/**
 * Where no Service has a cluster IP, the input is what somebody wrote, not what a cluster has: one warning says so, at the first
 * of them. Otherwise Services without one are on their way, and each has a warning of its own.
 */
function summarizeManifests(diagnostics: Diagnostic[], services: readonly Document[]): Diagnostic[] {
  const isNew = ({ code }: Diagnostic): boolean => code === 'no-cluster-ip';
  const first = diagnostics.find(isNew);
  if (!first || services.some(({ value }) => needsSlices(value))) {
    return diagnostics;
  }
  const { length: count } = diagnostics.filter(isNew);
  const what =
    count === 1
      ? 'it has no clusterIP: this is a manifest'
      : `${countOf(count, 'Service')} have no clusterIP: these are manifests`;
  const message = `${what}, not a cluster's state; --resolve fills in what a cluster would`;
  const { object: _, ...placed } = first;
  const summary = count === 1 ? { ...first, message } : { ...placed, message };
  return diagnostics.filter((one) => one === first || !isNew(one)).map((one) => (one === first ? summary : one));
}

/** What is wrong with the answers, once for each message, at its first place: thousands of objects may lack the same. */
function summarizeAnswers(answers: readonly { problem: Problem; document: Document }[]): Diagnostic[] {
  const first = new Map<string, { problem: Problem; document: Document; count: number }>();
  for (const { problem, document } of answers) {
    const known = first.get(problem.message);
    first.set(problem.message, known ? { ...known, count: known.count + 1 } : { problem, document, count: 1 });
  }
  return [...first.values()].map(({ problem, document, count }) => {
    const message = count === 1 ? problem.message : `${problem.message} (${count.toLocaleString('en')} times)`;
    return toDiagnostic({ ...problem, message }, document);
  });
}

/**
 * At most one object for each namespace and name. An object that appears twice with the same content counts once, unless
 * it may have been deleted in between. With different content there is no way to know which one is right, so none is kept
 * and each after the first is reported.
 */
function dropDuplicates<T extends { readonly metadata: ObjectMeta }>(
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
    } else if (
      isLastVersion(other.document, sourced.document) ||
      !equalInSchema(schema, withNamespace(other.object), withNamespace(sourced.object))
    ) {
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

/** Whether one of two versions of an object may be what a watch prints when it is deleted, so that it no longer exists. */
function isLastVersion(first: Document, second: Document): boolean {
  const isDeleted = ({ value }: Document): boolean => (metadataOf(value)['deletionTimestamp'] ?? null) !== null;
  return areVersions(first, second) && (isDeleted(first) || isDeleted(second));
}

/** Whether two documents were read from the API server at different times. */
function areVersions(first: Document, second: Document): boolean {
  const [a, b] = [first, second].map(({ value }) => metadataOf(value)['resourceVersion']);
  return typeof a === 'string' && typeof b === 'string' && a !== b;
}

function describeDuplicate(first: Document, second: Document): Diagnostic {
  // kubectl prints the objects of a watch one after the other, those of a list as its items.
  const isStream = first.source.file === second.source.file && [first, second].every(({ path }) => path.length === 0);
  const advice =
    isStream && areVersions(first, second)
      ? '; if a watch printed them, add --output-watch-events to kubectl get -w'
      : '';
  const message = `the object appears twice with different content, here and at ${describePlace(first)}${advice}`;
  return toDiagnostic({ code: 'duplicate-object', path: [], message }, second);
}

function describePlace({ source, path }: Document): string {
  const position = source.locate(path);
  return position ? `${source.file}:${position.line}:${position.column}` : describePath(path) || source.file;
}

/**
 * Whether two values are equal in all fields of a schema. Other fields do not count (they differ between two dumps of a
 * cluster: heartbeats, resource versions), and an absent field equals null.
 */
function equalInSchema(schema: Schema, a: unknown, b: unknown): boolean {
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

const noDiagnostics: readonly Diagnostic[] = [];

/**
 * A warning for each slice whose endpoints are not used, because its Service is not in the input or its label is missing.
 *
 * @param services all Services of the input, including invalid ones.
 */
function checkSliceOwners(slices: readonly Sourced<EndpointSlice>[], services: ServiceNames): Diagnostic[] {
  return collectAll(slices, (slice) => {
    const { metadata } = slice.object;
    const owner = metadata.labels?.[ownerLabel];
    if (!owner) {
      return [
        describe(slice, ['metadata'], `it has no label ${ownerLabel}, so it belongs to no Service and is ignored`),
      ];
    }
    // Where all Services are missing, one message says so.
    if (services.size === 0 || getNamespaced(services, namespaceOf(metadata), owner) !== undefined) {
      return noDiagnostics;
    }
    const message = `it belongs to Service ${describeValue(owner)}, which is not in the input; the slice is ignored`;
    return [describe(slice, ['metadata', 'labels', ownerLabel], message)];
  });
}

/** The range of an API server without --service-node-port-range. */
const usualNodePorts = { first: 30_000, last: 32_767 } as const;

/** One note about all node ports outside the usual range, at the first of them: another range is a setting of a cluster. */
function noteNodePorts(services: readonly Sourced<Service>[]): Diagnostic[] {
  const found = services.flatMap(({ object, document }) =>
    (isServed(object) ? (object.spec.ports ?? []) : []).flatMap(({ nodePort }, index) =>
      nodePort && (nodePort < usualNodePorts.first || nodePort > usualNodePorts.last)
        ? [{ nodePort, path: ['spec', 'ports', index, 'nodePort'], document }]
        : [],
    ),
  );
  const [first, ...others] = found;
  if (!first) {
    return [];
  }
  const { nodePort, path, document } = first;
  const more = others.length > 0 ? `, as are ${countOf(others.length, 'other node port')}` : '';
  const message = `${describePath(path)} is ${nodePort}, outside 30000-32767${more}; an API server accepts that only with another --service-node-port-range`;
  return [toDiagnostic({ code: 'unusual-node-port', path, message }, document)];
}

function describe({ document }: Sourced<EndpointSlice>, path: readonly string[], message: string): Diagnostic {
  return toDiagnostic({ code: 'slice-without-service', path, message }, document);
}
