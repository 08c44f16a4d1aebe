/**
 * What others do otherwise than svc2nft's rules for nft: kube-proxy's nftables mode, in all its versions; and rules of iptables, by
 * what differs between their fates (iptables-fates.ts) and those that Services ask for.
 */

import { isLoopback } from '../../net/address.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { kubeProxyNames } from '../../phases/5-plan/kube-proxy-names.ts';
import type { Packet } from '../../walk/fate.ts';
import type { AcceptedFate, AcceptFates, BehaviorCode } from './behaviors.ts';
import { acceptsNodePorts, type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend, ExpectedService } from './expectations.ts';
import { claimantsFor, type IptablesTraits, iptablesFate } from './iptables-fates.ts';

/** What kube-proxy may do with a packet, by its version; the first fate is what it does with Services that share no frontend. */
export function acceptKubeProxy(traits: KubeProxyTraits, expectations: Expectations): AcceptFates {
  const inNode = { ...expectations, hairpins: expectations.hairpinsOfNode, hairpinRange: undefined };
  return (packet, given) => {
    const own =
      acceptUntouched(given, traits) ??
      (traits.refusesLocalhost ? acceptRefusal(packet, given, expectations) : undefined) ??
      (traits.checksEarly ? acceptEarly(packet, given, expectations) : undefined) ??
      acceptHairpins(packet, given, inNode);
    const others = [expectations, inNode]
      .flatMap((each) => otherOwners(packet, each))
      .filter(({ expected }) => isOther(expected, given));
    return [own ?? { expected: given, codes: [] }, ...others].map(withoutReset);
  };
}

function isOther({ verdict, frontend }: ExpectedFate, given: ExpectedFate): boolean {
  return verdict !== given.verdict || (verdict === 'translated' && frontend !== given.frontend);
}

/** What a version of kube-proxy's nftables mode does, and others do not. */
export interface KubeProxyTraits {
  readonly hasClusterIPsCheck: boolean;
  readonly dropsUnallocated: boolean;
  readonly isBefore136: boolean;
  /** Whether Services without endpoints are looked for in output before packets are translated. */
  readonly checksEarly: boolean;
  /** Whether loopback addresses refuse node ports (KubeProxyNFTablesLocalhostNodePorts). */
  readonly refusesLocalhost: boolean;
}

/** What the layout of a table of kube-proxy says of its version. */
export function readKubeProxyTraits({ chains, sets }: Ruleset): KubeProxyTraits {
  const names = new Set(chains.map(({ name }) => name));
  const check = chains.find(({ name }) => name === kubeProxyNames.clusterIpsCheck);
  const isBefore136 = names.has(kubeProxyNames.markChain);
  return {
    // Early versions have one chain for all checks.
    hasClusterIPsCheck: !names.has(kubeProxyNames.endpointsCheck) || check !== undefined,
    dropsUnallocated: check?.rules.some((rule) => rule.some(({ kind }) => kind === 'drop')) ?? false,
    isBefore136,
    checksEarly: isBefore136 && chains.some(({ hook }) => hook?.hook === 'output' && hook.priority < -100),
    refusesLocalhost: sets.some(({ name }) => name === kubeProxyNames.localhostRejections),
  };
}

/** The fate with the answer that kube-proxy gives where it rejects. */
export function withoutReset({ expected, codes }: AcceptedFate): AcceptedFate {
  const isReset = expected.rejection === 'tcp-reset';
  const mayReject = expected.verdict === 'rejected' || expected.refusals.size > 0;
  return {
    expected: isReset ? { ...expected, rejection: 'port-unreachable' } : expected,
    codes: isReset && mayReject ? ['icmp-rejection', ...codes] : codes,
  };
}

/** What this version does not refuse. */
function acceptUntouched(expected: ExpectedFate, traits: KubeProxyTraits): AcceptedFate | undefined {
  const code = missingCheck(expected, traits);
  return code && { expected: { ...expected, verdict: 'untouched', reason: 'not-a-service' }, codes: [code] };
}

function missingCheck({ reason }: ExpectedFate, traits: KubeProxyTraits): BehaviorCode | undefined {
  switch (reason) {
    case 'localhost':
      return traits.refusesLocalhost ? undefined : 'localhost-untouched';
    case 'unknown-port':
      return traits.hasClusterIPsCheck ? undefined : 'no-cluster-ips-check';
    case 'unallocated':
      if (!traits.hasClusterIPsCheck) {
        return 'no-cluster-ips-check';
      }
      return traits.isBefore136 && !traits.dropsUnallocated ? 'no-service-cidrs' : undefined;
    default:
      return undefined;
  }
}

