import { endpointText } from '../../net/network.ts';
import type { Element, EndpointList } from '../../nft/ruleset.ts';
import { keepChoices } from '../../walk/choices.ts';
import type { Memory, Packet } from '../../walk/fate.ts';
import type { IndexedRuleset } from '../../walk/lookup-tables.ts';
import { mergeBranches } from '../../walk/merge-branches.ts';
import type { Branch } from '../../walk/walk-chain.ts';
import { createWalkContext, walkBranches } from '../../walk/walk-packet.ts';
import type { AcceptedFate, AcceptFates, BehaviorCode, Behaviors } from './behaviors.ts';
import { findAffinityProblem, findNeedlessPin, leavesNoPin } from './check-affinity.ts';
import { type CompareFate, createFateComparison } from './compare-fate.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend } from './expectations.ts';
import {
  createFaultCollector,
  type Difference,
  type FaultCollector,
  type FaultPlace,
  frontendLabel,
  placeOf,
} from './fault-collector.ts';
import { type Client, clientKinds, standardClients } from './list-clients.ts';

/**
 * A check of one ruleset: walks packets, compares their fates with the expected ones, and remembers what they matched.
 */
export interface WalkCheck {
  readonly ruleset: IndexedRuleset;
  readonly expectations: Expectations;
  readonly faults: FaultCollector;
  /** Where other rules than svc2nft's had a behavior of their own. */
  readonly behaviors: Behaviors;
  /** Every element that some packet has matched, but for those of endpoint lists. */
  readonly found: ReadonlySet<Element>;
  /** How many endpoints of a list, from the first, some packet may reach. */
  readonly drawn: ReadonlyMap<EndpointList, number>;
  readonly packets: () => number;
  /** The branches of one packet, which nothing is compared with. */
  readonly walk: (packet: Packet, memory?: Memory) => readonly Branch[];
  readonly compareFate: CompareFate;
  /**
   * Walks one packet, and more if the Service has affinity; adds a fault if anything differs.
   *
   * @returns the kinds of the chains that verdict maps sent the packet to, as one text: packets with equal texts meet
   * the same rules, but for how many endpoints these choose from.
   */
  readonly check: (client: Client, target: ProbeTarget) => string;
}

/** Where a packet is sent. */
export type ProbeTarget = Pick<Packet, 'destination' | 'protocol' | 'port'>;

/** A packet that is checked. */
interface Sent {
  readonly client: Client;
  readonly target: ProbeTarget;
  readonly packet: Packet;
  readonly expected: ExpectedFate;
}

/**
 * A check of one ruleset that has not walked any packets yet.
 *
 * @param acceptFates for a table of kube-proxy: which fates are right for it as well.
 */
export function createWalkCheck(
  ruleset: IndexedRuleset,
  expectations: Expectations,
  acceptFates: AcceptFates = (_packet, expected) => [{ expected, codes: [] }],
): WalkCheck {
  const faults = createFaultCollector();
  const behaviors = new Map<BehaviorCode, Set<string>>();
  /** The endpoints of each frontend whose affinity was tried, by policy. */
  const triedAt = new Map<string, Set<ExpectedEndpoint>>();
  let packets = 0;
  const standard = standardClients(expectations);
  const track = trackElements(ruleset);
  const node = { localAddresses: expectations.nodeAddresses };
  const context = createWalkContext(ruleset, node, { keepsSteps: false, ...track });
  const walk = (packet: Packet, memory?: Memory): readonly Branch[] => {
    packets++;
    return walkBranches(packet, context, memory);
  };
  const means = { expectations, standard, walk, compareFate: createFateComparison() };
  const affinityProblem = (
    branches: readonly Branch[],
    { client, target, packet, expected }: Sent,
  ): string | undefined => {
    if (!expected.frontend?.service.affinitySeconds) {
      return branches.every(leavesNoPin) ? undefined : findNeedlessPin(branches, { ...means, packet, expected });
    }
    const frontend = wayText(target, expected);
    const tried = triedAt.get(frontend) ?? new Set();
    triedAt.set(frontend, tried);
    // The rules make pins alike for all clients: each endpoint of a frontend is tried once, and each client once.
    const untried = expected.endpoints.filter((endpoint) => !tried.has(endpoint));
    const some = untried.length > 0 ? untried : expected.endpoints.slice(0, 1);
    // With a single endpoint a client comes back to it even without a pin.
    for (const endpoint of expected.endpoints.length > 1 ? some : []) {
      tried.add(endpoint);
    }
    const isThorough = untried.length > 0 || isSpecial(client);
    const outcomes = mergeBranches(branchesTo(some, branches));
    return findAffinityProblem(outcomes, { ...means, packet, expected, isThorough });
  };
  const check: WalkCheck['check'] = (client, target) => {
    const packet = packetOf(client, target);
    const asked = expectFate(packet, expectations);
    track.takeChains();
    const branches = walk(packet);
    const met = track.takeChains();
    const isRight = (one: AcceptedFate): boolean => !means.compareFate(branches, one.expected);
    const { expected, codes } = chooseFate(acceptFates(packet, asked), isRight, asked);
    const place = placeOfTarget(target, expected.frontend ?? asked.frontend, expectations);
    const addDifference = (difference: Difference): void => faults.addDifference(place, difference, client.words);
    noteBehaviors(codes, place, behaviors);
    const difference = means.compareFate(branches, expected) ?? compareMarks(branches, packet, expectations);
    if (difference) {
      addDifference(difference);
    } else if (expected.verdict === 'translated') {
      const problem = affinityProblem(branches, { client, target, packet, expected });
      if (problem !== undefined) {
        addDifference({ code: 'wrong-affinity', before: '', after: ` ${problem}` });
      }
    }
    return met;
  };
  const { found, drawn } = track;
  const { compareFate } = means;
  return { ruleset, expectations, faults, behaviors, found, drawn, packets: () => packets, walk, compareFate, check };
}

