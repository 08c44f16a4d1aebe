import type { Packet } from '../../walk/fate.ts';
import type { BehaviorCode } from '../verify/behaviors.ts';
import { acceptsNodePorts } from '../verify/expect-fate.ts';
import type { ProxyKind } from '../verify/proxy-model.ts';
import type { PlaceKind, Probe, ProbedSide } from './list-probes.ts';
import type { CauseCode, MigrationEffect } from './migration.ts';
import { type FatesOf, hasSameEndpoints, isSameFate, type ProxyFate } from './proxy-fate.ts';

/** A proxy on a node, in one family. */
export interface MigrationSide extends ProbedSide {
  readonly proxy: ProxyKind | null;
  readonly fatesOf: FatesOf;
  /** What it does otherwise than Services ask for, if it is a known proxy. */
  readonly codesOf: (packet: Packet) => readonly BehaviorCode[];
  /** What it would do for the snapshot, by itself and among the rules of others; undefined for an unknown proxy. */
  readonly predictions: readonly FatesOf[] | undefined;
  /** Whether its fates are those of rules that were loaded, or are in a file. */
  readonly isFound: boolean;
  /** Whether packets meet rules of other programs as well. */
  readonly hasOtherRules: boolean;
}

/** One connection that goes otherwise. */
export interface FateDifference {
  readonly probe: Probe;
  readonly before: ProxyFate;
  readonly after: ProxyFate;
  readonly effect: MigrationEffect;
  readonly from: MigrationSide;
  readonly to: MigrationSide;
}

/** Why a connection goes otherwise. */
interface Cause {
  readonly code: CauseCode;
  readonly applies: (difference: FateDifference) => boolean;
  /** Without a period, and without a number of Services. */
  readonly message: (difference: FateDifference) => string;
  readonly advice?: (difference: FateDifference) => string | undefined;
}

const isNodePort = (place: PlaceKind): boolean => place.startsWith('node-port-');

