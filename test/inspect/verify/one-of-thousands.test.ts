import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import type { EndpointAddress } from '../../../src/net/network.ts';
import type { Element } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { nodeName } from '../../support/arbitrary-cluster.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { set } from './plant.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const { items } = generateCluster({ services: 300, endpoints: 10 });
const nodePort = [
  service('open', { type: 'NodePort', clusterIP: '10.97.0.1', ports: [{ port: 80, nodePort: 30_080 }] }),
  slice('open', ['10.130.9.1', '10.131.9.1']),
];
const [side] = sidesOf(documentsOf([...items, ...nodePort]), {
  nodeName,
  clusterCIDRs: ['10.128.0.0/9'],
  families: ['ip'],
  targetNft: '1.1.3',
}) as [Side];
const filled = side.ruleset.sets.filter(({ elements }) => elements.length > 0).map(({ name }) => name);
const ofVerdicts = side.ruleset.sets.filter(({ value, elements }) => value === 'verdict' && elements.length > 0);

/** The list with the items at one place replaced. */
function replaceAt<T>(list: readonly T[], pick: number, replace: (item: T) => readonly T[]): T[] {
  const place = pick % list.length;
  return list.flatMap((item, index) => (index === place ? replace(item) : [item]));
}

function changeElement(name: string, pick: number, change: (element: Element) => readonly Element[]): string[] {
  const plant = set(name, ({ elements }) => ({ elements: replaceAt(elements, pick, change) }));
  return linesOf({ ...side, ruleset: plant(side.ruleset) });
}

function changeEndpoint(pick: number, change: (endpoint: EndpointAddress) => readonly EndpointAddress[]): string[] {
  const plant = set('tcp-endpoints', ({ lists = [] }) => ({
    lists: replaceAt(lists, pick, (list) => [
      { ...list, endpointAddresses: replaceAt(list.endpointAddresses, Math.floor(pick / lists.length), change) },
    ]),
  }));
  return linesOf({ ...side, ruleset: plant(side.ruleset) });
}

/** The key with another address, or with another port if it has none. */
function otherKey(key: string): string {
  const moved = key.replace(/\.\d+/, '.211');
  return moved === key ? key.replace(/\d+$/, '999') : moved;
}

test('nothing is wrong before', () => {
  expect(linesOf(side)).toEqual([]);
  expect(filled).toEqual([
    'cluster-ips',
    'hairpin-connections',
    'service-ips',
    'service-nodeports',
    'nodeport-ips',
    'tcp-sticky-10800',
  ]);
});

describe('one element among thousands is found', () => {
  const property = fc.property(fc.nat(), fc.constantFrom(...filled), (pick, name) => {
    expect(changeElement(name, pick, () => [])).not.toEqual([]);
    expect(changeElement(name, pick, (one) => [one, { ...one, key: otherKey(one.key) }])).not.toEqual([]);
    expect(changeElement(name, pick, (one) => [{ ...one, key: otherKey(one.key) }])).not.toEqual([]);
  });

  test('that is missing, added or wrong', () => {
    fc.assert(property, { numRuns: 10 });
  });

  test.each(ofVerdicts.map(({ name }) => name))('that leads elsewhere, in %s', (name) => {
    // Without elements in the set of those that may be pinned, the chain with affinity does what the other does.
    const chains = ['tcp-cluster-10', 'reject-chain'];
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...chains), (pick, chain) => {
        let isSame = false;
        const lines = changeElement(name, pick, (one) => {
          isSame = one.value !== undefined && 'chain' in one.value && one.value.chain === chain;
          return [{ ...one, value: { kind: 'goto', chain } }];
        });
        expect(lines.length > 0).toBe(!isSame);
      }),
      { numRuns: 8 },
    );
  });

  const changes: readonly (readonly [string, (endpoint: EndpointAddress) => readonly EndpointAddress[]])[] = [
    ['missing', () => []],
    ['there twice', (one) => [one, one]],
    ['at another address', ({ port }) => [{ address: '10.128.250.250', port }]],
    ['that of another Service', () => [{ address: '10.128.0.0', port: 8080 }]],
    ['at another port', ({ address }) => [{ address, port: 8081 }]],
  ];
  test.each(changes)('an endpoint that is %s', (_, change) => {
    // The first list has the endpoint that the others get.
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 299 }), fc.nat(9), (list, index) => {
        expect(changeEndpoint(list + 300 * index, change)).not.toEqual([]);
      }),
      { numRuns: 5 },
    );
  });
});
