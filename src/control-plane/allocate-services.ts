import type { Problem } from '../diagnostics/diagnostic.ts';
import { compareText } from '../lib/text.ts';
import { describePath, isMapping, listIn, type Mapping, mappingIn, type Path, textIn } from '../lib/unknown-values.ts';
import { type Cidr, parseAddress } from '../net/address.ts';
import { type Family, familyOfName, nameOfFamily } from '../net/network.ts';
import { addressPool, deriveValue, type Pool, portPool, reservedAddresses, takeValue } from './allocation-pool.ts';
import { type FamilyName, isHeadless, typeOf } from './complete-service.ts';

/** The ranges from which a cluster takes what it gives to Services. */
export interface ClusterRanges {
  /** Addresses are taken from the first one of a family. */
  readonly serviceCIDRs: readonly Cidr[];
  /** At most one of each family; without one, load balancers get no address. */
  readonly loadBalancerCIDRs: readonly Cidr[];
  /** The first and the last node port. */
  readonly nodePorts: readonly [first: number, last: number];
}

/** A Service with what it was given, and what is wrong with what it asks for. */
interface Allocated {
  readonly service: Mapping;
  readonly problems: readonly Problem[];
}

/**
 * The Services, in the same order, with cluster IPs, node ports, addresses of load balancers and ports for health checks.
 * What they ask for comes first, and of several the first Service has it. The rest follows from the name of a Service, so
 * that it stays the same when others come and go.
 *
 * @param services completed, and valid by themselves, with different names.
 */
export function allocateServices(services: readonly Mapping[], ranges: ClusterRanges): Allocated[] {
  const pools: Pools = {
    serviceCIDRs: ranges.serviceCIDRs.map((cidr) => ({
      family: cidr.family,
      pool: addressPool(cidr, reservedAddresses),
    })),
    balancers: ranges.loadBalancerCIDRs.map((cidr) => ({ family: cidr.family, pool: addressPool(cidr, () => 0) })),
    ports: portPool(...ranges.nodePorts),
  };
  const claims = services.map((service) => claimGiven(service, pools));
  const byName = [...claims].sort((a, b) => compareText(a.name, b.name));
  for (const claim of byName) {
    claim.service = deriveRest(claim, pools);
  }
  return claims;
}

interface PoolOfFamily {
  readonly family: Family;
  readonly pool: Pool;
}

interface Pools {
  readonly serviceCIDRs: readonly PoolOfFamily[];
  readonly balancers: readonly PoolOfFamily[];
  readonly ports: Pool;
}

/** A Service that has what it asks for, and then the rest. */
interface Claim {
  /** `shop/web`. */
  readonly name: string;
  service: Mapping;
  readonly problems: Problem[];
  /** The node port that ports of one number share, which have different protocols. */
  readonly nodePorts: Map<unknown, string>;
}

function claimGiven(service: Mapping, pools: Pools): Claim {
  const metadata = mappingIn(service, 'metadata');
  const name = `${textIn(metadata, 'namespace')}/${textIn(metadata, 'name')}`;
  const claim: Claim = { name, service, problems: [], nodePorts: new Map() };
  const spec = mappingIn(service, 'spec');
  claimClusterIPs(spec, claim, pools);
  claimPorts(spec, claim, pools);
  for (const { ip } of listIn(mappingIn(mappingIn(service, 'status'), 'loadBalancer'), 'ingress').filter(isMapping)) {
    const address = typeof ip === 'string' ? parseAddress(ip) : undefined;
    // Several Services may share the address of a load balancer.
    for (const { pool } of address ? pools.balancers : []) {
      takeValue(pool, address?.text ?? '', name);
    }
  }
  return claim;
}

function claimClusterIPs(spec: Mapping, claim: Claim, { serviceCIDRs }: Pools): void {
  for (const [index, text] of listIn(spec, 'clusterIPs').entries()) {
    const address = typeof text === 'string' ? parseAddress(text) : undefined;
    if (!address) {
      continue;
    }
    const path = index === 0 ? ['spec', 'clusterIP'] : ['spec', 'clusterIPs', index];
    const ofFamily = serviceCIDRs.filter(({ family }) => family === address.family);
    const home = ofFamily.find(({ pool }) => pool.contains(address.text));
    if (home) {
      claimIn(home.pool, address.text, path, claim);
    } else {
      const ranges = ofFamily.map(({ pool }) => pool.range);
      refuse(
        claim,
        path,
        `${describePath(path)} is ${address.text}; ${expectedRange(address.family, ranges)} (see --service-cidr)`,
      );
    }
  }
}

function expectedRange(family: Family, ranges: readonly string[]): string {
  return ranges.length === 0
    ? `the cluster has no ${nameOfFamily(family)} service CIDR`
    : `the ${nameOfFamily(family)} service CIDR ${ranges.join(' and ')} does not have that to give`;
}

