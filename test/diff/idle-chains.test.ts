import { describe, expect, test } from 'vitest';
import { idleChainLimit, idleChains } from '../../src/diff/diff-rulesets.ts';
import type { Chain, Ruleset } from '../../src/nft/ruleset.ts';
import type { Manifest } from '../support/arbitrary-cluster.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';
import { heldAfter, textBetween } from '../support/text-between.ts';

function withEndpoints(count: number, spec: Manifest = {}): Ruleset {
  const addresses = Array.from({ length: count }, (_, index) => `10.244.2.${100 + index}`);
  return rulesetOf([service('web', { clusterIP: '10.96.0.10', ...spec }), slice('web', addresses)]);
}

const upTo = (count: number): Ruleset[] => Array.from({ length: count }, (_, index) => withEndpoints(index + 1));

describe('a chain for a number of endpoints that no Service has', () => {
  test('is used again without being added again', () => {
    expect(textBetween(heldAfter([withEndpoints(2), withEndpoints(3)]), withEndpoints(2))).toEqual([
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 2 }',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-2 }',
    ]);
  });

  test('keeps its map, empty', () => {
    const held = heldAfter([withEndpoints(1), withEndpoints(0)]);
    const map = held?.sets.find(({ name }) => name === 'tcp-endpoints');
    // Nothing is left of frontends that are gone, or the memory would grow.
    expect([map?.elements, map?.lists]).toEqual([[], undefined]);
    expect(textBetween(held, withEndpoints(1))).toEqual([
      'delete element ip svc2nft no-endpoint-services { 10.96.0.10 . tcp . 80 }',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-1 }',
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.100 . 8080 }',
    ]);
  });

  test('is written again when it is used again with other rules', () => {
    const external = { externalIPs: ['198.19.0.1'] };
    const web = service('web', { clusterIP: '10.96.0.10', ...external });
    const bit3 = rulesetOf([web, slice('web', ['10.244.2.100'])], { masqueradeBit: 3 });
    const held = heldAfter([
      withEndpoints(1, external),
      withEndpoints(2, external),
      rulesetOf([web], { masqueradeBit: 3 }),
    ]);
    const text = textBetween(held, bit3);
    expect(text.filter((line) => line.includes('chain') || line.includes('rule'))).toEqual([
      'flush chain ip svc2nft tcp-external-1',
      'add rule ip svc2nft tcp-external-1 meta mark set meta mark or 0x00000008',
      'add rule ip svc2nft tcp-external-1 goto tcp-cluster-1',
    ]);
  });
});

describe('when more than 64 chains are idle', () => {
  const idleOf = (held: Ruleset | undefined): string[] =>
    held?.chains.map(({ name }) => name).filter((name) => name.startsWith('tcp-cluster-')) ?? [];

  test('none stays, and one less does no harm', () => {
    expect(idleChainLimit).toBe(64);
    expect(idleOf(heldAfter(upTo(65)))).toHaveLength(65);
    expect(idleOf(heldAfter(upTo(66)))).toEqual(['tcp-cluster-66']);
  });

  test('they are flushed and deleted after the element that led to the last of them', () => {
    const text = textBetween(heldAfter(upTo(65)), withEndpoints(66));
    const numbers = Array.from({ length: 65 }, (_, index) => index + 1);
    expect(text).toEqual([
      ...numbers.map((number) => `flush chain ip svc2nft tcp-cluster-${number}`),
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      ...numbers.map((number) => `delete chain ip svc2nft tcp-cluster-${number}`),
      'add chain ip svc2nft tcp-cluster-66',
      'add rule ip svc2nft tcp-cluster-66 dnat ip to ip daddr . tcp dport . numgen random mod 66 map @tcp-endpoints',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-66 }',
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 65 : 10.244.2.165 . 8080 }',
    ]);
  });

  test('the map is deleted with them when it is not needed', () => {
    const text = textBetween(heldAfter(upTo(65)), withEndpoints(0));
    expect(text.filter((line) => line.startsWith('delete map'))).toEqual(['delete map ip svc2nft tcp-endpoints']);
  });
});

describe('idleChains', () => {
  const goto = (name: string, ...targets: string[]): Chain => ({
    name,
    rules: targets.map((chain) => [{ kind: 'goto', chain }]),
  });
  const reads = (name: string, map: string): Chain => ({
    name,
    rules: [[{ kind: 'dnat-map', protocol: 'tcp', key: [], map }]],
  });
  const namesKept = (...chains: Chain[]): string[] =>
    idleChains(chains, { set: (name) => name === 'kept-map', chain: (name) => name === 'kept-chain' }).map(
      ({ name }) => name,
    );

  test('are those that have the name of one', () => {
    expect(
      namesKept(
        goto('tcp-cluster-1'),
        goto('udp-nodeport-sticky-external-local-2-0'),
        goto('tcp-cluster'),
        goto('icmp-cluster-1'),
        goto('tcp-cluster-1-1'),
        goto('services'),
        goto('sticky-cluster/shop/web/tcp/'),
      ),
    ).toEqual(['tcp-cluster-1', 'udp-nodeport-sticky-external-local-2-0']);
  });

  test('need all that they use', () => {
    expect(
      namesKept(
        reads('tcp-cluster-1', 'kept-map'),
        reads('tcp-cluster-2', 'other'),
        goto('tcp-cluster-3', 'kept-chain'),
      ),
    ).toEqual(['tcp-cluster-1', 'tcp-cluster-3']);
  });

  test('have no rule that was not understood', () => {
    expect(namesKept({ name: 'tcp-cluster-1', rules: [[{ kind: 'drop' }], []] })).toEqual([]);
  });

  test('go with those that they go to, over several steps', () => {
    expect(
      namesKept(
        goto('tcp-external-1', 'tcp-sticky-cluster-1'),
        goto('tcp-sticky-cluster-1', 'tcp-cluster-1', 'tcp-cluster-2'),
        reads('tcp-cluster-1', 'other'),
        reads('tcp-cluster-2', 'kept-map'),
        goto('tcp-external-2', 'tcp-cluster-2'),
      ),
    ).toEqual(['tcp-cluster-2', 'tcp-external-2']);
  });
});