function acceptEarly({ source }: Packet, expected: ExpectedFate, expectations: Expectations): AcceptedFate | undefined {
  const { frontend } = expected;
  const lacksLocal = frontend?.service.externalLocal === true && frontend.service.local.length === 0;
  return lacksLocal && frontend.kind !== 'ClusterIP' && isNodeAddress(source, expectations)
    ? {
        expected: { ...expected, verdict: 'dropped', reason: 'no-local-endpoints', endpoints: [] },
        codes: ['early-check'],
      }
    : undefined;
}

/** The set of hairpins has address, protocol and port of endpoints of this node; undefined where that makes no difference. */
function acceptHairpins(packet: Packet, given: ExpectedFate, inNode: Expectations): AcceptedFate | undefined {
  const found = expectFate(packet, inNode);
  const others = expectFate(packet, { ...inNode, hairpins: new Set() });
  const isMasqueraded: ExpectedFate['isMasqueraded'] = (endpoint) => {
    const { address, port } = endpoint;
    const isKnown = inNode.hairpinKeysOfNode.has(`${address} . ${address} . ${packet.protocol} . ${port}`);
    return (isKnown ? found : others).isMasqueraded(endpoint);
  };
  const isOther = found.endpoints.some((endpoint) => isMasqueraded(endpoint) !== given.isMasqueraded(endpoint));
  return isOther ? { expected: { ...found, isMasqueraded }, codes: ['no-hairpin'] } : undefined;
}

/** Rules for loopback addresses that do not ask where packets come from. */
function acceptRefusal(
  { destination, protocol, port }: Packet,
  expected: ExpectedFate,
  { nodePorts, refusedAtLocalhost }: Expectations,
): AcceptedFate | undefined {
  const frontend = nodePorts.get(`${protocol} ${port}`);
  return frontend && isLoopback(destination) && refusedAtLocalhost.has(protocol)
    ? {
        expected: { ...expected, verdict: 'rejected', reason: 'localhost', frontend },
        codes: ['localhost-from-outside'],
      }
    : undefined;
}

/** The fates if another claimant had the frontend. */
function otherOwners(packet: Packet, expectations: Expectations): AcceptedFate[] {
  const { destination, protocol, port } = packet;
  const { ips, nodePorts, contested } = expectations;
  const [atIP, atNode] = [`${destination} ${protocol} ${port}`, `${protocol} ${port}`];
  const fateOf = (owners: Partial<Pick<Expectations, 'ips' | 'nodePorts'>>): AcceptedFate => ({
    expected: expectFate(packet, { ...expectations, ...owners }),
    codes: ['other-owner'],
  });
  const claimants = contested.has(atIP) ? [ips.get(atIP), ...(contested.get(atIP) ?? [])] : [];
  return [
    ...claimants
      .flatMap((one) => (one ? fatesOfClaimant(one) : []))
      .map((one) => fateOf({ ips: withOwner(ips, atIP, one) })),
    ...(contested.get(atNode) ?? []).map((one) => fateOf({ nodePorts: withOwner(nodePorts, atNode, one) })),
  ];
}

/** Source ranges are looked up on their own, so that they may be those of another claimant. */
function fatesOfClaimant(claimant: ExpectedFrontend): ExpectedFrontend[] {
  const { service } = claimant;
  return service.allowed ? [claimant, { ...claimant, service: { ...service, allowed: undefined } }] : [claimant];
}

function withOwner(
  owners: ReadonlyMap<string, ExpectedFrontend>,
  key: string,
  owner: ExpectedFrontend,
): ReadonlyMap<string, ExpectedFrontend> {
  return new Map([...owners, [key, owner]]);
}

/** The fates that rules of iptables may give a packet: several only where several Services claim a frontend. */
export function acceptIptables(traits: IptablesTraits, expectations: Expectations): AcceptFates {
  const rules = { ...traits, expectations };
  return (packet, asked) => {
    const first = iptablesFate(packet, rules);
    const preferred = traits.layout === 'svc2nft' ? [] : servicesInAnyOrder(packet, first, expectations);
    const others = preferred
      .map((service) => iptablesFate(packet, rules, service))
      .filter((one) => !isEqual(one, first));
    const codesOf = (expected: ExpectedFate): BehaviorCode[] =>
      nameDifferences({ packet, asked, expected }, expectations);
    return [
      { expected: first, codes: codesOf(first) },
      ...others.map(
        (expected): AcceptedFate => ({ expected, codes: [...new Set([otherOwner, ...codesOf(expected)])] }),
      ),
    ];
  };
}

