import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { damageRuleset } from '../../support/damage-ruleset.ts';
import { endpoints, removeElements } from './plant.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

/** Both families of a random cluster, as far as they have endpoint maps. */
function sidesWithEndpoints(objects: readonly unknown[]): Side[] {
  const options = { nodeName, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };
  const sides = sidesOf(documentsOf(objects), options);
  return sides.filter(({ ruleset }) => ruleset.sets.some(({ lists = [] }) => lists.length > 0));
}

function withoutRanges(object: Manifest): Manifest {
  const spec = object['spec'] as Manifest | undefined;
  return spec ? { ...object, spec: { ...spec, loadBalancerSourceRanges: [] } } : object;
}

describe('random clusters', () => {
  test.each(['endpoints come twice', 'endpoints leave a gap'])('%s: found', (what) => {
    fc.assert(
      fc.property(arbitraryCluster, fc.nat(30), (objects, pick) => {
        // With source ranges there may be an endpoint that no client can reach.
        for (const { ruleset, expectations } of sidesWithEndpoints(objects.map(withoutRanges))) {
          const lines = linesOf({ ruleset: damageRuleset(ruleset, [[what, pick]]), expectations });
          expect(lines.filter((line) => /^(extra-element|wrong-endpoint|wrong-verdict) /.test(line))).not.toEqual([]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('any order of endpoints is correct', () => {
    fc.assert(
      fc.property(arbitraryCluster, fc.nat(30), (objects, pick) => {
        for (const { ruleset, expectations } of sidesWithEndpoints(objects)) {
          expect(
            linesOf({ ruleset: damageRuleset(ruleset, [['endpoints change places', pick]]), expectations }),
          ).toEqual([]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('the rules of another cluster are wrong, unless they are the same', () => {
    fc.assert(
      fc.property(fc.tuple(arbitraryCluster, arbitraryCluster), ([objects, others]) => {
        const [one] = sidesOf(documentsOf(objects), { nodeName });
        // The range of a node without pods decides nothing.
        const [other] = sidesOf(documentsOf([objects[0], ...others.slice(1)]), { nodeName });
        fc.pre(one !== undefined && other !== undefined);
        const isEqual = contentOf(one.ruleset) === contentOf(other.ruleset);
        const lines = linesOf({ ruleset: one.ruleset, expectations: other.expectations }, { isActual: true });
        expect(lines.length === 0).toBe(isEqual);
      }),
      { numRuns: 50 },
    );
  });
});

/** What packets can match in a ruleset, and the Services that its comments name. */
function contentOf({ sets, chains }: Ruleset): string {
  const contents = sets.map(({ name, elements, lists = [] }) => [
    name,
    elements.map(({ key, value, comment }) => [key, value, value && comment]),
    lists,
  ]);
  return JSON.stringify([contents, chains]);
}

describe('one of many Services that are alike', () => {
  const { items } = generateCluster({ services: 200, endpoints: 4 });
  const [side] = sidesOf(documentsOf(items), { nodeName, clusterCIDRs: ['10.128.0.0/9'], families: ['ip'] });

  test('is found when an endpoint is wrong', () => {
    const plant = endpoints('tcp-endpoints', '10.96.0.137 . 80', (all) =>
      all.map((one, index) => (index === 2 ? { ...one, port: 9 } : one)),
    );
    expect(side && linesOf({ ...side, ruleset: plant(side.ruleset) })).toEqual([
      'wrong-endpoint namespace-37/service-137:http 10.96.0.137:80/tcp: 10.178.0.5:9 gets 1/4 of the connections from pods, the node and external clients, but should get none; 10.178.0.5:8080 gets none, but should get 1/4',
    ]);
  });

  test('is found when an endpoint cannot be pinned', () => {
    const plant = removeElements('tcp-sticky-10800', '10.96.0.130 . 80 . 10.149.0.5 ');
    expect(side && linesOf({ ...side, ruleset: plant(side.ruleset) })).toEqual([
      'wrong-affinity namespace-30/service-130:http 10.96.0.130:80/tcp: pods do not keep 10.149.0.5:8080, but should for 10,800 s',
    ]);
  });

  test('has no faults before', () => {
    expect(validate(documentsOf(items)).diagnostics).toEqual([]);
    expect(side && linesOf(side)).toEqual([]);
  });
});
