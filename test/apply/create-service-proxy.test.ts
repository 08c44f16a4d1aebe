import { describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../src/apply/create-service-proxy.ts';
import { isNftError } from '../../src/kernel/nft-error.ts';
import { printTransaction } from '../../src/nft/command.ts';
import { engineWith, node, workerOptions } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { answering, createFakeNft, listTable, printed, refusing, says } from '../support/fake-nft.ts';
import { resultsOf, runProxy, startProxy } from './start-proxy.ts';

const both = { ...workerOptions, families: ['ip', 'ip6'] } as const;
const oneMore = service('cart', ['2.5', '2.6'])[1];

describe('the first time', () => {
  test('each table is read, and what is desired is sent', async () => {
    const { proxy, nft } = await startProxy(both);
    const outcome = await proxy.update({ apply: [node(), ...service('cart', ['2.5'])], complete: true });
    const { families } = engineWith([], both).update({ apply: service('cart', ['2.5']) });
    expect(families.map(({ family }) => family)).toEqual(['ip']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listTable.ip6, 'nft -f -']);
    const texts = outcome.families.map(printTransaction);
    expect(nft.texts()).toEqual(texts);
    for (const [index, family] of ['ip', 'ip6'].entries()) {
      const start = `add table ${family} svc2nft\ndelete table ${family} svc2nft\nadd table ${family} svc2nft {`;
      expect(texts[index]?.startsWith(start)).toBe(true);
    }
    expect(texts[0]).toContain('tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }');
    expect(outcome).toMatchObject({ ok: true, conntrack: undefined, diagnostics: [] });
    expect(resultsOf(outcome)).toEqual(['ip created', 'ip6 created']);
    expect(outcome.families.map(({ after }) => after)).toEqual(proxy.rulesets());
  });

  test('only the difference to an existing table is sent', async () => {
    const table = printed('ip', [
      { set: { name: 'cluster-ips', type: 'ipv4_addr', comment: 'cluster IPs in use', elem: ['10.96.0.99'] } },
    ]);
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, table));
    const outcome = await proxy.update({ apply: [node()], complete: true });
    expect(resultsOf(outcome)).toEqual(['ip changed']);
    expect(nft.texts().join('').split('\n').slice(0, 2)).toEqual([
      'delete element ip svc2nft cluster-ips { 10.96.0.99 }',
      'add set ip svc2nft service-cidrs { type ipv4_addr; flags interval; comment "cluster IP ranges"; }',
    ]);
    expect(outcome.families[0]?.before?.ruleset.sets.map(({ name }) => name)).toEqual(['cluster-ips']);
  });

  test('no program is started before the objects are complete, and everything is done then', async () => {
    const { proxy, nft } = await startProxy(workerOptions);
    for (const change of [{ apply: [node()] }, { apply: service('cart', ['2.5']) }, { remove: [] }, {}]) {
      const outcome = await proxy.update(change);
      expect(outcome).toEqual({
        ok: true,
        families: [],
        conntrack: undefined,
        diagnostics: [],
        healthChecks: [],
        localhostPorts: [],
        triggers: [],
        duration: expect.any(Number),
        waitsFor: 'complete',
      });
    }
    expect([proxy.rulesets(), proxy.views(), nft.calls]).toEqual([[], [], []]);
    const outcome = await proxy.update({ complete: true });
    expect([resultsOf(outcome), outcome.waitsFor]).toEqual([['ip created'], undefined]);
    expect(nft.texts().join('')).toContain('shop/cart');
    const removed = await proxy.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'cart' }] });
    expect(resultsOf(removed)).toEqual(['ip changed']);
  });

  test('an error of the API server is reported, and does not count as complete', async () => {
    const { proxy, nft } = await startProxy(workerOptions);
    const failure = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'Unauthorized' };
    const outcome = await proxy.update({ apply: [node(), failure], complete: true });
    expect(outcome.diagnostics.map(({ code }) => code)).toEqual(['api-error']);
    expect([outcome.waitsFor, nft.calls]).toEqual(['complete', []]);
  });

  test('nothing is done while the node is not known, and everything later', async () => {
    const { proxy, nft } = await startProxy(workerOptions);
    const other = { ...node(), metadata: { name: 'worker-2' } };
    const outcome = await proxy.update({ apply: [other, ...service('cart', ['2.5'])], complete: true });
    expect(outcome).toMatchObject({ ok: true, families: [], conntrack: undefined });
    expect([proxy.rulesets(), proxy.views()]).toEqual([[], []]);
    expect(nft.calls).toEqual([]);
    expect(resultsOf(await proxy.update({ apply: [node()] }))).toEqual(['ip created']);
    expect(nft.texts().join('')).toContain('shop/cart');
  });
});

