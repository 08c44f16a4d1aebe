/**
 * ClientIP affinity (Service spec.sessionAffinity) with chains and maps that all Services share. Pins are written after
 * DNAT, when the packet itself names the endpoint that was picked, and read before the next pick. The maps are written
 * to by rules, which nft 1.0.6 cannot do over IPv6: see affinity-per-endpoint.ts. The default timeout: 3-model/build-service-ports.ts.
 */

import type { Protocol } from '../../net/network.ts';
import { daddr, dportOf, l4proto, originalDaddr, originalDport, saddr } from '../../nft/expressions.ts';
import type { Chain, Element, Rule, SetDeclaration, Statement } from '../../nft/ruleset.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { pinBaseChains, planBaseChain } from './base-chains.ts';
import type { AffinityGroup, DispatchChain, ElementPlacement, PlanContext, PlannedFrontend } from './fragment.ts';
import { affinitySetName, chainNames, pinChainName, pinMapName, pinSetName } from './names.ts';
import { askedForNodePort } from './node-ports.ts';

/** Pins that a protocol may have at one time, over all Services; the kernel allocates as they come. */
const pinCapacity = 1_048_576;

/** Client and frontend -> endpoint, written by {@link planPinChains}. */
function pinMap(protocol: Protocol): SetDeclaration {
  return {
    name: pinMapName(protocol),
    key: ['address', 'address', 'port'],
    value: 'endpoint',
    flags: ['dynamic', 'timeout'],
    size: pinCapacity,
    comment: 'client, IP and port to the endpoint it keeps',
  };
}

/** The pins again, as a set: nft cannot compare a map's value with the packet. */
function pinSet(protocol: Protocol): SetDeclaration {
  return {
    name: pinSetName(protocol),
    key: ['address', 'address', 'port', 'address', 'port'],
    flags: ['dynamic', 'timeout'],
    size: pinCapacity,
    comment: 'client, IP, port and the endpoint it keeps',
  };
}

/** Frontend and endpoint of all service ports of a group: what may be pinned. */
export function affinitySet({ protocol, frontend, seconds }: AffinityGroup): SetDeclaration {
  return {
    name: affinitySetName(protocol, frontend, seconds),
    key: [...(frontend === 'address' ? (['address'] as const) : []), 'port', 'address', 'port'],
    comment: `${frontend === 'nodeport' ? 'node ports' : 'IPs'} with ClientIP affinity of ${seconds} s, and their endpoints`,
  };
}

/** The endpoints that a client of this frontend may keep: those of the lists that its chain picks from. */
export function affinityPlacement(
  { key }: PlannedFrontend,
  group: AffinityGroup,
  chain: DispatchChain,
  { cluster, local, reachable }: Selection,
): ElementPlacement {
  const lists = { cluster, local, external: cluster, 'external-local': reachable };
  const elements = lists[chain.entry].map(
    ({ endpointAddress: { address, port } }): Element => ({ key: `${key} . ${address} . ${port}` }),
  );
  return { set: affinitySet(group), elements };
}

/** The rule of a dispatch chain that follows a client's pin; a missing pin ends the rule. */
export function followPinRule(protocol: Protocol): Rule {
  return [
    // meta l4proto tcp dnat ip to ip saddr . ip daddr . tcp dport map @tcp-pins
    { kind: 'match', left: l4proto, right: protocol },
    { kind: 'dnat-map', protocol, key: [saddr, daddr, dportOf(protocol)], map: pinMapName(protocol) },
  ];
}

