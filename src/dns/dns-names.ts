import { addressNumber, familyOfAddress } from '../net/address.ts';

const labelPattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Whether a text is a label of a host name in lower case (RFC 1123), so that it can be written into a zone as it is. */
export function isLabel(text: string): boolean {
  return labelPattern.test(text);
}

/** Whether a text is a host name in lower case, without a dot at its end, at most 253 characters. */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    text.split('.').every((label) => label.split('_').every((part) => part === '' || isLabel(part)) && label !== '')
  );
}

/** The name at which a PTR record of a canonical address is: `10.0.96.10.in-addr.arpa.`, nibbles below `ip6.arpa.`. */
export function reverseName(address: string): string {
  if (familyOfAddress(address) === 'ip') {
    return `${address.split('.').reverse().join('.')}.in-addr.arpa.`;
  }
  const nibbles = addressNumber(address).toString(16).padStart(32, '0');
  return `${[...nibbles].reverse().join('.')}.ip6.arpa.`;
}
