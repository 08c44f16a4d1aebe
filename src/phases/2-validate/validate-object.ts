import {
  type Diagnostic,
  diagnosticCodes,
  type Problem,
  type Report,
  toDiagnostic,
} from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { findBadAnswer, listKinds } from '../../kubernetes/completeness.ts';
import type { EndpointSlice, Node, Service, ServiceCIDR, Sourced } from '../../kubernetes/objects.ts';
import { describeValue, isMapping, type Mapping } from '../../lib/unknown-values.ts';
import { checkEndpointSlice, checkServiceCIDR } from './check-objects.ts';
import { checkSchema, type SchemaValidator } from './check-schema.ts';
import { checkService } from './check-service.ts';
import { validateEndpointSlice, validateNode, validateService, validateServiceCIDR } from './compiled-schemas.ts';
import { endpointSliceSchema, nodeSchema, type Schema, serviceCIDRSchema, serviceSchema } from './schemas.ts';

/** A valid object of a kind that affects packets. */
export type ValidObject =
  | { readonly kind: 'Service'; readonly sourced: Sourced<Service> }
  | { readonly kind: 'EndpointSlice'; readonly sourced: Sourced<EndpointSlice> }
  | { readonly kind: 'Node'; readonly sourced: Sourced<Node> }
  | { readonly kind: 'ServiceCIDR'; readonly sourced: Sourced<ServiceCIDR> };

/** The result of validating one object. */
interface Validated {
  /** Undefined if the object is invalid, or of no use. */
  readonly valid: ValidObject | undefined;
  /** Whether its API group or kind is not one that affects packets. */
  readonly isUnused: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Validates one object by itself, without the checks that need several: duplicates, slices without a Service. */
export function validateObject(document: Document): Validated {
  const classified = classify(document.value);
  if (classified.is === 'wrong') {
    return { valid: undefined, isUnused: false, diagnostics: [toDiagnostic(classified.problem, document)] };
  }
  if (classified.is === 'unused') {
    return { valid: undefined, isUnused: true, diagnostics: [] };
  }
  return { ...validateKind(classified.kind, document), isUnused: false };
}

function validateKind(kind: UsedKind, document: Document): Omit<Validated, 'isUnused'> {
  switch (kind) {
    case 'Service': {
      const { valid, diagnostics } = keepValid([document], serviceRules);
      return { valid: valid[0] && { kind: 'Service', sourced: valid[0] }, diagnostics };
    }
    case 'EndpointSlice': {
      if (!isRead(document)) {
        return { valid: undefined, diagnostics: [] };
      }
      const { valid, diagnostics } = keepValid([document], endpointSliceRules);
      return { valid: valid[0] && { kind: 'EndpointSlice', sourced: valid[0] }, diagnostics };
    }
    case 'Node': {
      const { valid, diagnostics } = keepValid([document], nodeRules);
      return { valid: valid[0] && { kind: 'Node', sourced: valid[0] }, diagnostics };
    }
    case 'ServiceCIDR': {
      const { valid, diagnostics } = keepValid([document], serviceCIDRRules);
      return { valid: valid[0] && { kind: 'ServiceCIDR', sourced: valid[0] }, diagnostics };
    }
  }
}

/** The kinds that affect packets. */
export type UsedKind = 'Service' | 'EndpointSlice' | 'Node' | 'ServiceCIDR';

/** What a document is. */
type Classified =
  | { readonly is: 'used'; readonly kind: UsedKind; readonly value: Mapping }
  /** Nothing depends on it. `kind` ends with the API group if Kubernetes itself has a kind of that name. */
  | { readonly is: 'unused'; readonly kind: string }
  | { readonly is: 'wrong'; readonly problem: Problem };

interface ApiKind {
  readonly kind: UsedKind;
  readonly group: string;
  readonly versions: readonly string[];
}

const apiKinds: readonly ApiKind[] = [
  { kind: 'Service', group: '', versions: ['v1'] },
  { kind: 'Node', group: '', versions: ['v1'] },
  { kind: 'EndpointSlice', group: 'discovery.k8s.io', versions: ['v1'] },
  // v1beta1 has the same fields.
  { kind: 'ServiceCIDR', group: 'networking.k8s.io', versions: ['v1', 'v1beta1'] },
];

/** The kind of object that a parsed value is, by its kind and apiVersion (metav1.TypeMeta). */
export function classify(value: unknown): Classified {
  if (!isMapping(value)) {
    const message = `this is ${describeValue(value)}; a Kubernetes object is a mapping with apiVersion, kind and metadata`;
    return wrong('not-an-object', [], message);
  }
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string' || kind === '') {
    return wrong('not-an-object', [], 'this mapping has no kind, so it is not a Kubernetes object');
  }
  const problem = findBadAnswer(value);
  if (problem) {
    return { is: 'wrong', problem };
  }
  if (listKinds.has(kind)) {
    return wrong('wrong-type', ['items'], 'items is not a list of objects, or lists are nested too deeply');
  }
  const apiKind = apiKinds.find((candidate) => candidate.kind === kind);
  if (apiKind) {
    return checkVersion(apiKind, apiVersion, value);
  }
  const meant = meantKind(kind, apiVersion);
  if (meant !== undefined) {
    return wrong('misspelled-kind', ['kind'], `Kubernetes has no kind ${describeValue(kind)}; did you mean ${meant}?`);
  }
  return value['metadata'] === undefined && isBeginning(kind, apiVersion)
    ? wrong('not-an-object', ['kind'], `kind is ${describeValue(kind)}, where the input is cut off; get it again`)
    : { is: 'unused', kind };
}