/** Each group once, sorted. */
export function collectAffinity(groups: Iterable<AffinityGroup | undefined>): AffinityGroup[] {
  const byName = new Map<string, AffinityGroup>();
  for (const group of groups) {
    if (group) {
      byName.set(`${group.protocol} ${group.frontend} ${String(group.seconds).padStart(10)}`, group);
    }
  }
  return [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
}

/** The map and the set of pins of every protocol with affinity. */
export function pinSets(groups: readonly AffinityGroup[]): SetDeclaration[] {
  return protocolsOf(groups).flatMap((protocol) => [pinMap(protocol), pinSet(protocol)]);
}

/** The chains that write pins for these groups (each given once, sorted); none without groups. */
export function planPinChains(groups: readonly AffinityGroup[], context: PlanContext): Chain[] {
  const protocols = protocolsOf(groups);
  if (protocols.length === 0) {
    return [];
  }
  const chainOf = (protocol: Protocol): Chain => {
    const ofProtocol = groups.filter((group) => group.protocol === protocol);
    const rules = [...ofProtocol.map((group) => writePinRule(group, context)), forgetPinRule(protocol)];
    return { name: pinChainName(protocol), rules };
  };
  const jumps = protocols.map((protocol): Rule => [{ kind: 'jump', chain: pinChainName(protocol) }]);
  return [...protocols.map(chainOf), { name: chainNames.pin, rules: jumps }, ...pinBaseChains.map(planBaseChain)];
}

/** If the endpoint may be pinned, writes the pin or extends it. */
function writePinRule({ protocol, frontend, seconds }: AffinityGroup, context: PlanContext): Rule {
  const asked = frontend === 'address' ? [originalDaddr, originalDport] : [originalDport];
  // tcp dport != 0 ct original ip daddr . ct original proto-dst . ip daddr . tcp dport @tcp-sticky-600
  //   update @tcp-pins { ip saddr . ct original ip daddr . ct original proto-dst timeout 600s : ip daddr . tcp dport }
  //   update @tcp-pinned { ip saddr . ct original ip daddr . ct original proto-dst . ip daddr . tcp dport timeout 600s } return
  return [
    isOf(protocol),
    {
      kind: 'match-set',
      key: [...asked, daddr, dportOf(protocol)],
      set: affinitySetName(protocol, frontend, seconds),
    },
    // The key of a node port has no address, and a Service without affinity may have its number as a port of its own.
    ...(frontend === 'nodeport' ? [askedForNodePort(context)] : []),
    { kind: 'update', ...mapPin(protocol), timeoutSeconds: seconds },
    { kind: 'update', ...setPin(protocol), timeoutSeconds: seconds },
    { kind: 'return' },
  ];
}

/**
 * For a packet that followed a pin to an endpoint that may no longer be pinned: deletes the pin and drops the packet. The
 * client sends it again and then gets a new pick; a connection that is dropped before it is confirmed leaves no entry
 * in conntrack.
 */
function forgetPinRule(protocol: Protocol): Rule {
  // tcp dport != 0 ip saddr . ct original ip daddr . ct original proto-dst . ip daddr . tcp dport @tcp-pinned
  //   delete @tcp-pins { ... } delete @tcp-pinned { ... } drop
  return [
    isOf(protocol),
    { kind: 'match-set', key: setPin(protocol).key, set: pinSetName(protocol) },
    { kind: 'delete', ...mapPin(protocol) },
    { kind: 'delete', ...setPin(protocol) },
    { kind: 'drop' },
  ];
}

/**
 * nft requires a match of the protocol before `ct original proto-dst`. This one holds for all packets of the protocol that
 * were translated. nft does not print `meta l4proto tcp` before a key with `tcp dport`, and 1.0.6 cannot read the rest alone.
 */
function isOf(protocol: Protocol): Statement {
  return { kind: 'match', left: dportOf(protocol), negated: true, right: 0 };
}

function mapPin(protocol: Protocol) {
  return {
    set: pinMapName(protocol),
    key: [saddr, originalDaddr, originalDport],
    value: [daddr, dportOf(protocol)],
  } as const;
}

function setPin(protocol: Protocol) {
  return { set: pinSetName(protocol), key: [saddr, originalDaddr, originalDport, daddr, dportOf(protocol)] } as const;
}

function protocolsOf(groups: readonly AffinityGroup[]): Protocol[] {
  return [...new Set(groups.map(({ protocol }) => protocol))];
}
