import { secondsText } from '../../lib/text.ts';
import { endpointText, type Protocol, protocols } from '../../net/network.ts';
import type { DynamicElement, ListedTable } from '../../nft/listed-table.ts';
import { joinKey, splitKey } from '../../nft/ruleset-parts.ts';
import type { MemoryEntry, Packet, PacketOutcome } from '../../walk/fate.ts';
import type { IndexedRuleset } from '../../walk/lookup-tables.ts';
import { mergeBranches } from '../../walk/merge-branches.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';
import { placeOf } from './fault-collector.ts';
import type { WalkCheck } from './walk-check.ts';

/**
 * Sends a packet from each client that has a pin, and adds a fault if it meets a fate that it never should: if it reaches an
 * address that is no endpoint for this client, or is lost again and again; and if the client keeps its endpoint forever. A
 * packet that is lost once is no fault: so ends a pin whose endpoint is gone, and the next packet picks another one
 * (docs/ruleset.md). Neither are pins that no chain reads. Call it after all elements were accounted for.
 *
 * With a set of clients for each endpoint, there is nothing to check: the chain that reads it leads to that endpoint.
 */
export function checkPins(check: WalkCheck, pins: ListedTable['dynamic']): void {
  const { expectations, faults } = check;
  for (const client of groupByClient(pins, check.ruleset)) {
    const packets = packetsOf(client, expectations);
    const problems = packets.map((packet) => pinProblem(packet, client, check));
    const frontend = packets[0] && expectFate(packets[0], expectations).frontend;
    const [problem] = problems;
    // Where a client came in is not known: its pin is right if it is for one of the interfaces.
    if (frontend && problem !== undefined && !problems.includes(undefined)) {
      const difference = { code: 'wrong-affinity', before: 'connections from ', after: ` ${problem}` } as const;
      faults.addDifference(placeOf(frontend, expectations.family), difference, client.source);
    }
  }
}

/** All that the dynamic sets of one protocol hold for a client at one address and port. */
interface PinnedClient extends Pick<Packet, 'source' | 'destination' | 'protocol' | 'port'> {
  readonly memory: Map<string, Map<string, MemoryEntry>>;
  /** The element that the client's next packet follows. */
  pin: DynamicElement | undefined;
}

/** Keys begin with `client . address . port`. */
function groupByClient(pins: ListedTable['dynamic'], { sets }: IndexedRuleset): Iterable<PinnedClient> {
  const clients = new Map<string, PinnedClient>();
  for (const [name, elements] of pins) {
    const protocol = protocols.find((each: Protocol) => name.startsWith(`${each}-`));
    const isShared = (sets.get(name)?.declaration.key.length ?? 0) > 1;
    for (const element of protocol && isShared ? elements : []) {
      const { key, value } = element;
      const [source = '', destination = '', port = ''] = splitKey(key);
      const place = joinKey([protocol ?? '', source, destination, port]);
      const client: PinnedClient = clients.get(place) ?? {
        source,
        destination,
        protocol: protocol ?? 'tcp',
        port: Number(port),
        memory: new Map(),
        pin: undefined,
      };
      clients.set(place, client);
      client.memory.set(name, (client.memory.get(name) ?? new Map<string, MemoryEntry>()).set(key, element));
      client.pin = value ? element : client.pin;
    }
  }
  return clients.values();
}

/** The next packet of a client, for each interface that rules tell apart. */
function packetsOf({ source, destination, protocol, port }: PinnedClient, expectations: Expectations): Packet[] {
  const { detector } = expectations;
  const outside = detector?.kind === 'interface' ? ['out0', detector.name] : ['out0'];
  const interfaces = isNodeAddress(source, expectations) ? [''] : outside;
  return interfaces.map((inputInterface) => ({ source, destination, protocol, port, inputInterface, mark: 0 }));
}

function pinProblem(packet: Packet, { memory, pin }: PinnedClient, check: WalkCheck): string | undefined {
  const { expectations, walk, compareFate } = check;
  const expected = expectFate(packet, expectations);
  const to = pin?.value ? endpointText(pin.value) : 'an endpoint';
  const isHealed = ({ verdict, memory: left }: PacketOutcome): boolean =>
    verdict === 'dropped' && !compareFate(walk(packet, left), expected);
  const wrong = mergeBranches(walk(packet, memory)).find((one) => !isExpected(one, expected) && !isHealed(one));
  if (wrong) {
    const does = wrong.verdict === 'translated' ? `reach ${wrong.endpoint}` : `are ${wrong.verdict}`;
    // What is wrong without the pin, too, has a fault of its own.
    return compareFate(walk(packet), expected) ? undefined : `follow a pin to ${to} and ${does}, but should not`;
  }
  const seconds = expected.frontend?.service.affinitySeconds ?? 0;
  const isForever = pin !== undefined && pin.timeoutSeconds === undefined && pin.expiresSeconds === undefined;
  return isForever && seconds > 0 ? `keep ${to} forever, but should for ${secondsText(seconds)}` : undefined;
}

/** Whether a packet without a pin might have met this outcome, too. */
function isExpected({ verdict, endpoint: text, masqueraded }: PacketOutcome, expected: ExpectedFate): boolean {
  const endpoint = expected.endpoints.find((one) => one.text === text);
  if (!endpoint) {
    return verdict === expected.verdict && verdict !== 'translated';
  }
  const refusal = expected.refusals.get(text);
  return refusal ? verdict === refusal : verdict === 'translated' && masqueraded === expected.isMasqueraded(endpoint);
}
