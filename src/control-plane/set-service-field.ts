/** Changes one field of a Service, as `kubectl patch` does, and what an API server makes of that. */

import { countOf } from '../lib/text.ts';
import {
  describePath,
  describeValue,
  isMapping,
  listIn,
  type Mapping,
  mappingIn,
  type Path,
} from '../lib/unknown-values.ts';
import { addressNumber, addressOfNumber, type Cidr, familyOfAddress, parseAddress, parseCidr } from '../net/address.ts';
import { type Family, nameOfFamily } from '../net/network.ts';
import { allocateServices } from './allocate-services.ts';
import { checkFields } from './check-fields.ts';
import { checkServiceManifest } from './check-service-manifest.ts';
import { completeService, isHeadless, typeOf } from './complete-service.ts';
import { nameOf, namespaceIn } from './object-names.ts';

/** A field of a Service and what it shall be. */
export interface FieldChange {
  readonly service: { readonly namespace?: string | undefined; readonly name: string };
  /** Begins with `spec`. */
  readonly path: Path;
  /** As YAML reads it; null takes the field away. */
  readonly value: unknown;
}

/**
 * The Service with a changed field, and what an API server sets, allocates and clears because of it; or why it refuses that.
 *
 * @param objects of the cluster: those that have addresses and node ports, and ServiceCIDRs.
 */
export function setServiceField(service: Mapping, change: FieldChange, objects: readonly Mapping[]): Mapping | string {
  const changed = changeField(service, change, objects);
  return typeof changed === 'string' ? `Service ${namespaceIn(service)}/${nameOf(service)}: ${changed}` : changed;
}

function changeField(service: Mapping, { path, value }: FieldChange, objects: readonly Mapping[]): Mapping | string {
  const problems = [...path.keys()].flatMap((index) => stepProblem(service, path, index) ?? []);
  const refuse = (_: Path, message: string): void => {
    problems.push(message);
  };
  const changed = problems.length === 0 ? (withValue(service, path, value) as Mapping) : service;
  checkFields(changed, 'Service', refuse);
  if (problems[0] !== undefined) {
    return problems[0];
  }
  checkUpdate(mappingIn(service, 'spec'), mappingIn(changed, 'spec'), refuse);
  const cleared = clearDependents(service, changed);
  const ranges = serviceRanges(objects);
  const families = [...new Set(ranges.map(({ family }) => nameOfFamily(family)))];
  checkServiceManifest(cleared, families, refuse);
  if (problems[0] !== undefined) {
    return problems[0];
  }
  const services = objects.filter((object) => object['kind'] === 'Service');
  const allocated = allocateServices(
    services.map((one) => (one === service ? completeService(cleared, families) : one)),
    { serviceCIDRs: ranges, loadBalancerCIDRs: [], nodePorts: portRange(services) },
  )[services.indexOf(service)];
  return allocated?.problems[0]?.message ?? (JSON.parse(JSON.stringify(allocated?.service)) as Mapping);
}

/** Why a path cannot go on from one of its values; undefined if it can. What is absent on the way is made. */
function stepProblem(root: Mapping, path: Path, index: number): string | undefined {
  const [key, before] = [path[index], path.slice(0, index)];
  const here = before.reduce<unknown>((value, step) => (isContainer(value) ? value[step] : undefined), root);
  if (here === undefined || here === null) {
    return key === undefined || key === 0 || typeof key === 'string'
      ? undefined
      : `${describePath(before)} has no values`;
  }
  if (typeof key === 'number' ? !Array.isArray(here) : !isMapping(here)) {
    return `${describePath(path)} cannot be set, because ${describePath(before)} is ${describeValue(here)}`;
  }
  return Array.isArray(here) && Number(key) > here.length
    ? `${describePath(path)} cannot be set, because ${describePath(before)} has only ${countOf(here.length, 'value')}`
    : undefined;
}

function isContainer(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A copy with the value at the path, which has no problem; null takes away what is there. */
function withValue(here: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) {
    return value;
  }
  const isRemoved = rest.length === 0 && value === null;
  if (typeof key === 'number') {
    const list: readonly unknown[] = Array.isArray(here) ? here : [];
    return list.toSpliced(key, 1, ...(isRemoved ? [] : [withValue(list[key], rest, value)]));
  }
  const { [key]: old, ...others } = isMapping(here) ? here : {};
  return isRemoved ? others : { ...others, [key]: withValue(old, rest, value) };
}

/** What may not change as long as a Service has an address (ValidateServiceUpdate of Kubernetes). */
function checkUpdate(old: Mapping, changed: Mapping, refuse: (path: Path, message: string) => void): void {
  const keep = (field: string, before: unknown, now: unknown): void => {
    const isSet = before !== undefined && before !== null && before !== '' && before !== 0;
    if (isSet && before !== now) {
      const path = ['spec', field];
      refuse(path, `${describePath(path)} is ${describeValue(before)} and may not change`);
    }
  };
  const isServed = typeOf(old) !== 'ExternalName' && typeOf(changed) !== 'ExternalName';
  if (isServed) {
    keep('clusterIP', old['clusterIP'], changed['clusterIP']);
    keep('ipFamilies', listIn(old, 'ipFamilies')[0], listIn(changed, 'ipFamilies')[0]);
  }
  if (typeOf(old) === 'LoadBalancer' && typeOf(changed) === 'LoadBalancer') {
    keep('loadBalancerClass', old['loadBalancerClass'], changed['loadBalancerClass']);
    if (old['externalTrafficPolicy'] === 'Local' && changed['externalTrafficPolicy'] === 'Local') {
      keep('healthCheckNodePort', old['healthCheckNodePort'], changed['healthCheckNodePort']);
    }
  }
}

