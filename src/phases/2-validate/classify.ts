import { describeValue } from '../../describe-value.ts';
import { isMapping, type Mapping } from '../../mapping.ts';
import type { Finding } from './report.ts';

/** The kinds that decide about packets. */
export type UsedKind = 'Service' | 'EndpointSlice' | 'Node' | 'ServiceCIDR';

/** What a document turned out to be. */
export type Classified =
  | { readonly is: 'used'; readonly kind: UsedKind; readonly value: Mapping }
  /** Nothing here depends on it; `kind` has its API group behind it where Kubernetes has a kind of that name itself. */
  | { readonly is: 'unused'; readonly kind: string }
  | { readonly is: 'wrong'; readonly finding: Finding };

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

/** Tells what kind of object a parsed value is, by its kind and apiVersion (metav1.TypeMeta). */
export function classify(value: unknown): Classified {
  if (!isMapping(value)) {
    const message = `this is ${describeValue(value)}; a Kubernetes object is a mapping with apiVersion, kind and metadata`;
    return wrong('not-an-object', [], message);
  }
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string' || kind === '') {
    return wrong('not-an-object', [], 'this mapping has no kind, so it is no Kubernetes object');
  }
  if (kind === 'List') {
    return wrong('wrong-type', ['items'], 'items is no list of objects, or one of lists nested too deep');
  }
  const apiKind = apiKinds.find((candidate) => candidate.kind === kind);
  return apiKind ? checkVersion(apiKind, apiVersion, value) : { is: 'unused', kind };
}

function checkVersion({ kind, group, versions }: ApiKind, apiVersion: unknown, value: Mapping): Classified {
  if (apiVersion === undefined || apiVersion === null) {
    return wrong('missing-field', [], 'apiVersion is missing');
  }
  if (typeof apiVersion !== 'string') {
    return wrong('wrong-type', ['apiVersion'], `apiVersion is ${describeValue(apiVersion)}; a text is expected`);
  }
  const [version = '', foundGroup = ''] = apiVersion.split('/').reverse();
  // Knative, for one, has a Service of its own.
  if (foundGroup !== group) {
    return { is: 'unused', kind: `${kind}.${foundGroup}` };
  }
  if (versions.includes(version)) {
    return { is: 'used', kind, value };
  }
  const known = versions.map((name) => (group === '' ? name : `${group}/${name}`)).join(' or ');
  const message = `apiVersion is ${describeValue(apiVersion)}; ${kind} is read in version ${known}`;
  return wrong('unsupported-version', ['apiVersion'], message);
}

function wrong(code: Finding['code'], path: Finding['path'], message: string): Classified {
  return { is: 'wrong', finding: { code, path, message } };
}
