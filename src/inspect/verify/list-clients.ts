import { type Cidr, cidrContains, cidrTest, cidrText, rangeEdges, rangeOf, singleAddress } from '../../net/address.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { Chain, Ruleset, Statement, StatementOf } from '../../nft/ruleset.ts';
import { readKubeProxyName } from '../../phases/5-plan/kube-proxy-names.ts';
import type { Packet } from '../../walk/fate.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';

/** The sender of a packet, and its name in messages. */
export interface Client extends Pick<Packet, 'source' | 'inputInterface' | 'mark'> {
  /** As in "connections from pods". */
  readonly words: string;
}

/** The names of the standard clients, which stand for whole kinds. */
export const clientKinds: readonly string[] = ['pods', 'the node', 'external clients'];

/** The same clients, their packets with every mark bit set but the masquerade bit, as other programs may set them. */
export function markedClients(clients: readonly Client[], { masqueradeMark }: Expectations): Client[] {
  const mark = (~masqueradeMark & 0xffffffff) >>> 0;
  return clients.map((client) => ({ ...client, mark, words: `${client.words} with other mark bits` }));
}

/** Addresses that are hardly ever in use; the first that is unknown here stands for all external clients. */
const externalAddresses = {
  ip: ['203.0.113.250', '198.51.100.250', '100.127.255.250', '9.9.9.9', '1.0.0.1'],
  ip6: ['2001:db8:ffff:ffff::fa', '2a00:ffff::fa', 'fd99:ffff::fa'],
} as const;

/** One client of each kind: a pod, the node itself and an external one. Kinds that cannot exist are left out. */
export function standardClients(expectations: Expectations): Client[] {
  const { family, nodeAddresses } = expectations;
  const nodeAddress = nodeAddresses[0] ?? (family === 'ip' ? '127.0.0.1' : '::1');
  const external = externalAddresses[family].find((address) => isUnknown(address, expectations));
  return [
    ...podClient(external, expectations),
    { source: nodeAddress, words: 'the node' },
    ...(external === undefined ? [] : [{ source: external, inputInterface: 'out0', words: 'external clients' }]),
  ];
}

function podClient(external: string | undefined, expectations: Expectations): Client[] {
  const { detector, podCidr } = expectations;
  if (podCidr) {
    const candidates = rangeEdges(podCidr).filter((address) => cidrContains(podCidr, address));
    const source = candidates.find((address) => !isNodeAddress(address, expectations));
    return source === undefined ? [] : [{ source, inputInterface: 'in0', words: 'pods' }];
  }
  return detector?.kind === 'interface' && external !== undefined
    ? [{ source: external, inputInterface: detector.name, words: 'pods' }]
    : [];
}

function isUnknown(address: string, expectations: Expectations): boolean {
  const { podCidr, ips } = expectations;
  const isPod = podCidr !== undefined && cidrContains(podCidr, address);
  return !isPod && !isNodeAddress(address, expectations) && !ips.has(address);
}

/**
 * Every client that the rules may tell from others: the edges of all ranges that rules or settings name, all addresses
 * of the node, all interfaces. Edges are enough: two unions of ranges that agree at the edges of both are equal.
 */
export function allClients(expectations: Expectations, { sources, interfaces }: Literals): Client[] {
  const { nodeAddresses, family } = expectations;
  const standard = standardClients(expectations);
  const ranges = [...sources, ...nodeAddresses.map(singleAddress)];
  const external = standard.at(-1)?.source;
  const loopback = family === 'ip' ? '127.0.0.1' : '::1';
  return [
    ...standard,
    ...edgeClients(ranges, expectations),
    { source: loopback, words: loopback },
    ...(external === undefined ? [] : interfaces).flatMap((name) =>
      [name.replace(/\*$/, ''), `${name.replace(/\*$/, '')}x`].map((inputInterface) => ({
        source: external ?? loopback,
        inputInterface,
        words: `clients at interface ${inputInterface}`,
      })),
    ),
  ];
}

/** A client at each edge of each range: an external one and, if pods are detected by interface, also a pod. */
export function edgeClients(ranges: readonly Cidr[], { detector, podCidr }: Expectations): Client[] {
  const all = podCidr ? [...ranges, podCidr] : ranges;
  const names = detector?.kind === 'interface' ? ['out0', detector.name] : ['out0'];
  return [...new Set(all.flatMap(rangeEdges))].flatMap((source) =>
    names.map((inputInterface) => ({ source, inputInterface, words: source })),
  );
}

/** The values that rules themselves name. All others are in sets. */
export interface Literals {
  readonly sources: readonly Cidr[];
  readonly destinations: readonly Cidr[];
  readonly ports: readonly number[];
  /** As in rules, with `*` for a prefix. */
  readonly interfaces: readonly string[];
}

/**
 * The literals in all rules of a ruleset, each once. In kube-proxy's chains of single service ports, they are those of the
 * service port's own frontends and endpoints, but for ranges of clients.
 */
export function readLiterals({ chains }: Pick<Ruleset, 'chains'>): Literals {
  const sources = new Map<string, Cidr>();
  const destinations = new Map<string, Cidr>();
  const ports = new Set<number>();
  const interfaces = new Set<string>();
  for (const { left, right } of chains.flatMap(literalMatches)) {
    if (typeof right === 'number') {
      ports.add(right);
    } else if (left.kind === 'iifname') {
      interfaces.add(right);
    } else if (left.kind === 'address' || left.kind === 'ct-original-daddr') {
      const isSource = left.kind === 'address' && left.field === 'saddr';
      addRange(isSource ? sources : destinations, right);
    }
  }
  return {
    sources: [...sources.values()],
    destinations: [...destinations.values()],
    // The rules that pin name port 0, which no packet for a Service has.
    ports: [...ports].filter((port) => port > 0),
    interfaces: [...interfaces],
  };
}

type LiteralMatch = Pick<StatementOf<'match'>, 'left' | 'right'>;

function literalMatches({ name, rules }: Chain): LiteralMatch[] {
  const isOfOne = readKubeProxyName(name) !== undefined;
  const matches = rules.flat().flatMap(matchesOf);
  return isOfOne ? matches.filter(({ right }) => typeof right === 'string' && right.includes('/')) : matches;
}

function matchesOf(statement: Statement): LiteralMatch[] {
  if (statement.kind === 'match-list') {
    const { left, values } = statement;
    return values.map((right) => ({ left, right }));
  }
  return statement.kind === 'match' ? [statement] : [];
}

function addRange(ranges: Map<string, Cidr>, text: string): void {
  const range = rangeOf(text);
  if (range) {
    ranges.set(text, range);
  }
}

/**
 * A function that says which literals match an address and port, as one text: rules can tell endpoint addresses with
 * equal texts apart only by sets.
 */
export function describeLiterals({ destinations, ports }: Literals): (endpointAddress: EndpointAddress) => string {
  const named = new Set(ports);
  const tests = destinations.map((range) => cidrTest([cidrText(range)]));
  return ({ address, port }) => {
    let text = named.has(port) ? `:${port}` : '';
    for (const [index, test] of tests.entries()) {
      text += test(address) ? ` ${index}` : '';
    }
    return text;
  };
}
