import { describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../src/apply/create-service-proxy.ts';
import { compile } from '../../src/compile.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { engineWith, node, serviceNamed, workerOptions } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { comparableRuleset } from '../support/comparable-ruleset.ts';
import { answering, createFakeNft, listTable, refusing, says, times } from '../support/fake-nft.ts';
import { resultsOf, runProxy, startProxy } from './start-proxy.ts';

const cart = (hosts: readonly string[]): Changes => ({ apply: [service('cart', hosts)[1]] });
const objects = service('cart', ['2.5']);

describe('changes under load', () => {
  test.each([
    ['as long as those before took', 10_000, 400],
    ['not longer than that', 100, 100],
  ])('are collected for %s', async (_, minSyncPeriod, pause) => {
    let time = 5_000;
    const pauses: number[] = [];
    const nft = createFakeNft(({ command }) => {
      time += command === 'nft -f -' ? 400 : 0;
      return undefined;
    });
    const proxy = await createServiceProxy({
      ...{ ...workerOptions, targetNft: '1.0.6', minSyncPeriod, run: nft.run },
      now: () => time,
      pause: async (milliseconds) => {
        pauses.push(milliseconds);
        time += milliseconds;
      },
    });
    await proxy.update({ apply: [node(), ...objects], complete: true });
    await proxy.update(cart(['2.6']));
    expect(pauses).toEqual([pause]);
    time += 60_000;
    await proxy.update(cart(['2.7']));
    expect(pauses).toEqual([pause]);
  });
});

describe('calls that overlap', () => {
  test('are carried out in order: those that arrive while nft runs as one transaction afterward', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    let arrived: Promise<unknown>[] = [];
    nft.answers.push(
      times(1, ({ command }) => {
        if (command === 'nft -f -') {
          arrived = [['2.6'], ['2.7', '2.8'], ['2.7']].map((hosts) => proxy.update(cart(hosts)));
        }
        return undefined;
      }),
    );
    const first = await proxy.update(cart(['2.5', '2.6']));
    const others = await Promise.all(arrived);
    expect(resultsOf(first)).toEqual(['ip changed']);
    expect(others).toHaveLength(3);
    expect(new Set(others.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    const engine = engineWith(objects);
    expect(nft.texts().slice(1)).toEqual([engine.update(cart(['2.5', '2.6'])).text, engine.update(cart(['2.7'])).text]);
  });

  test('keep the order of deletion and creation', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    const remove = [serviceNamed('cart')];
    const [outcome] = await Promise.all([proxy.update({ remove }), proxy.update({ apply: [objects[0]] })]);
    expect(resultsOf(outcome)).toEqual(['ip unchanged']);
    await Promise.all([proxy.update({ apply: [objects[0]] }), proxy.update({ remove })]);
    expect(nft.texts().at(-1)).toContain('delete element ip svc2nft cluster-ips { 10.96.0.10 }');
  });

  test('each have the diagnostics of their own objects', async () => {
    const { proxy } = await runProxy([node(), ...objects]);
    const broken = { ...service('broken', [])[0], spec: { clusterIP: 'x', ports: [{ port: 80 }] } };
    const outcomes = await Promise.all([proxy.update({ apply: [broken] }), proxy.update(cart(['2.6']))]);
    expect(outcomes.map(({ diagnostics }) => diagnostics.length)).toEqual([1, 0]);
  });

  test('build on a table that was rebuilt in between', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    nft.answers.push(times(1, refusing('10.244.2.6', says.fileExists)));
    const outcomes = await Promise.all([
      proxy.update(cart(['2.5', '2.6'])),
      proxy.update(cart(['2.6'])),
      proxy.update(cart(['2.5', '2.6', '2.7'])),
    ]);
    expect(outcomes.map(resultsOf)).toEqual(Array(3).fill(['ip rebuilt file-exists']));
    const text = nft.texts().at(-1) ?? '';
    expect(text.startsWith('add table ip svc2nft\ndelete table ip svc2nft\n')).toBe(true);
    expect(text).toContain('10.244.2.7');
    const engine = engineWith(service('cart', ['2.5', '2.6', '2.7']));
    await proxy.update(cart(['2.8']));
    expect(nft.texts().at(-1)).toBe(engine.update(cart(['2.8'])).text);
  });

  test('lose nothing in one family while a Service is rejected in the other', async () => {
    const spec = { clusterIPs: ['10.96.0.10', 'fd00:10:96::10'], ipFamilies: ['IPv4', 'IPv6'] };
    const slice6 = (host: string) => ({
      ...service6('cart', [host])[1],
      metadata: { namespace: 'shop', name: 'cart-6', labels: { 'kubernetes.io/service-name': 'cart' } },
    });
    const both = { ...workerOptions, families: ['ip', 'ip6'] } as const;
    const { proxy, nft } = await startProxy(both);
    let arrived: Promise<unknown> | undefined;
    nft.answers.push(({ command, input }) => {
      if (command === 'nft --check -f -') {
        arrived ??= proxy.update({ apply: [slice6('2.6')] });
      }
      return input?.includes('10.244.2.5') ? says.refused : undefined;
    });
    const apply = [node(), ...service('cart', ['2.5'], { spec }), slice6('2.5')];
    expect(resultsOf(await proxy.update({ apply, complete: true }))).toEqual(['ip rebuilt refused', 'ip6 created']);
    expect(await arrived).toMatchObject({ families: [{ rejectedServices: ['shop/cart'] }, { result: 'changed' }] });
    expect(nft.texts().join('')).toContain('fd00:10:244:2::6');
  });

  test.each<[string, Changes]>([
    ['loses its address', { apply: [node({ address: 'nowhere' })] }],
    ['loses its status', { apply: [{ ...node(), status: {} }] }],
    ['is removed', { remove: [{ kind: 'Node', name: 'worker-1' }] }],
  ])('are carried out for the last version of a Node that %s', async (_, change) => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    const outcomes = await Promise.all([proxy.update(cart(['2.5', '2.6'])), proxy.update(change)]);
    expect(outcomes.map(resultsOf)).toEqual([['ip changed'], ['ip changed']]);
    expect(nft.texts().at(-1)).toContain('10.244.2.6');
    expect(nft.texts().at(-1)).not.toContain('nodeport-ips');
    expect(resultsOf(await proxy.update({ apply: [node()] }))).toEqual(['ip unchanged']);
  });

  test('do not disturb a transaction that runs when the Node has no valid address any more', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    let unknown: Promise<unknown> | undefined;
    nft.answers.push(({ input }) => {
      unknown ??= proxy.update({ apply: [node({ address: 'nowhere' })] });
      return input?.includes('delete table') ? undefined : says.fileExists;
    });
    expect(resultsOf(await proxy.update(cart(['2.5', '2.6'])))).toEqual(['ip rebuilt file-exists']);
    expect(await unknown).toMatchObject({ ok: true, families: [{ result: 'unchanged' }] });
    expect(nft.texts().at(-1)).toContain('10.244.2.6');
  });
});

