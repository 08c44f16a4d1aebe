import { type Cidr, parseCidr } from '../address.ts';

/** Reads a range as nft prints it: that of one address has no prefix length. */
export function rangeOf(text: string): Cidr | undefined {
  return parseCidr(text) ?? parseCidr(`${text}/${text.includes(':') ? 128 : 32}`);
}
