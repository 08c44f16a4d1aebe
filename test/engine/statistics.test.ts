import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import { elementsOf } from '../../src/nft/ruleset-parts.ts';
import { type Manifest, service, slice, workerNode } from '../apply/kernel/manifests.ts';

function startEngine(...objects: readonly Manifest[]) {
  const engine = createEngine({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] });
  engine.update({ apply: [workerNode, ...objects], complete: true });
  return engine;
}

function web(spec: Manifest = {}): Manifest {
  return service('web', { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, nodePort: 30_080 }], ...spec });
}

describe('statistics', () => {
  test('count the elements that tables have, also after changes', () => {
    const engine = startEngine(web(), slice('web', ['10.244.1.1', '10.244.2.1']));
    const compare = (): void => {
      const expected = engine.rulesets().map(({ family, sets }) => {
        const fixed = sets.filter(({ flags = [] }) => !flags.includes('dynamic'));
        return [family, Object.fromEntries(fixed.map((set) => [set.name, elementsOf(set).length]))];
      });
      const { families } = engine.statistics();
      expect(families.map(({ family, elements }) => [family, Object.fromEntries(elements)])).toEqual(expected);
    };
    compare();
    expect(engine.statistics().families[0]?.elements.get('tcp-endpoints')).toBe(2);
    engine.update({ apply: [slice('web', ['10.244.1.1', '10.244.2.1', '10.244.2.2'])] });
    compare();
    expect(engine.statistics().families[0]?.elements.get('tcp-endpoints')).toBe(3);
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    compare();
  });

  test('are those of no table before the node is known', () => {
    expect(createEngine({ nodeName: 'worker-1' }).statistics()).toEqual({
      families: [],
      leftOut: { invalid: [], rejected: [] },
    });
  });

  const local = { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local', type: 'NodePort' };

  test.each<[string, Manifest, readonly string[], { internal: number; external: number }]>([
    ['without policies', {}, ['10.244.2.1'], { internal: 0, external: 0 }],
    ['with endpoints here', local, ['10.244.1.1', '10.244.2.1'], { internal: 0, external: 0 }],
    ['with endpoints elsewhere only', local, ['10.244.2.1'], { internal: 1, external: 1 }],
    ['with an internal policy', { internalTrafficPolicy: 'Local' }, ['10.244.2.1'], { internal: 1, external: 0 }],
    [
      'with an external policy',
      { ...local, internalTrafficPolicy: 'Cluster' },
      ['10.244.2.1'],
      { internal: 0, external: 1 },
    ],
    ['without any endpoint, which is refused, not dropped', local, [], { internal: 0, external: 0 }],
  ])('count service ports that lack endpoints on the node: %s', (_, spec, addresses, expected) => {
    const engine = startEngine(web(spec), ...(addresses.length > 0 ? [slice('web', addresses)] : []));
    const lacking = () => engine.statistics().families[0]?.withoutLocalEndpoints;
    expect(lacking()).toEqual(expected);
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    expect(lacking()).toEqual({ internal: 0, external: 0 });
    engine.update({ apply: [web(spec)] });
    expect(lacking()).toEqual(expected);
    const other = { ...workerNode, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.99' }] } };
    engine.update({ apply: [other] });
    expect(lacking()).toEqual(expected);
  });

  test('count Services that are left out, until they are valid, accepted, or gone', () => {
    const engine = startEngine(
      web({ clusterIP: 'nowhere' }),
      service('ok', { clusterIP: '10.96.0.2', ports: [{ port: 80 }] }),
    );
    const leftOut = () => {
      const { invalid, rejected } = engine.statistics().leftOut;
      return [invalid, rejected];
    };
    expect(leftOut()).toEqual([['shop/web'], []]);
    engine.reject('ip', new Set(['shop/ok']));
    engine.reject('ip6', new Set(['shop/ok']));
    expect(leftOut()).toEqual([['shop/web'], ['shop/ok']]);
    engine.update({ apply: [web(), service('ok', { clusterIP: '10.96.0.3', ports: [{ port: 80 }] })] });
    expect(leftOut()).toEqual([[], []]);
    engine.update({ apply: [web({ clusterIP: 'nowhere' })] });
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    expect(leftOut()).toEqual([[], []]);
  });
});

describe('the times of changes of endpoints', () => {
  const at = (time: unknown, address = '10.244.1.1'): Manifest => {
    const object = slice('web', [address]);
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': time };
    return { ...object, metadata: { ...(object['metadata'] as Manifest), annotations } };
  };
  const first = at('2030-01-01T00:00:01Z');
  const time = Date.UTC(2030, 0, 1, 0, 0, 2);

  test('are those of new versions of slices, not of the first lists', () => {
    const engine = createEngine({ nodeName: 'worker-1' });
    expect(engine.update({ apply: [workerNode, web(), first] }).triggers).toEqual([]);
    expect(engine.update({ complete: true }).triggers).toEqual([]);
    expect(engine.update({ apply: [at('2030-01-01T00:00:02.123456789Z')] }).triggers).toEqual([
      { family: 'ip', time: time + 123 },
    ]);
  });

  test.each<[string, readonly Manifest[], number]>([
    ['the same time again, with the list that follows trouble', [first], 0],
    ['no time', [slice('web', ['10.244.1.2'])], 0],
    ['what is not a time', [at('yesterday'), at(7), at(null)], 0],
    ['two changes of one slice', [at('2030-01-01T00:00:02Z'), at('2030-01-01T00:00:03Z', '10.244.1.2')], 2],
    ['the other family', [at('2030-01-01T00:00:02Z', 'fd00:10:244:1::1')], 1],
  ])('are as many as changes: %s', (_, slices, count) => {
    const { triggers } = startEngine(web(), first).update({ apply: slices });
    expect(triggers).toHaveLength(count);
    expect(triggers.slice(0, 1).map((trigger) => trigger.time)).toEqual(count > 0 ? [time] : []);
  });
});
