import { describe, expect, test } from 'vitest';
import { engineWith, node, workerOptions } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { type Answer, answering, refusing, says } from '../support/fake-nft.ts';
import { type FakeProxy, resultsOf, startProxy } from './start-proxy.ts';

/** 40 Services, `shop/s0` to `shop/s39`; s7 is at 10.96.1.7. */
const services = Array.from({ length: 40 }, (_, index) =>
  service(`s${index}`, ['2.5'], { spec: { clusterIP: `10.96.1.${index}` } }),
);
const refused = (index: number): Answer => refusing(`"shop/s${index}"`);

async function applyAll(...answers: readonly Answer[]) {
  const started = await startProxy(workerOptions, ...answers);
  const outcome = await started.proxy.update({ apply: [node(), ...services.flat()], complete: true });
  return { ...started, outcome };
}

describe('nft rejects some of 40 Services', () => {
  test.each([[[17]], [[0, 39]], [[3, 4, 20]]])('%j: they are named, and the rest is loaded', async (rejected) => {
    const { outcome, nft } = await applyAll(...rejected.map(refused));
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual(['ip rebuilt refused']);
    expect(outcome.families[0]?.rejectedServices).toEqual(rejected.map((index) => `shop/s${index}`).sort());

    const loaded = nft.texts().at(-1) ?? '';
    const held = services.flatMap((_, index) => (loaded.includes(`"shop/s${index}"`) ? [index] : []));
    expect(held).toEqual([...services.keys()].filter((index) => !rejected.includes(index)));
  });

  test('they are found with few checks, none of which changes anything', async () => {
    const { nft } = await applyAll(refused(17));
    const commands = nft.commandsSince();
    expect(commands.slice(0, 3)).toEqual(['nft -nj list table ip svc2nft', 'nft -f -', 'nft -f -']);
    expect(commands.at(-1)).toBe('nft -f -');
    expect(new Set(commands.slice(3, -1))).toEqual(new Set(['nft --check -f -']));
    // Nothing, all, and two for each halving.
    expect(commands.slice(3, -1).length).toBeLessThanOrEqual(14);
  });

  test('a Service whose check fails for another reason is not rejected', async () => {
    const checks: Answer = ({ command, input }) =>
      command === 'nft --check -f -' && input?.includes('"shop/s3"') ? says.noMemory : undefined;
    const { outcome } = await applyAll(refused(17), checks);
    expect(resultsOf(outcome)).toEqual(['ip rebuilt refused']);
    expect(outcome.families[0]?.rejectedServices).toEqual(['shop/s17']);
  });
});

describe('a Service that is left out', () => {
  async function without17(): Promise<FakeProxy> {
    const started = await applyAll(refused(17));
    started.nft.commandsSince();
    return started;
  }

  test('stays left out until it changes, and every outcome names it', async () => {
    const { proxy, nft } = await without17();
    const change = { apply: [service('s3', ['2.6'])[1]] };
    const outcome = await proxy.update(change);
    expect(resultsOf(outcome)).toEqual(['ip changed']);
    expect([outcome.ok, outcome.families[0]?.rejectedServices]).toEqual([false, ['shop/s17']]);
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    expect(nft.texts().at(-1)).toBe(engineWith(services.flat()).update(change).text);
  });

  test('is named when a later change fails, too', async () => {
    const { proxy, nft } = await without17();
    nft.answers.unshift(answering('nft -f -', says.notPermitted));
    const outcome = await proxy.update({ apply: [service('s3', ['2.6'])[1]] });
    expect(outcome.families[0]).toMatchObject({ result: 'failed', rejectedServices: ['shop/s17'] });
  });

  test('is tried again when it changes, and loaded when nft accepts it then', async () => {
    const { proxy, nft } = await without17();
    nft.answers.length = 0;
    const outcome = await proxy.update({ apply: [service('s17', ['2.6'])[1]] });
    expect([outcome.ok, outcome.families[0]?.rejectedServices]).toEqual([true, []]);
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    expect(nft.texts().at(-1)).toBe(`\
add element ip svc2nft cluster-ips { 10.96.1.17 comment "shop/s17" }
add element ip svc2nft service-ips { 10.96.1.17 . tcp . 80 comment "shop/s17:http" : goto tcp-cluster-1 }
add element ip svc2nft tcp-endpoints { 10.96.1.17 . 80 . 0 : 10.244.2.6 . 8080 }
`);
  });

  test('is left out again when nft still rejects it', async () => {
    const { proxy, nft } = await without17();
    const outcome = await proxy.update({ apply: [service('s17', ['2.6'])[1]] });
    expect(resultsOf(outcome)).toEqual(['ip rebuilt refused']);
    expect(outcome.families[0]?.rejectedServices).toEqual(['shop/s17']);
    expect(nft.texts().at(-1)).not.toContain('shop/s17');
  });

  test('does not matter any more when it is deleted', async () => {
    const { proxy } = await without17();
    const outcome = await proxy.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 's17' }] });
    expect([outcome.ok, resultsOf(outcome)]).toEqual([true, ['ip unchanged']]);
  });
});

test('a Service that nft rejects in one family is served in the other', async () => {
  const spec = {
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10', 'fd00:10:96::10'],
    ipFamilies: ['IPv4', 'IPv6'],
  };
  const [cart, slice] = service('cart', ['2.5'], { spec });
  const six = service6('six', ['2.6']).slice(1);
  const ofCart = six.map((object) => ({
    ...object,
    metadata: { namespace: 'shop', name: 'cart-6', labels: { 'kubernetes.io/service-name': 'cart' } },
  }));
  const { proxy, nft } = await startProxy({ ...workerOptions, families: ['ip', 'ip6'] });
  await proxy.update({ apply: [node(), cart, slice], complete: true });
  nft.answers.push(({ input }) => (input?.includes('fd00:10:244:2::6') ? says.refused : undefined));

  const outcome = await proxy.update({ apply: ofCart });
  expect(resultsOf(outcome)).toEqual(['ip unchanged', 'ip6 rebuilt refused']);
  expect(outcome.families.map(({ rejectedServices }) => rejectedServices)).toEqual([[], ['shop/cart']]);
  const { families } = await proxy.update({ apply: [service('cart', ['2.5', '2.6'], { spec })[1]] });
  expect(families.map(({ result }) => result)).toEqual(['changed', 'rebuilt']);
  expect(families[0]?.commands).toHaveLength(5);
});
