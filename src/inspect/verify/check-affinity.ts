import { secondsText } from '../../lib/text.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { Memory, MemoryEntry, Packet, PacketOutcome } from '../../walk/fate.ts';
import { mergeBranches } from '../../walk/merge-branches.ts';
import type { Branch } from '../../walk/walk-chain.ts';
import type { CompareFate } from './compare-fate.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import type { Client } from './list-clients.ts';

/** A packet that had the expected fate, and the means to send more. */
interface AffinityContext {
  readonly packet: Packet;
  readonly expected: ExpectedFate;
  readonly expectations: Expectations;
  /** One client of each kind. */
  readonly standard: readonly Client[];
  /** Whether to also try clients and ports that the pins must not affect, and pins to removed endpoints. */
  readonly isThorough: boolean;
  readonly walk: (packet: Packet, memory?: Memory) => readonly Branch[];
  readonly compareFate: CompareFate;
}

/**
 * What is wrong with the connections that follow a first one; undefined if nothing is. The client's next connection
 * must reach the same endpoint, for as long as its Service specifies; that of another client, or to another port of the
 * Service, may reach any. A pin to a removed endpoint must be deleted. An endpoint at the address and port that the client
 * asked for may get no pin: the kernel does not count that as a translation (docs/ruleset.md).
 */
export function findAffinityProblem(all: readonly PacketOutcome[], context: AffinityContext): string | undefined {
  const { expected, packet } = context;
  const { frontend } = expected;
  if (!frontend) {
    return undefined;
  }
  const outcomes = all.filter(({ address, port }) => address !== packet.destination || port !== packet.port);
  for (const outcome of outcomes) {
    const problem = nextProblem(outcome, frontend.service.affinitySeconds, context);
    if (problem !== undefined) {
      return problem;
    }
  }
  const [first] = outcomes;
  return context.isThorough && first
    ? (othersProblem(outcomes, frontend, context) ?? goneProblem(first, context))
    : undefined;
}

/** Whether no rule has written a pin. */
export function leavesNoPin({ connection }: Branch): boolean {
  return connection.memory.size === 0 && connection.postponed.length === 0;
}

/**
 * What is wrong if a client without affinity has a pin; undefined if it has none. The rule for a node port may also pin
 * clients of an IP with its number to the endpoints that both have: no chain may read these pins (docs/ruleset.md).
 */
export function findNeedlessPin(
  branches: readonly Branch[],
  context: Omit<AffinityContext, 'isThorough'>,
): string | undefined {
  const { packet, expected, walk, compareFate } = context;
  const isHarmless = (outcome: PacketOutcome): boolean =>
    outcome.memory.size === 0 ||
    (isNodePortPin(outcome, context) && !compareFate(walk(packet, outcome.memory), expected));
  return mergeBranches(branches).every(isHarmless)
    ? undefined
    : 'are pinned to their endpoint, but the Service has no affinity';
}

function isNodePortPin(
  { endpoint }: PacketOutcome,
  {
    packet,
    expectations: { nodePorts, nodePortAddresses, clusterIPs },
  }: Pick<AffinityContext, 'packet' | 'expectations'>,
): boolean {
  const { protocol, port, destination } = packet;
  const service = nodePorts.get(`${protocol} ${port}`)?.service;
  const mayAsk = nodePortAddresses === 'all' ? !clusterIPs.has(destination) : nodePortAddresses.has(destination);
  return (
    service !== undefined &&
    service.affinitySeconds > 0 &&
    mayAsk &&
    [...service.cluster, ...service.local].some(({ text }) => text === endpoint)
  );
}

function nextProblem(
  { endpoint, memory }: PacketOutcome,
  seconds: number,
  context: AffinityContext,
): string | undefined {
  const [next, ...others] = mergeBranches(context.walk(context.packet, memory));
  if (next?.endpoint !== endpoint || others.length > 0) {
    return `do not keep ${endpoint}, but should for ${secondsText(seconds)}`;
  }
  const times = [...memory.values()].flatMap((entries) => [...entries.values()]).map((entry) => entry.timeoutSeconds);
  const wrong = times.find((time) => time !== seconds);
  return times.length > 0 && (wrong !== undefined || times.includes(undefined))
    ? `keep ${endpoint} ${wrong === undefined ? 'forever' : `for ${secondsText(wrong)}`}, but should for ${secondsText(seconds)}`
    : undefined;
}

