import type { Packet } from './packets.ts';

/** Packets of one fixture of which rules for iptables make something else, and why (docs/iptables.md). */
interface Difference {
  readonly why: string;
  readonly packets: Readonly<Record<string, Pick<Packet, 'expect' | 'masqueraded'>>>;
}

const primaryPods = ['10.244.1.10:8080', '10.244.2.20:8080'];

const untouched = { expect: 'untouched' } as const;
const rejected = { expect: 'rejected' } as const;

function servedAt(port: number): Pick<Packet, 'expect' | 'masqueraded'> {
  return { expect: [`10.244.1.10:${port}`, `10.244.2.20:${port}`], masqueraded: true };
}

const whyLoopback = 'kube-proxy serves node ports at loopback addresses of IPv4 in iptables mode (localhostNodePorts)';

/** The feature gate KubeProxyNFTablesLocalhostNodePorts is for nftables mode. */
const loopbackPackets = {
  'UDP at loopback is refused': servedAt(8081),
  'SCTP at loopback is refused': servedAt(8090),
  'UDP at the IPv6 loopback address is refused': untouched,
  'SCTP at the IPv6 loopback address is refused': untouched,
};

/** By the names of fixtures. */
const iptablesDifferences: Readonly<Record<string, Difference>> = {
  'bind-address-becomes-the-primary-address': {
    why: 'node ports are open at all addresses by default',
    packets: { 'first address of the node does not': { expect: primaryPods, masqueraded: true } },
  },
  'node-ports-answer-at-the-primary-addresses': {
    why: 'node ports are open at all addresses by default',
    packets: {
      'second address does not': { expect: primaryPods, masqueraded: true },
      'second IPv6 address does not': {
        expect: ['[fd00:10:244:1::10]:8080', '[fd00:10:244:2::20]:8080'],
        masqueraded: true,
      },
      'node does not reach its second address': { expect: primaryPods },
    },
  },
  'source-ranges-drop-before-a-dead-service-rejects': {
    why: 'source ranges are checked on the way to endpoints, so without any all clients are rejected',
    packets: {
      'other client is dropped': { expect: 'rejected' },
      'pod is dropped': { expect: 'rejected' },
      'node is dropped': { expect: 'rejected' },
    },
  },
  'localhost-node-ports-are-served-in-the-family-of-the-listed-range': {
    why: whyLoopback,
    packets: {
      ...loopbackPackets,
      'TCP at loopback is left to the agent': servedAt(8080),
      'TCP without endpoints is left alone': rejected,
      'TCP at the IPv6 loopback address is refused': untouched,
      // As in kube-proxy, a list means the address of the interface lo.
      'another loopback address refuses': untouched,
    },
  },
  'localhost-node-ports-refuse-all-but-tcp-where-it-is-served': {
    why: whyLoopback,
    packets: {
      ...loopbackPackets,
      'TCP at loopback is left to the agent': servedAt(8080),
      'TCP without endpoints is left alone': rejected,
      'another loopback address refuses': untouched,
    },
  },
  'localhost-node-ports-refuse-every-protocol-where-none-is-served': {
    why: whyLoopback,
    packets: {
      ...loopbackPackets,
      'TCP at loopback is refused': servedAt(8080),
      'TCP at the IPv6 loopback address is refused': untouched,
      'another loopback address refuses': servedAt(8081),
    },
  },
  'node-ports-on-all-addresses-leave-out-loopback': {
    why: whyLoopback,
    packets: {
      'loopback does not answer': servedAt(8080),
      'loopback does not refuse for a dead Service': rejected,
    },
  },
  'node-ports-on-localhost-are-not-translated': {
    why: whyLoopback,
    packets: {
      'loopback is not translated': servedAt(8080),
      'loopback is not refused for a dead Service': rejected,
    },
  },
  'endpoint-at-a-refused-address-is-refused-as-well': {
    why: 'what was translated is not refused',
    packets: {
      'a cluster IP without endpoints rejects': { expect: ['10.96.0.10:80'] },
      'so it does for the node': { expect: ['10.96.0.10:80'] },
      'so it does for outside clients': { expect: ['10.96.0.10:80'] },
      'so it does over IPv6': { expect: ['[fd00:10:96::10]:80'] },
      'so does a cluster IP with endpoints': { expect: ['10.96.0.20:80'] },
      'so does a cluster IP with endpoints over IPv6': { expect: ['[fd00:10:96::20]:80'] },
      'an unallocated cluster IP drops': { expect: ['10.96.0.99:80'] },
      'an unallocated cluster IP drops over IPv6': { expect: ['[fd00:10:96::99]:80'] },
      'an external IP without endpoints rejects': { expect: ['198.19.0.5:80'] },
    },
  },
  'endpoint-at-a-refused-node-port-is-refused-as-well': {
    why: 'what was translated is not refused',
    packets: {
      'an endpoint there is rejected': { expect: ['192.0.2.11:30080'] },
      'so it is for outside clients': { expect: ['192.0.2.11:30080'] },
      'so it is for the node itself': { expect: ['192.0.2.11:30080'] },
      'so it is over IPv6': { expect: ['[2001:db8:a::11]:30080'] },
    },
  },
};

/** The packets of a fixture with what rules for iptables make of them. */
export function packetsOfIptables(name: string, packets: readonly Packet[]): Packet[] {
  const changes = iptablesDifferences[name]?.packets ?? {};
  const unknown = Object.keys(changes).filter((change) => !packets.some((packet) => packet.name === change));
  if (unknown.length > 0) {
    throw new Error(`${name} has no packet ${unknown.join(', ')}`);
  }
  return packets.map((packet) => ({ ...packet, ...changes[packet.name] }));
}
