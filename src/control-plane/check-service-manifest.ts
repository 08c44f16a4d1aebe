import {
  describePath,
  describeValue,
  isMapping,
  listIn,
  type Mapping,
  mappingIn,
  type Path,
  textIn,
} from '../lib/unknown-values.ts';
import { parseAddress, parseCidr } from '../net/address.ts';
import {
  checkHost,
  checkLabels,
  checkMetadata,
  checkName,
  containerPortName,
  dnsSubdomain,
  familyOfStrict,
  qualifiedName,
  type Refuse,
} from './api-values.ts';
import { type FamilyName, isHeadless, typeOf } from './complete-service.ts';

/**
 * Reports what an API server refuses when a Service is created (ValidateService of Kubernetes 1.37), apart from what its
 * schema says, and from addresses and ports that are taken.
 *
 * @param families those of the cluster.
 */
export function checkServiceManifest(service: Mapping, families: readonly FamilyName[], refuse: Refuse): void {
  const spec = mappingIn(service, 'spec');
  checkMetadata(mappingIn(service, 'metadata'), refuse);
  checkTopologyMode(mappingIn(mappingIn(service, 'metadata'), 'annotations'), refuse);
  checkLabels(spec, ['spec', 'selector'], refuse);
  checkType(spec, refuse);
  checkPorts(spec, refuse);
  checkClusterIPs(spec, refuse);
  checkFamilies(spec, families, refuse);
  checkAffinity(spec, refuse);
  checkExternals(spec, refuse);
  checkWord(spec, 'internalTrafficPolicy', ['Cluster', 'Local'], refuse);
  checkWord(spec, 'trafficDistribution', ['PreferClose', 'PreferSameZone', 'PreferSameNode'], refuse);
}

/** The annotation has an older name; both must say the same. */
function checkTopologyMode(annotations: Mapping, refuse: Refuse): void {
  const [name, oldName] = [
    'service.kubernetes.io/topology-mode',
    'service.kubernetes.io/topology-aware-hints',
  ] as const;
  const [mode, oldMode] = [annotations[name], annotations[oldName]];
  if (mode !== undefined && oldMode !== undefined && mode !== oldMode) {
    const path = ['metadata', 'annotations', name];
    refuse(
      path,
      `${describePath(path)} is ${describeValue(mode)}, but ${oldName} is ${describeValue(oldMode)}; they must be equal`,
    );
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** For a field that is a pointer in Go: only null counts as absent. */
function checkWord(spec: Mapping, field: string, words: readonly string[], refuse: Refuse): void {
  const value = spec[field] ?? undefined;
  if (value !== undefined && !words.some((word) => word === value)) {
    refuse(['spec', field], `spec.${field} is ${describeValue(value)}; possible values are ${words.join(', ')}`);
  }
}

const familyPolicies = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const;

/** Fields that only Services of some types may have. */
function checkType(spec: Mapping, refuse: Refuse): void {
  const type = typeOf(spec);
  const forbid = (field: string, owners: string): void => {
    if (isSet(spec[field])) {
      refuse(['spec', field], `spec.${field} is for ${owners}, and this one has type ${type}`);
    }
  };
  if (type !== 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'loadBalancerSourceRanges']) {
      forbid(field, 'Services of type LoadBalancer');
    }
  }
  if (type === 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
      forbid(field, 'Services with endpoints');
    }
    checkWord(spec, 'ipFamilyPolicy', familyPolicies, refuse);
    checkExternalName(spec, refuse);
  }
  const hasNodePorts = type === 'NodePort' || type === 'LoadBalancer';
  if (!(hasNodePorts || (type === 'ClusterIP' && isSet(spec['externalIPs'])))) {
    forbid('externalTrafficPolicy', 'Services with node ports or external IPs');
  }
  const hasHealthChecks = type === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';
  if (spec['healthCheckNodePort'] !== 0 && !hasHealthChecks) {
    forbid('healthCheckNodePort', 'load balancers with externalTrafficPolicy Local');
  }
  if (hasNodePorts && isHeadless(spec)) {
    refuse(['spec', 'clusterIP'], `spec.clusterIP is None, but a Service of type ${type} needs an address`);
  }
}

