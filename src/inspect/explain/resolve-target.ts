import { claimedFrontends } from '../../frontends/frontend-claims.ts';
import { limitList, listSome, listWords, suggestClosest } from '../../lib/text.ts';
import { canonicalAddress, familyOfAddress } from '../../net/address.ts';
import { endpointText, type Family, nameOfFamily } from '../../net/network.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { Destination, FrontendMatch } from './evidence.ts';
import type { AddressTarget, TargetPort } from './parse-names.ts';
import type { KnownTarget, PlacedTarget, ServiceTarget } from './resolve-names.ts';

/** A destination that is asked about, and the frontend that it stands for, if the question names a Service. */
export interface Aim extends Destination {
  readonly frontend?: FrontendMatch;
}

/** Where targets are looked up. */
export interface TargetDirectory {
  /** A view for each family in question, the preferred one first. */
  readonly views: readonly NodeView[];
  /** The node's addresses by rules and snapshot. */
  readonly localAddresses: readonly string[];
}

/**
 * The destinations that a target names: every frontend of a Service, or one address and port. A text that says why there
 * is none. Empty for a Service that has no port in these families.
 */
export function resolveTarget(target: KnownTarget, directory: TargetDirectory): Aim[] | string {
  switch (target.kind) {
    case 'address':
      return resolveAddress(target, directory);
    case 'node':
      return resolveNodePort(target, directory, (family) => nodePortAddress(family, directory));
    case 'pod':
      return resolvePod(target, directory);
    case 'other-node':
      return resolveNodePort(target, directory, (family) => addressIn(target.addresses, family));
    case 'service':
      return resolveService(target, directory);
  }
}

function addressIn(addresses: readonly string[], family: Family): string | undefined {
  return addresses.find((address) => familyOfAddress(address) === family);
}

/** Where clients find node ports: the first address of the node that has them, else its first one. */
function nodePortAddress(family: Family, { views, localAddresses }: TargetDirectory): string | undefined {
  const view = views.find((one) => one.family === family);
  const listed = view?.nodePortAddresses.kind === 'listed' ? view.nodePortAddresses.addresses : [];
  return listed[0] ?? view?.primaryAddress ?? addressIn(localAddresses, family);
}

/** An address without a port stands for all frontends that Services have there. */
function resolveAddress({ address, port, protocol }: AddressTarget, { views }: TargetDirectory): Aim[] | string {
  if (port !== undefined) {
    return [{ destination: address, port, protocol: protocol ?? 'tcp' }];
  }
  const aims = views
    .flatMap(({ servicePorts }) => servicePorts)
    .filter((one) => protocol === undefined || one.protocol === protocol)
    .flatMap((servicePort) => frontendsOf(servicePort).filter((aim) => aim.destination === address));
  return aims.length > 0
    ? distinct(aims)
    : `the port is missing, and no Service has ${address}: ${portAdvice(address)}`;
}

/** The end of an IPv6 address without brackets may be meant as the port. */
function portAdvice(address: string): string {
  const [, host = '', end = ''] = /^(.*:.*):([0-9]{1,5})$/.exec(address) ?? [];
  const inBrackets = canonicalAddress(host);
  return inBrackets === undefined
    ? `write ${endpointText({ address, port: 80 })} for port 80`
    : `write [${inBrackets}]:${end} for port ${end}`;
}

/** Several Services may claim one address and port. */
function distinct(aims: readonly Aim[]): Aim[] {
  return [...new Map(aims.map((aim) => [`${aim.destination} ${aim.port} ${aim.protocol}`, aim])).values()];
}

/** The frontends with an address: cluster IP, load balancer IPs and external IPs, each address once. */
function frontendsOf(servicePort: ServicePort): Aim[] {
  const { protocol } = servicePort;
  const aims = claimedFrontends(servicePort).flatMap(([kind, { address, port }]): Aim[] =>
    address === undefined ? [] : [{ destination: address, port, protocol, frontend: { servicePort, kind } }],
  );
  const first = new Map<string, Aim>();
  for (const aim of aims) {
    first.set(aim.destination, first.get(aim.destination) ?? aim);
  }
  return [...first.values()];
}

/** A port of a node, in the first family in which it has an address. */
function resolveNodePort(
  { port, protocol }: TargetPort,
  { views }: TargetDirectory,
  addressOf: (family: Family) => string | undefined,
): Aim[] | string {
  if (port === undefined) {
    return 'the node port is missing: give its number, as in node:30080';
  }
  if (!/^[0-9]+$/.test(port)) {
    return `a node port needs its number, not the name ${port}${nodePortsNamed(port, views)}`;
  }
  const number = Number(port);
  const families = views.length > 0 ? views.map(({ family }) => family) : (['ip', 'ip6'] as const);
  const destination = families.map(addressOf).find((address) => address !== undefined);
  if (destination === undefined) {
    return 'no address of the node is known; use --node-ip';
  }
  const owners = views.flatMap(({ servicePorts }) => servicePorts.filter((one) => one.nodePort === number));
  return [{ destination, port: number, protocol: protocol ?? owners[0]?.protocol ?? 'tcp' }];
}

