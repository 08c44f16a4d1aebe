import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { compareText } from '../lib/text.ts';
import type { Family } from './network.ts';

/** An address, as nft prints it. */
export interface Address {
  readonly family: Family;
  readonly text: string;
}

/** A range of addresses: canonical network address with the host bits cleared, and the prefix length in bits. */
export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/**
 * The address in a text, read as leniently as Kubernetes does: leading zeros of IPv4 octets are decimal, IPv4 mapped into
 * IPv6 counts as IPv4, and IPv6 may be written in any form. Undefined for anything else, zones included.
 */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    return { family: 'ip', text };
  }
  const parsed = parseAny(text);
  return parsed && { family: familyOf(parsed), text: canonicalText(parsed) };
}

/** The canonical text of an address of any family, or undefined: {@link parseAddress} without the family. */
export function canonicalAddress(text: string): string | undefined {
  return isIPv4(text) ? text : parseAddress(text)?.text;
}

/**
 * The CIDR in `address/prefix`, without surrounding blanks and host bits; undefined for anything else. As in Go, a range of
 * IPv4 addresses mapped into IPv6 is one of IPv4: `::ffff:10.0.0.0/104` is 10.0.0.0/8.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText = '', prefixText = '', ...rest] = text.trim().split('/');
  const address = parseWritten(addressText);
  if (!address || rest.length > 0 || !/^[0-9]{1,4}$/.test(prefixText)) {
    return undefined;
  }
  const prefix = Number(prefixText);
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (prefix > bits) {
    return undefined;
  }
  const written = networkAddress(address, prefix);
  const network = withoutMapping(written);
  const shorter = network === written ? 0 : 96;
  return { family: familyOf(network), address: canonicalText(network), prefix: prefix - shorter };
}

/** The range in a text as nft prints it, where a single address has no prefix length; undefined for anything else. */
export function rangeOf(text: string): Cidr | undefined {
  return parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
}

/** The family of a valid address. */
export function familyOfAddress(address: string): Family {
  return address.includes(':') ? 'ip6' : 'ip';
}

/** A range as nft prints it: a single address has no prefix length. */
export function cidrText(cidr: Cidr): string {
  const bits = cidr.family === 'ip' ? 32 : 128;
  return cidr.prefix === bits ? cidr.address : `${cidr.address}/${cidr.prefix}`;
}

/** The range of one canonical address. */
export function singleAddress(address: string): Cidr {
  return address.includes(':') ? { family: 'ip6', address, prefix: 128 } : { family: 'ip', address, prefix: 32 };
}

/** Whether `address` (canonical, of any family) lies inside the range. */
export function cidrContains(cidr: Cidr, address: string): boolean {
  if (cidr.family === 'ip') {
    // By far the most frequent case, so without a parser.
    return !address.includes(':') && isBetween(ipv4Bits(address), cidr);
  }
  const parsed = parseCanonical(address);
  return familyOf(parsed) === cidr.family && parsed.match(parseCanonical(cidr.address), cidr.prefix);
}

/**
 * A function that returns whether a canonical address is in one of the ranges, all of one family, as is the address. For
 * very many addresses: {@link cidrContains} reads each of them with the library.
 */
export function cidrTest(ranges: readonly string[]): (address: string) => boolean {
  const tests = ranges.flatMap((text) => rangeOf(text) ?? []).map(testOf);
  return (address) => tests.some((test) => test(address));
}

function testOf(cidr: Cidr): (address: string) => boolean {
  const { family, address: network, prefix } = cidr;
  if (family === 'ip') {
    return (address) => isBetween(ipv4Bits(address), cidr);
  }
  // Groups that are zero may be written as `::`, so only those before them are compared as text.
  const [left = ''] = network.split('::');
  // No colon follows the last of eight groups.
  const groups = left.split(':').slice(0, Math.min(7, Math.floor(prefix / 16)));
  const zero = groups.indexOf('0');
  const compared = (zero < 0 ? groups : groups.slice(0, zero)).filter((group) => group !== '');
  const start = compared.map((group) => `${group}:`).join('');
  const isWhole = compared.length * 16 === prefix;
  return (address) => address.startsWith(start) && (isWhole || cidrContains(cidr, address));
}

