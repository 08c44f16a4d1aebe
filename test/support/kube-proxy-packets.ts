import { readFrontends } from '../../src/frontends/read-frontends.ts';
import { explainPacket } from '../../src/inspect/explain/explain-packet.ts';
import type { Explanation } from '../../src/inspect/explain/explanation.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import type { Observation } from './lab/observe-attempts.ts';
import type { Packet } from './packets.ts';
import { packetOf } from './walk-fixture.ts';

/** A packet for the laboratory, and what `explain` says of it. */
export interface ExplainedPacket {
  readonly packet: Packet;
  readonly explanation: Explanation;
}

/**
 * A packet from each kind of client to each frontend of a ruleset: pods of this and another node, the node, clients outside and
 * some of the frontend's own endpoints. Also to addresses and ports that no Service has.
 */
export function packetsTo(ruleset: Ruleset, nodeAddresses: readonly string[]): ExplainedPacket[] {
  const isOfFamily = (address: string): boolean => address.includes(':') === (ruleset.family === 'ip6');
  const own = nodeAddresses.filter(isOfFamily);
  const { clients, loopback, unallocated } = places[ruleset.family];
  const frontends = [...readFrontends(ruleset).values()].flatMap(
    ({ address, all = [], local = [], affinitySeconds }) => {
      const { protocol = '', port = 0 } = address ?? {};
      const endpoints = [...new Set([...all, ...local].map((one) => one.address))].slice(0, 2);
      const addresses = address?.address === undefined ? [...own, loopback] : [address.address];
      return addresses.map((to) => ({ to: { address: to, protocol, port }, endpoints, sticky: affinitySeconds > 0 }));
    },
  );
  const clusterIPs = frontends.filter(({ to }) => unallocated !== to.address).slice(0, 1);
  const others = [...clusterIPs.map(({ to }) => to.address), unallocated].flatMap((address) =>
    ['tcp', 'udp'].map((protocol) => ({ to: { address, protocol, port: 9 }, endpoints: [], sticky: false })),
  );
  return [...frontends, ...others].flatMap(({ to, endpoints, sticky }) => {
    // What arrives from elsewhere for a loopback address is dropped by the kernel itself.
    const senders = to.address === loopback ? [] : [...clients, ...endpoints];
    return [...own.slice(0, 1), ...senders].map((from) => explained({ from, to, sticky }, { ruleset, nodeAddresses }));
  });
}

const places = {
  ip: {
    clients: ['10.244.1.50', '10.244.2.50', '203.0.113.9', '198.51.100.77'],
    loopback: '127.0.0.1',
    unallocated: '10.96.0.200',
  },
  ip6: {
    clients: ['fd00:10:244:1::50', 'fd00:10:244:2::50', '2001:db8:ffff::9', '2001:db8:7::77'],
    loopback: '::1',
    unallocated: 'fd00:10:96::c8',
  },
} as const;

function explained(
  { from, to, sticky }: { from: string; to: { address: string; protocol: string; port: number }; sticky: boolean },
  { ruleset, nodeAddresses }: { ruleset: Ruleset; nodeAddresses: readonly string[] },
): ExplainedPacket {
  const name = `${from} to ${to.address} ${to.port}/${to.protocol}`;
  const asked = { name, from, to, sticky, expect: 'untouched' } as Packet;
  const explanation = explainPacket({ packet: packetOf(asked), ruleset, localAddresses: nodeAddresses });
  const { verdict, endpoints } = explanation;
  // The laboratory serves what is expected at addresses of the node, and waits the longer for it.
  const expect = verdict === 'translated' ? endpoints.map(({ endpoint }) => endpoint).sort() : verdict;
  return { packet: { ...asked, expect: expect as Packet['expect'] }, explanation };
}

/** How the kernel disagrees with an explanation, in a sentence; undefined if it agrees. */
export function disagreement({ packet, explanation }: ExplainedPacket, seen: Observation): string | undefined {
  const { verdict, rejectedWith, endpoints, notUnderstood } = explanation;
  const said = {
    translated: 'endpoint',
    rejected: rejectedWith === 'tcp-reset' ? 'reset' : 'unreachable',
    dropped: 'dropped',
    untouched: 'untouched',
    mixed: 'mixed',
  }[verdict];
  const about = `${packet.name}: explain says ${said}, but the kernel ${seen.fates.join()} ${seen.failures.join()}`;
  if (seen.fates.length !== 1 || seen.fates[0] !== said || notUnderstood.length > 0) {
    return about;
  }
  const expected = endpoints.map(({ endpoint }) => endpoint);
  const isRight = packet.sticky
    ? seen.endpoints.length <= 1 && seen.endpoints.every((one) => expected.includes(one))
    : [...expected].sort().join() === [...seen.endpoints].sort().join();
  if (!isRight) {
    return `${about} ${seen.endpoints.join()}, not ${expected.join()}`;
  }
  const wrong = endpoints.filter(({ endpoint, masqueraded }) =>
    (masqueraded ? seen.preserved : seen.masqueraded).includes(endpoint),
  );
  return wrong.length > 0 ? `${about} another source at ${wrong.map(({ endpoint }) => endpoint).join()}` : undefined;
}