/** A packet that the pin of the first client must not affect. */
interface Other {
  readonly packet: Packet;
  readonly words: string;
}

function otherClients({ packet, expectations, standard }: AffinityContext): Other[] {
  // What the node sends to itself masqueraded arrives from another of its addresses, so these may share a pin.
  const isNode = isNodeAddress(packet.source, expectations);
  const other = standard.find(
    ({ source }) => source !== packet.source && !(isNode && isNodeAddress(source, expectations)),
  );
  return other
    ? [
        {
          packet: { ...packet, source: other.source, inputInterface: other.inputInterface ?? '' },
          words: `also applies to ${other.words}`,
        },
      ]
    : [];
}

/** How many ports of one Service are tried. */
const portsTried = 2;

function otherPorts({ service, address }: ExpectedFrontend, { packet, expectations }: AffinityContext): Other[] {
  const others = (expectations.siblings.get(`${service.namespace}/${service.name}`) ?? []).filter(
    (one) => one.address === address && one.service !== service,
  );
  return others.slice(0, portsTried).map(({ port, service: { protocol, label } }) => ({
    packet: { ...packet, protocol, port },
    words: `also applies at port ${port}/${protocol} (${label})`,
  }));
}

/** The pins of all outcomes are tried at once: none of them may affect others. */
function othersProblem(
  outcomes: readonly PacketOutcome[],
  frontend: ExpectedFrontend,
  context: AffinityContext,
): string | undefined {
  const { expectations, walk, compareFate } = context;
  const memory = uniteMemories(outcomes.map((outcome) => outcome.memory));
  const others = [...otherClients(context), ...otherPorts(frontend, context)];
  const misled = others.find(({ packet }) => {
    const expected = expectFate(packet, expectations);
    // What is wrong without the pin, too, has a fault of its own.
    return compareFate(walk(packet, memory), expected) && !compareFate(walk(packet), expected);
  });
  return misled && `have a pin that ${misled.words}`;
}

function uniteMemories(memories: readonly Memory[]): Memory {
  const united = new Map<string, Map<string, MemoryEntry>>();
  for (const [name, entries] of memories.flatMap((memory) => [...memory])) {
    const known = united.get(name) ?? new Map<string, MemoryEntry>();
    united.set(name, known);
    for (const [key, entry] of entries) {
      known.set(key, entry);
    }
  }
  return united;
}

/** The first packet that follows the pin is lost; the next one picks an endpoint again. */
function goneProblem(
  { address, port, endpoint, memory }: PacketOutcome,
  { packet, expected, walk, compareFate }: AffinityContext,
): string | undefined {
  const gone = packet.destination.includes(':') ? '2001:db8:fffe::fd' : '192.0.2.253';
  const stale = movePins(memory, { address, port }, { address: gone, port: 9 });
  if (!stale) {
    return undefined;
  }
  const [lost, ...others] = mergeBranches(walk(packet, stale));
  const isLost = lost?.verdict === 'dropped' && others.length === 0;
  return isLost && !compareFate(walk(packet, lost.memory), expected)
    ? undefined
    : `stay pinned to ${endpoint} after it is removed`;
}

/**
 * The memory as if another endpoint had been picked: it replaces the endpoint in the values of pins and at the end of
 * their keys. Undefined if no pin names the endpoint, as with one set per endpoint, which is removed together with it.
 */
function movePins(memory: Memory, from: EndpointAddress, to: EndpointAddress): Memory | undefined {
  const end = `${from.address} . ${from.port}`;
  let hasMoved = false;
  const move = (entry: MemoryEntry): MemoryEntry => {
    const { key, value } = entry;
    const isKey = key.endsWith(` . ${end}`);
    const isValue = value && 'address' in value && value.address === from.address && value.port === from.port;
    hasMoved ||= isKey || isValue === true;
    return {
      ...entry,
      key: isKey ? `${key.slice(0, -end.length)}${to.address} . ${to.port}` : key,
      ...(value && { value: isValue ? to : value }),
    };
  };
  const moved = [...memory].map(([name, entries]) => {
    const all = [...entries.values()].map(move);
    return [name, new Map(all.map((entry) => [entry.key, entry]))] as const;
  });
  return hasMoved ? new Map(moved) : undefined;
}
