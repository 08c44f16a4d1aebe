import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { applyTables } from '../../src/apply/apply-tables.ts';
import type { Outcome } from '../../src/apply/outcome.ts';
import { compileRulesets } from '../../src/compile.ts';
import { desiredSnapshot } from '../../src/engine/desired-snapshot.ts';
import type { DesiredState } from '../../src/engine/desired-state.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { resultsOf } from '../apply/start-proxy.ts';
import { service } from '../inspect/changes/shop.ts';
import { answering, createFakeNft, type FakeNft, listTable, printed, refusing, says } from '../support/fake-nft.ts';
import { loadFixture } from '../support/fixture.ts';
import { node, workerOptions } from './worker.ts';

function snapshotOf(objects: readonly unknown[], options: Partial<CompileOptions> = workerOptions): DesiredState {
  return desiredSnapshot(compileRulesets(documentsOf(objects), options), withDefaults(options));
}

/** A fixture, and what nft printed after it had loaded it. */
function loadedFixture() {
  const name = 'client-affinity-over-udp-and-sctp';
  const { options: chosen, snapshotFile } = loadFixture(name);
  const options = { ...chosen, families: ['ip'], targetNft: '1.1.3' } as const;
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const stdout = readFileSync(new URL(`../nft/json/${name}.ip.json`, import.meta.url), 'utf8');
  const desired = desiredSnapshot(compileRulesets(documents, options), withDefaults(options));
  return { desired, list: answering(listTable.ip, { stdout }) };
}

const cart = service('cart', ['2.5']);
const basket = service('basket', ['2.6'], { spec: { clusterIP: '10.96.0.11' } });

describe('a compiled snapshot', () => {
  test('is applied as the difference to what is there', async () => {
    const nft = createFakeNft();
    expect(resultsOf(await applyTables(snapshotOf([node(), ...cart]), nft))).toEqual(['ip created']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -']);
    expect(nft.texts().join('')).toContain('tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }');
  });

  test('is not sent when it is there', async () => {
    const { desired, list } = loadedFixture();
    const nft = createFakeNft(list);
    const outcome = await applyTables(desired, nft);
    expect(resultsOf(outcome)).toEqual(['ip unchanged']);
    expect(outcome.families[0]).toMatchObject({ commands: [], findings: [] });
    expect(nft.texts()).toEqual([]);
  });

  test('that was refused is nothing to apply', async () => {
    const nft = createFakeNft();
    const desired = snapshotOf([{ ...cart[0], spec: { clusterIP: 'x' } }]);
    expect(await applyTables(desired, nft)).toEqual({ ok: true, families: [], conntrack: undefined });
    expect(nft.calls).toEqual([]);
  });

  test('loses the Services that nft refuses, in this family alone', async () => {
    const desired = snapshotOf([node(), ...cart, ...basket], { ...workerOptions, families: ['ip', 'ip6'] });
    const nft = createFakeNft(refusing('shop/basket'));
    const outcome = await applyTables(desired, nft);
    expect(outcome.ok).toBe(false);
    expect(outcome.families.map(({ rejectedServices }) => rejectedServices)).toEqual([['shop/basket'], []]);
    expect([desired.rejected('ip'), desired.rejected('ip6')]).toEqual([['shop/basket'], []]);
    const ips = outcome.families[0]?.after?.sets.find(({ name }) => name === 'cluster-ips')?.elements;
    expect(ips).toEqual([{ key: '10.96.0.10', comment: 'shop/cart' }]);
    const loaded = nft
      .texts()
      .filter((text) => text.includes('ip svc2nft'))
      .at(-1);
    expect(loaded).toContain('shop/cart');
    expect(loaded).not.toContain('shop/basket');
  });
});

function dryRun(desired: DesiredState, { run }: FakeNft): Promise<Outcome> {
  return applyTables(desired, { run, dryRun: 'server' });
}

describe('a dry run', () => {
  test('asks the kernel, and changes nothing', async () => {
    const nft = createFakeNft();
    const outcome = await dryRun(snapshotOf([node(), ...cart]), nft);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft --check -f -']);
    expect(outcome).toMatchObject({ ok: true, conntrack: undefined });
    expect(resultsOf(outcome)).toEqual(['ip created']);
    expect(outcome.families[0]?.commands[0]).toEqual({ kind: 'delete-table' });
  });

  test('asks nothing without a difference', async () => {
    const { desired, list } = loadedFixture();
    const nft = createFakeNft(list);
    expect(resultsOf(await dryRun(desired, nft))).toEqual(['ip unchanged']);
    expect(nft.commandsSince()).toEqual([listTable.ip]);
  });

  test('tells what is wrong with the table', async () => {
    const nft = createFakeNft(answering(listTable.ip, printed('ip', [{ flowtable: { name: 'f' } }])));
    const outcome = await dryRun(snapshotOf([node()]), nft);
    expect(resultsOf(outcome)).toEqual(['ip rebuilt']);
    expect(outcome.families[0]?.findings.map(({ message }) => message)).toContain('unknown flowtable f');
  });

  test.each([
    ['refused', refusing('shop/cart'), [listTable.ip, 'nft --check -f -']],
    ['no-permission', answering(listTable.ip, says.notPermitted), [listTable.ip]],
  ] as const)('may fail: %s', async (kind, answer, commands) => {
    const nft = createFakeNft(answer);
    const outcome = await dryRun(snapshotOf([node(), ...cart]), nft);
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual([`ip failed ${kind}`]);
    expect(nft.commandsSince()).toEqual(commands);
  });

  test('of a table that cannot be read rebuilds it', async () => {
    const nft = createFakeNft(answering(listTable.ip, { stdout: 'no JSON' }));
    expect(resultsOf(await dryRun(snapshotOf([node()]), nft))).toEqual(['ip rebuilt refused']);
  });
});
