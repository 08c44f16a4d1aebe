import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeList, type ListChange } from '../../src/diff/change-elements.ts';
import type { EndpointAddress } from '../../src/net/network.ts';

function endpointAddress(host: number, port = 8080): EndpointAddress {
  return { address: `10.244.0.${host}`, port };
}

function endpointAddressesOf(hosts: readonly number[]): EndpointAddress[] {
  return hosts.map((host) => endpointAddress(host));
}

/** Hosts by index, and what is written: `- 1` for an element that goes, `+ 1 3` for one that comes, with its host. */
function summarize({ removed, added, after }: ListChange): { hosts: string; written: string } {
  const indexOf = (key: string): string => key.replace(/.* /, '');
  const hostOf = (value: unknown): string => (value as EndpointAddress).address.replace(/.*\./, '');
  return {
    hosts: after.map(hostOf).join(' '),
    written: [
      ...removed.map(({ key }) => `-${indexOf(key)}`),
      ...added.map(({ key, value }) => `+${indexOf(key)}=${hostOf(value)}`),
    ].join(' '),
  };
}

describe('a list of endpoints', () => {
  test.each([
    { title: 'stays', before: [1, 2, 3], after: [1, 2, 3], hosts: '1 2 3', written: '' },
    { title: 'stays in its order', before: [3, 1, 2], after: [1, 2, 3], hosts: '3 1 2', written: '' },
    { title: 'begins', before: [], after: [1, 2], hosts: '1 2', written: '+0=1 +1=2' },
    { title: 'ends', before: [1, 2], after: [], hosts: '', written: '-0 -1' },
    { title: 'gets one more at its end', before: [1, 3], after: [1, 2, 3], hosts: '1 3 2', written: '+2=2' },
    { title: 'loses its last', before: [1, 2, 3], after: [1, 2], hosts: '1 2', written: '-2' },
    { title: 'loses another', before: [1, 2, 3], after: [2, 3], hosts: '3 2', written: '-0 -2 +0=3' },
    { title: 'loses the last two', before: [1, 2, 3], after: [1], hosts: '1', written: '-1 -2' },
    {
      title: 'loses the first two of four',
      before: [1, 2, 3, 4],
      after: [3, 4],
      hosts: '4 3',
      written: '-0 -1 -2 -3 +0=4 +1=3',
    },
    {
      title: 'puts one in the place of another',
      before: [1, 2, 3],
      after: [1, 3, 9],
      hosts: '1 9 3',
      written: '-1 +1=9',
    },
    {
      title: 'loses two for one',
      before: [1, 2, 3, 4],
      after: [3, 4, 9],
      hosts: '9 4 3',
      written: '-0 -1 -3 +0=9 +1=4',
    },
    { title: 'is another one', before: [1, 2], after: [3, 4, 5], hosts: '3 4 5', written: '-0 -1 +0=3 +1=4 +2=5' },
    { title: 'has one twice', before: [1, 1, 2], after: [1, 2], hosts: '1 2', written: '-1 -2 +1=2' },
  ])('$title', ({ before, after, hosts, written }) => {
    expect(summarize(changeList('10.96.0.1 . 80', endpointAddressesOf(before), endpointAddressesOf(after)))).toEqual({
      hosts,
      written,
    });
  });

  test('tells ports of one address apart', () => {
    expect(changeList('30080', [endpointAddress(1, 80)], [endpointAddress(1, 81)])).toEqual({
      removed: [{ key: '30080 . 0', value: { address: '10.244.0.1', port: 80 } }],
      added: [{ key: '30080 . 0', value: { address: '10.244.0.1', port: 81 } }],
      after: [{ address: '10.244.0.1', port: 81 }],
    });
  });

  test('of 5,000 writes three elements when one goes', () => {
    const before = Array.from({ length: 5000 }, (_, index) => ({ address: '10.244.0.1', port: index + 1 }));
    const { removed, added } = changeList('30080', before, before.slice(1));
    expect([removed.length, added.length]).toEqual([2, 1]);
  });
});

describe('for any two lists', () => {
  const hosts = fc.uniqueArray(fc.nat(40), { maxLength: 30 });
  /** What a foreign hand has left may have an endpoint twice. */
  const beforeLists = fc.oneof(hosts, fc.array(fc.nat(20), { maxLength: 30 }));
  const added = fc.uniqueArray(fc.integer({ min: 50, max: 60 }), { maxLength: 5 });
  const lists = beforeLists.chain((before) => {
    const some = fc.tuple(fc.shuffledSubarray([...new Set(before)]), added).map((parts) => parts.flat());
    return fc.tuple(fc.constant(before), fc.oneof(hosts, some));
  });

  test('the elements become those of the desired endpoints, without a gap', () => {
    fc.assert(
      fc.property(lists, ([beforeHosts, afterHosts]) => {
        const [before, after] = [endpointAddressesOf(beforeHosts), endpointAddressesOf(afterHosts)];
        const { removed, added, after: placed } = changeList('key', before, after);
        const elements = new Map(before.map((value, index) => [`key . ${index}`, value]));
        for (const { key, value } of removed) {
          expect(value).toEqual(elements.get(key));
          expect(elements.delete(key)).toBe(true);
        }
        for (const { key, value } of added) {
          expect(elements.has(key)).toBe(false);
          elements.set(key, value as EndpointAddress);
        }
        expect(elements).toEqual(new Map(placed.map((value, index) => [`key . ${index}`, value])));
        expect(sorted(placed)).toEqual(sorted(after));
        expect(changeList('key', placed, after)).toEqual({ removed: [], added: [], after: placed });
      }),
      { numRuns: 3000 },
    );
  });

  test('as few elements are written as endpoints come and go, at most three for each', () => {
    fc.assert(
      fc.property(lists, ([beforeHosts, afterHosts]) => {
        const { removed, added } = changeList('key', endpointAddressesOf(beforeHosts), endpointAddressesOf(afterHosts));
        const staying = new Set(afterHosts.filter((host) => beforeHosts.includes(host))).size;
        const gone = beforeHosts.length - staying;
        const come = afterHosts.length - staying;
        const written = removed.length + added.length;
        expect(written).toBeGreaterThanOrEqual(gone + come);
        // A new endpoint takes a free index, which is two elements, or one at the end. An index that stays free
        // is filled from the end: two elements there, and one less at the end.
        expect(written).toBeLessThanOrEqual(gone > come ? 3 * gone - come : gone + come);
      }),
      { numRuns: 3000 },
    );
  });
});

function sorted(endpointAddresses: readonly EndpointAddress[]): string[] {
  return endpointAddresses.map(({ address, port }) => `${address} ${port}`).sort();
}
