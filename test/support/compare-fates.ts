import { compareText } from '../../src/lib/text.ts';
import { cidrContains, rangeEdges, rangeOf } from '../../src/net/address.ts';
import { protocols } from '../../src/net/network.ts';
import type { Expression, Rule, Ruleset } from '../../src/nft/ruleset.ts';
import { elementsOf, splitKey } from '../../src/nft/ruleset-parts.ts';
import type { WalkContext } from '../../src/walk/connection.ts';
import type { Fate, Memory, Packet, PacketOutcome } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext } from '../../src/walk/walk-packet.ts';

/**
 * A packet that does not meet the same fate in two rulesets, undefined if there is none: a first one, or one that follows it,
 * with the pins that it left. Every value that a rule or an element of either ruleset names is tried, with what is just
 * inside and outside of ranges, and for all others one that none of them names; of values that they treat alike, one.
 *
 * @throws UnknownRule for a ruleset that the kernel would refuse.
 */
export function findDifference(a: Ruleset, b: Ruleset, localAddresses: readonly string[]): Packet | undefined {
  const [before, after] = [a, b].map((ruleset) =>
    createWalkContext(indexRuleset(ruleset), { localAddresses }, { keepsSteps: false }),
  ) as [WalkContext, WalkContext];
  const classes = classesOf([a, b], localAddresses);
  const pins = new Map<string, Pins>();
  for (const packet of packetsOf(classes)) {
    const [one, other] = [walkInContext(packet, before), walkInContext(packet, after)];
    if (textOf(one) !== textOf(other)) {
      return packet;
    }
    for (const [index, { memory }] of sorted(one).entries()) {
      const found = { source: packet.source, memory, changed: sorted(other)[index]?.memory ?? new Map() };
      pins.set(`${memoryText(found.memory)} ${memoryText(found.changed)}`, found);
    }
  }
  return [...pins.values()].slice(0, mostPins).flatMap(({ source, memory, changed }) => {
    const isEqual = memoryText(memory) === memoryText(changed);
    return packetsOf({ ...classes, sources: [source] }).filter((packet) => {
      const next = textOf(walkInContext(packet, before, memory));
      // Pins that decide nothing may be lost, or last for another time.
      const decides = !isEqual && next !== textOf(walkInContext(packet, before));
      return decides || next !== textOf(walkInContext(packet, after, changed));
    });
  })[0];
}

/** What one packet leaves behind in both rulesets. */
interface Pins {
  readonly source: string;
  readonly memory: Memory;
  readonly changed: Memory;
}

/** How many pins are followed. */
const mostPins = 12;

/** All that can be seen of a fate; what is refused has no mark and no source any more. */
function textOf(fate: Fate): string {
  return sorted(fate).map(outcomeText).join('\n');
}

function sorted({ outcomes }: Fate): PacketOutcome[] {
  return [...outcomes].sort((one, other) => compareText(outcomeText(one), outcomeText(other)));
}

function outcomeText({ verdict, rejectedWith, endpoint, masqueraded, mark, share }: PacketOutcome): string {
  const arrives = verdict === 'translated' || verdict === 'untouched';
  return JSON.stringify([verdict, rejectedWith, arrives && [endpoint, masqueraded, mark], share]);
}

function memoryText(memory: Memory): string {
  return JSON.stringify([...memory].map(([name, entries]) => [name, [...entries.values()]]));
}

interface Classes {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly ports: readonly number[];
  readonly interfaces: readonly string[];
  readonly marks: readonly number[];
}

function packetsOf({ sources, destinations, ports, interfaces, marks }: Classes): Packet[] {
  const targets = destinations.flatMap((destination) =>
    ports.flatMap((port) => protocols.map((protocol) => ({ destination, port, protocol }))),
  );
  const clients = sources.flatMap((source) =>
    interfaces.flatMap((inputInterface) => marks.map((mark) => ({ source, inputInterface, mark }))),
  );
  return targets.flatMap((target) => clients.map((client): Packet => ({ ...client, ...target })));
}

function classesOf(rulesets: readonly Ruleset[], localAddresses: readonly string[]): Classes {
  const named = rulesets.flatMap(namedValues);
  const valuesOf = (kinds: readonly string[]): string[] => [
    ...new Set(named.flatMap(({ kind, value }) => (kinds.includes(kind) ? [value] : []))),
  ];
  const isV6 = rulesets[0]?.family === 'ip6';
  const others = isV6 ? ['::1', '2001:db8:7777::7'] : ['127.0.0.1', '198.51.100.77'];
  const own = localAddresses.filter((address) => address.includes(':') === isV6);
  const endpoints = valuesOf(['endpoint']);
  const sources = [...valuesOf(['saddr']), ...endpoints];
  const destinations = [...valuesOf(['daddr', 'ct-original-daddr']), ...endpoints];
  const ports = valuesOf(['dport', 'ct-original-dport', 'port']).map(Number);
  const bits = valuesOf(['mark']).map(Number);
  const names = valuesOf(['iifname']);
  return {
    sources: representatives(sources, [...own, ...others]),
    destinations: representatives(destinations, [...own, ...others]),
    ports: [...new Set([...ports, 9])].filter((port) => port > 0 && port < 65_536),
    interfaces: ['other0', ...names.flatMap((name) => (name.endsWith('*') ? [`${name.slice(0, -1)}1`] : [name]))],
    marks: [0, ...bits],
  };
}

/** One address for each combination of the ranges that contain it. */
function representatives(texts: readonly string[], others: readonly string[]): string[] {
  const ranges = texts.flatMap((text) => rangeOf(text) ?? []);
  const found = new Map<string, string>();
  for (const address of others) {
    found.set(address, address);
  }
  for (const address of ranges.flatMap(rangeEdges)) {
    const inside = ranges.flatMap((range, index) => (cidrContains(range, address) ? [index] : [])).join();
    if (inside !== '' && !found.has(inside) && !others.includes(address)) {
      found.set(inside, address);
    }
  }
  return [...found.values()];
}

interface NamedValue {
  readonly kind: string;
  readonly value: string;
}

/** What the rules compare packets with, and the elements of the sets in which they look up. */
function namedValues(ruleset: Ruleset): NamedValue[] {
  const sets = new Map(ruleset.sets.map((set) => [set.name, set]));
  const inSet = (key: readonly Expression[], name: string): NamedValue[] => {
    const set = sets.get(name);
    return set
      ? elementsOf(set).flatMap(({ key: text, value }) => [
          ...splitKey(text).flatMap((part, index) => ({ kind: kindOf(key[index]), value: part })),
          ...(value && 'address' in value
            ? [
                { kind: 'endpoint', value: value.address },
                { kind: 'port', value: String(value.port) },
              ]
            : []),
        ])
      : [];
  };
  const ofRule = (rule: Rule): NamedValue[] =>
    rule.flatMap((statement) => {
      switch (statement.kind) {
        case 'match':
          return [{ kind: kindOf(statement.left), value: String(statement.right) }];
        case 'match-set':
          return inSet(statement.key, statement.set);
        case 'vmap':
        case 'dnat-map':
          return inSet(statement.key, statement.map);
        case 'match-mark':
          return [{ kind: 'mark', value: String(statement.mark) }];
        case 'dnat':
          return [
            { kind: 'endpoint', value: statement.address },
            { kind: 'port', value: String(statement.port) },
          ];
        default:
          return [];
      }
    });
  return ruleset.chains.flatMap(({ rules }) => rules.flatMap(ofRule));
}

function kindOf(expression: Expression | undefined): string {
  return expression?.kind === 'address' ? expression.field : (expression?.kind ?? '');
}
