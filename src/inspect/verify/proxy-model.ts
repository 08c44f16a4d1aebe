/** What a proxy does with packets on a node, told from Services and settings alone: there need not be any rules of it. */

import { type Cidr, cidrContains, rangeOf, singleAddress } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { Packet } from '../../walk/fate.ts';
import {
  type AcceptedFate,
  type AcceptFates,
  type BehaviorCode,
  type BehaviorNote,
  behaviorNotes,
} from './behaviors.ts';
import { expectFate } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';
import { frontendLabel, placeOf } from './fault-collector.ts';
import { acceptIptables, acceptKubeProxy } from './kube-proxy-behavior.ts';

/** The kinds of rules: those of svc2nft for nftables and for iptables, and kube-proxy's modes. */
export const proxyKinds = ['svc2nft', 'svc2nft-iptables', 'kube-proxy-nftables', 'kube-proxy-iptables'] as const;

/** One of them. */
export type ProxyKind = (typeof proxyKinds)[number];

/** A proxy with the settings that Expectations do not have. */
export interface ModeledProxy {
  readonly kind: ProxyKind;
  /** For rules of iptables: the loopback addresses at which node ports answer (loopbackNodePorts). */
  readonly loopbackNodePorts?: Cidr | undefined;
}

/** What a proxy does. */
export interface ProxyModel {
  /**
   * The fates that it may give the first packet of a connection, each with the differences from what Services ask for. The
   * first one is the one to predict; there are others only where several Services claim a frontend.
   */
  readonly fatesOf: (packet: Packet) => readonly [AcceptedFate, ...AcceptedFate[]];
  /** What it does otherwise that no first packet shows, with the frontends, Services or ports that it concerns. */
  readonly standing: readonly BehaviorNote[];
}

/**
 * The model of a proxy in its newest version.
 *
 * @param expectations with the proxy's own settings: iptables modes open node ports at all addresses unless told otherwise
 * (iptablesOptions), and kube-proxy has masqueradeAll and masqueradeBit in a section for each mode.
 */
export function modelProxy(proxy: ModeledProxy, expectations: Expectations): ProxyModel {
  const { kind } = proxy;
  const isIptables = kind === 'svc2nft-iptables' || kind === 'kube-proxy-iptables';
  // Loopback addresses are a matter of other rules there.
  const asked = isIptables ? { ...expectations, refusedAtLocalhost: new Set<never>() } : expectations;
  const accept = acceptFatesOf(proxy, asked);
  return {
    fatesOf: (packet) => {
      const expected = expectFate(packet, asked);
      const [first = { expected, codes: [] }, ...others] = accept(packet, expected);
      return [first, ...others];
    },
    standing: isIptables ? standingBehaviors(expectations) : [],
  };
}

function acceptFatesOf({ kind, loopbackNodePorts }: ModeledProxy, expectations: Expectations): AcceptFates {
  switch (kind) {
    case 'svc2nft':
      return (_packet, expected) => [{ expected, codes: [] }];
    case 'kube-proxy-nftables': {
      const refusesLocalhost = expectations.refusedAtLocalhost.size > 0;
      return acceptKubeProxy({ ...newestTraits, refusesLocalhost }, expectations);
    }
    case 'svc2nft-iptables':
    case 'kube-proxy-iptables': {
      const layout = kind === 'svc2nft-iptables' ? 'svc2nft' : 'kube-proxy';
      const guardsLoopback = loopbackNodePorts !== undefined;
      return acceptIptables({ layout, loopbackNodePorts, guardsLoopback }, expectations);
    }
  }
}

const newestTraits = {
  hasClusterIPsCheck: true,
  dropsUnallocated: true,
  isBefore136: false,
  checksEarly: false,
} as const;

/**
 * The loopback addresses at which rules of iptables serve node ports: with `iptables.localhostNodePorts`, those that
 * `nodePortAddresses` name. Without names these are all, and with ranges only the address of the interface lo. IPv6 has none.
 */
export function loopbackNodePorts(
  family: Family,
  { nodePortAddresses, isOn }: { readonly nodePortAddresses: readonly string[]; readonly isOn: boolean },
): Cidr | undefined {
  if (!isOn || family === 'ip6') {
    return undefined;
  }
  const named = nodePortAddresses.map((text) => keywords.get(text) ?? text).filter((text) => !text.includes(':'));
  const ranges = named.flatMap((text) => rangeOf(text) ?? []);
  if (named.length === 0 || ranges.some(({ prefix }) => prefix === 0)) {
    return rangeOf('127.0.0.0/8');
  }
  return ranges.some((range) => cidrContains(range, '127.0.0.1')) ? singleAddress('127.0.0.1') : undefined;
}

const keywords: ReadonlyMap<string, string> = new Map([
  ['all', '0.0.0.0/0'],
  ['localhost', '127.0.0.0/8'],
]);

/** What rules of iptables do to packets that start no connection of a Service. */
function standingBehaviors({ family, ips, nodePorts, healthCheckPorts }: Expectations): BehaviorNote[] {
  const checked = [...healthCheckPorts].map(
    ([port, service]) => `${service} ${frontendLabel({ address: undefined, port, protocol: 'tcp' }, family)}`,
  );
  const pinned = [...ips.values(), ...nodePorts.values()]
    .filter(({ service }) => service.affinitySeconds > 0)
    .map((one) => Object.values(placeOf(one, family)).join(' '));
  const notes: (readonly [code: BehaviorCode, frontends: readonly string[]])[] = [
    ['forward-accepted', []],
    ['invalid-dropped', []],
    ...(checked.length > 0 ? [['health-checks-accepted', checked] as const] : []),
    ...(pinned.length > 0 ? [['affinity-limit', pinned] as const] : []),
  ];
  return behaviorNotes(new Map(notes.map(([code, frontends]) => [code, new Set(frontends)])));
}
