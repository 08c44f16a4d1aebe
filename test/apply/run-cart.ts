import type { Changes, Update } from '../../src/engine/engine.ts';
import type { ProgramResult } from '../../src/kernel/run-program.ts';
import { engineWith, node } from '../engine/worker.ts';
import { type ServiceFields, service } from '../inspect/changes/shop.ts';
import { type Answer, printed } from '../support/fake-nft.ts';
import { type FakeProxy, runProxy } from './start-proxy.ts';

/** What makes a Service one with affinity. */
export const affinity: ServiceFields = { spec: { sessionAffinity: 'ClientIP' } };

/** A service proxy whose kernel holds `shop/cart` with one endpoint, a change that brings another one, and its commands. */
export async function runCart(
  ...answers: readonly Answer[]
): Promise<FakeProxy & { readonly change: Changes; readonly update: Update }> {
  const objects = service('cart', ['2.5'], affinity);
  const change: Changes = { apply: [service('cart', ['2.5', '2.6'])[1]] };
  const started = await runProxy([node(), ...objects]);
  started.nft.answers.push(...answers);
  return { ...started, change, update: engineWith(objects).update(change) };
}

const pins = [
  ['10.0.0.1', '10.244.2.5'],
  ['10.0.0.2', '10.244.9.9'],
] as const;

/** What nft prints of a table that has pins to an endpoint of `shop/cart` and to an unknown one, and nothing else. */
export const tableWithPins: Partial<ProgramResult> = printed('ip', [
  {
    map: {
      name: 'tcp-pins',
      type: ['ipv4_addr', 'ipv4_addr', 'inet_service'],
      map: 'ipv4_addr . inet_service',
      flags: ['timeout'],
      elem: pins.map(([client, endpoint]) => [
        { elem: { val: { concat: [client, '10.96.0.10', 80] }, timeout: 10800, expires: 600 } },
        { concat: [endpoint, 8080] },
      ]),
    },
  },
]);
