import type { Snapshot } from '../../kubernetes/objects.ts';
import { type Cidr, sortByAddress } from '../../net/address.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeSettings } from '../../phases/3-model/model.ts';
import type { Packet } from '../../walk/fate.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import type { IndexedRuleset } from '../../walk/lookup-tables.ts';
import { deriveExpectations } from '../verify/derive-expectations.ts';
import { isNodeAddress } from '../verify/expect-fate.ts';
import type { Expectations } from '../verify/expectations.ts';
import { modelProxy, type ProxyKind } from '../verify/proxy-model.ts';
import type { MigrationSide } from './causes.ts';
import { fatesAmongOthers, mergeIptables, mergeRulesets } from './other-rules.ts';
import { type FatesOf, fateOfExpected, fatesOfRules, type ProxyFate } from './proxy-fate.ts';

/** How one proxy is set up on the node, in one family. */
export interface SideSettings {
  readonly node: NodeSettings;
  readonly masqueradeAll: boolean;
  /** From 0 to 31. */
  readonly masqueradeBit: number;
  /** Where kube-proxy's iptables mode serves node ports at loopback addresses. */
  readonly loopbackNodePorts: Cidr | undefined;
}

/** Who serves the node, and with which rules. */
export interface SideSource {
  readonly proxy: ProxyKind | null;
  /** Undefined where the behavior of the proxy is predicted. */
  readonly ruleset: Ruleset | undefined;
  /** Whether these rules were loaded, or read from a file, so that they may be others than the snapshot asks for. */
  readonly isFound: boolean;
  /** Rules of other programs, which packets meet as well. */
  readonly otherRules?: Ruleset | undefined;
}

/**
 * A proxy on a node, in one family.
 *
 * @throws UnknownRule for rules that the walker does not understand.
 */
export function makeSide(
  snapshot: Pick<Snapshot, 'services' | 'endpointSlices'>,
  { proxy, ruleset, isFound, otherRules }: SideSource,
  { node: given, loopbackNodePorts, ...settings }: SideSettings,
): MigrationSide {
  const node = withOtherAddress(given);
  const expectations = deriveExpectations(snapshot, { node, ...settings });
  const model = proxy === null ? undefined : modelProxy({ kind: proxy, loopbackNodePorts }, expectations);
  const relay = proxy !== null && hasRelay(proxy, node) ? relayOf(expectations) : (_: Packet, fate: ProxyFate) => fate;
  const predict: FatesOf = (packet) =>
    (model?.fatesOf(packet) ?? []).map(({ expected }) => relay(packet, fateOfExpected(expected)));
  const others = otherRules && indexRuleset(otherRules);
  const among =
    proxy === null || !others
      ? undefined
      : fatesAmongOthers(predict, {
          proxy,
          others,
          mark: expectations.masqueradeMark,
          healthCheckPorts: [...expectations.healthCheckPorts.keys()],
          localAddresses: node.addresses,
        });
  const rules = ruleset && (isFound && ruleset.language ? indexRuleset(ruleset) : withOthers(ruleset, otherRules));
  const walk = rules && fatesOfRules(rules, node.addresses);
  return {
    proxy,
    node,
    expectations,
    fatesOf: walk ? (packet) => walk(packet).map((fate) => relay(packet, fate)) : (among ?? predict),
    codesOf: (packet) => model?.fatesOf(packet)[0].codes ?? [],
    predictions: model && (among ? [predict, among] : [predict]),
    isFound,
    hasOtherRules: others !== undefined,
  };
}

function withOthers(ruleset: Ruleset, others: Ruleset | undefined): IndexedRuleset {
  if (!others) {
    return indexRuleset(ruleset);
  }
  return ruleset.language
    ? indexRuleset(mergeIptables(ruleset, others))
    : mergeRulesets(indexRuleset(ruleset), indexRuleset(others));
}

/** Addresses of documentation (RFC 5737, RFC 3849). */
const otherAddresses = { ip: '192.0.2.254', ip6: '2001:db8:fffe::fe' } as const;

/** A node may have more addresses than its object names; node ports are also tried at one. */
function withOtherAddress(node: NodeSettings): NodeSettings {
  const { family, addresses } = node;
  const own = addresses.filter((address) => address.includes(':') === (family === 'ip6'));
  return own.length === 1 ? { ...node, addresses: [...addresses, otherAddresses[family]] } : node;
}

/** Whether a process serves node ports at loopback addresses over TCP, which no rule shows. */
function hasRelay(proxy: ProxyKind, { localhostNodePorts }: NodeSettings): boolean {
  return localhostNodePorts === 'served' && (proxy === 'svc2nft' || proxy === 'kube-proxy-nftables');
}

/** What that process makes of the fate that rules give a packet. */
function relayOf(expectations: Expectations): (packet: Packet, fate: ProxyFate) => ProxyFate {
  const { nodePorts } = expectations;
  return (packet, fate) => {
    const service = nodePorts.get(`${packet.protocol} ${packet.port}`)?.service;
    const isRelayed = packet.protocol === 'tcp' && fate.verdict === 'untouched' && isOwnLoopback(packet, expectations);
    const endpoints = (isRelayed && service?.[service.externalLocal ? 'local' : 'cluster']) || [];
    const share = 1 / endpoints.length;
    const seconds = service?.affinitySeconds ?? 0;
    return endpoints.length === 0
      ? fate
      : {
          ...fate,
          verdict: 'translated',
          endpoints: sortByAddress(endpoints, ({ text }) => text).map(({ text }) => {
            return { endpoint: text, share, masqueraded: true };
          }),
          affinity: endpoints.length > 1 && seconds > 0 ? { seconds, renewed: true } : null,
        };
  };
}

/** It listens at these two addresses alone. */
function isOwnLoopback({ source, destination }: Packet, expectations: Expectations): boolean {
  return (destination === '127.0.0.1' || destination === '::1') && isNodeAddress(source, expectations);
}
