import { describe, expect, test } from 'vitest';
import type { Changes } from '../../src/engine/engine.ts';
import type { FollowUp } from '../../src/engine/follow-up.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import type { CompileOptions } from '../../src/options.ts';
import { type ServiceFields, service } from '../inspect/changes/shop.ts';
import { followUpOf, none } from './follow-up-of.ts';
import { engineWith, node, serviceNamed } from './worker.ts';

type Objects = readonly unknown[];

const remove = [serviceNamed('cart')];

describe('UDP flows', () => {
  const dns = (hosts: readonly string[], { port = {}, spec = {}, targetPort = 8053 }: ServiceFields = {}) =>
    service('cart', hosts, {
      port: { protocol: 'UDP', port: 53, nodePort: 30053, ...port },
      spec: { externalIPs: ['198.19.0.5'], ...spec },
      targetPort,
    });
  const touched: FollowUp = { ...none, checkUdpFlows: true };
  /** With one endpoint that is what its conditions say. */
  const withConditions = (conditions: object) => {
    const [cart, slice] = dns(['2.5']);
    return [cart, { ...slice, endpoints: [{ addresses: ['10.244.2.5'], conditions }] }];
  };

  test.each<[string, Objects, Changes, FollowUp]>([
    ['a Service comes, to which flows may go untranslated', [], { apply: dns(['2.5']) }, touched],
    ['an endpoint goes', dns(['2.5', '2.6']), { apply: dns(['2.5']) }, touched],
    ['the last endpoint goes', dns(['2.5']), { apply: dns([]) }, touched],
    ['another target port', dns(['2.5']), { apply: dns(['2.5'], { targetPort: 5353 }) }, touched],
    [
      'another address, to which flows may go untranslated',
      dns(['2.5']),
      { apply: dns(['2.5'], { spec: { externalIPs: ['198.19.0.5', '198.19.0.6'] } }) },
      touched,
    ],
    [
      'a Service goes',
      dns(['2.5']),
      { remove },
      {
        ...touched,
        goneUdpFrontends: [
          { address: '10.96.0.10', port: 53 },
          { address: '198.19.0.5', port: 53 },
          { nodePort: 30053 },
        ],
      },
    ],
    [
      'it has another port and another node port',
      dns(['2.5']),
      { apply: dns(['2.5'], { port: { port: 54, nodePort: 30054 } }) },
      {
        ...touched,
        goneUdpFrontends: [
          { address: '10.96.0.10', port: 53 },
          { address: '198.19.0.5', port: 53 },
          { nodePort: 30053 },
        ],
      },
    ],
    [
      'it gives up an address',
      dns(['2.5']),
      { apply: dns(['2.5'], { spec: { externalIPs: [] } }) },
      { ...touched, goneUdpFrontends: [{ address: '198.19.0.5', port: 53 }] },
    ],
    [
      'its endpoint may not even serve any more',
      withConditions({ ready: false, serving: true }),
      { apply: withConditions({ ready: false, serving: false }) },
      touched,
    ],
  ])('may be stale: %s', (_, before, changes, followUp) => {
    expect(followUpOf(before, changes)).toEqual(followUp);
  });

  test('may be stale although no rule changes', () => {
    const engine = engineWith(withConditions({ ready: false, serving: true }));
    const { families, text } = engine.update({ apply: withConditions({ ready: false, serving: false }) });
    expect(text).toBe('');
    expect(families).toMatchObject([{ commands: [], followUp: touched }]);
  });

  test.each<[string, Objects, Changes]>([
    [
      'another policy',
      dns(['1.5', '2.5']),
      { apply: dns(['1.5', '2.5'], { spec: { internalTrafficPolicy: 'Local' } }) },
    ],
    ['an endpoint is draining', withConditions({}), { apply: withConditions({ ready: false, serving: true }) }],
    ['it is TCP', service('cart', ['2.5']), { remove }],
  ])('stay: %s', (_, before, changes) => {
    expect(followUpOf(before, changes) ?? none).toEqual(none);
  });

  describe('when the addresses of the node change', () => {
    const addresses = (...all: readonly string[]) => ({
      ...node(),
      status: { addresses: all.map((address) => ({ type: 'InternalIP', address })) },
    });
    const [first, second] = ['192.0.2.11', '192.0.2.12'];
    const onAll = { nodePortAddresses: ['0.0.0.0/0'] };
    const inRange = { nodePortAddresses: ['192.0.2.0/24'] };
    const elsewhere = { nodePortAddresses: ['198.51.100.0/24'] };
    const withoutNodePort = dns(['2.5'], { port: { nodePort: undefined } });
    const tcp = service('cart', ['2.5'], { port: { nodePort: 30053 } });

    test.each<[string, boolean, Partial<CompileOptions>, Objects, object]>([
      ['one comes, node ports on all', true, onAll, dns(['2.5']), addresses(first, second)],
      ['one comes before the others, node ports on all', true, onAll, dns(['2.5']), addresses(second, first)],
      ['one is replaced, node ports on all', true, onAll, dns(['2.5']), addresses(second)],
      ['one comes into the range of node ports', true, inRange, dns(['2.5']), addresses(first, second)],
      ['the primary one is replaced', true, {}, dns(['2.5']), addresses(second)],
      ['none does', false, onAll, dns(['2.5']), addresses(first)],
      ['no Service has a node port', false, onAll, withoutNodePort, addresses(first, second)],
      ['the node port is of TCP', false, onAll, tcp, addresses(first, second)],
    ])('%s: %s', (_, isStale, options, objects, changed) => {
      const engine = engineWith(objects, options);
      const { families } = engine.update({ apply: [changed] });
      expect(families[0]?.followUp.checkUdpFlows ?? false).toBe(isStale);
    });

    test('no address comes into a range that has none', () => {
      const { families } = engineWith(dns(['2.5']), elsewhere).update({ apply: [addresses(first, second)] });
      expect(families.flatMap(({ commands }) => commands)).toEqual([]);
    });
  });

  test('may be stale when another Service takes an address over, which then is not gone', () => {
    const [other, slice] = service('other', ['2.6'], {
      port: { protocol: 'UDP', port: 53 },
      spec: { clusterIP: '10.96.0.11', externalIPs: ['198.19.0.5'] },
    });
    const followUp = followUpOf([...dns(['2.5']), other, slice], { remove });
    expect(followUp).toEqual({
      ...touched,
      goneUdpFrontends: [{ address: '10.96.0.10', port: 53 }, { nodePort: 30053 }],
    });
  });

  test('are not forgotten while the Node has no valid address, nor when the table is adopted', () => {
    const engine = engineWith(dns(['2.5'], { spec: { externalIPs: [] } }));
    const table = engine.rulesets()[0];
    expect(table).toBeDefined();
    engine.accept({ apply: [node({ address: 'nowhere' })], remove });
    engine.adopt(table as Ruleset);
    expect(engine.commit().families[0]?.followUp).toEqual({
      ...touched,
      goneUdpFrontends: [{ address: '10.96.0.10', port: 53 }, { nodePort: 30053 }],
    });
  });
});
