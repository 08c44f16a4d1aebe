import { sortByAddress } from '../../net/address.ts';
import { type FateSummary, type Memory, type Packet, type PacketOutcome, summarizeFate } from '../../walk/fate.ts';
import type { IndexedRuleset } from '../../walk/lookup-tables.ts';
import { createWalkContext, walkInContext } from '../../walk/walk-packet.ts';
import type { ExpectedFate } from '../verify/expect-fate.ts';

/** What a proxy does with the first packet of a connection, as the client and the endpoint notice it. */
export interface ProxyFate {
  /** `untouched`: what listens at the destination answers, if anything does; `mixed`: chance decides. */
  readonly verdict: FateSummary['verdict'];
  /** How the client of a rejected packet learns of it; null if none is rejected. */
  readonly answer: Exclude<FateSummary['rejectedWith'], undefined> | null;
  /** Sorted by address; empty unless the packet is translated, or may be. */
  readonly endpoints: readonly FateEndpoint[];
  /** Whether the source is rewritten where the packet arrives without being translated. */
  readonly masqueraded: boolean | 'mixed';
  /** How a client keeps its endpoint; null if it does not. */
  readonly affinity: FateAffinity | null;
  /** Bits of the packet mark that are other than they came; null where that is not known. */
  readonly markChange: number | null;
  /** Whether the packet meets rules that are not understood, so that its fate may be another one. */
  readonly uncertain: boolean;
}

/** An endpoint that the packet may reach. */
interface FateEndpoint {
  /** `10.244.1.5:8080` */
  readonly endpoint: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly masqueraded: boolean | 'mixed';
}

interface FateAffinity {
  /** Since the last new connection; null for as long as the rules are loaded. */
  readonly seconds: number | null;
  /** Whether a further connection starts the time again. */
  readonly renewed: boolean;
}

/**
 * The fates that a proxy may give a packet, its usual one first. More than one only where nothing decides between
 * Services that claim one frontend.
 */
export type FatesOf = (packet: Packet) => readonly ProxyFate[];

/**
 * What loaded rules do with packets, by walking them.
 *
 * @param localAddresses all addresses of the node but loopback ones, the primary one of each family first.
 */
export function fatesOfRules(ruleset: IndexedRuleset, localAddresses: readonly string[]): FatesOf {
  const context = createWalkContext(ruleset, { localAddresses }, { keepsSteps: false });
  const walk = (packet: Packet, memory?: Memory): readonly PacketOutcome[] =>
    walkInContext(packet, context, memory).outcomes;
  return (packet) => {
    const outcomes = walk(packet);
    const { verdict, rejectedWith, endpoints, masqueraded } = summarizeFate({ outcomes });
    return [
      {
        verdict,
        answer: rejectedWith ?? null,
        endpoints: endpoints.map(({ share, ...rest }) => ({ ...rest, share: share.numerator / share.denominator })),
        masqueraded: verdict === 'translated' ? false : masqueraded,
        affinity: endpoints.length > 1 ? affinityOf(packet, outcomes, walk) : null,
        markChange: markChangeOf(packet, outcomes),
        uncertain: outcomes.some(({ isUncertain }) => isUncertain === true),
      },
    ];
  };
}

/** Less than any timeout of affinity. */
const oldSeconds = 0.5;

/** What a second connection of the client meets, once the memory of the first one is nearly gone. */
function affinityOf(
  packet: Packet,
  outcomes: readonly PacketOutcome[],
  walk: (packet: Packet, memory: Memory) => readonly PacketOutcome[],
): FateAffinity | null {
  const first = outcomes.find(({ verdict, memory }) => verdict === 'translated' && memory.size > 0);
  if (!first) {
    return null;
  }
  const times = timesIn(first.memory);
  const [next, ...others] = walk(packet, withTime(first.memory, oldSeconds));
  if (next?.endpoint !== first.endpoint || others.length > 0) {
    return null;
  }
  return { seconds: times[0] ?? null, renewed: timesIn(next.memory).every((time) => time !== oldSeconds) };
}

function timesIn(memory: Memory): number[] {
  return [...memory.values()].flatMap((entries) =>
    [...entries.values()].flatMap(({ timeoutSeconds }) => timeoutSeconds ?? []),
  );
}

function withTime(memory: Memory, timeoutSeconds: number): Memory {
  return new Map(
    [...memory].map(([set, entries]) => [
      set,
      new Map([...entries].map(([key, entry]) => [key, { ...entry, timeoutSeconds }])),
    ]),
  );
}

function markChangeOf({ mark = 0 }: Packet, outcomes: readonly PacketOutcome[]): number {
  const arriving = outcomes.filter(({ verdict }) => verdict === 'translated' || verdict === 'untouched');
  return arriving.reduce((bits, outcome) => (bits | (outcome.mark ^ mark)) >>> 0, 0);
}

/** A fate that a model expects. */
export function fateOfExpected({
  verdict,
  rejection,
  frontend,
  endpoints,
  isMasqueraded,
  refusals,
}: ExpectedFate): ProxyFate {
  const reached = endpoints.filter(({ text }) => !refusals.has(text));
  const seconds = frontend?.service.affinitySeconds ?? 0;
  const isRejected = verdict === 'rejected' || [...refusals.values()].includes('rejected');
  return {
    verdict: verdict === 'translated' && reached.length < endpoints.length ? 'mixed' : verdict,
    answer: isRejected ? rejection : null,
    endpoints: sortByAddress(reached, ({ text }) => text).map((endpoint) => ({
      endpoint: endpoint.text,
      share: 1 / endpoints.length,
      masqueraded: isMasqueraded(endpoint),
    })),
    masqueraded: false,
    affinity: verdict === 'translated' && reached.length > 1 && seconds > 0 ? { seconds, renewed: true } : null,
    markChange: null,
    uncertain: false,
  };
}

/** Shares of rules for iptables are those of 31 bits. */
const precision = 1e-6;

/** Whether two shares are the same, but for what rules for iptables cannot tell apart. */
export function isSameShare(a: number, b: number): boolean {
  return Math.abs(a - b) < precision;
}

/** Whether two fates lead to the same endpoints, in the same shares. */
export function hasSameEndpoints({ endpoints }: ProxyFate, { endpoints: others }: ProxyFate): boolean {
  return (
    endpoints.length === others.length &&
    endpoints.every(({ endpoint, share }, index) => {
      const other = others[index];
      return other?.endpoint === endpoint && isSameShare(share, other.share);
    })
  );
}

/** Whether nobody can tell two fates apart. */
export function isSameFate(a: ProxyFate, b: ProxyFate): boolean {
  return (
    a.verdict === b.verdict &&
    a.answer === b.answer &&
    a.masqueraded === b.masqueraded &&
    isSameAffinity(a.affinity, b.affinity) &&
    (a.markChange === null || b.markChange === null || a.markChange === b.markChange) &&
    hasSameEndpoints(a, b) &&
    a.endpoints.every(({ masqueraded }, index) => b.endpoints[index]?.masqueraded === masqueraded)
  );
}

/** Whether clients keep their endpoint in the same way. */
export function isSameAffinity(a: ProxyFate['affinity'], b: ProxyFate['affinity']): boolean {
  return a?.seconds === b?.seconds && a?.renewed === b?.renewed;
}
