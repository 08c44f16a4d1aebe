import { beforeEach, describe, expect, test } from 'vitest';
import { type Answer, says } from '../support/fake-nft.ts';
import { service, slice, workerNode } from './kernel/manifests.ts';
import { type FakeProxy, startProxy } from './start-proxy.ts';

const web = service('web', { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }] });
const options = { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] };

let isBroken: boolean;
let started: FakeProxy;

beforeEach(async () => {
  isBroken = false;
  const failing: Answer = ({ command }) => (isBroken && command === 'nft -f -' ? says.notPermitted : undefined);
  started = await startProxy(options, failing);
});

/** The families that were repaired. */
async function repaired(work: Promise<{ readonly families: readonly { family: string; isRepaired?: true }[] }>) {
  return (await work).families.flatMap(({ family, isRepaired }) => (isRepaired ? [family] : []));
}

describe('a table', () => {
  test('that is created or changed is not repaired', async () => {
    const { proxy } = started;
    expect(await repaired(proxy.update({ apply: [workerNode, web], complete: true }))).toEqual([]);
    expect(await repaired(proxy.update({ apply: [slice('web', ['10.244.1.1'])] }))).toEqual([]);
    expect(await repaired(proxy.update({}))).toEqual([]);
  });

  test('that another program has deleted is repaired', async () => {
    const { proxy } = started;
    await proxy.update({ apply: [workerNode, web], complete: true });
    // The fake kernel never has a table.
    expect(await repaired(proxy.resync(['ip6']))).toEqual(['ip6']);
    expect(await repaired(proxy.resync())).toEqual(['ip', 'ip6']);
  });

  test('that is changed in the same round is not known to be repaired', async () => {
    const { proxy } = started;
    await proxy.update({ apply: [workerNode, web], complete: true });
    const update = proxy.update({ apply: [slice('web', ['10.244.1.1'])] });
    expect(await repaired(proxy.resync())).toEqual(['ip6']);
    await update;
  });

  test('whose change failed before is not repaired by the attempt that succeeds', async () => {
    const { proxy } = started;
    await proxy.update({ apply: [workerNode, web], complete: true });
    isBroken = true;
    expect((await proxy.update({ apply: [slice('web', ['10.244.1.1'])] })).ok).toBe(false);
    isBroken = false;
    expect(await repaired(proxy.resync(['ip']))).toEqual([]);
    expect(await repaired(proxy.resync(['ip']))).toEqual(['ip']);
  });
});

test('the times of changes are told with the sync that brings them into the kernel', async () => {
  const { proxy } = started;
  const at = (second: number) => {
    const object = slice('web', [`10.244.1.${second}`]) as { readonly metadata: object };
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': `2030-01-01T00:00:0${second}Z` };
    return { ...object, metadata: { ...object.metadata, annotations } };
  };
  const timesOf = async (...apply: readonly object[]): Promise<number[]> =>
    (await proxy.update({ apply })).triggers.map(({ time }) => new Date(time).getUTCSeconds());
  await proxy.update({ apply: [workerNode, web, at(1)], complete: true });
  expect(await timesOf(at(2))).toEqual([2]);
  isBroken = true;
  expect(await timesOf(at(3))).toEqual([]);
  expect(await timesOf(at(4))).toEqual([]);
  isBroken = false;
  expect(await timesOf(at(5))).toEqual([3, 4, 5]);
  expect(await timesOf()).toEqual([]);
});
