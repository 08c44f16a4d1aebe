import { rangeEdges, singleAddress } from '../address.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import type { Literals } from './read-literals.ts';
import type { Target } from './walk-check.ts';

/**
 * Node ports where none should answer: at addresses of the node that do not accept them, loopback and the edges of ranges
 * that rules name among them, and at those of others: neighbours of the node, a stranger, a pod, a cluster IP. Of each way
 * in which node ports are treated one is tried, of dead ones as well.
 */
export function nodePortsElsewhere(expectations: Expectations, { destinations }: Literals): Target[] {
  const { family, nodeAddresses, ips, clusterIPs } = expectations;
  const [endpoint] = [...ips.values()].flatMap(({ service }) => service.cluster.slice(0, 1));
  const neighbours = nodeAddresses.slice(0, 1).flatMap((address) => rangeEdges(singleAddress(address)));
  const addresses = new Set([
    ...nodeAddresses,
    ...(family === 'ip' ? ['127.0.0.1', '127.0.1.1', '198.51.100.77'] : ['::1', '2001:db8:77::77']),
    ...destinations.flatMap(rangeEdges),
    ...neighbours.filter((address) => !isNodeAddress(address, expectations)),
    ...[...clusterIPs].slice(0, 1),
    ...(endpoint ? [endpoint.address] : []),
  ]);
  const samples = sampleNodePorts(expectations);
  return [...addresses].flatMap((destination) =>
    samples.map(({ port, service: { protocol } }) => ({ destination, protocol, port })),
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
