import type { Element } from '../phases/5-plan/ruleset.ts';
import type { Fate, Memory, Packet } from '../walk/fate.ts';
import type { IndexedRuleset } from '../walk/indexed-ruleset.ts';
import { createContext, walkInContext } from '../walk/walk-packet.ts';
import { compareFate } from './compare-fate.ts';
import { type ExpectedFate, expectFate } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';
import { createFaultCollector, type FaultCollector, type FaultPlace } from './fault-collector.ts';
import type { Client } from './list-clients.ts';

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
  const check: WalkCheck['check'] = (client, target, place) => {
    const { source, inputInterface = '' } = client;
    const { destination, protocol, port } = target;
    const packet = { source, inputInterface, destination, protocol, port };
    const expected = expectFate(packet, expectations);
    chains = '';
    const fate = walk(packet);
    const met = chains;
    const where = place ?? placeOf(target, expected);
    const difference = compareFate(fate, expected);
    if (difference) {
      faults.addDifference(where, difference, client.words);
    } else if (expected.verdict === 'translated') {
      // A pin leads from a frontend to an endpoint, whoever the client is: each pair is tried once, and each client once.
      const pair = `${destination} ${protocol} ${port} `;
      const untried = fate.outcomes.filter(({ endpoint }, index) => index === 0 || !kept.has(pair + endpoint));
      for (const { endpoint } of expected.frontend?.service.affinitySeconds ? untried : []) {
        kept.add(pair + endpoint);
      }
      const problem = affinityProblem(untried, expected, (memory) => walk(packet, memory));
      if (problem !== undefined) {
        faults.addDifference(where, { code: 'wrong-affinity', before: '', after: ` ${problem}` }, client.words);
      }
    }
    return met;
  };
  return { ruleset, expectations, faults, found, packets: () => packets, check };
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

/** What is wrong about the endpoint of a client's next connection; undefined where it is as it should be. */
function affinityProblem(
  outcomes: Fate['outcomes'],
  { frontend }: ExpectedFate,
  walkNext: (memory: Memory) => Fate,
): string | undefined {
  const seconds = frontend?.service.affinitySeconds ?? 0;
  if (seconds === 0) {
    const isKept = outcomes.some(({ memory }) => memory.size > 0);
    return isKept ? 'are pinned to their endpoint, though the Service has no affinity' : undefined;
  }
  for (const { endpoint, memory } of outcomes) {
    const [next, ...others] = walkNext(memory).outcomes;
    if (next?.endpoint !== endpoint || others.length > 0) {
      return `do not keep ${endpoint}, should for ${seconds} s`;
    }
    const times = [...memory.values()].flatMap((entries) => [...entries.values()]).map((entry) => entry.timeoutSeconds);
    const wrong = times.find((time) => time !== seconds);
    if (times.length > 0 && (wrong !== undefined || times.includes(undefined))) {
      return `keep ${endpoint} for ${wrong ?? 'unlimited'} s, should for ${seconds} s`;
    }
  }
  return undefined;
}
