import { describe, expect, test } from 'vitest';
import { elementsOf } from '../../../src/nft/ruleset-parts.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { listTable } from './list-table.ts';
import { sortRuleset } from './sort-ruleset.ts';

describe.skipIf(!kernelTestsRun)('foreign elements', () => {
  test('can all be deleted by the key that they come with', async () => {
    const body = `
      set cluster-ips { type ipv4_addr; elements = { *, 10.0.0.1, 10.0.0.2 comment "a" } }
      set service-cidrs { type ipv4_addr; flags interval; elements = { 10.0.0.0-10.0.0.5, 10.1.0.0/16 } }
      set firewall-sources { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval; elements = {
        10.0.0.1 . tcp . 80-90 . 10.1.0.0/16, 10.0.0.1 . gre . 80 . 10.1.0.0-10.1.0.2, 10.0.0.1 . 253 . 80 . 10.1.0.7 } }
      map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = {
        10.0.0.1 . tcp . 80 : accept, 10.0.0.1 . tcp . 81 : jump other, 10.0.0.1 . tcp . 82 comment "a" : goto other,
        10.0.0.1 . icmp . 0 : drop, 10.0.0.1 . tcp . 83 : drop, 10.0.0.1 . tcp . 84 : return } }
      map tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport; elements = {
        10.0.0.1 . 80 . 0 : 10.1.0.1 . 8080, 10.0.0.1 . 80 . 2 : 10.1.0.2 . 8080,
        10.0.0.2 . 80 . 7 : 10.1.0.7 . 8080, 10.0.0.3 . 80 . 0 comment "a" : 10.1.0.3 . 8080 } }
      chain other { }`;
    const { ruleset, deviations } = await listTable(body);
    const read = sortRuleset(ruleset).sets.map(({ name, elements, lists = [] }) => ({ name, elements, lists }));
    expect(read).toEqual([
      {
        name: 'cluster-ips',
        elements: [{ key: '*', comment: '' }, { key: '10.0.0.1' }, { key: '10.0.0.2', comment: 'a' }],
        lists: [],
      },
      {
        name: 'firewall-sources',
        elements: [
          { key: '10.0.0.1 . 253 . 80 . 10.1.0.7', comment: '' },
          { key: '10.0.0.1 . gre . 80 . 10.1.0.0-10.1.0.2', comment: '' },
          { key: '10.0.0.1 . tcp . 80-90 . 10.1.0.0/16', comment: '' },
        ],
        lists: [],
      },
      {
        name: 'service-cidrs',
        elements: [{ key: '10.0.0.0-10.0.0.5', comment: '' }, { key: '10.1.0.0/16' }],
        lists: [],
      },
      {
        name: 'service-ips',
        elements: [
          { key: '10.0.0.1 . icmp . 0', comment: '' },
          { key: '10.0.0.1 . tcp . 80', comment: '' },
          { key: '10.0.0.1 . tcp . 81', comment: '' },
          { key: '10.0.0.1 . tcp . 82', comment: 'a', value: { kind: 'goto', chain: 'other' } },
          { key: '10.0.0.1 . tcp . 83', value: { kind: 'drop' } },
          { key: '10.0.0.1 . tcp . 84', comment: '' },
        ],
        lists: [],
      },
      {
        name: 'tcp-endpoints',
        elements: [
          { key: '10.0.0.1 . 80 . 2', value: { address: '10.1.0.2', port: 8080 } },
          { key: '10.0.0.2 . 80 . 7', value: { address: '10.1.0.7', port: 8080 } },
          { key: '10.0.0.3 . 80 . 0', comment: 'a', value: { address: '10.1.0.3', port: 8080 } },
        ],
        lists: [{ key: '10.0.0.1 . 80', endpointAddresses: [{ address: '10.1.0.1', port: 8080 }] }],
      },
    ]);
    expect(deviations.map(({ message }) => withoutExample(message)).sort()).toEqual([
      'map service-ips: 3 elements have a value that is not understood (...)',
      'map service-ips: one element has a key that is not understood (10.0.0.1 . icmp . 0)',
      'set cluster-ips: one element has a key that is not understood (*)',
      'set firewall-sources: 3 elements have a key that is not understood (...)',
      'set service-cidrs: one element has a key that is not understood (10.0.0.0-10.0.0.5)',
    ]);
    expect(deviations.filter(({ needsRebuild }) => needsRebuild)).toEqual([]);

    const deletions = ruleset.sets.map(
      (set) =>
        `delete element ip svc2nft ${set.name} { ${elementsOf(set)
          .map(({ key }) => key)
          .join(', ')} }`,
    );
    const left = await listTable(body, deletions);
    expect(left.ruleset.sets).toHaveLength(5);
    expect(left.ruleset.sets.flatMap(elementsOf)).toEqual([]);
    expect(left.deviations).toEqual([]);
  });
});

/** Which element is the first depends on the kernel. */
function withoutExample(message: string): string {
  return message.replace(/the first is .*/, '...)');
}