/** The causes that are known; the first one that applies counts. */
const causes: readonly Cause[] = [
  {
    code: 'contested-frontend',
    applies: ({ probe: { place, keys }, before, after, from, to }) =>
      isOfAnother(before, after) &&
      [from, to].some(
        ({ expectations: { contested } }) => contested.has(keys[0]) || (isNodePort(place) && contested.has(keys[1])),
      ),
    message: () => 'several Services claim one address and port, or one node port, and another one may get it',
    advice: () => 'give each Service an address or node port of its own',
  },
  {
    code: 'affinity',
    applies: ({ effect }) => effect === 'affinity',
    message: ({ before, after }) => `clients keep their endpoint ${keptText(before)}, and then ${keptText(after)}`,
  },
  {
    code: 'masquerade-bit',
    applies: ({ effect }) => effect === 'mark',
    message: () => 'packets arrive with another mark',
    advice: ({ from }) => `set masqueradeBit to ${Math.log2(from.expectations.masqueradeMark)} for the new mode`,
  },
  {
    code: 'localhost-node-ports',
    applies: ({ probe: { place }, before, after }) =>
      place === 'node-port-loopback' && !(isRefused(before) && after.verdict === 'untouched'),
    message: ({ effect, before, after, probe: { packet } }) => {
      switch (effect) {
        case 'breaks':
          return `node ports stop answering at ${packet.destination}`;
        case 'opens':
          return `node ports start to answer at ${packet.destination}`;
        case 'endpoints':
          return `node ports at ${packet.destination} reach ${after.endpoints.length < before.endpoints.length ? 'only endpoints on this node' : 'all endpoints'} with externalTrafficPolicy Local`;
        default:
          return `node ports at loopback addresses: ${wordsOf(before)} -> ${wordsOf(after)}`;
      }
    },
    advice: ({ effect, to }) => (effect === 'breaks' ? localhostAdvice(to) : undefined),
  },
  {
    code: 'node-port-addresses',
    applies: ({ probe: { place, packet }, effect, from, to }) =>
      isNodePort(place) &&
      (effect === 'breaks' || effect === 'opens') &&
      acceptsNodePorts(packet.destination, from.expectations) !== acceptsNodePorts(packet.destination, to.expectations),
    message: ({ effect, probe: { place } }) =>
      `node ports ${effect === 'breaks' ? 'stop answering' : 'start to answer'} at ${nodePortPlaces[place]}`,
    advice: ({ from, to }) => nodePortAdvice(from, to),
  },
  {
    code: 'node-port-refusals',
    applies: ({ probe: { place }, effect, before, after }) =>
      isNodePort(place) && effect === 'refusal' && isRefused(before) !== isRefused(after),
    message: ({ before, probe: { place } }) =>
      `node ports that lack endpoints are ${isRefused(before) ? 'no longer refused' : 'refused'} at ${nodePortPlaces[place]}`,
  },
  {
    code: 'refusal-answer',
    applies: ({ before, after }) =>
      before.verdict === 'rejected' && after.verdict === 'rejected' && before.answer !== after.answer,
    message: ({ before, after }) => `refused connections: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'cluster-ip-ports',
    applies: ({ probe: { place } }) => place === 'other-port',
    message: ({ before, after }) => `ports of cluster IPs that no Service has: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'unallocated-cluster-ips',
    applies: ({ probe: { place } }) => place === 'unallocated',
    message: ({ before, after }) =>
      `addresses of the ServiceCIDRs that no Service has: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'health-check-ports',
    applies: ({ probe: { place } }) => place === 'health-check-port',
    message: ({ effect }) =>
      effect === 'opens'
        ? 'health check node ports are let through'
        : 'health check node ports are no longer let through',
    advice: () => 'accept these TCP ports in the firewall of the nodes',
  },
  {
    code: 'source-ranges',
    applies: (difference) => isBehavior(difference, 'ranges-without-endpoints'),
    message: ({ before, after }) =>
      `clients outside of the source ranges of a load balancer IP without endpoints: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'node-to-external',
    applies: (difference) => isBehavior(difference, 'node-untouched'),
    message: ({ before, after }) =>
      `what the node itself sends to external addresses without endpoints: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'masquerade-all',
    applies: ({ probe: { place }, effect, from, to }) =>
      place === 'cluster-ip' &&
      effect === 'source' &&
      from.expectations.masqueradeAll !== to.expectations.masqueradeAll,
    message: ({ to }) =>
      to.expectations.masqueradeAll
        ? 'endpoints no longer see the addresses of Pods that connect to cluster IPs (masqueradeAll)'
        : 'endpoints see the addresses of Pods that connect to cluster IPs (no masqueradeAll)',
    advice: ({ from }) => `set masqueradeAll to ${from.expectations.masqueradeAll} for the new mode`,
  },
  {
    code: 'hairpins',
    applies: (difference) => {
      const { probe, before, after } = difference;
      const isAtItself = probe.client.startsWith('itself-') && hasSameEndpoints(before, after);
      return isBehavior(difference, 'any-hairpin', 'no-hairpin') || (isAtItself && !isSameFate(before, after));
    },
    message: ({ effect, probe: { client, packet }, to }) => {
      const isPlaced = client === 'itself-elsewhere' || to.expectations.hairpinsOfNode.has(packet.source);
      const elsewhere = client === 'itself-elsewhere' ? 'on other nodes' : 'on this node';
      const who = `endpoints ${isPlaced ? elsewhere : 'whose EndpointSlice names no node'}`;
      return effect === 'breaks' ? `${who} no longer reach themselves` : `${who} reach themselves`;
    },
  },
  {
    code: 'refused-endpoints',
    applies: (difference) => isBehavior(difference, 'refused-endpoints'),
    message: ({ effect }) =>
      effect === 'breaks'
        ? 'endpoints at addresses that are refused themselves are no longer reached'
        : 'endpoints at addresses that are refused themselves are reached',
  },
  {
    code: 'load-balancer-at-node',
    applies: (difference) => isBehavior(difference, 'node-port-instead'),
    message: ({ before, after }) =>
      `external addresses that are those of the node, at the number of a node port: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'external-at-cluster-ip',
    applies: (difference) => isBehavior(difference, 'external-at-cluster-ip'),
    message: () => 'an external address is also a cluster IP: endpoints see other source addresses there',
    advice: () => 'give the Service another external address',
  },
  {
    code: 'other-rules',
    applies: ({ probe: { packet }, before, after, from, to }) =>
      !isOutOfDate(from, before, packet) && (isByOthers(from, before, packet) || isByOthers(to, after, packet)),
    message: ({ effect, before, after }) => {
      switch (effect) {
        case 'breaks':
          return 'rules of other programs refuse what was accepted ahead of them';
        case 'opens':
          return 'rules of other programs no longer refuse what is accepted ahead of them';
        default:
          return `rules of other programs: ${effect === 'refusal' ? `${wordsOf(before)} -> ${wordsOf(after)}` : 'other sources or marks'}`;
      }
    },
    advice: ({ effect }) =>
      effect === 'breaks' ? 'accept the traffic of Pods, and health check node ports, in INPUT and FORWARD' : undefined,
  },
  {
    code: 'rules-differ',
    applies: ({ probe: { packet }, before, after, from, to }) =>
      isOutOfDate(from, before, packet) || isOutOfDate(to, after, packet),
    message: ({ effect, before, after }) =>
      `the rules are not those for this snapshot and these settings: ${
        effect === 'source' || effect === 'endpoints'
          ? 'other endpoints or sources'
          : `${wordsOf(before)} -> ${wordsOf(after)}`
      }`,
    advice: () => 'take snapshot and rules at the same time, and give the settings of that proxy',
  },
  {
    code: 'other',
    applies: () => true,
    message: ({ effect, before, after }) =>
      effect === 'source' || effect === 'endpoints'
        ? 'other endpoints or sources'
        : `${wordsOf(before)} -> ${wordsOf(after)}`,
  },
];

