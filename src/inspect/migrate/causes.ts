import { type ExpectedFate, expectFate, isNodeAddress } from '../verify/expect-fate.ts';
import type { Expectations } from '../verify/expectations.ts';
import type { PlaceKind, Probe, ProbedSide } from './list-probes.ts';
import type { CauseCode, MigrationEffect, ProxyName } from './migration.ts';
import { type FatesOf, isSameFate, type ProxyFate } from './proxy-fate.ts';

/** A proxy on a node, in one family. */
export interface MigrationSide extends ProbedSide {
  readonly proxy: ProxyName | null;
  readonly fatesOf: FatesOf;
  /** For loaded rules, what their proxy would do for the snapshot; undefined for others. */
  readonly predicted: FatesOf | undefined;
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
    applies: ({ probe: { place, keys }, from, to }) =>
      [from, to].some(
        ({ expectations: { contested } }) => contested.has(keys[0]) || (isNodePort(place) && contested.has(keys[1])),
      ),
    message: () => 'several Services claim one address and port, or one node port, and another one may get it',
    advice: () => 'give each Service an address or node port of its own',
  },
  {
    code: 'localhost-node-ports',
    applies: ({ probe: { place } }) => place === 'node-port-loopback',
    message: ({ effect, before, after, probe }) => {
      switch (effect) {
        case 'breaks':
          return `node ports stop answering at ${probe.packet.destination}`;
        case 'opens':
          return `node ports start to answer at ${probe.packet.destination}`;
        default:
          return `node ports at ${probe.packet.destination}: ${wordsOf(before)} -> ${wordsOf(after)}`;
      }
    },
    advice: ({ effect, to }) => (effect === 'breaks' ? localhostAdvice(to) : undefined),
  },
  {
    code: 'node-port-addresses',
    applies: ({ probe: { place, packet }, from, to }) =>
      isNodePort(place) && acceptsNodePort(packet.destination, from) !== acceptsNodePort(packet.destination, to),
    message: ({ effect, before, after, probe: { place } }) => {
      const where = nodePortPlaces[place] ?? '';
      switch (effect) {
        case 'breaks':
          return `node ports stop answering at ${where}`;
        case 'opens':
          return `node ports start to answer at ${where}`;
        default:
          return `node ports without endpoints at ${where}: ${wordsOf(before)} -> ${wordsOf(after)}`;
      }
    },
    advice: ({ from, to }) => nodePortAdvice(from, to),
  },
  {
    code: 'node-port-refusals',
    applies: ({ probe: { place, packet }, effect, to }) =>
      isNodePort(place) && effect === 'refusal' && !acceptsNodePort(packet.destination, to),
    message: ({ before, after }) =>
      `node ports without endpoints, at addresses that accept none: ${wordsOf(before)} -> ${wordsOf(after)}`,
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
    applies: (difference) => reasonsOf(difference).includes('source-range'),
    message: ({ before, after }) =>
      `clients outside of the source ranges of a load balancer IP without endpoints: ${wordsOf(before)} -> ${wordsOf(after)}`,
  },
  {
    code: 'node-to-external',
    applies: ({ probe: { place, client }, effect, before, after }) =>
      client === 'node' &&
      (place === 'external-ip' || place === 'load-balancer-ip') &&
      effect === 'refusal' &&
      [before, after].some(({ verdict }) => verdict === 'untouched'),
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
    applies: ({ probe: { client }, effect }) =>
      client.startsWith('itself-') && (effect === 'breaks' || effect === 'opens' || effect === 'source'),
    message: ({ effect, probe: { client } }) => {
      const who = `endpoints ${client === 'itself-here' ? 'on this node' : 'on other nodes'}`;
      return effect === 'breaks' ? `${who} no longer reach themselves` : `${who} reach themselves`;
    },
  },
  {
    code: 'refused-endpoints',
    applies: (difference) =>
      reasonsOf(difference).includes('refused-endpoint') ||
      [difference.before, difference.after].some(({ verdict }) => verdict === 'mixed'),
    message: ({ effect }) =>
      effect === 'breaks'
        ? 'endpoints at addresses that are refused themselves are no longer reached'
        : 'endpoints at addresses that are refused themselves are reached',
  },
  {
    code: 'load-balancer-at-node',
    applies: ({ probe: { place, packet }, to }) =>
      (place === 'load-balancer-ip' || place === 'external-ip') && isNodeAddress(packet.destination, to.expectations),
    message: ({ before, after }) =>
      `external addresses that are those of the node, at the number of a node port: ${wordsOf(before)} -> ${wordsOf(after)}`,
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

function reasonsOf({ probe: { packet }, from, to }: FateDifference): ExpectedFate['reason'][] {
  return [from, to].map(({ expectations }) => expectFate(packet, expectations).reason);
}

function isOutOfDate({ predicted }: MigrationSide, fate: ProxyFate, packet: Probe['packet']): boolean {
  return predicted !== undefined && !predicted(packet).some((one) => isSameFate(one, fate));
}

function acceptsNodePort(address: string, { expectations }: { readonly expectations: Expectations }): boolean {
  const { nodePortAddresses, nodeAddresses } = expectations;
  return nodePortAddresses === 'all' ? nodeAddresses.includes(address) : nodePortAddresses.has(address);
}

const nodePortPlaces: Partial<Record<PlaceKind, string>> = {
  'node-port-primary': 'the primary address of the node',
  'node-port-secondary': 'other addresses of the node than the primary one',
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