describe('after that', () => {
  test('nothing is read: every update is one transaction, and none without a difference', async () => {
    const objects = [...service('cart', ['2.5']), ...service6('six', ['2.5'])];
    const { proxy, nft } = await runProxy([node(), ...objects], both);
    const update = engineWith(objects, both).update({ apply: [oneMore] });
    const outcome = await proxy.update({ apply: [oneMore] });
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    expect(nft.texts().at(-1)).toBe(update.text);
    expect(resultsOf(outcome)).toEqual(['ip changed', 'ip6 unchanged']);
    expect(outcome.families[0]).toEqual({
      family: 'ip',
      table: 'svc2nft',
      result: 'changed',
      commands: update.families[0]?.commands,
      before: undefined,
      after: undefined,
      findings: [],
      rejectedServices: [],
      error: undefined,
    });

    expect(resultsOf(await proxy.update({ apply: [oneMore] }))).toEqual(['ip unchanged', 'ip6 unchanged']);
    expect(nft.commandsSince()).toEqual([]);
  });

  test('a family that fails does not block the other, nor is that one read again', async () => {
    const { proxy, nft } = await startProxy(both, refusing('ip svc2nft', says.noMemory));
    const objects = [...service('cart', ['2.5']), ...service6('six', ['2.5'])];
    const outcome = await proxy.update({ apply: [node(), ...objects], complete: true });
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual(['ip failed out-of-memory', 'ip6 created']);
    nft.commandsSince();
    nft.answers.length = 0;

    const change = { apply: [service6('six', ['2.6'])[1]] };
    expect(resultsOf(await proxy.update(change))).toEqual(['ip created', 'ip6 changed']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', 'nft -f -']);
    expect(nft.texts().at(-1)).toBe(engineWith(objects, both).update(change).text);
  });

  test('diagnostics are about the objects of the update', async () => {
    const { proxy } = await runProxy([node(), ...service('cart', ['2.5'])]);
    const broken = { ...service('broken', [])[0], spec: { clusterIP: 'x', ports: [{ port: 80 }] } };
    const { ok, diagnostics } = await proxy.update({ apply: [broken] });
    expect([ok, diagnostics.map(({ code }) => code)]).toEqual([true, ['invalid-address']]);
    expect((await proxy.update({ apply: [oneMore] })).diagnostics).toEqual([]);
  });
});

describe('the installed nft', () => {
  const version = (text: string) => answering('nft --version', { stdout: `nftables v${text} (Lester Gooch)\n` });

  test('decides what rules may contain', async () => {
    const objects = [node(), ...service6('six', ['2.5'], { sessionAffinity: 'ClientIP' })];
    const sets = ['1.0.6', '1.1.3'].map(async (name) => {
      const { run } = createFakeNft(version(name));
      const proxy = await createServiceProxy({ ...both, run });
      await proxy.update({ apply: objects, complete: true });
      return proxy.rulesets()[1]?.sets.some((set) => set.name === 'tcp-pins');
    });
    expect(await Promise.all(sets)).toEqual([false, true]);
  });

  test.each([
    ['nft-too-old', version('1.0.5')],
    ['not-found', answering('nft --version', says.missing)],
  ] as const)('may be unusable: %s', async (kind, answer) => {
    const failure = createServiceProxy({ ...both, run: createFakeNft(answer).run });
    const error = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const cause = error instanceof Error && error.cause instanceof Object ? error.cause : undefined;
    expect(isNftError(cause) && cause.kind).toBe(kind);
  });

  test('does not matter to invalid options', async () => {
    await expect(startProxy({ masqueradeBit: 32 })).rejects.toThrow(RangeError);
  });
});
