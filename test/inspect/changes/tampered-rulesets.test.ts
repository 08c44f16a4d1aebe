import { describe, expect, test } from 'vitest';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Chain, Element, Expression, Ruleset } from '../../../src/nft/ruleset.ts';
import { rulesetOf, service } from './shop.ts';
import { compiled, goTo, linesToRepair, withChain, withElements, withoutSources, withSet } from './tamper.ts';

function withHookedChain(chain: Chain): Ruleset {
  return { ...compiled, chains: compiled.chains.map((one) => (one.name === chain.name ? chain : one)) };
}

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
    const found = withoutSources(
      guarded,
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
    const found = withChain('outgoing-refusals', []);
    const other = withChain('services', [[]], found);
    expect(linesToRepair(found)).toEqual(['settings  chain outgoing-refusals has different rules']);
    expect(linesToRepair(other)).toEqual([
      'settings  chain outgoing-refusals has different rules',
      'settings  chain services has different rules',
    ]);
  });

  test('a chain for source ranges, which tables without them lack', () => {
    const guarded = (...loadBalancerSourceRanges: string[]): Ruleset =>
      rulesetOf({
        services: [service('cart', ['1.10'], { spec: { loadBalancerSourceRanges }, ingress: ['198.18.0.10'] })],
      });
    const [some, none] = [guarded('203.0.113.0/24'), guarded()];
    const lines = (found: Ruleset, desired: Ruleset): string[] =>
      renderChanges(describeChanges(found, desired), { color: false });
    for (const name of ['firewall-check', 'firewall-prerouting', 'firewall-output']) {
      const flushed = withChain(name, [], some);
      expect(lines(flushed, some)).toEqual([`settings  chain ${name} has different rules`]);
      // It goes with the ranges.
      expect(lines(flushed, none)).toEqual(lines(some, none));
    }
    expect(lines(none, some)).toEqual(['shop/cart:http  source ranges now 203.0.113.0/24']);
  });

  test('a chain that refuses translated connections, which most tables lack', () => {
    const [some, none] = ['10.96.0.10', '10.244.1.10'].map((address) => {
      const [object = {}, slice = {}] = service('cart', []);
      return rulesetOf({ services: [[object, { ...slice, endpoints: [{ addresses: [address] }] }]] });
    }) as [Ruleset, Ruleset];
    const lines = (found: Ruleset, desired: Ruleset): string[] =>
      renderChanges(describeChanges(found, desired), { color: false });
    for (const name of ['filter-input', 'filter-forward', 'filter-output']) {
      const flushed = withChain(name, [], some);
      expect(lines(flushed, some)).toEqual([`settings  chain ${name} has different rules`]);
      // It goes with the endpoint.
      expect(lines(flushed, none)).toEqual(lines(some, none));
    }
  });

  test('the range of pods, which comes and goes with endpoints, is none', () => {
    const postrouting = compiled.chains.find(({ name }) => name === 'nat-postrouting') ?? expect.fail('no chain');
    const daddr = { kind: 'address', field: 'daddr' } as const;
    const withMatch = (left: Expression): Ruleset =>
      withHookedChain({
        ...postrouting,
        rules: postrouting.rules.map((rule, index) =>
          index === 1 ? [{ kind: 'match', left, right: '10.244.1.0/24' }, ...rule] : rule,
        ),
      });
    expect(linesToRepair(withMatch(daddr))).toEqual([]);
    expect(linesToRepair(withMatch({ ...daddr, field: 'saddr' }))).toEqual([
      'settings  chain nat-postrouting has different rules',
    ]);
  });

  test('the hook of a fixed chain', () => {
    const chains = compiled.chains.map((chain) =>
      chain.hook && chain.name === 'nat-output' ? { ...chain, hook: { ...chain.hook, priority: -99 } } : chain,
    );
    expect(linesToRepair({ ...compiled, chains })).toEqual(['settings  chain nat-output has different rules']);
  });
});