/** As initNodePorts of the API server: ports of one number share a node port. */
function claimPorts(spec: Mapping, claim: Claim, { ports: pool }: Pools): void {
  for (const [index, port] of listIn(spec, 'ports').entries()) {
    const { port: number, nodePort } = isMapping(port) ? port : {};
    const isGiven = typeof nodePort === 'number' && hasNodePorts(spec);
    if (isGiven && claim.nodePorts.get(number) !== String(nodePort)) {
      claimPort(pool, nodePort, ['spec', 'ports', index, 'nodePort'], claim);
      claim.nodePorts.set(number, claim.nodePorts.get(number) ?? String(nodePort));
    }
  }
  const { healthCheckNodePort } = spec;
  if (typeof healthCheckNodePort === 'number' && hasHealthChecks(spec)) {
    claimPort(pool, healthCheckNodePort, ['spec', 'healthCheckNodePort'], claim);
  }
}

function claimPort(pool: Pool, port: number, path: Path, claim: Claim): void {
  if (pool.contains(String(port))) {
    claimIn(pool, String(port), path, claim);
  } else {
    refuse(claim, path, `${describePath(path)} is ${port}, outside ${pool.range}`);
  }
}

function claimIn(pool: Pool, value: string, path: Path, claim: Claim): void {
  const other = takeValue(pool, value, claim.name);
  if (other !== undefined) {
    const owner = other === claim.name ? 'this Service has twice' : `Service ${other} has already`;
    refuse(claim, path, `${describePath(path)} is ${value}, which ${owner}`);
  }
}

function refuse({ problems }: Claim, path: Path, message: string): void {
  problems.push({ code: 'refused-by-api-server', path, message });
}

function hasNodePorts(spec: Mapping): boolean {
  return typeOf(spec) === 'NodePort' || typeOf(spec) === 'LoadBalancer';
}

function hasHealthChecks(spec: Mapping): boolean {
  return typeOf(spec) === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';
}

/** The Service with what it did not ask for. */
function deriveRest(claim: Claim, pools: Pools): Mapping {
  const { service } = claim;
  const spec = mappingIn(service, 'spec');
  if (claim.problems.length > 0) {
    return service;
  }
  return {
    ...service,
    spec: {
      ...spec,
      ...deriveClusterIPs(spec, claim, pools),
      ...deriveNodePorts(spec, claim, pools),
      ...(hasHealthChecks(spec) &&
        spec['healthCheckNodePort'] === undefined && {
          healthCheckNodePort: Number(derive(pools.ports, `${claim.name}/health`, 'healthCheckNodePort', claim)),
        }),
    },
    ...deriveIngress(service, claim, pools),
  };
}

/** One for each family, in the order of ipFamilies. */
function deriveClusterIPs(spec: Mapping, claim: Claim, { serviceCIDRs }: Pools): Mapping {
  if (typeOf(spec) === 'ExternalName' || isHeadless(spec)) {
    return {};
  }
  const given = listIn(spec, 'clusterIPs');
  const clusterIPs = listIn(spec, 'ipFamilies')
    .filter(isFamilyName)
    .map((family, index) => {
      const found = serviceCIDRs.find((one) => one.family === familyOfName(family));
      return given[index] ?? (found && derive(found.pool, claim.name, 'clusterIP', claim));
    });
  return { clusterIP: clusterIPs[0], clusterIPs };
}

function isFamilyName(value: unknown): value is FamilyName {
  return value === 'IPv4' || value === 'IPv6';
}

function deriveNodePorts(spec: Mapping, claim: Claim, { ports: pool }: Pools): Mapping {
  if (!hasNodePorts(spec) || spec['allocateLoadBalancerNodePorts'] === false) {
    return {};
  }
  const ports = listIn(spec, 'ports')
    .filter(isMapping)
    .map((port) => {
      if (port['nodePort'] !== undefined) {
        return port;
      }
      const number = port['port'];
      const shared = claim.nodePorts.get(number) ?? derive(pool, `${claim.name}/${String(number)}`, 'ports', claim);
      claim.nodePorts.set(number, shared);
      return { ...port, nodePort: Number(shared) };
    });
  return { ports };
}

/** The status of a load balancer that has none yet: an address of each of its families from a range of that family. */
function deriveIngress(service: Mapping, claim: Claim, { balancers }: Pools): Mapping {
  const spec = mappingIn(service, 'spec');
  const status = mappingIn(service, 'status');
  const balancer = mappingIn(status, 'loadBalancer');
  if (typeOf(spec) !== 'LoadBalancer' || listIn(balancer, 'ingress').length > 0) {
    return {};
  }
  const asked = parseAddress(textIn(spec, 'loadBalancerIP'));
  const ingress = listIn(spec, 'ipFamilies')
    .filter(isFamilyName)
    .flatMap((name) => {
      const pool = balancers.find(({ family }) => family === familyOfName(name))?.pool;
      if (!pool) {
        return [];
      }
      if (asked && pool.contains(asked.text) && takeValue(pool, asked.text, claim.name) === undefined) {
        return [{ ip: asked.text, ipMode: 'VIP' }];
      }
      return [{ ip: derive(pool, claim.name, 'loadBalancerIP', claim), ipMode: 'VIP' }];
    });
  return ingress.length > 0 ? { status: { ...status, loadBalancer: { ...balancer, ingress } } } : {};
}

/** A value for a field of spec; where none is left, an empty one, and a problem. */
function derive(pool: Pool, name: string, field: string, claim: Claim): string {
  const value = deriveValue(pool, name, claim.name);
  if (value === undefined) {
    refuse(claim, ['spec', field], `nothing is left of ${pool.range} for spec.${field}`);
  }
  return value ?? '';
}
