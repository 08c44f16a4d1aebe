import { describe, expect, test } from 'vitest';
import { verifyRuleset } from '../../../src/inspect/verify/verify-ruleset.ts';
import type { Statement } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { addRule, type Plant } from './plant.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

type SpecOf = (index: number) => object;

/** The IPv4 side of one Service for each number of endpoints. */
function sideOf(sizes: readonly number[], specOf: SpecOf = () => ({})): Side {
  const objects = sizes.flatMap((size, index) => {
    const hosts = Array.from({ length: size }, (_, host) => `10.244.${index + 2}.${host + 1}`);
    return [service(`s${index}`, { clusterIP: `10.96.1.${index}`, ...specOf(index) }), slice(`s${index}`, hosts)];
  });
  const [side] = sidesOf(documentsOf(objects), { clusterCIDRs: ['10.244.0.0/16'], targetNft: '1.1.3' });
  if (!side) {
    throw new Error('there is no IPv4');
  }
  return side;
}

function packetsFor(sizes: readonly number[], specOf: SpecOf): number {
  const { ruleset, expectations } = sideOf(sizes, specOf);
  return verifyRuleset(ruleset, expectations, { isActual: false }).packets;
}

const many = Array.from({ length: 40 }, (_, index) => index + 3);

describe('Services with different numbers of endpoints', () => {
  test.each<[string, SpecOf]>([
    ['cluster IPs', () => ({})],
    ['external IPs', (index) => ({ externalIPs: [`198.19.0.${index}`], externalTrafficPolicy: 'Local' })],
    ['affinity', () => ({ sessionAffinity: 'ClientIP' })],
  ])('take no more packets than those with one number: %s', (_, specOf) => {
    const endpoints = many.reduce((sum, size) => sum + size, 0);
    const average = many.map(() => endpoints / many.length);
    expect(packetsFor(many, specOf)).toBeLessThanOrEqual(packetsFor(average.map(Math.round), specOf) + many.length);
  });
});

describe('a fault of a few clients in the chain for one number of endpoints is found', () => {
  const from = (source: string): Statement => ({
    kind: 'match',
    left: { kind: 'address', field: 'saddr' },
    right: source,
  });
  const plants: readonly (readonly [string, Plant, string])[] = [
    ['it drops', addRule('tcp-cluster-17', from('10.244.9.9'), { kind: 'drop' }), 'dropped'],
    [
      'it sends elsewhere',
      addRule('tcp-cluster-4', from('10.244.9.0/30'), {
        kind: 'dnat',
        protocol: 'tcp',
        address: '10.6.6.6',
        port: 80,
      }),
      '10.6.6.6',
    ],
    [
      'it masquerades',
      addRule('tcp-cluster-42', from('10.244.9.9'), { kind: 'set-mark', operator: 'or', mark: 0x4000 }),
      'masqueraded',
    ],
  ];
  test.each(plants)('%s', (_, plant, words) => {
    const { ruleset, expectations } = sideOf(many);
    const lines = linesOf({ ruleset: plant(ruleset), expectations });
    expect(lines.join('\n')).toContain(words);
  });
});
