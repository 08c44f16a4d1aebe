import type { Diagnostic, DiagnosticCode, Problem } from '../diagnostics/diagnostic.ts';
import { compareText, countNames, countOf } from '../lib/text.ts';
import { describeValue, isMapping, listIn, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { namespaceOf } from './services.ts';

/* Whether an input is all of a cluster, or what is left when the API or one of several lists failed. */

/** Gets everything that a ruleset depends on. */
export const wholeInput = 'kubectl get services,endpointslices,nodes,servicecidrs -A -o json';

/**
 * The field of a list's metadata that says that it is not whole (metav1.ListMeta): a page of a list that was read with
 * `limit`. Undefined for a whole list, and for all that is not a list.
 */
export function continuationOf(value: unknown): 'continue' | 'remainingItemCount' | undefined {
  if (!isMapping(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) {
    return undefined;
  }
  const metadata = mappingIn(value, 'metadata');
  return (['continue', 'remainingItemCount'] as const).find((field) => Boolean(metadata[field]));
}

/** Whether a value is of a kind that has rows or metadata in place of objects, alone or as a list. */
export function isAbridged(value: unknown): boolean {
  return isMapping(value) && abridgedKinds.has(value['kind']) && isOfGroup(value, 'meta.k8s.io');
}

const abridgedKinds: ReadonlySet<unknown> = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

/** What is wrong with an answer of the API server that has no objects, or not all of them; undefined for all else. */
export function findBadAnswer(value: unknown): Problem | undefined {
  const field = continuationOf(value);
  if (field !== undefined) {
    return {
      code: 'incomplete-list',
      path: ['metadata', field],
      message: `the list is not whole (${describeRest(value)}); read it without limit: ${wholeInput}`,
    };
  }
  if (lacksItems(value)) {
    const message = `the list has no items, where an empty one has []; get it again: ${wholeInput}`;
    return { code: 'incomplete-list', path: isMapping(value) && 'items' in value ? ['items'] : [], message };
  }
  if (isAbridged(value)) {
    const has = isMapping(value) && value['kind'] === 'Table' ? 'columns only' : 'metadata only';
    return { code: 'abridged-objects', path: ['kind'], message: `${has}, not the objects; get these: ${wholeInput}` };
  }
  if (isMapping(value) && listKinds.has(value['kind']) && listIn(value, 'items').length > 0) {
    // Of all other lists, phase 1 has the items in place of the list.
    const message =
      'the list comes twice, is inside itself, or is in too many other lists, so its items are not read here';
    return { code: 'incomplete-list', path: ['items'], message };
  }
  return isMapping(value) ? findApiError(value) : undefined;
}

/** Kinds of lists that rules depend on, whatever program wrote them. */
export const listKinds: ReadonlySet<unknown> = new Set([
  'List',
  'ServiceList',
  'EndpointSliceList',
  'NodeList',
  'ServiceCIDRList',
]);

/** Whether a value is a list without the field items, or with null: the API server writes `[]` for an empty list. */
function lacksItems(value: unknown): boolean {
  return isMapping(value) && listKinds.has(value['kind']) && (value['items'] ?? undefined) === undefined;
}

function describeRest(value: unknown): string {
  const rest = isMapping(value) ? mappingIn(value, 'metadata')['remainingItemCount'] : undefined;
  return typeof rest === 'number' ? `${countOf(rest, 'more item')}` : 'there are more items';
}

/** A metav1.Status, unless it reports success, as for a deletion. */
function findApiError(value: Mapping): Problem | undefined {
  const { kind, status, message, reason, code } = value;
  if (kind !== 'Status' || !isOfGroup(value, '') || status === 'Success') {
    return undefined;
  }
  const texts = [message, reason]
    .filter((text) => typeof text === 'string' && text !== '')
    .map((text) => describeValue(text, longestQuote));
  const said = [...new Set(texts), ...(typeof code === 'number' ? [`code ${code}`] : [])].join(', ');
  return {
    code: 'api-error',
    path: typeof message === 'string' ? ['message'] : [],
    message: `an error of the API server in place of objects${said === '' ? '' : `: ${said}`}; check that this works: ${wholeInput}`,
  };
}

/** How much of an error is quoted, in characters. */
const longestQuote = 300;

/** Values that were written by hand may lack an apiVersion. */
function isOfGroup({ apiVersion }: Mapping, group: string): boolean {
  const [, found = ''] = typeof apiVersion === 'string' ? apiVersion.split('/').reverse() : [];
  return apiVersion === undefined || found === group;
}

/** How many objects an input has, valid or not. */
export interface ObjectCounts {
  /** Those with a cluster IP, for which a cluster has EndpointSlices. */
  readonly services: number;
  /** Those without: headless, of type ExternalName, or never in a cluster. */
  readonly otherServices: number;
  readonly endpointSlices: number;
  /** Whether one of these belongs to one of `services`; those of other Services say nothing about these. */
  readonly isRelated: boolean;
  /** v1 Endpoints, which are not read. */
  readonly endpoints: number;
}

/** Whether a Service, valid or not, has a cluster IP, so that nodes need EndpointSlices for it. */
export function needsSlices(service: unknown): boolean {
  const { type, clusterIP = '' } = isMapping(service) ? mappingIn(service, 'spec') : {};
  return type !== 'ExternalName' && clusterIP !== null && clusterIP !== '' && clusterIP !== 'None';
}

/**
 * What an input must lack by mistake: Services without any EndpointSlice of theirs, or the reverse. When one of the lists
 * of `kubectl get services,endpointslices` fails, kubectl prints the rest, which is valid.
 */
export function findMissingKinds(counts: ObjectCounts): Diagnostic[] {
  const { services, otherServices, endpointSlices, isRelated, endpoints } = counts;
  const slices = countOf(endpointSlices, 'EndpointSlice');
  if (endpointSlices > 0 && services + otherServices === 0) {
    const message = `the input has ${slices} but no Service, so nothing is served; get both: ${wholeInput}`;
    return [{ code: 'no-services', message }];
  }
  if (endpointSlices === 0 && endpoints > 0) {
    const message = `the input has ${endpoints.toLocaleString('en')} v1 Endpoints, which are not read, and no EndpointSlice; get EndpointSlices: kubectl get endpointslices -A -o json`;
    return [{ code: 'no-endpoint-slices', message }];
  }
  if (services === 0 || isRelated) {
    return [];
  }
  const what = `the input has ${countOf(services, 'Service')}`;
  const lack =
    endpointSlices === 0 ? 'but no EndpointSlice' : `and ${slices}, but none of these belongs to one of those`;
  const message = `${what} ${lack}, so no Service has endpoints; get both: ${wholeInput}`;
  return [{ code: 'no-endpoint-slices', message }];
}

/**
 * The namespaces with Services that select pods and without any EndpointSlice, sorted; none if no namespace has slices. A
 * cluster has a slice for each such Service, even if it selects no pod, but a moment after the Service is created, and not
 * to the end of a namespace that is being deleted.
 *
 * @param services all Services of the input, valid or not, and its EndpointSlices.
 */
export function findNamespacesWithoutSlices(services: readonly unknown[], slices: readonly unknown[]): string[] {
  if (slices.length === 0) {
    return [];
  }
  const withSlices = new Set(slices.map(namespaceIn));
  const namespaces = new Set(services.filter((one) => needsSlices(one) && hasSelector(one)).map(namespaceIn));
  return [...namespaces].filter((namespace) => !withSlices.has(namespace)).sort(compareText);
}

function namespaceIn(object: unknown): string {
  return namespaceOf(isMapping(object) ? mappingIn(object, 'metadata') : {});
}

function hasSelector(service: unknown): boolean {
  const { selector } = isMapping(service) ? mappingIn(service, 'spec') : {};
  return isMapping(selector) && Object.keys(selector).length > 0;
}

/** A warning about {@link findNamespacesWithoutSlices}. */
export function describeNamespacesWithoutSlices(namespaces: readonly string[]): Diagnostic[] {
  if (namespaces.length === 0) {
    return [];
  }
  const noun = namespaces.length === 1 ? 'has' : 'have';
  const message = `${countNames(namespaces, 'namespace')} ${noun} Services with selectors but no EndpointSlice, so these have no endpoints; get those of all namespaces: ${wholeInput}`;
  return [{ code: 'namespace-without-slices', message }];
}

/**
 * Diagnostics about what an input lacks as a whole. `absence`: it may be meant, as in an empty cluster; `partial`: only the
 * table in the kernel shows whether it is.
 */
export const incompleteCodes: ReadonlyMap<DiagnosticCode, 'absence' | 'broken' | 'partial'> = new Map([
  ['api-error', 'broken'],
  ['incomplete-list', 'broken'],
  ['abridged-objects', 'broken'],
  ['misspelled-kind', 'broken'],
  ['no-endpoint-slices', 'absence'],
  ['no-services', 'absence'],
  ['namespace-without-slices', 'partial'],
]);

/** A finding about what an input lacks, for a cluster of which all was read: how to get the rest would mislead. */
export function withoutRemedy(diagnostic: Diagnostic): Diagnostic {
  return incompleteCodes.has(diagnostic.code)
    ? { ...diagnostic, message: diagnostic.message.replace(/; get [^;]*: kubectl get [^;]*$/, '') }
    : diagnostic;
}