/** Without fields that only the old type needs, if they are as they were (dropTypeDependentFields of the API server). */
function clearDependents(old: Mapping, changed: Mapping): Mapping {
  const [before, now] = [mappingIn(old, 'spec'), mappingIn(changed, 'spec')];
  const isNoLonger = (needs: (spec: Mapping) => boolean): boolean => needs(before) && !needs(now);
  const dropped = [
    ...(isNoLonger(needsClusterIP)
      ? ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']
      : []),
    ...(isNoLonger(needsHealthChecks) ? ['healthCheckNodePort'] : []),
    ...(isNoLonger(isLoadBalancer) ? ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] : []),
    ...(isNoLonger(needsExternalPolicy) ? ['externalTrafficPolicy'] : []),
  ].filter((field) => before[field] === now[field]);
  const kept = Object.fromEntries(Object.entries(now).filter(([field]) => !dropped.includes(field)));
  const ports = listIn(kept, 'ports');
  const losesPorts = isNoLonger(needsNodePorts) && ports === before['ports'];
  return {
    ...changed,
    spec: { ...kept, ...(losesPorts && { ports: ports.map(withoutNodePort) }) },
    // The service controller gives the load balancer back.
    ...(isNoLonger(isLoadBalancer) && { status: { ...mappingIn(changed, 'status'), loadBalancer: {} } }),
  };
}

function withoutNodePort(port: unknown): unknown {
  const { nodePort: _, ...rest } = isMapping(port) ? port : {};
  return rest;
}

function needsClusterIP(spec: Mapping): boolean {
  return typeOf(spec) !== 'ExternalName';
}

function isLoadBalancer(spec: Mapping): boolean {
  return typeOf(spec) === 'LoadBalancer';
}

function needsNodePorts(spec: Mapping): boolean {
  return typeOf(spec) === 'NodePort' || isLoadBalancer(spec);
}

function needsHealthChecks(spec: Mapping): boolean {
  return isLoadBalancer(spec) && spec['externalTrafficPolicy'] === 'Local';
}

function needsExternalPolicy(spec: Mapping): boolean {
  return needsNodePorts(spec) || (needsClusterIP(spec) && listIn(spec, 'externalIPs').length > 0);
}

/** The ranges of cluster IPs: those of ServiceCIDRs; without any, for each family one that has all that are in use. */
function serviceRanges(objects: readonly Mapping[]): Cidr[] {
  const given = objects
    .filter((object) => object['kind'] === 'ServiceCIDR')
    .flatMap((object) => listIn(mappingIn(object, 'spec'), 'cidrs'))
    .flatMap((text) => (typeof text === 'string' ? (parseCidr(text) ?? []) : []));
  if (given.length > 0) {
    return given;
  }
  const addresses = objects
    .filter((object) => object['kind'] === 'Service')
    .map((object) => mappingIn(object, 'spec'))
    .filter((spec) => !isHeadless(spec))
    .flatMap((spec) => [spec['clusterIP'], ...listIn(spec, 'clusterIPs')])
    .flatMap((text) => (typeof text === 'string' ? (parseAddress(text)?.text ?? []) : []));
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const numbers = addresses.filter((address) => familyOfAddress(address) === family).map(addressNumber);
    return numbers.length > 0 ? [rangeAround(family, numbers)] : [];
  });
}

/** The default range of an API server, and what is in use besides. */
function portRange(services: readonly Mapping[]): readonly [first: number, last: number] {
  const ports = services
    .map((service) => mappingIn(service, 'spec'))
    .flatMap((spec) => [
      spec['healthCheckNodePort'],
      ...listIn(spec, 'ports').map((port) => isMapping(port) && port['nodePort']),
    ])
    .filter((port) => typeof port === 'number')
    .filter((port) => port > 0);
  return [ports.reduce((a, b) => Math.min(a, b), 30_000), ports.reduce((a, b) => Math.max(a, b), 32_767)];
}

/** At most this long, so that there is room for others. */
const longestPrefix = { ip: 20, ip6: 112 } as const;

function rangeAround(family: Family, numbers: readonly bigint[]): Cidr {
  const bits = family === 'ip' ? 32 : 128;
  const least = numbers.reduce((a, b) => (a < b ? a : b));
  const most = numbers.reduce((a, b) => (a > b ? a : b));
  const shared = bits - (least ^ most).toString(2).replace(/^0$/, '').length;
  const prefix = Math.min(shared, longestPrefix[family]);
  const mask = (1n << BigInt(bits - prefix)) - 1n;
  return { family, address: addressOfNumber(family, least - (least & mask)), prefix };
}
