import { describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../src/apply/create-service-proxy.ts';
import { createNftError, type NftError } from '../../src/kernel/nft-error.ts';
import { node, workerOptions } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { type Answer, answering, createFakeNft, listTable, refusing } from '../support/fake-nft.ts';
import { resultsOf } from './start-proxy.ts';

const objects = [
  node(),
  ...service('cart', ['2.5']),
  ...service('mail', ['2.6'], { spec: { clusterIP: '10.96.0.11' } }),
];

/** A proxy of worker-1 whose table for IPv4 is owned; `refusal` says why it cannot be. */
async function startOwner(answers: readonly Answer[], refusal?: () => NftError | undefined) {
  const nft = createFakeNft(...answers);
  const owned: string[] = [];
  const proxy = await createServiceProxy({
    ...{ ...workerOptions, targetNft: '1.0.6', run: nft.run, pause: () => Promise.resolve() },
    owner: {
      own: async ({ family, table }) => {
        owned.push(`${family} ${table}`);
        return refusal?.();
      },
    },
  });
  return { nft, owned, proxy };
}

function existing(flags: unknown): Partial<{ stdout: string }> {
  return { stdout: JSON.stringify({ nftables: [{ table: { family: 'ip', name: 'svc2nft', flags } }] }) };
}

describe('a table that is to be owned', () => {
  test('is created so, and kept', async () => {
    const { nft, owned, proxy } = await startOwner([]);
    expect(resultsOf(await proxy.update({ apply: objects, complete: true }))).toEqual(['ip created']);
    expect(nft.texts()[0]?.split('\n')[2]).toMatch(/^add table ip svc2nft \{ flags owner, persist; comment "/);
    expect(owned).toEqual(['ip svc2nft']);
    await proxy.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'mail' }] });
    expect(owned).toHaveLength(1);
  });

  test('is adopted before it is changed, if an owner has left it', async () => {
    const { nft, owned, proxy } = await startOwner([answering(listTable.ip, existing('persist'))]);
    expect(resultsOf(await proxy.update({ apply: objects, complete: true }))).toEqual(['ip changed']);
    expect(owned).toEqual(['ip svc2nft']);
    expect(nft.texts().join('')).not.toContain('table ip svc2nft {');
  });

  test('is rebuilt, if it was not made for it', async () => {
    const { nft, proxy } = await startOwner([answering(listTable.ip, existing(undefined))]);
    expect(resultsOf(await proxy.update({ apply: objects, complete: true }))).toEqual(['ip rebuilt']);
    expect(nft.texts()[0]?.split('\n').slice(0, 2)).toEqual(['add table ip svc2nft', 'delete table ip svc2nft']);
  });

  test('is left alone while another process owns it, which is named', async () => {
    const head = 'table ip svc2nft { # progname other\n\tflags owner,persist\n}\n';
    let isOwned = true;
    const { nft, proxy } = await startOwner(
      [
        answering(listTable.ip, existing(['owner', 'persist'])),
        answering('nft -t list table ip svc2nft', { stdout: head }),
      ],
      () => (isOwned ? createNftError('no-permission', ['no']) : undefined),
    );
    const outcome = await proxy.update({ apply: objects, complete: true });
    expect(resultsOf(outcome)).toEqual(['ip failed owned']);
    expect(outcome.families[0]?.error?.said).toEqual([
      'table ip svc2nft is owned by the process "other", which alone may change it',
    ]);
    expect(nft.texts()).toEqual([]);
    isOwned = false;
    expect(resultsOf(await proxy.update({}))).toEqual(['ip changed']);
  });

  test('has no Services that nft rejects, which are found in a table of another name', async () => {
    const { nft, proxy } = await startOwner([refusing('"shop/mail"')]);
    const outcome = await proxy.update({ apply: objects, complete: true });
    expect(outcome.families[0]).toMatchObject({ result: 'rebuilt', rejectedServices: ['shop/mail'] });
    const checked = nft.calls.filter(({ command }) => command === 'nft --check -f -');
    expect(checked.length).toBeGreaterThan(0);
    expect(checked.filter(({ input }) => !input?.startsWith('add table ip svc2nft-check\n'))).toEqual([]);
    expect(nft.texts().at(-1)).toContain('add table ip svc2nft { flags owner, persist; ');
  });
});