/** Whether a range of IPv4 addresses, as nft prints it, contains a canonical IPv4 address. */
export function ipv4RangeContains(range: string, address: string): boolean {
  const slash = range.indexOf('/');
  const network = slash === -1 ? range : range.slice(0, slash);
  const prefix = slash === -1 ? 32 : Number(range.slice(slash + 1));
  return isBetween(ipv4Bits(address), { family: 'ip', address: network, prefix });
}

function isBetween(bits: number, { address, prefix }: Cidr): boolean {
  const first = ipv4Bits(address);
  return first <= bits && bits < first + 2 ** (32 - prefix);
}

/** The bits of a canonical IPv4 address as a number. */
function ipv4Bits(address: string): number {
  let bits = 0;
  let octet = 0;
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === dot) {
      bits = bits * 256 + octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - digitZero;
    }
  }
  return bits * 256 + octet;
}

const dot = 0x2e;
const digitZero = 0x30;

/**
 * The ranges in numerical order, without duplicates and those that another one contains: nft refuses overlapping
 * intervals in concatenated sets.
 */
export function disjointCidrs(cidrs: readonly Cidr[]): Cidr[] {
  const sorted = [...cidrs].sort((a, b) => compareNumerically(a.address, b.address) || a.prefix - b.prefix);
  const kept: Cidr[] = [];
  for (const cidr of sorted) {
    const last = kept.at(-1);
    if (!last || last.prefix > cidr.prefix || !cidrContains(last, cidr.address)) {
      kept.push(cidr);
    }
  }
  return kept;
}

/** The smallest range that contains all of these canonical addresses of one family; undefined without any. */
export function smallestRange(addresses: readonly string[]): string | undefined {
  const [any] = addresses;
  if (any === undefined) {
    return undefined;
  }
  let different = 0n;
  const number = addressNumber(any);
  for (const address of addresses) {
    different |= addressNumber(address) ^ number;
  }
  const bits = any.includes(':') ? 128 : 32;
  const free = different === 0n ? 0 : different.toString(2).length;
  const network = addressOfNumber(familyOfAddress(any), (number >> BigInt(free)) << BigInt(free));
  return cidrText({ family: familyOfAddress(any), address: network, prefix: bits - free });
}

/** The first and last address of a range, and, if they exist, the addresses just before and after it. */
export function rangeEdges({ family, address, prefix }: Cidr): string[] {
  const bits = family === 'ip' ? 32 : 128;
  const first = addressNumber(address);
  const last = first + (1n << BigInt(bits - prefix)) - 1n;
  const numbers = [first, last, first - 1n, last + 1n].filter((number) => number >= 0n && number < 1n << BigInt(bits));
  const texts = [...new Set(numbers)].map((number) => addressOfNumber(family, number));
  return texts.filter((text) => text.includes(':') === (family === 'ip6'));
}

/** The CIDRs that make up a range, in numerical order; undefined if its ends are not addresses of one family, in order. */
export function cidrsOfRange(from: string, to: string): Cidr[] | undefined {
  const [start, end] = [parseAddress(from), parseAddress(to)];
  if (!start || !end || start.family !== end.family) {
    return undefined;
  }
  const { family } = start;
  const bits = family === 'ip' ? 32 : 128;
  const last = addressNumber(to);
  const cidrs: Cidr[] = [];
  for (let first = addressNumber(from); first <= last; ) {
    let prefix = bits;
    const sizeOf = (length: number): bigint => 1n << BigInt(bits - length);
    while (prefix > 0 && first % sizeOf(prefix - 1) === 0n && first + sizeOf(prefix - 1) - 1n <= last) {
      prefix--;
    }
    cidrs.push({ family, address: addressOfNumber(family, first), prefix });
    first += sizeOf(prefix);
  }
  return cidrs.length > 0 ? cidrs : undefined;
}

