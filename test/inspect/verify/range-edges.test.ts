import { expect, test } from 'vitest';
import { parseCidr, rangeEdges } from '../../../src/net/address.ts';

test.each([
  ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0']],
  ['192.0.2.7/32', ['192.0.2.7', '192.0.2.6', '192.0.2.8']],
  ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255']],
  ['255.255.255.0/24', ['255.255.255.0', '255.255.255.255', '255.255.254.255']],
  [
    'fd00:10:244::/48',
    ['fd00:10:244::', 'fd00:10:244:ffff:ffff:ffff:ffff:ffff', 'fd00:10:243:ffff:ffff:ffff:ffff:ffff', 'fd00:10:245::'],
  ],
  ['::1/128', ['::1', '::', '::2']],
])('%s', (range, edges) => {
  const cidr = parseCidr(range);
  expect(cidr && rangeEdges(cidr)).toEqual(edges);
});
