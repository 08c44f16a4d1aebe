import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalAddress, cidrContains, cidrTest, cidrText, parseCidr } from '../../src/net/address.ts';

test.each([
  [['10.96.0.0/12'], ['10.96.0.0', '10.111.255.255'], ['10.95.255.255', '10.112.0.0', '110.96.0.1', '0.0.0.0']],
  [['0.0.0.0/0'], ['0.0.0.0', '255.255.255.255'], []],
  [['192.0.2.7'], ['192.0.2.7'], ['192.0.2.6', '192.0.2.8', '192.0.2.70']],
  [
    ['10.0.0.0/31', '198.18.0.0/15'],
    ['10.0.0.1', '198.19.255.255'],
    ['10.0.0.2', '198.20.0.0'],
  ],
  [['fd00:10:96::/112'], ['fd00:10:96::', 'fd00:10:96::ffff'], ['fd00:10:96::1:0', 'fd00:10:244::1', 'fd00:10:96:1::']],
  [['fd00:10:96::/48'], ['fd00:10:96::1', 'fd00:10:96:1::'], ['fd00:10:960::', 'fd00:10:9::']],
  [
    ['fd00:0:0:1::/64', '::/96'],
    ['fd00::1:0:0:0:1', '::1', '::1.2.3.4'],
    ['fd00::2:0:0:0:1', '::1:0:0'],
  ],
  [['fd00:10:90::/44'], ['fd00:10:9f::1'], ['fd00:10:a0::', 'fd00:10:8f::1', 'fd00:11:9f::1']],
  [['::/0'], ['::', 'ffff::'], []],
  [['1:a:1:1:1:1:1:1'], ['1:a:1:1:1:1:1:1'], ['1:a:1:1:1:1:1:2', '1:a:1:1:1:1:1:11']],
  [[], [], ['10.0.0.1', '::1']],
])('%j', (ranges, inside, outside) => {
  const isInside = cidrTest(ranges);
  expect(inside.filter((address) => !isInside(address))).toEqual([]);
  expect(outside.filter(isInside)).toEqual([]);
});

const groups = (sizes: readonly number[], text: (group: number) => string, separator: string): fc.Arbitrary<string> =>
  fc
    .tuple(...sizes.map((size) => fc.oneof(fc.constantFrom(0, 1, 10, size), fc.nat(size))))
    .map((values) => values.map(text).join(separator));
const ipv4 = groups([255, 255, 255, 255], String, '.');
const ipv6 = groups(
  Array.from({ length: 8 }, () => 0xffff),
  (group) => group.toString(16),
  ':',
);

test.each([
  { family: 'IPv4', addresses: ipv4, bits: 32 },
  { family: 'IPv6', addresses: ipv6, bits: 128 },
])('$family: answers as cidrContains does', ({ addresses, bits }) => {
  fc.assert(
    fc.property(addresses, addresses, fc.nat(bits), (network, other, prefix) => {
      const cidr = parseCidr(`${network}/${prefix}`);
      const address = canonicalAddress(other) ?? '';
      // Mapped addresses are of the other family.
      fc.pre(cidr !== undefined && cidr.family === (address.includes(':') ? 'ip6' : 'ip'));
      const isInside = cidrTest([cidrText(cidr)]);
      expect(isInside(address)).toBe(cidrContains(cidr, address));
      expect(isInside(cidr.address)).toBe(true);
    }),
  );
});
