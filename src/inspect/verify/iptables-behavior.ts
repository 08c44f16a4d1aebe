/** Where rules of iptables do otherwise than the Services ask for, and what these differences are called. */

import { isLoopback } from '../../net/address.ts';
import type { Packet } from '../../walk/fate.ts';
import type { AcceptedFate, AcceptFates, BehaviorCode } from './behaviors.ts';
import { acceptsNodePorts, type ExpectedFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedService } from './expectations.ts';
import { claimantsFor, type IptablesTraits, iptablesFate } from './iptables-fates.ts';

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
