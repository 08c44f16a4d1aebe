import {
  mapping,
  optionalList,
  optionalMapping,
  optionalPortName,
  optionalProtocol,
  optionalText,
  optionalTexts,
  optionalWord,
  type Schema,
  serviceMetadata,
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