function packetOf(
  { source, inputInterface = '', mark = 0 }: Client,
  { destination, protocol, port }: ProbeTarget,
): Packet {
  return { source, inputInterface, mark, destination, protocol, port };
}

/** What a packet is compared with: the fate that it had, if that is right, or else the first one that is. */
function chooseFate(
  accepted: readonly AcceptedFate[],
  isRight: (one: AcceptedFate) => boolean,
  asked: ExpectedFate,
): AcceptedFate {
  return accepted.find(isRight) ?? { expected: accepted[0]?.expected ?? asked, codes: [] };
}

/** The frontend, and whether policy Local applies, for which there are other rules. */
function wayText({ destination, protocol, port }: ProbeTarget, { frontend, endpoints }: ExpectedFate): string {
  const policy = endpoints === frontend?.service.local ? 'local' : 'cluster';
  return `${destination} ${protocol} ${port} ${policy}`;
}

function noteBehaviors(
  codes: readonly BehaviorCode[],
  { service, frontend }: FaultPlace,
  behaviors: Map<BehaviorCode, Set<string>>,
): void {
  for (const code of codes) {
    const places = behaviors.get(code) ?? new Set();
    behaviors.set(code, service === undefined ? places : places.add(`${service} ${frontend}`));
  }
}

/** What walks match; see {@link WalkCheck}. */
interface Track extends Pick<WalkCheck, 'found' | 'drawn'> {
  readonly onElement: (element: Element) => void;
  readonly onDraw: (list: EndpointList, count: number) => void;
  /** The kinds of the chains that verdict maps led to since the last call. */
  readonly takeChains: () => string;
}

function trackElements(ruleset: IndexedRuleset): Track {
  const found = new Set<Element>();
  const drawn = new Map<EndpointList, number>();
  const kinds = kindsOfChains(ruleset);
  let chains = '';
  return {
    found,
    drawn,
    onElement: (element) => {
      found.add(element);
      if (element.value && 'kind' in element.value && element.value.kind === 'goto') {
        chains += `${kinds.get(element.value.chain)} `;
      }
    },
    onDraw: (list, count) => {
      drawn.set(list, Math.max(count, drawn.get(list) ?? 0));
    },
    takeChains: () => {
      const taken = chains;
      chains = '';
      return taken;
    },
  };
}

/**
 * The kind of each chain: two chains are of one kind if they have the same rules, but for the number of endpoints that a
 * rule chooses from and the chains of one kind that they lead to. There is a chain for each number of endpoints.
 */
function kindsOfChains({ chains }: IndexedRuleset): ReadonlyMap<string, number> {
  const kinds = new Map<string, number>();
  const numbers = new Map<string, number>();
  // An indexed ruleset has no loops.
  const kindOf = (name: string): number | undefined => {
    const chain = chains.get(name);
    if (chain && !kinds.has(name)) {
      const text = JSON.stringify([chain.rules, chain.hook], (key, value: unknown) => {
        if (key === 'modulus') {
          return undefined;
        }
        return key === 'chain' ? kindOf(String(value)) : value;
      });
      kinds.set(name, numbers.get(text) ?? numbers.size);
      numbers.set(text, numbers.get(text) ?? numbers.size);
    }
    return kinds.get(name);
  };
  for (const name of chains.keys()) {
    kindOf(name);
  }
  return kinds;
}

/** The branches that end at some of the endpoints. */
function branchesTo(endpoints: readonly ExpectedEndpoint[], branches: readonly Branch[]): Branch[] {
  const texts = new Set(endpoints.map(({ text }) => text));
  return branches.flatMap(({ connection, verdict, trail }) => {
    const kept = keepChoices(connection, (one) => texts.has(endpointText(one)));
    return kept ? [{ connection: kept, verdict, trail }] : [];
  });
}

/** Clients by single addresses or interfaces are tried at a few frontends only, so they are tried thoroughly. */
function isSpecial({ words, mark }: Client): boolean {
  return mark === undefined && !clientKinds.includes(words);
}

function placeOfTarget(
  { destination: address, protocol, port }: ProbeTarget,
  frontend: ExpectedFrontend | undefined,
  { family }: Expectations,
): FaultPlace {
  return frontend ? placeOf(frontend, family) : { frontend: frontendLabel({ address, protocol, port }, family) };
}

/**
 * The difference if packets arrive without the mark that other programs gave them, or with the masquerade bit;
 * undefined if there is none. The bit is cleared where the packet is masqueraded, after routing. Packets to the node
 * itself do not get there, so they may keep it.
 */
function compareMarks(branches: readonly Branch[], packet: Packet, expectations: Expectations): Difference | undefined {
  const { mark = 0, source } = packet;
  const isSent = isNodeAddress(source, expectations);
  const differing = branches.filter(({ verdict, connection }) => verdict === 'accept' && connection.mark !== mark);
  if (differing.length === 0) {
    return undefined;
  }
  for (const { address, mark: found } of mergeBranches(differing)) {
    const keepsBit = !isSent && isNodeAddress(address, expectations);
    const clean = keepsBit ? (found & ~expectations.masqueradeMark) >>> 0 : found;
    if (clean !== mark) {
      const after = ` arrive with mark ${markText(found)}, but should have ${markText(mark)}`;
      return { code: 'wrong-mark', before: 'connections from ', after };
    }
  }
  return undefined;
}

function markText(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