/** The canonical text of an address of 32 or 128 bits. */
export function addressOfNumber(family: Family, number: bigint): string {
  const hex = number.toString(16).padStart(family === 'ip' ? 8 : 32, '0');
  const bytes = (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return canonicalText(ipaddr.fromByteArray(bytes));
}

/** The 32 or 128 bits of a valid address as a number. */
export function addressNumber(address: string): bigint {
  return parseCanonical(address)
    .toByteArray()
    .reduce((number, byte) => number * 256n + BigInt(byte), 0n);
}

/** Whether an address is in 127.0.0.0/8 or is ::1. */
export function isLoopback(address: string): boolean {
  return ipaddr.parse(address).range() === 'loopback';
}

/** Ranges of addresses that do not stand for one host on the network, or only on one link. */
export type SpecialRange = 'unspecified' | 'loopback' | 'linkLocal' | 'multicast' | 'broadcast';

const specialRanges: ReadonlySet<string> = new Set<SpecialRange>([
  'unspecified',
  'loopback',
  'linkLocal',
  'multicast',
  'broadcast',
]);

/** Everything in the special ranges, and little else: there may be a million endpoints, and this is fast. */
const maybeSpecial = /^(0|127|169|22[4-9]|23\d|255)\.|^:|^f[ef]/i;

/**
 * The special range that a canonical address is in, undefined for the address of a host: 0.0.0.0/8 and ::, 127.0.0.0/8 and
 * ::1, 169.254.0.0/16 and fe80::/10, 224.0.0.0/4 and ff00::/8, 255.255.255.255 (RFC 6890).
 */
export function specialRangeOf(address: string): SpecialRange | undefined {
  const range = maybeSpecial.test(address) ? ipaddr.parse(address).range() : '';
  return isSpecialRange(range) ? range : undefined;
}

function isSpecialRange(range: string): range is SpecialRange {
  return specialRanges.has(range);
}

/**
 * Whether the API server refuses a canonical address for an endpoint or as an external IP (ValidateEndpointIP): of 0.0.0.0/8
 * it refuses only 0.0.0.0, of multicast only 224.0.0.0/24 and link-local scope (ff02::/16), and not the broadcast address.
 */
export function isRefusedForHosts(address: string): boolean {
  switch (specialRangeOf(address)) {
    case 'unspecified':
      return address === '0.0.0.0' || address === '::';
    case 'loopback':
    case 'linkLocal':
      return true;
    case 'multicast':
      return address.startsWith('224.0.0.') || /^ff[0-9a-f]2:/.test(address);
    default:
      return false;
  }
}

/** The same ranges without the link-local ones. */
const rangesWithoutHosts = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32', '::/127', 'ff00::/8'];

/** The first range of addresses without a host that a range overlaps. */
export function overlappedSpecialRange(cidr: Cidr): string | undefined {
  return rangesWithoutHosts.find((text) => {
    const range = parseCidr(text);
    return range !== undefined && (cidrContains(cidr, range.address) || cidrContains(range, cidr.address));
  });
}

/** Whether a canonical address can be that of one host other than this one; link-local ones can, on some networks. */
export function isHostAddress(address: string): boolean {
  const range = specialRangeOf(address);
  return range === undefined || range === 'linkLocal';
}

/**
 * The items by address, then by port, as numbers: `10.0.0.6:80` comes before `10.0.0.10:80`. IPv4 comes first, then IPv6, then
 * what has no address, such as `*:30080`, and texts that are not addresses last.
 *
 * @param textOf `10.0.0.6`, `10.0.0.6:80`, `[fd00::1]:80/tcp`, `fd00::/64`.
 */
export function sortByAddress<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  if (items.length < 2) {
    return [...items];
  }
  const numbered = items.map((item) => ({ item, number: ipv4Number(textOf(item)) }));
  if (numbered.every(({ number }) => number >= 0)) {
    return numbered.sort((a, b) => a.number - b.number).map(({ item }) => item);
  }
  const keyed = items.map((item) => ({ item, key: orderKey(textOf(item)) }));
  return keyed.sort((a, b) => compareText(a.key, b.key)).map(({ item }) => item);
}

/** {@link sortByAddress} for texts themselves. */
export function sortAddresses(texts: readonly string[]): string[] {
  return sortByAddress(texts, (text) => text);
}

/** Whether a text comes before another one in the order of {@link sortByAddress}: negative, 0 or positive. */
export function compareAddressTexts(a: string, b: string): number {
  return a === b ? 0 : compareText(orderKey(a), orderKey(b));
}