/** A difference with its cause, in words. */
export function explainDifference(difference: FateDifference): {
  readonly cause: CauseCode;
  readonly message: string;
  readonly advice: string | null;
} {
  const cause = causes.find((one) => one.applies(difference));
  return {
    cause: cause?.code ?? 'other',
    message: cause?.message(difference) ?? '',
    advice: cause?.advice?.(difference) ?? null,
  };
}

/** Whether only one of the two has a behavior of its own here. */
function isBehavior({ probe: { packet }, from, to }: FateDifference, ...codes: readonly BehaviorCode[]): boolean {
  const [before, after] = [from, to].map((side) => side.codesOf(packet));
  return codes.some((code) => before?.includes(code) !== after?.includes(code));
}

/** Whether rules do something else than their proxy would do for the snapshot, whatever rules others have. */
function isOutOfDate({ isFound, predictions }: MigrationSide, fate: ProxyFate, packet: Packet): boolean {
  const predicted = isFound ? predictions?.flatMap((fatesOf) => fatesOf(packet)) : undefined;
  return predicted !== undefined && !predicted.some((one) => isSameFate(one, fate));
}

/** Whether a proxy alone would not do that to the packet. */
function isByOthers({ hasOtherRules, predictions }: MigrationSide, fate: ProxyFate, packet: Packet): boolean {
  const [alone] = predictions ?? [];
  return hasOtherRules && alone !== undefined && !alone(packet).some((one) => isSameFate(one, fate));
}

/** Whether two fates may be those of different Services, with other endpoints, policies or refusals. */
function isOfAnother(before: ProxyFate, after: ProxyFate): boolean {
  const isLeftAlone = before.verdict === 'untouched' || after.verdict === 'untouched';
  return !isLeftAlone && !(before.verdict === 'rejected' && after.verdict === 'rejected');
}

function isRefused({ verdict }: ProxyFate): boolean {
  return verdict === 'rejected' || verdict === 'dropped';
}

const nodePortPlaces: Partial<Record<PlaceKind, string>> = {
  'node-port-primary': 'the primary address of the node',
  'node-port-secondary': 'other addresses of the node than the primary one',
  'node-port-loopback': 'loopback addresses',
};

const answerWords = {
  'tcp-reset': 'rejected with a TCP reset',
  'port-unreachable': 'rejected with an ICMP error',
  mixed: 'rejected in one way or another',
} as const;

/** What becomes of a connection, in a few words. */
export function wordsOf({ verdict, answer, endpoints }: ProxyFate): string {
  switch (verdict) {
    case 'translated':
      return endpoints.length === 1 ? 'reaches an endpoint' : `reaches ${endpoints.length} endpoints`;
    case 'rejected':
      return answerWords[answer ?? 'port-unreachable'];
    case 'dropped':
      return 'dropped';
    case 'untouched':
      return 'left alone';
    case 'mixed':
      return `reaches ${endpoints.length} endpoints, or is refused`;
  }
}

function keptText({ affinity }: ProxyFate): string {
  if (!affinity) {
    return 'not at all';
  }
  const { seconds, renewed } = affinity;
  const time = seconds === null ? 'forever' : `for ${seconds.toLocaleString('en')} s`;
  return `${time} after ${renewed ? 'the last' : 'the first'} connection`;
}

function localhostAdvice({ proxy }: MigrationSide): string {
  switch (proxy) {
    case 'kube-proxy-nftables':
      return 'for TCP: featureGates KubeProxyNFTablesLocalhostNodePorts: true, and localhost in nodePortAddresses; else use the cluster IP or an address of the node';
    case 'svc2nft':
      return 'for TCP: svc2nft agent with --feature-gates KubeProxyNFTablesLocalhostNodePorts=true and localhost in --nodeport-addresses; else use the cluster IP or an address of the node';
    default:
      return 'use the cluster IP or an address of the node';
  }
}

function nodePortAdvice(from: MigrationSide, to: MigrationSide): string | undefined {
  const { nodePortAddresses } = from.expectations;
  const list = nodePortAddresses === 'all' ? '0.0.0.0/0 and ::/0' : [...nodePortAddresses].join(', ');
  return to.expectations.nodePortAddresses === nodePortAddresses
    ? undefined
    : `nodePortAddresses (--nodeport-addresses) ${list === '' ? 'that name none' : list}`;
}
