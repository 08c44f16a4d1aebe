import type { Mapping } from '../lib/unknown-values.ts';
import { addressNumber, addressOfNumber, type Cidr } from '../net/address.ts';

/** Which Nodes to make. */
export interface NodeRequest {
  readonly count: number;
  /** From which each Node gets its part: at most one range of each family. */
  readonly podCIDRs: readonly Cidr[];
}

/**
 * Ready Nodes `node-1`, `node-2` and so on, in the zones zone-a, zone-b and zone-c by turns. Addresses of pods are those that
 * kube-controller-manager would hand out; their own are of ranges that no network uses (RFC 2544, RFC 3849).
 */
export function makeNodes({ count, podCIDRs }: NodeRequest): Mapping[] {
  return Array.from({ length: count }, (_, index) => makeNode(index, { count, podCIDRs }));
}

const zones = ['zone-a', 'zone-b', 'zone-c'] as const;

/** Where the addresses of Nodes begin. */
const firstAddresses = { ip: addressNumber('198.18.0.1'), ip6: addressNumber('2001:db8::1') } as const;

function makeNode(index: number, { count, podCIDRs }: NodeRequest): Mapping {
  const name = `node-${index + 1}`;
  const zone = zones[index % zones.length];
  const own = podCIDRs.map((cidr) => podCIDRAt(cidr, index, count));
  const addresses = podCIDRs.map(({ family }) => ({
    type: 'InternalIP',
    address: addressOfNumber(family, firstAddresses[family] + BigInt(index)),
  }));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone } },
    spec: { podCIDR: own[0], podCIDRs: own },
    status: {
      // Equal shares, by which hints of topology-mode are given out.
      allocatable: { cpu: '4' },
      addresses: [...addresses, { type: 'Hostname', address: name }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** How long the prefixes of Nodes are: --node-cidr-mask-size of kube-controller-manager; longer if there are many Nodes. */
const usualPrefixes = { ip: 24, ip6: 64 } as const;

function podCIDRAt({ family, address, prefix }: Cidr, index: number, count: number): string {
  const bits = family === 'ip' ? 32 : 128;
  const needed = prefix + Math.ceil(Math.log2(count));
  const length = Math.min(bits, Math.max(needed, prefix > usualPrefixes[family] ? prefix : usualPrefixes[family]));
  return `${addressOfNumber(family, addressNumber(address) + (BigInt(index) << BigInt(bits - length)))}/${length}`;
}

/** The most Nodes that a range of addresses of pods has room for. */
export function mostNodes({ family, prefix }: Cidr): number {
  return 2 ** Math.min((family === 'ip' ? 32 : 128) - prefix, 12);
}