function checkExternalName(spec: Mapping, refuse: Refuse): void {
  const name = textIn(spec, 'externalName');
  if (name === '') {
    refuse(['spec'], 'spec.externalName is missing, the name that a Service of type ExternalName stands for');
  } else {
    checkName(name.replace(/\.$/, ''), dnsSubdomain, ['spec', 'externalName'], refuse);
  }
}

function checkPorts(spec: Mapping, refuse: Refuse): void {
  const ports = listIn(spec, 'ports').map((port) => (isMapping(port) ? port : {}));
  const type = typeOf(spec);
  if (ports.length === 0 && type !== 'ExternalName' && !isHeadless(spec)) {
    refuse(['spec'], 'it has no ports');
  }
  checkDistinctPorts(ports, refuse);
  for (const [index, port] of ports.entries()) {
    const path = ['spec', 'ports', index];
    if (textIn(port, 'name') === '' && ports.length > 1) {
      refuse(path, `${describePath(path)} has no name; each port of a Service with several ports needs one`);
    }
    checkTargetPort(port['targetPort'], [...path, 'targetPort'], refuse);
    checkName(port['appProtocol'], qualifiedName, [...path, 'appProtocol'], refuse);
    if (type === 'ClusterIP' && port['nodePort']) {
      refuse(
        [...path, 'nodePort'],
        `${describePath(path)}.nodePort is for Services of type NodePort or LoadBalancer, and this one has type ${type}`,
      );
    }
  }
}

/** No two ports have the same name, nor the same number and protocol. */
function checkDistinctPorts(ports: readonly Mapping[], refuse: Refuse): void {
  const seen = new Map<string, number>();
  for (const [index, port] of ports.entries()) {
    const name = textIn(port, 'name');
    const number = `${textIn(port, 'protocol') || 'TCP'} port ${String(port['port'])}`;
    for (const key of [...(name === '' ? [] : [`name ${name}`]), number]) {
      const other = seen.get(key);
      if (other !== undefined) {
        const what = key === number ? 'number and protocol' : key;
        refuse(['spec', 'ports', index], `spec.ports[${index}] has the same ${what} as spec.ports[${other}]`);
      }
      seen.set(key, other ?? index);
    }
  }
}

/** A number from 1 to 65535, or a name; 0 and an empty name stand for the port itself. */
function checkTargetPort(value: unknown, path: Path, refuse: Refuse): void {
  if (typeof value === 'string') {
    checkName(value || undefined, containerPortName, path, refuse);
  } else if (
    value !== undefined &&
    value !== null &&
    !(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535)
  ) {
    refuse(path, `${describePath(path)} is ${describeValue(value)}; ${containerPortName.expected}`);
  }
}

function checkClusterIPs(spec: Mapping, refuse: Refuse): void {
  if (typeOf(spec) === 'ExternalName') {
    return;
  }
  const first = textIn(spec, 'clusterIP');
  const texts = listIn(spec, 'clusterIPs');
  const path = ['spec', 'clusterIPs'];
  if (texts.length > 0 && texts[0] !== first) {
    refuse(
      path,
      `spec.clusterIPs begins with ${describeValue(texts[0])}, but spec.clusterIP is ${first === '' ? 'missing' : describeValue(first)}; they must be equal`,
    );
  }
  const all = texts.length > 0 ? texts : [first].filter((text) => text !== '');
  if (all.length > 2) {
    refuse(path, `spec.clusterIPs has ${all.length} addresses, more than 2`);
  }
  if (all.length > 1 && all.includes('None')) {
    refuse(path, 'spec.clusterIPs has None beside an address');
    return;
  }
  const [family, second] = all.map(familyOfStrict);
  for (const [index, text] of all.entries()) {
    const at = texts.length > 0 ? [...path, index] : ['spec', 'clusterIP'];
    checkClusterIP(text, { at, index, expected: listIn(spec, 'ipFamilies')[index] }, refuse);
  }
  if (family !== undefined && family === second) {
    refuse([...path, 1], `spec.clusterIPs has two ${second} addresses`);
  }
}

interface ClusterIPPlace {
  readonly at: Path;
  readonly index: number;
  /** Its family in spec.ipFamilies. */
  readonly expected: unknown;
}

