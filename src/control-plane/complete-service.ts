import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { parseAddress } from '../net/address.ts';
import { nameOfFamily } from '../net/network.ts';

/** Kubernetes' name of a family, as in spec.ipFamilies. */
export type FamilyName = 'IPv4' | 'IPv6';

/**
 * A Service with all fields that an API server sets when it is created, except for what it allocates (SetDefaults_Service
 * and initIPFamilyFields of Kubernetes). Fields that are null or empty count as absent. A Service that an API server
 * refuses may come back as anything.
 *
 * @param families those of the cluster, the one of its first service CIDR first.
 */
export function completeService(service: Mapping, families: readonly FamilyName[]): Mapping {
  const spec = withClusterIPs(withoutUnset(mappingIn(service, 'spec')));
  const type = typeOf(spec);
  const isServed = type !== 'ExternalName';
  const isPublished = type === 'NodePort' || type === 'LoadBalancer' || listIn(spec, 'externalIPs').length > 0;
  return {
    ...service,
    metadata: {
      ...mappingIn(service, 'metadata'),
      namespace: textIn(mappingIn(service, 'metadata'), 'namespace') || 'default',
    },
    spec: {
      ...spec,
      ...(listIn(spec, 'ports').length > 0 && { ports: listIn(spec, 'ports').map(completePort) }),
      type,
      ...affinityOf(spec),
      ...(isServed && isPublished && { externalTrafficPolicy: spec['externalTrafficPolicy'] ?? 'Cluster' }),
      internalTrafficPolicy: isServed ? (spec['internalTrafficPolicy'] ?? 'Cluster') : undefined,
      ...(isServed && familiesOf(spec, families)),
      ...(type === 'LoadBalancer' && {
        allocateLoadBalancerNodePorts: spec['allocateLoadBalancerNodePorts'] ?? true,
      }),
    },
    status: { ...mappingIn(service, 'status'), loadBalancer: mappingIn(mappingIn(service, 'status'), 'loadBalancer') },
  };
}

/** A clusterIP alone is the first of clusterIPs, and says of which family the Service is. */
function withClusterIPs(spec: Mapping): Mapping {
  const isAlone = textIn(spec, 'clusterIP') !== '' && listIn(spec, 'clusterIPs').length === 0;
  return isAlone && typeOf(spec) !== 'ExternalName' ? { ...spec, clusterIPs: [spec['clusterIP']] } : spec;
}

/** The type in the spec of a Service, ClusterIP by default. */
export function typeOf(spec: Mapping): string {
  return textIn(spec, 'type') || 'ClusterIP';
}

/** Whether the spec of a Service says that it has no cluster IP. */
export function isHeadless(spec: Mapping): boolean {
  return spec['clusterIP'] === 'None' || listIn(spec, 'clusterIPs')[0] === 'None';
}

/** Without the fields that Go omits when they are empty; those that distinguish empty from absent stay. */
function withoutUnset(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([key, value]) => !isUnset(key, value)));
}

function isUnset(key: string, value: unknown): boolean {
  if (value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
    return true;
  }
  if (isMapping(value)) {
    return key === 'selector' && Object.keys(value).length === 0;
  }
  return value === 0
    ? key === 'healthCheckNodePort' || key === 'nodePort'
    : value === false && key === 'publishNotReadyAddresses';
}

function completePort(port: unknown): Mapping {
  const written = withoutUnset(isMapping(port) ? port : {});
  return {
    ...written,
    protocol: written['protocol'] ?? 'TCP',
    // A number that is 0 is absent in Go.
    targetPort: written['targetPort'] || written['port'],
  };
}

/** In seconds: DefaultClientIPServiceAffinitySeconds. */
const affinitySeconds = 10_800;

function affinityOf({ sessionAffinity, sessionAffinityConfig }: Mapping): Mapping {
  if (sessionAffinity !== 'ClientIP') {
    return { sessionAffinity: sessionAffinity ?? 'None', sessionAffinityConfig: undefined };
  }
  const config = isMapping(sessionAffinityConfig) ? sessionAffinityConfig : {};
  const clientIP = mappingIn(config, 'clientIP');
  const timeoutSeconds = clientIP['timeoutSeconds'] ?? affinitySeconds;
  return { sessionAffinity, sessionAffinityConfig: { ...config, clientIP: { ...clientIP, timeoutSeconds } } };
}

/** The families of a Service: as written, else those of its addresses, else the first of the cluster; and its policy. */
function familiesOf(spec: Mapping, families: readonly FamilyName[]): Mapping {
  // Someone else may write the endpoints of such a Service, of any family.
  const hasAnyFamily = isHeadless(spec) && Object.keys(mappingIn(spec, 'selector')).length === 0;
  const ipFamilyPolicy = spec['ipFamilyPolicy'] ?? (hasAnyFamily ? 'RequireDualStack' : 'SingleStack');
  const given = listIn(spec, 'ipFamilies');
  const others = listIn(spec, 'clusterIPs').slice(given.length).flatMap(familyOfText);
  const written = [...given, ...others];
  const known = written.length > 0 ? written : families.slice(0, 1);
  const isExtended = known.length === 1 && ipFamilyPolicy !== 'SingleStack' && (hasAnyFamily || families.length === 2);
  return {
    ipFamilies: isExtended ? [...known, known[0] === 'IPv4' ? 'IPv6' : 'IPv4'] : known,
    ipFamilyPolicy,
  };
}

function familyOfText(text: unknown): FamilyName[] {
  const address = typeof text === 'string' ? parseAddress(text) : undefined;
  return address ? [nameOfFamily(address.family)] : [];
}
