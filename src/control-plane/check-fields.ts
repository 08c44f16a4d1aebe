import { suggestClosest } from '../lib/text.ts';
import { describePath, describeValue, isMapping, type Mapping, type Path } from '../lib/unknown-values.ts';
import type { Refuse } from './api-values.ts';

/** What a field may hold: a word for its type, a list of such values, or a mapping with these fields. Integers have 32 bits. */
type FieldType = 'text' | 'boolean' | 'integer' | 'texts by name' | 'anything' | readonly [FieldType] | FieldTypes;
/** The fields of a mapping, all of which may be absent or null. */
interface FieldTypes {
  readonly [field: string]: FieldType;
}

const port: FieldTypes = { name: 'text', protocol: 'text', port: 'integer', appProtocol: 'text' };

const metadata: FieldTypes = {
  name: 'text',
  generateName: 'text',
  namespace: 'text',
  selfLink: 'text',
  uid: 'text',
  resourceVersion: 'text',
  generation: 'integer',
  creationTimestamp: 'anything',
  deletionTimestamp: 'anything',
  deletionGracePeriodSeconds: 'integer',
  labels: 'texts by name',
  annotations: 'texts by name',
  ownerReferences: 'anything',
  finalizers: ['text'],
  managedFields: 'anything',
};

/** A kind whose fields are known. */
export type CheckedKind = 'Service' | 'EndpointSlice';

/** All fields of v1 Services and discovery.k8s.io/v1 EndpointSlices in Kubernetes 1.37. */
const fieldsOfKind: Readonly<Record<CheckedKind, FieldTypes>> = {
  Service: {
    apiVersion: 'text',
    kind: 'text',
    metadata,
    spec: {
      allocateLoadBalancerNodePorts: 'boolean',
      clusterIP: 'text',
      clusterIPs: ['text'],
      externalIPs: ['text'],
      externalName: 'text',
      externalTrafficPolicy: 'text',
      healthCheckNodePort: 'integer',
      internalTrafficPolicy: 'text',
      ipFamilies: ['text'],
      ipFamilyPolicy: 'text',
      loadBalancerClass: 'text',
      loadBalancerIP: 'text',
      loadBalancerSourceRanges: ['text'],
      ports: [{ ...port, nodePort: 'integer', targetPort: 'anything' }],
      publishNotReadyAddresses: 'boolean',
      selector: 'texts by name',
      sessionAffinity: 'text',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 'integer' } },
      trafficDistribution: 'text',
      type: 'text',
    },
    status: 'anything',
  },
  EndpointSlice: {
    apiVersion: 'text',
    kind: 'text',
    metadata,
    addressType: 'text',
    endpoints: [
      {
        addresses: ['text'],
        conditions: { ready: 'boolean', serving: 'boolean', terminating: 'boolean' },
        deprecatedTopology: 'texts by name',
        hints: { forNodes: [{ name: 'text' }], forZones: [{ name: 'text' }] },
        hostname: 'text',
        nodeName: 'text',
        targetRef: {
          apiVersion: 'text',
          fieldPath: 'text',
          kind: 'text',
          name: 'text',
          namespace: 'text',
          resourceVersion: 'text',
          uid: 'text',
        },
        zone: 'text',
      },
    ],
    ports: [port],
  },
};

/**
 * Reports fields that an object of a kind does not have, and values of the wrong type, as an API server does with strict
 * field validation.
 */
export function checkFields(object: unknown, kind: CheckedKind, refuse: Refuse): void {
  checkValue(object, fieldsOfKind[kind], [], { kind, refuse });
}

const nouns: Readonly<Record<CheckedKind, string>> = { Service: 'a Service', EndpointSlice: 'an EndpointSlice' };

interface FieldChecks {
  readonly kind: CheckedKind;
  readonly refuse: Refuse;
}

function checkValue(value: unknown, type: FieldType, path: Path, checks: FieldChecks): void {
  if (value === null || value === undefined || type === 'anything') {
    return;
  }
  if (!hasType(value, type)) {
    checks.refuse(path, `${describePath(path)} is ${describeValue(value)}; expected ${nameOfType(type)}`);
  } else if (Array.isArray(value) && isListType(type)) {
    for (const [index, item] of value.entries()) {
      checkValue(item, type[0], [...path, index], checks);
    }
  } else if (isMapping(value)) {
    checkMapping(value, type, path, checks);
  }
}

function checkMapping(value: Mapping, type: FieldType, path: Path, checks: FieldChecks): void {
  const fields = typeof type === 'object' && !isListType(type) ? type : undefined;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, key];
    const innerType = fields ? fieldOf(fields, key) : 'text';
    if (innerType !== undefined) {
      checkValue(inner, innerType, at, checks);
    } else if (fields) {
      const closest = suggestClosest(key, Object.keys(fields));
      const hint = closest === undefined ? '' : `; did you mean ${closest}?`;
      checks.refuse(at, `${describePath(at)} is not a field of ${nouns[checks.kind]}${hint}`);
    }
  }
}

function fieldOf(fields: FieldTypes, key: string): FieldType | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function isListType(type: FieldType): type is readonly [FieldType] {
  return Array.isArray(type);
}

function hasType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return typeof value === 'number' && value === (value | 0);
    default:
      return isListType(type) ? Array.isArray(value) : isMapping(value);
  }
}

function nameOfType(type: FieldType): string {
  switch (type) {
    case 'text':
      return 'a string';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return 'an integer';
    default:
      return isListType(type) ? 'a list' : 'a mapping';
  }
}
