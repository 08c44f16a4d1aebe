import type { Element } from '../../nft/ruleset.ts';
import type { Fate, Memory, Outcome, Packet } from '../../walk/fate.ts';
import type { IndexedRuleset } from '../../walk/index-ruleset.ts';
import { createContext, walkInContext } from '../../walk/walk-packet.ts';
import { findAffinityProblem, findNeedlessPin } from './check-affinity.ts';
import { compareFate, type Difference } from './compare-fate.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';
import { type Client, clientKinds } from './list-clients.ts';
import { createFaultCollector, type FaultCollector, type FaultPlace } from './verify-ruleset.ts';

/** A ruleset under check: walks packets, compares their fates, and remembers what they met. */
export interface WalkCheck {
  readonly ruleset: IndexedRuleset;
  readonly expectations: Expectations;
  readonly faults: FaultCollector;
  /** Every element that some packet has found. */
  readonly found: ReadonlySet<Element>;
  readonly packets: () => number;
  /**
   * Walks one packet, and more where the Service has affinity. A fault is told at the place, or where there is none at
   * the frontend of the expectation.
   *
   * @returns the chains that verdict maps sent the packet to, as one text: packets with equal texts meet equal rules.
   */
  readonly check: (client: Client, target: Target, place?: FaultPlace) => string;
}

/** Where a packet is sent. */
export type Target = Pick<Packet, 'destination' | 'protocol' | 'port'>;

/** A packet that is checked. */
interface Sent {
  readonly client: Client;
  readonly target: Target;
  readonly packet: Packet;
  readonly expected: ExpectedFate;
}

/** Begins a check of one ruleset. */
export function createWalkCheck(ruleset: IndexedRuleset, expectations: Expectations): WalkCheck {
  const faults = createFaultCollector();
  const found = new Set<Element>();
  /** Frontends with endpoints that clients were seen to keep. */
  const kept = new Set<string>();
  let chains = '';
  let packets = 0;
  const onElement = (element: Element): void => {
    found.add(element);
    if (element.value && 'kind' in element.value && element.value.kind === 'goto') {
      chains += `${element.value.chain} `;
    }
  };
  const node = { localAddresses: expectations.nodeAddresses };
  const context = createContext(ruleset, node, { keepsSteps: false, onElement });
  const walk = (packet: Packet, memory?: Memory): Fate => {
    packets++;
    return walkInContext(packet, context, memory);
  };
  /** A pin leads from a frontend to an endpoint, whoever the client is: each pair is tried once, and each client once. */
  const untriedOutcomes = ({ outcomes }: Fate, target: Target): Outcome[] => {
    const pair = `${target.destination} ${target.protocol} ${target.port} `;
    return outcomes.filter(({ endpoint }) => {
      const isNew = !kept.has(pair + endpoint);
      // Where there is only one endpoint, a client comes back to it without a pin.
      if (outcomes.length > 1) {
        kept.add(pair + endpoint);
      }
      return isNew;
    });
  };
  const affinityProblem = (fate: Fate, { client, target, packet, expected }: Sent): string | undefined => {
    if (!expected.frontend?.service.affinitySeconds) {
      return findNeedlessPin(fate.outcomes);
    }
    const untried = untriedOutcomes(fate, target);
    const isThorough = untried.length > 0 || isSpecial(client);
    const outcomes = untried.length > 0 ? untried : fate.outcomes.slice(0, 1);
    return findAffinityProblem(outcomes, { packet, expected, expectations, walk, isThorough });
  };
  const check: WalkCheck['check'] = (client, target, place) => {
    const { source, inputInterface = '', mark = 0 } = client;
    const { destination, protocol, port } = target;
    const packet = { source, inputInterface, mark, destination, protocol, port };
    const expected = expectFate(packet, expectations);
    chains = '';
    const fate = walk(packet);
    const met = chains;
    const where = place ?? placeOf(target, expected);
    const difference = compareFate(fate, expected) ?? compareMarks(fate, packet, expectations);
    if (difference) {
      faults.addDifference(where, difference, client.words);
    } else if (expected.verdict === 'translated') {
      const problem = affinityProblem(fate, { client, target, packet, expected });
      if (problem !== undefined) {
        faults.addDifference(where, { code: 'wrong-affinity', before: '', after: ` ${problem}` }, client.words);
      }
    }
    return met;
  };
  return { ruleset, expectations, faults, found, packets: () => packets, check };
}

/** Clients by single addresses or interfaces are tried at a few frontends only, so as much as possible is tried there. */
function isSpecial({ words, mark }: Client): boolean {
  return mark === undefined && !clientKinds.includes(words);
}

/** The frontend as people write it; what is no frontend keeps its address. */
function placeOf({ destination, protocol, port }: Target, { frontend }: ExpectedFate): FaultPlace {
  const at = `${destination.includes(':') ? `[${destination}]` : destination}:${port}/${protocol}`;
  if (!frontend) {
    return { frontend: at };
  }
  const { kind, service } = frontend;
  return { service: service.label, frontend: kind === 'node-port' ? `node port ${port}/${protocol}` : at };
}

/**
 * Whether packets that arrive still have the mark that others gave them: the bit that asks for masquerading is taken back
 * where it is honoured, behind routing, which packets to the node itself do not pass. Undefined where nothing is wrong.
 */
function compareMarks(fate: Fate, packet: Packet, expectations: Expectations): Difference | undefined {
  const { mark = 0, source } = packet;
  const isSent = isNodeAddress(source, expectations);
  for (const { verdict, address, mark: found } of fate.outcomes) {
    const hasArrived = verdict === 'translated' || verdict === 'untouched';
    const isKept = !isSent && isNodeAddress(address, expectations);
    const clean = isKept ? (found & ~expectations.masqueradeMark) >>> 0 : found;
    if (hasArrived && clean !== mark) {
      const after = ` arrive with mark ${markText(found)}, should with ${markText(mark)}`;
      return { code: 'wrong-mark', before: 'connections of ', after };
    }
  }
  return undefined;
}

function markText(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
