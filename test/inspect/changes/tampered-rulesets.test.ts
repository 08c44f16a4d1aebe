import { describe, expect, test } from 'vitest';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Element, Ruleset } from '../../../src/nft/ruleset.ts';
import { rulesetOf, service } from './shop.ts';
import { compiled, goTo, linesToRepair, withChain, withElements, withSet } from './tamper.ts';

describe('what others changed in the kernel', () => {
  test('another order of everything is not a difference', () => {
    const turned = {
      ...compiled,
      chains: [...compiled.chains].reverse(),
      sets: [...compiled.sets].reverse().map((set) => ({
        ...set,
        elements: [...set.elements].reverse(),
        ...(set.lists && {
          lists: [...set.lists]
            .reverse()
            .map(({ key, endpointAddresses }) => ({ key, endpointAddresses: [...endpointAddresses].reverse() })),
        }),
      })),
    };
    expect(turned).not.toEqual(compiled);
    expect(linesToRepair(turned)).toEqual([]);
  });

  test('endpoints of one frontend only', () => {
    const found = withSet('tcp-nodeport-endpoints', ({ lists = [] }) => ({
      lists: lists.map(({ key, endpointAddresses }) => ({ key, endpointAddresses: endpointAddresses.slice(0, 2) })),
    }));
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  2 -> 3 endpoints at *:30080/tcp (+10.244.3.30:8080), share 50% -> 33%',
    ]);
  });

  test('an endpoint in the middle, so that the last one stands alone', () => {
    const found = withSet('tcp-nodeport-endpoints', ({ lists = [] }) => ({
      lists: lists.map(({ key, endpointAddresses }) => ({ key, endpointAddresses: endpointAddresses.slice(0, 1) })),
      elements: [{ key: '30080 . 2', value: { address: '10.244.3.30', port: 8080 } }],
    }));
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  2 -> 3 endpoints at *:30080/tcp (+10.244.2.20:8080), share 50% -> 33%',
    ]);
  });

  test('two times the same endpoint in the place of another', () => {
    const found = withSet('tcp-endpoints', ({ lists = [] }) => ({
      lists: lists.map(({ key, endpointAddresses }) => ({
        key,
        endpointAddresses: [...endpointAddresses.slice(0, 2), ...endpointAddresses.slice(0, 1)],
      })),
    }));
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  3 endpoints at 10.96.0.10:80/tcp, 198.18.0.10:80/tcp (+10.244.3.30:8080)',
    ]);
  });

  test('a verdict for fewer endpoints than there are', () => {
    const numgen = { kind: 'numgen', modulus: 2 } as const;
    const daddr = { kind: 'address', field: 'daddr' } as const;
    const key = [daddr, { kind: 'dport', protocol: 'tcp' } as const, numgen];
    const found = withChain('tcp-cluster-3', [[{ kind: 'dnat-map', protocol: 'tcp', key, map: 'tcp-endpoints' }]]);
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  2 -> 3 endpoints at 10.96.0.10:80/tcp, 198.18.0.10:80/tcp (+10.244.3.30:8080), ' +
        'share 50% -> 33%',
    ]);
  });

  test('a verdict that sends packets where no map has endpoints for them', () => {
    const found = withElements('service-nodeports', (element) => ({
      ...element,
      value: { kind: 'goto', chain: 'tcp-external-3' },
    }));
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  0 -> 3 endpoints at *:30080/tcp ' + '(+10.244.1.10:8080, +10.244.2.20:8080, +10.244.3.30:8080)',
    ]);
  });

  test.each<{ what: string; found: Ruleset }>([
    { what: 'a rule that could not be read', found: withChain('tcp-nodeport-external-3', [[]]) },
    { what: 'a chain without rules', found: withChain('tcp-nodeport-external-3', []) },
    { what: 'a chain that drops', found: withChain('tcp-nodeport-external-3', [[{ kind: 'drop' }]]) },
    {
      what: 'a chain that leads to itself',
      found: withChain('tcp-nodeport-external-3', [[goTo('tcp-nodeport-external-3')]]),
    },
    { what: 'a chain that leads nowhere', found: withChain('tcp-nodeport-external-3', [[goTo('gone')]]) },
    {
      what: 'a condition of their own',
      found: withChain('tcp-nodeport-external-3', [
        [{ kind: 'match', left: { kind: 'ct-state' }, right: 'new' }, goTo('tcp-nodeport-cluster-3')],
      ]),
    },
    {
      what: 'an unknown verdict',
      found: withElements('service-nodeports', ({ key, comment = '' }) => ({ key, comment })),
    },
  ])('$what', ({ found }) => {
    const [line, ...others] = linesToRepair(found);
    expect(others).toEqual([]);
    expect(line).toMatch(
      /^shop\/cart:http {2}(0 -> 3 endpoints .*; )?not understood -> all endpoints, masqueraded \(0 -> 3\) at \*:30080\/tcp$/,
    );
  });

  test('a frontend without a verdict', () => {
    expect(linesToRepair(withSet('service-nodeports', () => ({ elements: [] })))).toEqual([
      'shop/cart:http  +*:30080/tcp',
    ]);
  });

  test('a frontend that nothing serves or refuses, with source ranges', () => {
    const guarded: Element = { key: '198.18.0.10 . tcp . 80', comment: 'shop/cart:http' };
    const found = withSet(
      'firewall-ips',
      () => ({ elements: [guarded] }),
      withSet('service-ips', ({ elements }) => ({
        elements: elements.filter(({ key }) => key !== guarded.key),
      })),
    );
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  0 -> 3 endpoints at 198.18.0.10:80/tcp ' +
        '(+10.244.1.10:8080, +10.244.2.20:8080, +10.244.3.30:8080): no longer untranslated at 198.18.0.10:80/tcp; ' +
        'source ranges removed: open to all clients',
    ]);
  });

  test('a drop where the table should reject', () => {
    const dead = rulesetOf({ services: [service('cart', [])] });
    const found = withSet(
      'no-endpoint-services',
      ({ elements }) => ({ elements: elements.map((element) => ({ ...element, value: { kind: 'drop' } })) }),
      dead,
    );
    expect(renderChanges(describeChanges(found, dead), { color: false })).toEqual(['shop/cart:http  now rejected']);
  });

  test('a fixed chain', () => {
    const found = withChain('firewall-check', []);
    const other = withChain('services', [[]], found);
    expect(linesToRepair(found)).toEqual(['settings  chain firewall-check has different rules']);
    expect(linesToRepair(other)).toEqual([
      'settings  chain firewall-check has different rules',
      'settings  chain services has different rules',
    ]);
  });

  test('the hook of a fixed chain', () => {
    const chains = compiled.chains.map((chain) =>
      chain.hook && chain.name === 'nat-output' ? { ...chain, hook: { ...chain.hook, priority: -99 } } : chain,
    );
    expect(linesToRepair({ ...compiled, chains })).toEqual(['settings  chain nat-output has different rules']);
  });
});
