import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressNumber, compareAddressTexts, sortAddresses, sortByAddress } from '../../src/net/address.ts';

describe('addresses are sorted as numbers', () => {
  test.each([
    ['IPv4', ['10.42.0.6', '10.42.0.10', '10.42.0.100', '10.42.1.1', '10.100.0.1', '100.1.1.1']],
    ['IPv4 with ports', ['10.42.0.6:53', '10.42.0.6:5353', '10.42.0.6:10000', '10.42.0.10:53']],
    ['IPv6', ['::1', '::1.2.3.4', 'fd00::6', 'fd00::a', 'fd00::10', 'fd00::1:0', 'fd00:0:0:9::', 'fd00:0:0:10::1']],
    ['IPv6 with ports', ['[fd00::6]:53', '[fd00::6]:5353', '[fd00::10]:53', '[fd00:10:244:1::1]:53']],
    [
      'frontends',
      ['9.9.9.9:80/tcp', '10.96.0.1:80/sctp', '10.96.0.1:80/tcp', '10.96.0.1:443/tcp', '*:8080/tcp', '*:30080/tcp'],
    ],
    ['frontends over IPv6', ['[fd00::6]:80/tcp', '[fd00::10]:80/tcp', '[*]:8080/tcp', '[*]:30080/tcp']],
    [
      'ranges',
      ['9.0.0.0/8', '10.0.0.0/8', '10.0.0.0/16', '10.2.0.0/16', '10.10.0.0/16', 'fd00::/48', 'fd00::/64', 'fd00::/112'],
    ],
    ['both families, and what is neither', ['10.0.0.1:80', '[fd00::1]:80', '*:80', 'x', 'x:1']],
  ])('%s', (_, sorted) => {
    expect(sortAddresses([...sorted].reverse())).toEqual(sorted);
    expect(sortAddresses([...sorted].sort())).toEqual(sorted);
  });

  test('whatever the text, and in one order only', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), { maxLength: 20 }), (texts) => {
        const sorted = sortAddresses(texts);
        expect(sortAddresses([...texts].reverse())).toEqual(sorted);
        expect([...texts].sort(compareAddressTexts)).toEqual(sorted);
        expect([...sorted].sort()).toEqual([...texts].sort());
      }),
    );
  });

  test.each([fc.ipV4(), fc.ipV6()])('as the numbers that they are', (address) => {
    fc.assert(
      fc.property(fc.array(address, { maxLength: 10 }), (texts) => {
        const numbers = sortAddresses(texts).map(addressNumber);
        expect(numbers.every((number, index) => index === 0 || (numbers[index - 1] ?? 0n) <= number)).toBe(true);
      }),
    );
  });

  test('IPv4 with ports in the same order, alone and among others', () => {
    const endpoint = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 65_535 })).map(([host, port]) => `${host}:${port}`);
    fc.assert(
      fc.property(fc.array(endpoint), (texts) => {
        expect(sortAddresses([...texts, 'x'])).toEqual([...sortAddresses(texts), 'x']);
      }),
    );
  });

  test('by any text of an item, without changing the list', () => {
    const items = [{ at: '10.0.0.10' }, { at: '10.0.0.9' }];
    expect(sortByAddress(items, ({ at }) => at)).toEqual([{ at: '10.0.0.9' }, { at: '10.0.0.10' }]);
    expect(items[0]).toEqual({ at: '10.0.0.10' });
  });
});
