import { expect, test } from 'vitest';
import type { ConntrackOutcome } from '../../src/apply/clean-conntrack.ts';
import { createServiceProxy, type ServiceProxy } from '../../src/apply/create-service-proxy.ts';
import { node, workerOptions } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { createFakeNft } from '../support/fake-nft.ts';

const dns = (host: number) => service('dns', [`2.${host}`], { port: { protocol: 'UDP', port: 53 } });

/** A service proxy whose conntrack lists flows only when it is told to; what became of cleanups so far. */
async function startProxy() {
  const nft = createFakeNft();
  const cleanups: (ConntrackOutcome | undefined)[] = [];
  const listings: (() => void)[] = [];
  const proxy: ServiceProxy = await createServiceProxy({
    ...workerOptions,
    targetNft: '1.0.6',
    run: async (program, args, input, options) => {
      const result = await nft.run(program, args, input, options);
      if (program === 'conntrack') {
        await new Promise<void>((resolve) => listings.push(resolve));
      }
      return result;
    },
    onCleanup: (conntrack) => cleanups.push(conntrack),
  });
  await proxy.update({ apply: [node(), ...dns(1)], complete: true });
  return { proxy, cleanups, listings };
}

test('changes do not wait for the cleanup after them, and cleanups that wait are one', async () => {
  const { proxy, cleanups, listings } = await startProxy();
  for (let host = 2; host < 50; host += 1) {
    expect(await proxy.update({ apply: [dns(host)[1]] })).toMatchObject({ ok: true, conntrack: undefined });
  }
  expect(listings).toHaveLength(1);
  listings[0]?.();
  while (listings.length < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  listings[1]?.();
  await proxy.close();
  expect(listings).toHaveLength(2);
  const families = [{ family: 'ip', deleted: 0, duration: expect.any(Number) }];
  expect(cleanups).toEqual([
    { deleted: 0, families },
    { deleted: 0, families },
  ]);
});