const otherOwner: BehaviorCode = 'other-owner';

/** The Services of which any may have the first rule for a packet, or for its endpoints. */
function servicesInAnyOrder(
  packet: Packet,
  { endpoints }: ExpectedFate,
  expectations: Expectations,
): ExpectedService[] {
  const { guardedEndpoints } = expectations;
  const { protocol } = packet;
  const guarded = guardedEndpoints.size === 0 ? [] : endpoints;
  const places = [
    packet,
    ...guarded
      .filter(({ address, port }) => guardedEndpoints.has(`${address} ${protocol} ${port}`))
      .map(({ address, port }) => ({ destination: address, protocol, port })),
  ];
  const services = places.map((place) => new Set(claimantsFor(place, expectations).map(({ service }) => service)));
  return services.flatMap((some) => (some.size > 1 ? [...some] : []));
}

/** Whether two fates of one packet are the same; endpoints and their sources follow from the frontend. */
function isEqual(one: ExpectedFate, other: ExpectedFate): boolean {
  const refusalsOf = ({ refusals }: ExpectedFate): string => [...refusals].join();
  const isSame = one.verdict === other.verdict && refusalsOf(one) === refusalsOf(other);
  return isSame && (one.verdict !== 'translated' || one.frontend === other.frontend);
}

/** A fate beside the one that a Service asks for. */
interface Compared {
  readonly packet: Packet;
  readonly asked: ExpectedFate;
  readonly expected: ExpectedFate;
}

function nameDifferences(compared: Compared, expectations: Expectations): BehaviorCode[] {
  const { asked, expected } = compared;
  const mayReject = expected.verdict === 'rejected' || [...expected.refusals.values()].includes('rejected');
  const isOtherAnswer = mayReject && expected.rejection !== asked.rejection;
  const isSame = expected.verdict === asked.verdict && (expected.verdict !== 'translated' || hasSameFrontend(compared));
  const difference = isSame ? [] : [nameVerdict(compared, expectations)];
  const details = isSame && expected.verdict === 'translated' ? nameDetails(compared) : [];
  return [...(isOtherAnswer ? (['icmp-rejection'] as const) : []), ...difference, ...details];
}

function hasSameFrontend({ asked, expected }: Compared): boolean {
  return asked.frontend === expected.frontend;
}

/** Why a packet is translated, refused or left alone, and should not be, or goes to another Service. */
function nameVerdict({ packet, asked, expected }: Compared, expectations: Expectations): BehaviorCode {
  const { destination, source } = packet;
  const { frontend, verdict, reason } = expected;
  if (reason === 'loopback-guard') {
    return reason;
  }
  if (reason === 'refused-endpoint' || asked.reason === 'refused-endpoint') {
    return 'refused-endpoints';
  }
  if (frontend?.kind === 'NodePort' && asked.frontend?.kind !== 'NodePort') {
    return nameNodePort(destination, verdict, expectations);
  }
  if (verdict === 'untouched') {
    return nameUntouched(asked, isNodeAddress(source, expectations));
  }
  const isOfOneService = asked.frontend === frontend && asked.reason === 'source-range';
  return isOfOneService ? 'ranges-without-endpoints' : otherOwner;
}

function nameNodePort(destination: string, verdict: ExpectedFate['verdict'], expectations: Expectations): BehaviorCode {
  if (verdict !== 'translated') {
    return acceptsNodePorts(destination, expectations) ? otherOwner : 'refused-at-all-addresses';
  }
  return isLoopback(destination) ? 'localhost-served' : 'node-port-instead';
}

function nameUntouched({ reason }: ExpectedFate, isFromNode: boolean): BehaviorCode {
  switch (reason) {
    case 'unknown-port':
      return 'cluster-ip-ports-untouched';
    case 'unallocated':
      return 'unallocated-untouched';
    default:
      return isFromNode ? 'node-untouched' : 'health-checks-accepted';
  }
}

/** What differs between two translations for the same frontend. */
function nameDetails({ asked, expected }: Compared): BehaviorCode[] {
  const codes = new Set<BehaviorCode>();
  for (const endpoint of expected.endpoints) {
    if (asked.refusals.get(endpoint.text) !== expected.refusals.get(endpoint.text)) {
      codes.add('refused-endpoints');
    }
    if (asked.isMasqueraded(endpoint) !== expected.isMasqueraded(endpoint)) {
      codes.add(expected.isMasqueraded(endpoint) ? 'any-hairpin' : 'external-at-cluster-ip');
    }
  }
  return [...codes];
}
