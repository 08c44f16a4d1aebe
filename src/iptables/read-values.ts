/** Values of options of iptables, each undefined if the text is not one. */

import { canonicalAddress, familyOfAddress } from '../net/address.ts';
import type { Family } from '../net/network.ts';

/** Bits of a mark, and the mask that says which bits count: all of them if the text has no mask. */
export interface MaskedBits {
  readonly bits: number;
  readonly mask: number;
}

/** `0x4000/0x4000`, also in decimal. */
export function parseBits(text: string): MaskedBits | undefined {
  const [bits, mask = 0xffffffff, ...others] = text.split('/').map(parseNumber);
  return bits === undefined || others.length > 0 || mask === undefined || text.split('/').some((one) => one === '')
    ? undefined
    : { bits, mask };
}

/** An unsigned number of 32 bits. */
export function parseNumber(text: string): number | undefined {
  const number = /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
  return number <= 0xffffffff ? number : undefined;
}

/** `80`, or a range such as `8000:9000`; before the separator 0 is the default, after it 65535. */
export function parsePorts(text: string, separator: ':' | '-'): [first: number, last: number] | undefined {
  const [first = '', last = first, ...others] = text.split(separator);
  const [from, to] = [first === '' ? '0' : first, last === '' ? '65535' : last];
  const isValid = [from, to].every((port) => /^\d{1,5}$/.test(port) && Number(port) <= 65_535);
  return isValid && text !== '' && text !== separator && others.length === 0 ? [Number(from), Number(to)] : undefined;
}

/** Where DNAT or SNAT goes: the address, the port, or both. */
export interface NatAddress {
  readonly address?: string;
  readonly port?: number;
}

/** `10.1.1.1:80`, `[fd00::1]:80`, `10.1.1.1`, `:80`; undefined also for ranges, of which one is taken by a hash. */
export function parseNatAddress(text: string, family: Family): NatAddress | undefined {
  const [, inBrackets, plain, portText] = /^(?:\[([^\]]+)\]|([\d.]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const addressText = inBrackets ?? plain ?? text;
  const address = canonicalAddress(addressText);
  const port = portText === undefined ? undefined : Number(portText);
  const isWrong = addressText !== '' && (address === undefined || familyOfAddress(address) !== family);
  if (isWrong || (port ?? 0) > 65_535 || (address === undefined && port === undefined)) {
    return undefined;
  }
  return { ...(address !== undefined && { address }), ...(port !== undefined && { port }) };
}

/** A probability as a fraction of whole numbers. */
interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** The kernel compares 31 random bits with a number (xt_statistic). */
const unit = 2 ** 31;

/**
 * `0.33333333349`: what the kernel does with it, in multiples of 2^-31, but 1/n where the text stands for that. kube-proxy gives
 * 1/n in ten digits, so the number that iptables rounds it to may be the next to the best.
 */
export function parseProbability(text: string): Fraction | undefined {
  const numerator = /^[01](?:\.\d{1,20})?$/.test(text) ? Math.round(Number(text) * unit) : Number.NaN;
  if (!(numerator >= 0 && numerator <= unit)) {
    return undefined;
  }
  const outOf = numerator === 0 ? 0 : Math.round(unit / numerator);
  const error = Math.abs(numerator - unit / outOf);
  return outOf > 0 && error < 0.5 + unit * 0.5e-10
    ? { numerator: 1, denominator: outOf }
    : { numerator, denominator: unit };
}
