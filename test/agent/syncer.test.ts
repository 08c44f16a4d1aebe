import { beforeEach, expect, test } from 'vitest';
import { createSyncer, type Syncer } from '../../src/agent/create-syncer.ts';
import type { ServiceProxy } from '../../src/apply/create-service-proxy.ts';
import type { UpdateOutcome } from '../../src/apply/outcome.ts';
import { service, workerNode } from '../apply/kernel/manifests.ts';
import { startProxy } from '../apply/start-proxy.ts';
import { workerOptions } from '../engine/worker.ts';
import { refusing } from '../support/fake-nft.ts';

let lines: string[];
let seen: string[];
let waits: { readonly milliseconds: number; readonly end: () => void }[];

beforeEach(() => {
  lines = [];
  seen = [];
  waits = [];
});

/** A syncer for a proxy that does this for each call. Nothing waits for longer than it is told to. */
function start(act: () => Promise<UpdateOutcome>): Syncer {
  const proxy = { isReady: () => true, update: act, resync: act } as unknown as ServiceProxy;
  return createSyncer(proxy, 3_000, {
    log: (level, message) => lines.push(`${level} ${message}`),
    signal: new AbortController().signal,
    wait: (milliseconds) => new Promise((resolve) => waits.push({ milliseconds, end: resolve })),
    random: () => 0.5,
    now: () => waits.length * 10_000,
    observe: ({ kind }) => seen.push(kind),
  });
}

test('an exception counts as an attempt, is logged as a bug, and is tried again', async () => {
  const syncer = start(() => Promise.reject(new Error('odd')));
  syncer.update({ complete: true });
  await syncer.firstAttempt;
  expect(lines).toEqual(['error bug in svc2nft']);
  expect(waits).toMatchObject([{ milliseconds: 3_000 }]);
  expect(seen).toEqual(['sync-queued', 'sync-done']);
  expect(syncer.isInSync()).toBe(false);
});

test('a failed sync is tried again later and later, up to the period between attempts', async () => {
  const syncer = start(async () => {
    const families = [{ family: 'ip', result: 'failed', commands: [], rejectedServices: [] }];
    return { families, diagnostics: [], ok: false } as unknown as UpdateOutcome;
  });
  syncer.update({ complete: true });
  await syncer.firstAttempt;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    waits.at(-1)?.end();
    await new Promise(setImmediate);
  }
  expect(waits.map(({ milliseconds }) => milliseconds)).toEqual([500, 1_000, 2_000, 3_000, 3_000, 3_000]);
  expect(lines).toEqual(Array.from({ length: 6 }, () => 'error sync failed'));
});

test('a sync that is not to be logged is, where it failed, or where a change was carried out with it', async () => {
  const synced = { families: [{ family: 'ip', result: 'changed', commands: [], rejectedServices: [] }] };
  let outcome = { ...synced, diagnostics: [], ok: true } as unknown as UpdateOutcome;
  const syncer = start(async () => outcome);
  await syncer.resync(['ip'], true);
  expect(lines).toEqual([]);
  const repair = syncer.resync(['ip'], true);
  syncer.update({});
  await repair;
  await new Promise(setImmediate);
  expect(lines).toEqual(['info synced']);
  outcome = {
    families: [{ family: 'ip', result: 'failed', commands: [], rejectedServices: [] }],
    diagnostics: [],
    ok: false,
  } as unknown as UpdateOutcome;
  await syncer.resync(['ip'], true);
  expect(lines).toEqual(['info synced', 'error sync failed']);
});

test('Services that are left out are told, those that nft rejects with each sync', async () => {
  const told: unknown[] = [];
  const { proxy } = await startProxy(workerOptions, refusing('shop/mail'));
  const syncer = createSyncer(proxy, 3_000, {
    log: () => undefined,
    signal: new AbortController().signal,
    wait: () => new Promise(() => undefined),
    random: () => 0.5,
    now: () => 0,
    observe: (observation) => {
      if (observation.kind === 'left-out') {
        const { namespace, name, reason } = observation;
        told.push([namespace, name, ...Object.values(reason)]);
      }
    },
  });
  const update = async (...apply: readonly unknown[]): Promise<void> => {
    syncer.update({ apply, complete: true });
    await proxy.idle();
    await new Promise(setImmediate);
  };
  const web = { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }] };
  const cart = service('cart', { ...web, clusterIP: '10.96.0.2', ports: [{ name: 'http', port: 70_000 }] });
  await update(workerNode, service('web', web), cart, service('mail', { ...web, clusterIP: '10.96.0.3' }));
  expect(told).toEqual([
    ['shop', 'cart', 'spec.ports[0].port is 70000; a port is a number from 1 to 65535'],
    ['shop', 'mail', 'ip'],
  ]);
  await update(service('web', { ...web, ports: [{ name: 'http', port: 81 }] }));
  expect(told.slice(2)).toEqual([['shop', 'mail', 'ip']]);
});
