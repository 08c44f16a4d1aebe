import {
  mapping,
  optionalBoolean,
  optionalList,
  optionalMapping,
  optionalPortName,
  optionalProtocol,
  optionalText,
  optionalTexts,
  optionalWord,
  otherMetadata,
  type Schema,
  serviceMetadata,
  text,
} from './schema.ts';

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

/** v1 Service: ServiceSpec and ServiceStatus, the fields of kubernetes.ts. */
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

const slicePort: Schema = {
  type: 'integer',
  nullable: true,
  minimum: 0,
  maximum: 65535,
  code: 'invalid-port',
  expects: 'a port is a number from 1 to 65535',
};

const named: Schema = mapping({ name: text }, ['name']);

/** discovery.k8s.io/v1 EndpointSlice. FQDN is a known address type; that it is of no use here is said elsewhere. */
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
      addresses: optionalList(mapping({ type: text, address: text }, ['type', 'address'])),
    }),
  },
  ['metadata'],
);

/** networking.k8s.io/v1 ServiceCIDR. */
export const serviceCIDRSchema: Schema = mapping(
  { metadata: otherMetadata, spec: optionalMapping({ cidrs: optionalTexts }) },
  ['metadata'],
);