const ipv4AndPort = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2}):(0|[1-9]\d{0,4})$/;

/** The 48 bits of `10.0.0.6:80`, negative for any other text: there may be a million endpoints, and keys take longer. */
function ipv4Number(text: string): number {
  const [, ...numbers] = ipv4AndPort.exec(text) ?? [];
  const [a = -1, b = 0, c = 0, d = 0, port = 0] = numbers.map(Number);
  const isAddress = Math.max(a, b, c, d) <= 255;
  return isAddress ? (((a * 256 + b) * 256 + c) * 256 + d) * 65536 + port : -1;
}

/** A text of which the order by code units is the numerical order of addresses, then of ports, then of prefix lengths. */
function orderKey(text: string): string {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})(?=\/|$)/.exec(text) ?? [];
  const [alone = '', prefix = ''] = text.split('/');
  const host = hostKey(inBrackets ?? plain ?? alone);
  return `${host} ${(port ?? prefix).padStart(5, '0')} ${text}`;
}

function hostKey(host: string): string {
  if (isIPv4(host)) {
    const octets = host.split('.').map((octet) => octet.padStart(3, '0'));
    return `1${octets.join('')}`;
  }
  if (isIPv6(host) && !host.includes('%')) {
    return `2${host.includes('.') ? addressNumber(host).toString(16).padStart(32, '0') : allDigits(host)}`;
  }
  return host === '*' ? '3' : `4${host}`;
}

/** All 32 digits of an IPv6 address: many times faster than reading it with the library. */
function allDigits(address: string): string {
  const [left = '', right] = address.toLowerCase().split('::');
  const [before, after] = [left, right ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = right === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0);
  const groups = [...(before ?? []), ...Array<string>(zeros).fill('0'), ...(after ?? [])];
  return groups.map((group) => group.padStart(4, '0')).join('');
}

type Parsed = ipaddr.IPv4 | ipaddr.IPv6;

function parseAny(text: string): Parsed | undefined {
  const parsed = parseWritten(text);
  return parsed && withoutMapping(parsed);
}

function withoutMapping(address: Parsed): Parsed {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

function parseCanonical(address: string): Parsed {
  return ipaddr.parse(address.includes(':') ? withoutDottedEnd(address) : address);
}

/** In the family in which it is written. */
function parseWritten(text: string): Parsed | undefined {
  if (/^[0-9]{1,9}(\.[0-9]{1,9}){3}$/.test(text)) {
    const octets = text.split('.').map(Number);
    return octets.every((octet) => octet <= 255) ? new ipaddr.IPv4(octets) : undefined;
  }
  // The library also reads zones and octal IPv4, which the Kubernetes API refuses.
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':') || !ipaddr.IPv6.isValid(text)) {
    return undefined;
  }
  return ipaddr.IPv6.parse(withoutDottedEnd(text));
}

/** The last 32 bits as hexadecimal: the library reads `::1.2.3.4` as a mapped IPv4 address, which it is not. */
function withoutDottedEnd(text: string): string {
  const start = text.lastIndexOf(':') + 1;
  if (!text.includes('.')) {
    return text;
  }
  const [a = 0, b = 0, c = 0, d = 0] = text.slice(start).split('.').map(Number);
  return `${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function familyOf(address: Parsed): Family {
  return address.kind() === 'ipv4' ? 'ip' : 'ip6';
}

function canonicalText(address: Parsed): string {
  if (address instanceof ipaddr.IPv4) {
    return address.toString();
  }
  const text = address.toRFC5952String();
  // nft prints with inet_ntop, which writes the last 32 bits as IPv4 when the first 96 are zero.
  if (!/^::[0-9a-f]+:[0-9a-f]+$/.test(text)) {
    return text;
  }
  return `::${address.toByteArray().slice(12).join('.')}`;
}

function networkAddress(address: Parsed, prefix: number): Parsed {
  const bytes = address.toByteArray();
  const masked = bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff);
  return ipaddr.fromByteArray(masked);
}

function compareNumerically(a: string, b: string): number {
  const left = ipaddr.parse(a).toByteArray();
  const right = ipaddr.parse(b).toByteArray();
  const index = left.findIndex((byte, position) => byte !== right[position]);
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}