test('when one table is not as it was left, the other is read as well', async () => {
  const { proxy, nft } = await runProxy([node(), ...objects], { families: ['ip', 'ip6'] });
  nft.answers.push(times(1, answering('nft -f -', says.noSuchFile)));
  const outcome = await proxy.update(cart(['2.5', '2.6']));
  expect(resultsOf(outcome)).toEqual(['ip rebuilt no-such-file', 'ip6 created']);
  expect(nft.commandsSince()).toEqual(['nft -f -', listTable.ip, 'nft -f -', listTable.ip6, 'nft -f -']);
});

describe('an exception', () => {
  const fail = () => {
    throw new Error('broken');
  };

  test('of a program that cannot even be called rejects the update, and the next one reads the tables', async () => {
    const both = { families: ['ip', 'ip6'] } as const;
    const { proxy, nft } = await runProxy([node(), ...objects, ...service6('six', ['2.5'])], both);
    nft.answers.push(fail);
    const apply = [service('cart', ['2.6'])[1], service6('six', ['2.6'])[1]];
    await expect(proxy.update({ apply })).rejects.toThrow('broken');
    nft.answers.length = 0;
    nft.commandsSince();
    expect(resultsOf(await proxy.update({}))).toEqual(['ip created', 'ip6 created']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listTable.ip6, 'nft -f -']);
    expect(nft.texts().slice(-2).join('')).toContain('fd00:10:244:2::6');
  });

  test('of an object rejects its own update only', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    const trap = {
      get kind(): string {
        return fail();
      },
    };
    const calls = [proxy.update(cart(['2.6'])), proxy.update({ apply: [trap] }), proxy.update({})];
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(nft.commandsSince()).toEqual(['nft -f -']);
  });

  test('of a lock leaves the changes for the next update', async () => {
    const { run } = (await startProxy(workerOptions)).nft;
    let isBroken = true;
    const { createServiceProxy } = await import('../../src/apply/create-service-proxy.ts');
    const proxy = await createServiceProxy({
      ...workerOptions,
      targetNft: '1.0.6',
      run,
      lock: (request, work) => (isBroken ? fail() : work(request.run)),
    });
    await expect(proxy.update({ apply: [node(), ...objects], complete: true })).rejects.toThrow('broken');
    await proxy.idle();
    isBroken = false;
    expect(resultsOf(await proxy.update({}))).toEqual(['ip created']);
    expect(proxy.views()[0]?.servicePorts).toHaveLength(1);
  });
});