/** The kinds that rules depend on, and lists of these. */
const kindsAndLists: readonly { readonly kind: string; readonly group: string }[] = [
  ...apiKinds,
  ...apiKinds.map(({ kind, group }) => ({ kind: `${kind}List`, group })),
  { kind: 'List', group: '' },
];

/** The kind that differs from this one only in case or by a plural, such as `services`; undefined for all others. */
function meantKind(kind: string, apiVersion: unknown): string | undefined {
  // API groups that are not of Kubernetes may have such a kind.
  const mayBeMeant = kindsAndLists.some((known) => mayBeOfGroup(apiVersion, known));
  const meant = kindsAndLists.find((known) => comparableKind(known.kind) === comparableKind(kind));
  return mayBeMeant ? meant?.kind : undefined;
}

function comparableKind(kind: string): string {
  return kind.toLowerCase().replace(/s$/, '');
}

/**
 * Whether a kind is the beginning of one that rules depend on, or of a list of these. What kubectl prints has apiVersion
 * before kind, and kind before metadata.
 */
function isBeginning(kind: string, apiVersion: unknown): boolean {
  return kindsAndLists.some((known) => known.kind.startsWith(kind) && mayBeOfGroup(apiVersion, known));
}

function mayBeOfGroup(apiVersion: unknown, { group }: Pick<ApiKind, 'group'>): boolean {
  return apiVersion === undefined || (typeof apiVersion === 'string' && parseVersion(apiVersion).group === group);
}

/** An apiVersion, `v1` or `discovery.k8s.io/v1`, in its parts. */
function parseVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.lastIndexOf('/');
  const group = apiVersion.slice(apiVersion.lastIndexOf('/', slash - 1) + 1, Math.max(slash, 0));
  return { group, version: apiVersion.slice(slash + 1) };
}

