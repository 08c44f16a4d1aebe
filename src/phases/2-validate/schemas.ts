/**
 * The JSON Schemas of the objects that decide about packets. Validation runs the code that ajv makes of them,
 * compiled-schemas.ts; after a change here, `npm run schemas` rewrites it.
 */

import type { DiagnosticCode } from '../../diagnostics/diagnostic.ts';

/**
 * The part of JSON Schema in use here, with two keywords added: the diagnostic's `code` for a value of the right type
 * that is still wrong, and what is expected, as a clause: "a port is a number from 1 to 65535".
 */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly nullable?: true;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly (string | null)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly code?: DiagnosticCode;
  readonly expects?: string;
}

/** Any string. */
const text: Schema = { type: 'string' };
/** Any string, or null, which Go clients write for unset fields. */
const optionalText: Schema = { type: 'string', nullable: true };
/** A list of strings, or null. */
const optionalTexts: Schema = { type: 'array', nullable: true, items: text };
/** true, false or null. */
const optionalBoolean: Schema = { type: 'boolean', nullable: true };

/** A mapping with these fields and any others, not null. */
function mapping(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required };
}

/** The same, or null. */
function optionalMapping(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', nullable: true, properties, required };
}

/** A list of `items`, or null. */
function optionalList(items: Schema): Schema {
  return { type: 'array', nullable: true, items };
}

/** One of these words, or null. Go clients may write an empty one for an unset field. */
function optionalWord(...words: readonly string[]): Schema {
  return { type: 'string', nullable: true, enum: [...words, null] };
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** A DNS label (RFC 1123): names of Services and namespaces. Only such names may reach comments of the ruleset. */
const labelName: Schema = {
  type: 'string',
  pattern: `^(?=.{1,63}$)${label}$`,
  code: 'invalid-name',
  expects: 'a name has 1 to 63 lowercase letters, digits and -, and begins and ends with a letter or digit',
};

/** A DNS subdomain (RFC 1123): names of EndpointSlices, Nodes and ServiceCIDRs. */
const subdomainName: Schema = {
  type: 'string',
  pattern: `^(?=.{1,253}$)${label}(\\.${label})*$`,
  code: 'invalid-name',
  expects:
    'a name has 1 to 253 lowercase letters, digits, - and ., and each part between dots begins and ends with a letter or digit',
};

/** The name of a port: a DNS label, or empty, or null. */
const optionalPortName: Schema = {
  type: 'string',
  nullable: true,
  pattern: `^((?=.{1,63}$)${label})?$`,
  code: 'invalid-name',
  expects: 'a port name has at most 63 lowercase letters, digits and -, and begins and ends with a letter or digit',
};

/** TCP, UDP, SCTP, or unset. */
const optionalProtocol: Schema = optionalWord('TCP', 'UDP', 'SCTP', '');

const time: Schema = {
  type: 'string',
  nullable: true,
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$',
  code: 'wrong-type',
  expects: 'expected a time such as 2026-01-31T12:00:00Z (RFC 3339)',
};

function metadata(name: Schema): Schema {
  return mapping(
    {
      name,
      namespace: { ...labelName, pattern: `^((?=.{1,63}$)${label})?$`, nullable: true },
      labels: { type: 'object', nullable: true, additionalProperties: optionalText },
      creationTimestamp: time,
    },
    ['name'],
  );
}

/** metadata of a Service. */
const serviceMetadata: Schema = metadata(labelName);
/** metadata of the other kinds. */
const otherMetadata: Schema = metadata(subdomainName);

const portNumber: Schema = {
  type: 'integer',
  minimum: 1,
  maximum: 65535,
  code: 'invalid-port',
  expects: 'a port is a number from 1 to 65535',
};

const nodePort: Schema = {
  type: 'integer',
  nullable: true,
  minimum: 0,
  maximum: 65535,
  code: 'invalid-port',
  expects: 'a node port is a number from 1 to 65535, or 0 for none',
};

const affinitySeconds: Schema = {
  type: 'integer',
  nullable: true,
};

/** v1 Service: ServiceSpec and ServiceStatus, the fields of kubernetes/objects.ts. */
export const serviceSchema: Schema = mapping(
  {
    metadata: serviceMetadata,
    spec: mapping({
      type: optionalWord('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName', ''),
      clusterIP: optionalText,
      clusterIPs: optionalTexts,
      ipFamilies: optionalList({ type: 'string', enum: ['IPv4', 'IPv6'] }),
      ports: optionalList(
        mapping({ name: optionalPortName, protocol: optionalProtocol, port: portNumber, nodePort }, ['port']),
      ),
      externalIPs: optionalTexts,
      loadBalancerSourceRanges: optionalTexts,
      internalTrafficPolicy: optionalWord('Cluster', 'Local', ''),
      externalTrafficPolicy: optionalWord('Cluster', 'Local', ''),
      healthCheckNodePort: { type: 'integer', nullable: true },
      sessionAffinity: optionalWord('None', 'ClientIP', ''),
      sessionAffinityConfig: optionalMapping({ clientIP: optionalMapping({ timeoutSeconds: affinitySeconds }) }),
    }),
    status: optionalMapping({
      loadBalancer: optionalMapping({
        ingress: optionalList(mapping({ ip: optionalText, ipMode: optionalWord('VIP', 'Proxy', '') })),
      }),
    }),
  },
  ['metadata', 'spec'],
);

/** The API server does not check the range. */
const slicePort: Schema = { type: 'integer', nullable: true };

const named: Schema = mapping({ name: text }, ['name']);

/** discovery.k8s.io/v1 EndpointSlice. Slices of addressType FQDN are left out by checkEndpointSlice. */
export const endpointSliceSchema: Schema = mapping(
  {
    metadata: otherMetadata,
    addressType: { type: 'string', enum: ['IPv4', 'IPv6', 'FQDN'] },
    ports: optionalList(mapping({ name: optionalPortName, protocol: optionalProtocol, port: slicePort })),
    endpoints: optionalList(
      mapping({
        addresses: optionalTexts,
        nodeName: optionalText,
        conditions: optionalMapping({
          ready: optionalBoolean,
          serving: optionalBoolean,
          terminating: optionalBoolean,
        }),
        hints: optionalMapping({ forZones: optionalList(named), forNodes: optionalList(named) }),
      }),
    ),
  },
  ['metadata', 'addressType'],
);

/** v1 Node. */
export const nodeSchema: Schema = mapping(
  {
    metadata: otherMetadata,
    spec: optionalMapping({ podCIDR: optionalText, podCIDRs: optionalTexts }),
    status: optionalMapping({
      addresses: optionalList(mapping({ type: optionalText, address: optionalText })),
    }),
  },
  ['metadata'],
);

/** networking.k8s.io/v1 ServiceCIDR. */
export const serviceCIDRSchema: Schema = mapping(
  { metadata: otherMetadata, spec: optionalMapping({ cidrs: optionalTexts }) },
  ['metadata'],
);