function checkClusterIP(text: unknown, { at, index, expected }: ClusterIPPlace, refuse: Refuse): void {
  if (text === 'None') {
    return;
  }
  const family = familyOfStrict(text);
  const what = `${describePath(at)} is ${describeValue(text)}`;
  if (family === undefined) {
    refuse(at, `${what}; expected an IP address or None`);
  } else if (expected !== undefined && expected !== family) {
    refuse(at, `${what}, but spec.ipFamilies[${index}] is ${describeValue(expected)}`);
  }
}

function checkFamilies(spec: Mapping, families: readonly FamilyName[], refuse: Refuse): void {
  if (typeOf(spec) === 'ExternalName') {
    return;
  }
  checkWord(spec, 'ipFamilyPolicy', familyPolicies, refuse);
  const given = listIn(spec, 'ipFamilies');
  const isFree = isHeadless(spec) && Object.keys(mappingIn(spec, 'selector')).length === 0;
  const policy = textIn(spec, 'ipFamilyPolicy') || (isFree ? 'RequireDualStack' : 'SingleStack');
  if (new Set(given).size < given.length) {
    refuse(['spec', 'ipFamilies', 1], 'spec.ipFamilies has a family twice');
  } else if (policy === 'SingleStack' && (given.length > 1 || listIn(spec, 'clusterIPs').length > 1)) {
    const what = given.length > 1 ? 'spec.ipFamilies has two families' : 'spec.clusterIPs has two addresses';
    refuse(['spec'], `${what}, so spec.ipFamilyPolicy must be PreferDualStack or RequireDualStack`);
  }
  if (!isFree) {
    checkAgainstCluster({ policy, given }, families, refuse);
  }
}

/** What a Service asks for that the cluster does not have. */
function checkAgainstCluster(
  { policy, given }: { readonly policy: string; readonly given: readonly unknown[] },
  families: readonly FamilyName[],
  refuse: Refuse,
): void {
  if (policy === 'RequireDualStack' && families.length < 2) {
    refuse(
      ['spec', 'ipFamilyPolicy'],
      `spec.ipFamilyPolicy is RequireDualStack, but the cluster has only ${families.join('')} (see --service-cidr)`,
    );
  }
  for (const [index, family] of given.entries()) {
    if (!families.some((known) => known === family)) {
      refuse(
        ['spec', 'ipFamilies', index],
        `spec.ipFamilies[${index}] is ${describeValue(family)}, which the cluster does not have (see --service-cidr)`,
      );
    }
  }
}

function checkAffinity(spec: Mapping, refuse: Refuse): void {
  const seconds = mappingIn(mappingIn(spec, 'sessionAffinityConfig'), 'clientIP')['timeoutSeconds'];
  if (spec['sessionAffinity'] === 'ClientIP' && typeof seconds === 'number' && (seconds < 1 || seconds > 86_400)) {
    const path = ['spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'];
    refuse(path, `${describePath(path)} is ${seconds}; expected 1 to 86400 seconds`);
  }
}

function checkExternals(spec: Mapping, refuse: Refuse): void {
  for (const [index, text] of listIn(spec, 'externalIPs').entries()) {
    const path = ['spec', 'externalIPs', index];
    if (familyOfStrict(text) === undefined) {
      refuse(path, `${describePath(path)} is ${describeValue(text)}; expected an IP address`);
    } else {
      checkHost(text, path, refuse);
    }
  }
  checkName(spec['loadBalancerClass'] ?? undefined, qualifiedName, ['spec', 'loadBalancerClass'], refuse);
  if (typeOf(spec) !== 'LoadBalancer') {
    return;
  }
  for (const [index, text] of listIn(spec, 'loadBalancerSourceRanges').entries()) {
    const path = ['spec', 'loadBalancerSourceRanges', index];
    const written = typeof text === 'string' ? text.trim() : '';
    const cidr = parseCidr(written);
    const [address = '', prefix = ''] = written.split('/');
    const isStrict = familyOfStrict(address) !== undefined && !/^0\d/.test(prefix);
    if (!cidr || !isStrict || parseAddress(address)?.text !== cidr.address) {
      refuse(
        path,
        `${describePath(path)} is ${describeValue(text)}; expected a CIDR such as 192.0.2.0/24, without bits beyond its prefix length`,
      );
    }
  }
}
