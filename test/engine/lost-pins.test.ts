import { describe, expect, test } from 'vitest';
import type { Changes } from '../../src/engine/engine.ts';
import type { FollowUp } from '../../src/engine/follow-up.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { followUpOf, none } from './follow-up-of.ts';
import { engineWith, serviceNamed } from './worker.ts';

type Objects = readonly unknown[];

const remove = [serviceNamed('cart')];

describe('pins', () => {
  const affinity = { sessionAffinity: 'ClientIP' };
  const sticky = (hosts: readonly string[], spec: object = {}) =>
    service('cart', hosts, {
      port: { nodePort: 30080 },
      spec: { ...affinity, type: 'NodePort', externalIPs: ['198.19.0.5'], ...spec },
    });
  const lost: FollowUp = { ...none, checkPins: true };
  const seconds = (timeoutSeconds: number) => ({ sessionAffinityConfig: { clientIP: { timeoutSeconds } } });
  const externalLocal = { externalTrafficPolicy: 'Local' };

  test.each<[string, Objects, Changes, FollowUp]>([
    ['an endpoint goes', sticky(['1.5', '2.5']), { apply: sticky(['2.5']) }, lost],
    [
      'all endpoints go',
      sticky(['2.5']),
      { apply: sticky([]) },
      { ...lost, invalidatedPins: new Set(['tcp 10.96.0.10 . 80', 'tcp 198.19.0.5 . 80', 'tcp 30080']) },
    ],
    ['affinity ends', sticky(['2.5']), { apply: sticky(['2.5'], { sessionAffinity: 'None' }) }, lost],
    [
      'the Service goes',
      sticky(['2.5']),
      { remove },
      { ...lost, invalidatedPins: new Set(['tcp 10.96.0.10 . 80', 'tcp 198.19.0.5 . 80', 'tcp 30080']) },
    ],
    [
      'the internal policy changes',
      sticky(['1.5', '2.5']),
      { apply: sticky(['1.5', '2.5'], { internalTrafficPolicy: 'Local' }) },
      { ...lost, invalidatedPins: new Set(['tcp 10.96.0.10 . 80']) },
    ],
    [
      'the external policy changes',
      sticky(['1.5', '2.5'], externalLocal),
      { apply: sticky(['1.5', '2.5']) },
      { ...lost, invalidatedPins: new Set(['tcp 198.19.0.5 . 80', 'tcp 30080']) },
    ],
  ])('may be lost: %s', (_, before, changes, followUp) => {
    expect(followUpOf(before, changes)).toEqual(followUp);
  });

  test('may be lost at one endpoint alone: it has left this node', () => {
    const [cart, slice] = sticky(['1.5', '1.6'], externalLocal);
    const moved = {
      ...slice,
      endpoints: [
        { addresses: ['10.244.1.5'], nodeName: 'worker-2' },
        { addresses: ['10.244.1.6'], nodeName: 'worker-1' },
      ],
    };
    expect(followUpOf([cart, slice], { apply: [moved] })).toEqual({
      ...lost,
      invalidatedPins: new Set(['tcp 198.19.0.5 . 80 . 10.244.1.5 . 8080', 'tcp 30080 . 10.244.1.5 . 8080']),
    });
  });

  test('may be lost when another Service takes an address over', () => {
    const other = service('other', ['2.6'], {
      spec: { clusterIP: '10.96.0.11', externalIPs: ['198.19.0.5'], ...affinity },
    });
    const before = [...service('cart', ['2.5'], { spec: { externalIPs: ['198.19.0.5'], ...affinity } }), ...other];
    expect(followUpOf(before, { apply: [service('cart', [])[0]] })).toEqual(lost);
  });

  test.each<[string, Objects, Changes]>([
    ['an endpoint comes', sticky(['2.5']), { apply: sticky(['2.5', '2.6']) }],
    ['another timeout', sticky(['2.5'], seconds(60)), { apply: sticky(['2.5'], seconds(600)) }],
    ['affinity begins', sticky(['2.5'], { sessionAffinity: 'None' }), { apply: sticky(['2.5']) }],
    ['another address', sticky(['2.5']), { apply: sticky(['2.5'], { externalIPs: ['198.19.0.5', '198.19.0.6'] }) }],
    ['there are none', sticky(['1.5', '2.5'], { sessionAffinity: 'None' }), { remove }],
  ])('stay: %s', (_, before, changes) => {
    expect(followUpOf(before, changes)).toEqual(none);
  });

  test.each([
    ['1.1.3', lost],
    ['1.0.6', none],
  ] as const)('over IPv6 exist in the flat form only: %s', (targetNft, followUp) => {
    const engine = engineWith(service6('cart', ['2.5', '2.6'], affinity), { families: ['ip6'], targetNft });
    const { families } = engine.update({ apply: [service6('cart', ['2.5'])[1]] });
    expect(families[0]?.followUp).toEqual(followUp);
  });
});