/** The node ports of service ports with a name: `: use 30080 (shop/web)`; empty if there are none. */
function nodePortsNamed(name: string, views: readonly NodeView[]): string {
  const ports = views
    .flatMap(({ servicePorts }) => servicePorts)
    .filter((one) => one.portName === name && one.nodePort);
  const texts = [...new Set(ports.map((one) => `${one.nodePort} (${one.namespace}/${one.name})`))];
  return texts.length === 0 ? ', as in node:30080' : `: use ${listWords(limitList(texts, shown), 'or')}`;
}

/** A Pod at the port of an endpoint: that of this number, that of this Service port name, or the only one. */
function resolvePod({ name, port, protocol, addresses }: PlacedTarget, { views }: TargetDirectory): Aim[] | string {
  const families: readonly Family[] = views.map(({ family }) => family);
  const destination = families.map((family) => addressIn(addresses, family)).find((address) => address !== undefined);
  if (destination === undefined) {
    return `Pod ${name} has no ${families.map(nameOfFamily).join(' or ')} address`;
  }
  if (port !== undefined && /^[0-9]+$/.test(port)) {
    return [{ destination, port: Number(port), protocol: protocol ?? 'tcp' }];
  }
  const ports = views
    .flatMap(({ servicePorts }) => servicePorts)
    .filter((one) => (port === undefined || one.portName === port) && (!protocol || one.protocol === protocol))
    .flatMap((one) =>
      one.endpoints
        .filter(({ endpointAddress }) => endpointAddress.address === destination)
        .map(({ endpointAddress }): Aim => ({ destination, port: endpointAddress.port, protocol: one.protocol })),
    );
  const [first, ...others] = distinct(ports);
  if (!first) {
    return `which port of Pod ${name}? write pod:${name}:8080 for port 8080`;
  }
  const texts = [first, ...others].map((aim) => `${aim.port}/${aim.protocol}`);
  return others.length === 0 ? [first] : `which port of Pod ${name}? Services use ${texts.slice(0, shown).join(', ')}`;
}

function resolveService(target: ServiceTarget, directory: TargetDirectory): Aim[] | string {
  const { views } = directory;
  const all = views.flatMap(({ servicePorts }) =>
    servicePorts.filter((one) => one.namespace === target.namespace && one.name === target.name),
  );
  const { port, protocol } = target;
  const chosen = all.filter(
    (one) =>
      (protocol === undefined || one.protocol === protocol) &&
      (port === undefined || one.portName === port || String(one.port) === port),
  );
  if (chosen.length === 0) {
    return all.length === 0 ? [] : wrongPort(target, all);
  }
  return views.flatMap((view) => {
    const ports = view.servicePorts.filter((one) => chosen.includes(one));
    return [...ports.flatMap(frontendsOf), ...ports.flatMap((one) => nodePortOf(one, view, directory))];
  });
}

/** The node port of a service port at an address of the node; none if no address is known. */
function nodePortOf(servicePort: ServicePort, { family }: NodeView, directory: TargetDirectory): Aim[] {
  const { nodePort, protocol } = servicePort;
  const destination = nodePort > 0 ? nodePortAddress(family, directory) : undefined;
  return destination === undefined
    ? []
    : [{ destination, port: nodePort, protocol, frontend: { servicePort, kind: 'NodePort' } }];
}

/** A packet to a port that the Service does not have shows what clients get; the name of a port must exist. */
function wrongPort(
  { namespace, name, port = '', protocol }: ServiceTarget,
  all: readonly ServicePort[],
): Aim[] | string {
  const [first] = all;
  if (first && /^[0-9]+$/.test(port)) {
    const ofPort = all.find((one) =>
      one.endpoints.some(({ endpointAddress }) => String(endpointAddress.port) === port),
    );
    return [
      { destination: first.clusterIP, port: Number(port), protocol: protocol ?? ofPort?.protocol ?? first.protocol },
    ];
  }
  const closest = suggestClosest(port, all.map(({ portName }) => portName).filter(Boolean));
  const hint = closest === undefined || closest === port ? '' : `; did you mean ${closest}?`;
  const asked = `${port}${protocol ? `/${protocol}` : ''}`;
  return `Service ${namespace}/${name} has no port ${asked}; it has ${listPorts(all)}${hint}`;
}

/** How many ports are listed. */
const shown = 8;

function listPorts(ports: readonly ServicePort[]): string {
  const sorted = [...ports].sort((a, b) => a.port - b.port);
  const texts = new Set(
    sorted.map((one) => `${one.port}/${one.protocol}${one.portName === '' ? '' : ` (${one.portName})`}`),
  );
  return listSome([...texts], shown);
}
