import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { canonicalAddress, sortAddresses } from '../../src/net/address.ts';

/** One entry of a fixture's packets.yaml: the first packet of a connection and what must become of it. */
export interface Packet {
  /** What is shown, as a sentence. */
  readonly name: string;
  /** Canonical source address. One of the node's own, loopback included, means the node itself. */
  readonly from: string;
  readonly to: Destination;
  /** Where the packet enters the node; absent: {@link Via} `pod0` for addresses of pod networks, else `out0`. */
  readonly via?: Via;
  readonly expect: Expectation;
  /** Whether endpoints must see another source than the client's, or toward which ones; absent if it reaches none. */
  readonly masqueraded?: boolean | readonly string[];
  /** All connections of this client must reach one and the same of the endpoints. */
  readonly sticky: boolean;
}

/** An address, canonical, and a port in the words of nft. */
interface Destination {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** An interface of the node: toward the pods, or toward everything else. */
export type Via = 'pod0' | 'out0';

type Protocol = 'tcp' | 'udp' | 'sctp';

/**
 * The complete set of endpoints that connections may reach, as sorted canonical `address:port` or `[address]:port`; or
 * a TCP reset or, for other protocols, an ICMP error of the ruleset's (rejected), silence (dropped), or no rule that
 * cared (untouched).
 */
type Expectation = readonly string[] | 'rejected' | 'dropped' | 'untouched';

/** Reads a packets.yaml. Throws an Error with the file's and the packet's name if it says something impossible. */
export function readPackets(path: string): Packet[] {
  return parsePackets(readFileSync(path, 'utf8'), path);
}

/** Reads the text of a packets.yaml; `source` is named in errors. */
export function parsePackets(text: string, source = 'packets'): Packet[] {
  const entries: unknown = parse(text);
  if (!Array.isArray(entries)) {
    throw new Error(`${source}: not a list of packets`);
  }
  return entries.map((entry, index) => {
    try {
      return parsePacket(entry);
    } catch (error) {
      throw new Error(`${source}, packet ${index + 1}: ${String((error as Error).message)}`, { cause: error });
    }
  });
}

/** `address:port` or `[address]:port` with the address in its canonical form. Throws an Error for any other text. */
export function canonicalEndpoint(text: unknown): string {
  const { address, port } = parseEndpoint(text);
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The parts of `address:port` or `[address]:port`, the address in its canonical form. Throws an Error otherwise. */
export function parseEndpoint(text: unknown): { address: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(String(text));
  const address = canonicalAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  // A bracketed address is IPv6, and only that.
  if (!address || address.includes(':') !== (match?.[1] !== undefined) || port < 1 || port > 65535) {
    throw new Error(`"${text}" is not "address:port" or "[address]:port"`);
  }
  return { address, port };
}

const knownFields = ['name', 'from', 'to', 'via', 'expect', 'masqueraded', 'sticky'];
const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
const interfaces: readonly Via[] = ['pod0', 'out0'];
const fateWords = ['rejected', 'dropped', 'untouched'] as const;

function parsePacket(entry: unknown): Packet {
  if (typeof entry !== 'object' || entry === null) {
    throw new Error('not a mapping');
  }
  const fields = entry as Record<string, unknown>;
  const unknown = Object.keys(fields).filter((field) => !knownFields.includes(field));
  if (unknown.length > 0) {
    throw new Error(`unknown field ${unknown.join(', ')}`);
  }
  const from = canonicalAddress(String(fields['from']));
  if (typeof fields['name'] !== 'string' || !from) {
    throw new Error('"name" must be a text and "from" an address');
  }
  const to = parseDestination(fields['to']);
  if (from.includes(':') !== to.address.includes(':')) {
    throw new Error('"from" and "to" are of different families');
  }
  const packet = { name: fields['name'], from, to, expect: parseExpectation(fields['expect']) };
  return { ...packet, ...parseOptional(fields, packet.expect) };
}

function parseDestination(text: unknown): Destination {
  const [, endpoint, protocol] = /^(.*)\/([a-z]+)$/.exec(String(text)) ?? [];
  const known = protocols.find((candidate) => candidate === protocol);
  if (!known) {
    throw new Error('"to" must be "address:port/tcp", "/udp" or "/sctp"');
  }
  return { ...parseEndpoint(endpoint), protocol: known };
}

function parseExpectation(value: unknown): Expectation {
  const word = fateWords.find((candidate) => candidate === value);
  if (word) {
    return word;
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new Error(`"expect" must be a list of endpoints or one of ${fateWords.join(', ')}`);
  }
  return sortAddresses([...new Set(value.map(canonicalEndpoint))]);
}

function parseOptional(
  fields: Record<string, unknown>,
  expect: Expectation,
): Pick<Packet, 'via' | 'masqueraded' | 'sticky'> {
  const { via, masqueraded, sticky = false } = fields;
  const knownVia = interfaces.find((candidate) => candidate === via);
  if ((via !== undefined && !knownVia) || typeof sticky !== 'boolean') {
    throw new Error('"via" must be pod0 or out0, "sticky" true or false');
  }
  if (typeof expect === 'string' && (masqueraded !== undefined || sticky)) {
    throw new Error('"masqueraded" and "sticky" need a list of endpoints in "expect"');
  }
  if (typeof expect !== 'string' && masqueraded === undefined) {
    throw new Error('a list of endpoints in "expect" needs "masqueraded"');
  }
  return {
    sticky,
    ...(knownVia && { via: knownVia }),
    ...(masqueraded !== undefined && { masqueraded: parseMasqueraded(masqueraded, expect) }),
  };
}

function parseMasqueraded(value: unknown, expect: Expectation): boolean | readonly string[] {
  if (typeof value === 'boolean') {
    return value;
  }
  const endpoints = Array.isArray(value) ? sortAddresses(value.map(canonicalEndpoint)) : [];
  if (endpoints.length === 0 || !endpoints.every((endpoint) => expect.includes(endpoint))) {
    throw new Error('"masqueraded" must be true, false or a list of endpoints of "expect"');
  }
  return endpoints;
}
