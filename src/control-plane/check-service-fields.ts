import { suggestClosest } from '../lib/text.ts';
import { describePath, describeValue, isMapping, type Mapping, type Path } from '../lib/unknown-values.ts';
import type { Refuse } from './api-names.ts';

/** What a field may hold: a word for its type, a list of such values, or a mapping with these fields. */
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

/** All fields of a v1 Service in Kubernetes 1.37. */
const serviceFields: FieldTypes = {
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
};

/** Reports fields that a Service does not have, and values of the wrong type, as an API server does with strict field validation. */
export function checkServiceFields(service: unknown, refuse: Refuse): void {
  checkFields(service, serviceFields, [], refuse);
}

function checkFields(value: unknown, type: FieldType, path: Path, refuse: Refuse): void {
  if (value === null || value === undefined || type === 'anything') {
    return;
  }
  if (!hasType(value, type)) {
    refuse(path, `${describePath(path)} is ${describeValue(value)}; expected ${nameOfType(type)}`);
  } else if (Array.isArray(value) && isListType(type)) {
    for (const [index, item] of value.entries()) {
      checkFields(item, type[0], [...path, index], refuse);
    }
  } else if (isMapping(value)) {
    checkMapping(value, type, path, refuse);
  }
}

function checkMapping(value: Mapping, type: FieldType, path: Path, refuse: Refuse): void {
  const fields = typeof type === 'object' && !isListType(type) ? type : undefined;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, key];
    const innerType = fields ? fieldOf(fields, key) : 'text';
    if (innerType !== undefined) {
      checkFields(inner, innerType, at, refuse);
    } else if (fields) {
      const closest = suggestClosest(key, Object.keys(fields));
      const hint = closest === undefined ? '' : `; did you mean ${closest}?`;
      refuse(at, `${describePath(at)} is not a field of a Service${hint}`);
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
      return Number.isInteger(value);
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
