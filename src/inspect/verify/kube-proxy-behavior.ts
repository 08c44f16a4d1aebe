/**
 * What kube-proxy does otherwise than svc2nft, on purpose or in older versions: fates that are right for it, though a Service
 * asks for others. Each kind is named, with its reason, and is not a fault.
 */

import { isLoopback } from '../../net/address.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { kubeProxyNames } from '../../phases/5-plan/kube-proxy-names.ts';
import type { Packet } from '../../walk/fate.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';

/** Kinds of behavior; programs may rely on these words. */
export type BehaviorCode = keyof typeof behaviorTexts;

/** What each kind means, in one line. */
export const behaviorTexts = {
  'icmp-rejection':
    'kube-proxy rejects TCP with an ICMP error, which the kernel limits to about one a second, and not with a reset',
  'other-owner': 'several Services claim this frontend, and kube-proxy gives it to any of them',
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
} as const;

/** A fate that is right for kube-proxy, and all that it does otherwise there. */
export interface AcceptedFate {
  readonly expected: ExpectedFate;
  readonly codes: readonly BehaviorCode[];
}

/** The fates that kube-proxy may give a packet, given the one that its Service asks for; the first one is what it mostly does. */
export type AcceptFates = (packet: Packet, expected: ExpectedFate) => readonly AcceptedFate[];

/** What a table of kube-proxy may do, by the version that its layout is from. */
export function acceptKubeProxy(ruleset: Ruleset, expectations: Expectations): AcceptFates {
  const traits = readTraits(ruleset);
  const inNode = { ...expectations, hairpins: expectations.hairpinsOfNode, hairpinRange: undefined };
  return (packet, given) => {
    const base = withoutReset({ expected: given, codes: [] });
    const others: readonly (AcceptedFate | undefined)[] = [
      acceptUntouched(given, traits),
      traits.refusesLocalhost ? acceptRefusal(packet, given, expectations) : undefined,
      traits.checksEarly ? acceptEarly(packet, given, expectations) : undefined,
      acceptHairpins(packet, inNode),
      ...[expectations, inNode].flatMap((each) => otherOwners(packet, each)),
    ];
    return [base, ...others.flatMap((one) => (one ? [withoutReset(one)] : []))];
  };
}

/** What the layout of a table says of its version. */
interface Traits {
  readonly hasClusterIPsCheck: boolean;
  readonly dropsUnallocated: boolean;
  readonly isBefore136: boolean;
  /** Whether Services without endpoints are looked for in output before packets are translated. */
  readonly checksEarly: boolean;
  readonly refusesLocalhost: boolean;
}

function readTraits({ chains, sets }: Ruleset): Traits {
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

function withoutReset({ expected, codes }: AcceptedFate): AcceptedFate {
  const isReset = expected.rejection === 'tcp-reset';
  const mayReject = expected.verdict === 'rejected' || expected.refusals.size > 0;
  return {
    expected: isReset ? { ...expected, rejection: 'port-unreachable' } : expected,
    codes: isReset && mayReject ? ['icmp-rejection', ...codes] : codes,
  };
}

/** What this version does not refuse. */
function acceptUntouched(expected: ExpectedFate, traits: Traits): AcceptedFate | undefined {
  const code = missingCheck(expected, traits);
  return code && { expected: { ...expected, verdict: 'untouched', reason: 'not-a-service' }, codes: [code] };
}

function missingCheck({ reason }: ExpectedFate, traits: Traits): BehaviorCode | undefined {
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

/** The set of hairpins has address, protocol and port of endpoints of this node. */
function acceptHairpins(packet: Packet, inNode: Expectations): AcceptedFate {
  const found = expectFate(packet, inNode);
  const others = expectFate(packet, { ...inNode, hairpins: new Set() });
  const isMasqueraded: ExpectedFate['isMasqueraded'] = (endpoint) => {
    const { address, port } = endpoint;
    const isKnown = inNode.hairpinKeysOfNode.has(`${address} . ${address} . ${packet.protocol} . ${port}`);
    return (isKnown ? found : others).isMasqueraded(endpoint);
  };
  return { expected: { ...found, isMasqueraded }, codes: ['no-hairpin'] };
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