test('objects may be changed once they are handed over', async () => {
  const cluster = () => [
    node(),
    ...service('cart', ['1.5', '2.5'], { port: { nodePort: 30080 }, spec: { externalIPs: ['198.19.0.5'] } }),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'all' },
      spec: { cidrs: ['10.96.0.0/16'] },
    },
  ];
  const given = cluster();
  const { proxy } = await startProxy(workerOptions);
  const updates = [proxy.update({ apply: given, complete: true })];
  for (const object of given) {
    spoil(object);
  }
  // Everything is planned again, from what was kept.
  updates.push(proxy.update({ apply: [node({ zone: 'zone-b' })] }), proxy.update({ apply: [node()] }));
  await Promise.all(updates);
  const { rulesets = [] } = compile(documentsOf(cluster()), workerOptions);
  expect(proxy.rulesets().map(comparableRuleset)).toEqual(rulesets.map(comparableRuleset));
});

/** Overwrites every text and number in an object, and empties its lists. */
function spoil(value: unknown): void {
  if (Array.isArray(value)) {
    value.forEach(spoil);
    value.length = 0;
  } else if (value instanceof Object) {
    for (const [key, field] of Object.entries(value)) {
      spoil(field);
      Object.assign(value, { [key]: 'spoiled' });
    }
  }
}

describe('the end', () => {
  test('comes when everything is carried out; the tables stay, and later updates are rejected', async () => {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    const results: string[] = [];
    const updates = [cart(['2.6']), cart(['2.7'])].map(async (change) => {
      results.push(...resultsOf(await proxy.update(change)));
    });
    await proxy.close();
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    await Promise.all(updates);
    expect(results).toEqual(['ip changed', 'ip changed']);
    await expect(proxy.update({})).rejects.toThrow('the service proxy is closed');
    expect(nft.commandsSince()).toEqual([]);
  });

  test('is idle at once without updates', async () => {
    const { proxy } = await startProxy(workerOptions);
    await proxy.idle();
    await proxy.close();
  });
});

describe('a recheck', () => {
  const list = listTable.ip;

  /** How tables are listed while a change comes with each of the first listings of the ip table. */
  async function listingsWith(changes: number): Promise<readonly string[]> {
    const { proxy, nft } = await runProxy([node(), ...objects]);
    let left = changes;
    const updates: Promise<unknown>[] = [];
    nft.answers.push(({ command }) => {
      if (command === listTable.ip && left > 0) {
        left -= 1;
        updates.push(proxy.update(cart([`2.${10 + left}`])));
      }
      return undefined;
    });
    const outcome = await proxy.recheck();
    await Promise.all(updates);
    expect(updates).toHaveLength(changes);
    // The table of this nft is gone each time.
    expect(resultsOf(outcome)).toEqual(['ip created']);
    return nft.commandsSince().filter((command) => command.startsWith('nft -nj list'));
  }

  test('reads the tables before changes have to wait', async () => {
    expect(await listingsWith(0)).toEqual([list]);
  });

  test('reads them again when a change came meanwhile', async () => {
    expect(await listingsWith(1)).toEqual([list, list]);
    expect(await listingsWith(2)).toEqual([list, list, list]);
  });

  test('lets changes wait when they come all the time', async () => {
    expect(await listingsWith(3)).toEqual([list, list, list, list]);
  });
});
