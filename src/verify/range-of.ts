import { type Cidr, parseCidr } from '../address.ts';

/** A range as nft writes it, where one of a single address has no prefix length; undefined for what is no range. */
export function rangeOf(text: string): Cidr | undefined {
  if (text.includes('/')) {
    return parseCidr(text);
  }
  return parseCidr(`${text}/${text.includes(':') ? 128 : 32}`);
}