function checkVersion({ kind, group, versions }: ApiKind, apiVersion: unknown, value: Mapping): Classified {
  if (apiVersion === undefined || apiVersion === null) {
    return wrong('missing-field', [], 'apiVersion is missing');
  }
  if (typeof apiVersion !== 'string') {
    return wrong('wrong-type', ['apiVersion'], `apiVersion is ${describeValue(apiVersion)}; expected a string`);
  }
  const found = parseVersion(apiVersion);
  // Knative, for example, has its own Service.
  if (found.group !== group) {
    return { is: 'unused', kind: `${kind}.${found.group}` };
  }
  if (versions.includes(found.version)) {
    return { is: 'used', kind, value };
  }
  const known = versions.map((name) => (group === '' ? name : `${group}/${name}`)).join(' or ');
  const message = `apiVersion is ${describeValue(apiVersion)}; expected ${known} for ${kind}`;
  return wrong('unsupported-version', ['apiVersion'], message);
}

function wrong(code: Problem['code'], path: Problem['path'], message: string): Classified {
  return { is: 'wrong', problem: { code, path, message } };
}

/** How objects of a kind are checked; `T` is the type that the schema describes. */
export interface ObjectRules<T> {
  readonly schema: Schema;
  /** Compiled from the schema. */
  readonly validator: SchemaValidator;
  /** Checks what a schema cannot express. */
  readonly check: (object: T, report: Report) => void;
}

/** The objects of a kind that have no errors, and the diagnostics about all of them. */
export function keepValid<T>(
  documents: readonly Document[],
  { schema, validator, check }: ObjectRules<T>,
): { valid: Sourced<T>[]; diagnostics: Diagnostic[] } {
  const valid: Sourced<T>[] = [];
  const diagnostics: Diagnostic[] = [];
  let problems: Problem[] = [];
  const report: Report = (code, path, message) => problems.push({ code, path, message });
  for (const document of documents) {
    const { value } = document;
    problems = [...checkSchema(value, schema, validator)];
    if (isTyped<T>(value, problems)) {
      check(value, report);
      if (!problems.some(leavesOut)) {
        valid.push({ object: value, document });
      }
    }
    for (const problem of problems) {
      diagnostics.push(toDiagnostic(problem, document));
    }
  }
  return { valid, diagnostics };
}

/** Whether an object with this problem is not used. */
function leavesOut({ code }: Problem): boolean {
  return diagnosticCodes[code] === 'error' || code === 'unsupported-address-type';
}

/** Whether every field has the right type, even if not a valid value, so that the other checks can read the object. */
function isTyped<T>(_value: unknown, problems: readonly Problem[]): _value is T {
  return !problems.some(({ code }) => code === 'wrong-type' || code === 'missing-field');
}

function accept(): void {}

/** How Services are checked. */
export const serviceRules: ObjectRules<Service> = {
  schema: serviceSchema,
  validator: validateService,
  check: checkService,
};
/** How EndpointSlices are checked. */
export const endpointSliceRules: ObjectRules<EndpointSlice> = {
  schema: endpointSliceSchema,
  validator: validateEndpointSlice,
  check: checkEndpointSlice,
};
/**
 * How Nodes are checked. Their addresses may be anything: the API server does not check them, and virtual kubelets report
 * names. Those of the own node are checked when it is resolved.
 */
export const nodeRules: ObjectRules<Node> = { schema: nodeSchema, validator: validateNode, check: accept };
/** How ServiceCIDRs are checked. */
export const serviceCIDRRules: ObjectRules<ServiceCIDR> = {
  schema: serviceCIDRSchema,
  validator: validateServiceCIDR,
  check: checkServiceCIDR,
};

/** Whether proxies read a slice: not with the label service.kubernetes.io/headless. */
export function isRead({ value }: Document): boolean {
  const { labels } = metadataOf(value);
  return !isMapping(labels) || labels['service.kubernetes.io/headless'] === undefined;
}

const nothing: Readonly<Record<string, unknown>> = {};

/** The metadata of an object, valid or not; empty if there is none. */
export function metadataOf(value: unknown): Readonly<Record<string, unknown>> {
  const metadata = isMapping(value) ? value['metadata'] : undefined;
  return isMapping(metadata) ? metadata : nothing;
}
