import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printRulesets } from '../../src/nft/print.ts';
import type { Manifest } from '../support/arbitrary-cluster.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import type { AttemptResult, AttemptSpec } from '../support/lab/start-agent.ts';
import { type Lab, loadRules, startLab } from '../support/lab/start-lab.ts';
import { viaMarks } from '../support/lab/topology.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';

/** The kernel's own limits of ICMP errors, which the laboratory lifts: six at once for each client, then one a second. */
const limits = {
  'net/ipv4/icmp_ratelimit': '1000',
  'net/ipv4/icmp_ratemask': '6168',
  'net/ipv6/icmp/ratelimit': '1000',
  'net/ipv6/icmp/ratemask': '0-1,3-127',
};

/** More than are answered with ICMP errors at once. */
const connections = 14;

/** In seconds, for an answer. A client whose ICMP error is left out sends its SYN again only after a second. */
const patience = 0.3;

/** `dead` has no endpoints, `live` has some, and `loop` has one that is itself a port of a cluster IP that nothing serves. */
const objects = [
  service(
    'dead',
    {
      type: 'LoadBalancer',
      ...bothFamilies('10'),
      ports: [
        { name: 'http', port: 80, nodePort: 30080 },
        { name: 'log', port: 514, protocol: 'UDP', nodePort: 30514 },
      ],
    },
    { loadBalancer: { ingress: [{ ip: '198.18.0.10' }, { ip: '2001:db8:1b::10' }] } },
  ),
  service('live', bothFamilies('20')),
  slice('live', ['10.244.1.20', '10.244.2.20']),
  slice6('live', ['fd00:10:244:1::20']),
  service('loop', bothFamilies('30')),
  slice('loop', ['10.96.0.20']),
  slice6('loop', ['fd00:10:96::20']),
];

function bothFamilies(last: string): { clusterIP: string; clusterIPs: string[]; ipFamilies: string[] } {
  const clusterIP = `10.96.0.${last}`;
  return { clusterIP, clusterIPs: [clusterIP, `fd00:10:96::${last}`], ipFamilies: ['IPv4', 'IPv6'] };
}

function slice6(name: string, addresses: readonly string[]): Manifest {
  const metadata = { name: `${name}-6`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } };
  return { ...slice(name, addresses), metadata };
}

const nodeAddresses = ['192.0.2.11', '2001:db8:a::11'];
const clients = {
  ip: { pod: '10.244.1.50', node: '192.0.2.11', outside: '203.0.113.9' },
  ip6: { pod: 'fd00:10:244:1::50', node: '2001:db8:a::11', outside: '2001:db8:ff::9' },
} as const;
const destinations = {
  ip: { cluster: '10.96.0.', loadBalancer: '198.18.0.10', node: '192.0.2.11' },
  ip6: { cluster: 'fd00:10:96::', loadBalancer: '2001:db8:1b::10', node: '2001:db8:a::11' },
} as const;

const cases = (['ip', 'ip6'] as const).flatMap((family) => {
  const { cluster, loadBalancer, node } = destinations[family];
  const refused = [
    ['the cluster IP', `${cluster}10`, 80],
    ['a wrong port of a live cluster IP', `${cluster}20`, 81],
    ['the load balancer IP', loadBalancer, 80],
    ['the node port', node, 30080],
    ['an endpoint that refuses', `${cluster}30`, 80],
  ] as const;
  return (['pod', 'node', 'outside'] as const).flatMap((client) =>
    refused.map(([what, address, port]) => ({ family, client, what, address, port })),
  );
});

describe.skipIf(!kernelTestsRun)(`${connections} refused connections in a row, with the limits of ICMP`, () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab();
    await Promise.all([lab.node, lab.world].map((agent) => agent.request({ do: 'configure', sysctls: limits })));
    await lab.equip(nodeAddresses, []);
    const rulesets = (['ip', 'ip6'] as const).map((family) => rulesetOf(objects, {}, family));
    await loadRules(lab.node, printRulesets(rulesets, { lines: [] }));
  });

  afterAll(async () => {
    await lab?.close();
  });

  test.each(cases)('$family: from $client to $what', async ({ family, client, address, port }) => {
    const results = await connect({ protocol: 'tcp', address, port }, clients[family][client], connections);
    expect(results).toEqual(Array.from({ length: connections }, () => ({ reset: true })));
  });

  test.each([
    ['ip', 'pod', '10.96.0.10', 514, [3, 3]],
    ['ip', 'outside', '192.0.2.11', 30514, [3, 3]],
    ['ip6', 'pod', 'fd00:10:96::10', 514, [1, 4]],
    ['ip6', 'outside', '2001:db8:a::11', 30514, [1, 4]],
  ] as const)('%s: UDP from %s to %s gets an ICMP error', async (family, client, address, port, icmp) => {
    const results = await connect({ protocol: 'udp', address, port }, clients[family][client], 1);
    expect(results).toEqual([{ icmp }]);
  });

  test('the limits are there: UDP over IPv4 gets no more than they allow', async () => {
    const results = await connect({ protocol: 'udp', address: '10.96.0.20', port: 80 }, '10.244.1.77', connections);
    expect(results.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => ({ icmp: [3, 3] })));
    expect(results).toContainEqual({ silent: true });
  });

  /** One after the other, and what became of each. */
  async function connect(
    to: Pick<AttemptSpec, 'protocol' | 'address' | 'port'>,
    source: string,
    length: number,
  ): Promise<readonly AttemptResult[]> {
    const isNode = nodeAddresses.includes(source);
    const isPod = source.startsWith('10.244.') || source.startsWith('fd00:10:244:');
    const mark = isPod ? viaMarks.pod0 : viaMarks.out0;
    const attempts = Array.from({ length }, () => ({ ...to, source, mark: isNode ? 0 : mark, patience }));
    const agent = isNode ? lab.node : lab.world;
    const { results = [] } = await agent.request({ do: 'probe', attempts, atOnce: 1 });
    return results;
  }
});
