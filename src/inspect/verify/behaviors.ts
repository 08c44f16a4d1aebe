/**
 * What other rules do otherwise than svc2nft's nftables rules, on purpose or in older versions: fates that are right for them,
 * though a Service asks for others. Each kind is named, with its reason, and is not a fault.
 */

import { compareText } from '../../lib/text.ts';
import type { Packet } from '../../walk/fate.ts';
import type { ExpectedFate } from './expect-fate.ts';

/** Kinds of behavior; programs may rely on these words. */
export type BehaviorCode = keyof typeof behaviorTexts;

/** What each kind means, in one line. */
export const behaviorTexts = {
  'icmp-rejection':
    'kube-proxy rejects TCP with an ICMP error, which the kernel limits to about one a second, and not with a reset',
  'other-owner': 'several Services claim this frontend, and kube-proxy gives it to any of them',
  // nftables mode
  'no-hairpin': 'kube-proxy masquerades what an endpoint sends to itself only if its EndpointSlice names this node',
  'early-check':
    'kube-proxy before 1.36 drops what the node itself sends to external addresses of a Service with policy Local that has no endpoints here',
  'no-cluster-ips-check':
    'early versions of kube-proxy refuse neither other ports of cluster IPs nor unallocated cluster IPs',
  'no-service-cidrs': 'kube-proxy before 1.36 drops packets to unallocated cluster IPs only if it follows ServiceCIDRs',
  'localhost-from-outside':
    'kube-proxy refuses node ports at loopback addresses to packets from outside as well, which the kernel itself drops earlier',
  'localhost-untouched':
    'kube-proxy leaves node ports at loopback addresses alone without KubeProxyNFTablesLocalhostNodePorts, the default before 1.38',
  // rules for iptables
  'cluster-ip-ports-untouched':
    'iptables mode leaves other ports of cluster IPs alone: such packets go where the routes of the node lead',
  'unallocated-untouched':
    'iptables mode leaves cluster IPs that no Service has alone: such packets go where the routes of the node lead',
  'localhost-served': 'iptables mode serves node ports at loopback addresses too (iptables.localhostNodePorts)',
  'loopback-guard':
    'iptables mode drops what comes from other addresses to loopback addresses, because it lets the kernel route these',
  'refused-at-all-addresses':
    'iptables mode refuses node ports without endpoints at all addresses of the node, whichever of them are for node ports',
  'node-untouched':
    'iptables mode leaves connections of the node itself to external addresses of a Service without endpoints alone',
  'ranges-without-endpoints':
    'rules for iptables do not look at the source ranges of a load balancer IP without endpoints, and reject all clients alike',
  'node-port-instead':
    'rules for iptables pass a packet that a load balancer or external IP does not serve on to the node port of the same number, where the IP is an address of the node',
  'any-hairpin': 'iptables mode masquerades what an endpoint sends to itself on whichever node it is',
  'external-at-cluster-ip':
    'iptables mode masquerades what is sent to a cluster IP only at the ports of its own Service, and not at an external frontend at the same address',
  'refused-endpoints':
    'an endpoint at an address where connections are refused is reached, or refused, by other rules than in nftables mode',
  'health-checks-accepted':
    'rules for iptables accept health check node ports before the rules of others may drop them',
  'forward-accepted':
    'rules for iptables accept connections of Services that are masqueraded, and packets of connections that exist, in FORWARD before the rules of others may drop them',
  'invalid-dropped': 'rules for iptables drop packets that fit no connection in FORWARD',
  'others-refuse': 'rules of other programs drop or reject connections of Services; svc2nft explain shows which rules',
  'others-translate':
    'rules of other programs send connections elsewhere than the Services ask for; svc2nft explain shows which rules',
  'others-unclear':
    'rules of other programs depend on what svc2nft does not know, or does not understand, so that connections may have another fate; svc2nft explain shows which rules',
  'affinity-limit':
    'rules for iptables remember 100 clients of each endpoint, unless the module xt_recent has another limit',
} as const;

/** Frontends at which rules have a behavior of their own. */
export interface BehaviorNote {
  readonly code: BehaviorCode;
  /** What they do, in one line. */
  readonly message: string;
  /** The frontends of Services where a packet has shown it: `shop/web:http 10.96.0.10:80/tcp`, sorted; it may be at none. */
  readonly frontends: readonly string[];
}

/** Behaviors by the frontends where they were seen. */
export type Behaviors = ReadonlyMap<BehaviorCode, ReadonlySet<string>>;

/** A note for each behavior. */
export function behaviorNotes(behaviors: Behaviors): BehaviorNote[] {
  return [...behaviors].map(([code, frontends]) => ({
    code,
    message: behaviorTexts[code],
    frontends: [...frontends].sort(compareText),
  }));
}

/** A fate that is right for a proxy, and all that it does otherwise there. */
export interface AcceptedFate {
  readonly expected: ExpectedFate;
  readonly codes: readonly BehaviorCode[];
}

/** The fates that a proxy may give a packet, given the one that its Service asks for; the first one is what it mostly does. */
export type AcceptFates = (packet: Packet, expected: ExpectedFate) => readonly AcceptedFate[];
