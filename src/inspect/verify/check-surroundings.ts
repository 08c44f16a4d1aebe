import { type Cidr, rangeEdges, rangeOf, singleAddress } from '../../net/address.ts';
import { protocols } from '../../net/network.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import { allClients, type Client, type Literals, markedClients, standardClients } from './list-clients.ts';
import type { ProbeTarget, WalkCheck } from './walk-check.ts';

/**
 * Sends packets to where no Service answers: other ports of cluster IPs and of the node, unallocated cluster IPs, node
 * ports at addresses that do not accept them, pods, external hosts, and the addresses and ports that rules name.
 */
export function checkSurroundings(check: WalkCheck, literals: Literals): void {
  const { expectations } = check;
  const clients = standardClients(expectations);
  const everyClient = allClients(expectations, literals);
  const freePort = findFreePort(expectations);
  for (const [index, destination] of [...expectations.clusterIPs].entries()) {
    for (const protocol of index === 0 ? protocols : (['tcp'] as const)) {
      sendFrom(index === 0 ? everyClient : clients.slice(0, 1), { destination, protocol, port: freePort }, check);
    }
  }
  for (const target of [...freeTargets(check, freePort), ...nodePortsElsewhere(expectations, literals)]) {
    sendFrom([...everyClient, ...markedClients(clients, expectations)], target, check);
  }
  for (const target of refusedAtLocalhost(expectations)) {
    sendFrom(clients, target, check);
  }
  const named = namedTargets(expectations, literals, freePort);
  const isTooMuch = named.length * everyClient.length > mostNamedPackets;
  if (isTooMuch) {
    const message = 'the rules name too many addresses and ports to try all combinations';
    check.faults.add({ code: 'not-understood', message });
  }
  for (const target of named) {
    sendFrom(isTooMuch ? clients : everyClient, target, check);
  }
}

/** svc2nft's rules name a handful of addresses; other rules may name thousands, and each is tried with each. */
const mostNamedPackets = 300_000;

function sendFrom(clients: readonly Client[], target: ProbeTarget, check: WalkCheck): void {
  for (const client of clients) {
    check.check(client, target);
  }
}

/** A port that no frontend has, neither an IP nor a node port; 65,535 of them never exist. */
function findFreePort({ ips, nodePorts }: Expectations): number {
  const used = new Set([...ips.values(), ...nodePorts.values()].map(({ port }) => port));
  let port = 9;
  while (used.has(port) && port < 65_535) {
    port++;
  }
  return port;
}

/** Addresses that no Service has, and those of the node, at a port that no frontend has. */
function freeTargets({ expectations, ruleset }: WalkCheck, port: number): ProbeTarget[] {
  const { family, nodeAddresses, ips, serviceCIDRs } = expectations;
  const ranges = [...serviceCIDRs, ...addressRanges(ruleset)];
  const pods = [...ips.values()].flatMap(({ service }) => service.cluster.slice(0, 1)).slice(0, 20);
  const addresses = new Set([
    ...ranges.flatMap(rangeEdges),
    ...nodeAddresses,
    ...(family === 'ip' ? ['127.0.0.1', '198.51.100.77'] : ['::1', '2001:db8:77::77']),
    ...(expectations.nodePortAddresses === 'all' ? [] : expectations.nodePortAddresses),
    ...pods.map(({ address }) => address),
  ]);
  const atPods = pods.map(({ address, port: podPort }) => ({ destination: address, port: podPort }));
  const targets = [...[...addresses].map((destination) => ({ destination, port })), ...atPods];
  return targets.flatMap((target) => protocols.map((protocol) => ({ ...target, protocol })));
}

/** The ranges in sets whose keys are single addresses. */
function addressRanges({ sets }: WalkCheck['ruleset']): Cidr[] {
  const ofRanges = [...sets.values()].filter(
    ({ declaration: { key, flags } }) => flags?.includes('interval') && key.join() === 'address',
  );
  return ofRanges.flatMap(({ entries }) => [...entries.keys()].flatMap((text) => rangeOf(text) ?? []));
}

/** What rules name by literals: each address with a free port, and each port at addresses of every kind. */
function namedTargets(expectations: Expectations, { destinations, ports }: Literals, freePort: number): ProbeTarget[] {
  const { nodeAddresses, clusterIPs, family } = expectations;
  const named = destinations.flatMap(rangeEdges);
  const some = [
    ...nodeAddresses.slice(0, 1),
    ...[...clusterIPs].slice(0, 1),
    family === 'ip' ? '198.51.100.77' : '2001:db8:77::77',
  ];
  const pairs = [
    ...named.flatMap((destination) => [freePort, ...ports].map((port) => ({ destination, port }))),
    ...some.flatMap((destination) => ports.map((port) => ({ destination, port }))),
  ];
  return pairs.flatMap((pair) => protocols.map((protocol) => ({ ...pair, protocol })));
}

/**
 * Node ports at addresses where none should answer: those of the node that do not accept node ports, loopback, the
 * edges of ranges that rules name, neighbors of the node, an external host, a pod and a cluster IP. One node port of
 * each kind that rules treat alike is tried, also of those without endpoints.
 */
function nodePortsElsewhere(expectations: Expectations, { destinations }: Literals): ProbeTarget[] {
  const { family, nodeAddresses, ips, clusterIPs } = expectations;
  const [endpoint] = [...ips.values()].flatMap(({ service }) => service.cluster.slice(0, 1));
  const neighbors = nodeAddresses.slice(0, 1).flatMap((address) => rangeEdges(singleAddress(address)));
  const addresses = new Set([
    ...nodeAddresses,
    ...(family === 'ip' ? ['127.0.0.1', '127.0.1.1', '198.51.100.77'] : ['::1', '2001:db8:77::77']),
    ...destinations.flatMap(rangeEdges),
    ...neighbors.filter((address) => !isNodeAddress(address, expectations)),
    ...[...clusterIPs].slice(0, 1),
    ...(endpoint ? [endpoint.address] : []),
  ]);
  const samples = sampleNodePorts(expectations);
  return [...addresses].flatMap((destination) =>
    samples.map(({ port, service: { protocol } }) => ({ destination, protocol, port })),
  );
}

/** All node ports that loopback addresses refuse: an element of its own refuses each. */
function refusedAtLocalhost({ family, nodePorts, refusedAtLocalhost: refused }: Expectations): ProbeTarget[] {
  const destination = family === 'ip' ? '127.0.0.1' : '::1';
  return [...nodePorts.values()].flatMap(({ port, service: { protocol } }) =>
    refused.has(protocol) ? [{ destination, protocol, port }] : [],
  );
}

/** One node port of each kind that rules treat alike. */
function sampleNodePorts({ nodePorts }: Expectations): ExpectedFrontend[] {
  const samples = new Map<string, ExpectedFrontend>();
  for (const frontend of nodePorts.values()) {
    const { protocol, hasAny, externalLocal, affinitySeconds, cluster, local } = frontend.service;
    const way = [protocol, hasAny, externalLocal, affinitySeconds, cluster.length, local.length].join(' ');
    samples.set(way, samples.get(way) ?? frontend);
  }
  return [...samples.values()];
}
