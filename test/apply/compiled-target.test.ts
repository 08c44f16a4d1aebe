import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rehearse } from '../../src/apply/rehearse.ts';
import { compiledTarget, noUpdate, type Target } from '../../src/apply/target.ts';
import { compileRulesets } from '../../src/compile.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { node, workerOptions } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { answering, createFakeNft, listTable, printed, refusing, says } from '../support/fake-nft.ts';
import { loadFixture } from '../support/fixture.ts';
import { resultsOf, startApplier } from './start-applier.ts';

function targetOf(objects: readonly unknown[], options: Partial<CompileOptions> = workerOptions): Target {
  return compiledTarget(compileRulesets(documentsOf(objects), options), withDefaults(options));
}

/** A fixture, and what nft printed after it had loaded it. */
function loadedFixture() {
  const name = 'client-affinity-over-udp-and-sctp';
  const { options: chosen, snapshotFile } = loadFixture(name);
  const options = { ...chosen, families: ['ip'], targetNft: '1.1.3' } as const;
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const stdout = readFileSync(new URL(`../nft/json/${name}.ip.json`, import.meta.url), 'utf8');
  const target = compiledTarget(compileRulesets(documents, options), withDefaults(options));
  return { target, list: answering(listTable.ip, { stdout }) };
}

const cart = service('cart', ['2.5']);
const basket = service('basket', ['2.6'], { spec: { clusterIP: '10.96.0.11' } });

describe('a compiled snapshot', () => {
  test('is applied as the difference to what is there', async () => {
    const { applier, nft } = startApplier(targetOf([node(), ...cart]));
    expect(resultsOf(await applier.apply(noUpdate))).toEqual(['ip changed']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -']);
    expect(nft.texts().join('')).toContain('tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }');
  });

  test('is not sent when it is there', async () => {
    const { target, list } = loadedFixture();
    const { applier, nft } = startApplier(target, list);
    const outcome = await applier.apply(noUpdate);
    expect(resultsOf(outcome)).toEqual(['ip unchanged']);
    expect(outcome.families[0]).toMatchObject({ commands: [], found: [] });
    expect(nft.texts()).toEqual([]);
  });

  test('that was refused is nothing to apply', async () => {
    const { applier, nft } = startApplier(targetOf([{ ...cart[0], spec: { clusterIP: 'x' } }]));
    expect(await applier.apply(noUpdate)).toEqual({ ok: true, families: [], conntrack: undefined });
    expect(nft.calls).toEqual([]);
  });

  test('loses the Services that nft refuses, in this family alone', async () => {
    const target = targetOf([node(), ...cart, ...basket], { ...workerOptions, families: ['ip', 'ip6'] });
    const { applier, nft } = startApplier(target, refusing('shop/basket'));
    const outcome = await applier.apply(noUpdate);
    expect(outcome.ok).toBe(false);
    expect(outcome.families.map(({ leftOut }) => leftOut)).toEqual([['shop/basket'], []]);
    expect([target.excluded('ip'), target.excluded('ip6')]).toEqual([['shop/basket'], []]);
    const ips = target.rulesets()[0]?.sets.find(({ name }) => name === 'cluster-ips')?.elements;
    expect(ips).toEqual([{ key: '10.96.0.10', comment: 'shop/cart' }]);
    const loaded = nft
      .texts()
      .filter((text) => text.includes('ip svc2nft'))
      .at(-1);
    expect(loaded).toContain('shop/cart');
    expect(loaded).not.toContain('shop/basket');
  });
});

describe('a rehearsal', () => {
  test('asks the kernel, and changes nothing', async () => {
    const nft = createFakeNft();
    const target = targetOf([node(), ...cart]);
    const outcome = await rehearse(target, nft.run);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft --check -f -']);
    expect(outcome).toMatchObject({ ok: true, conntrack: undefined });
    expect(resultsOf(outcome)).toEqual(['ip changed']);
    expect(outcome.families[0]?.commands[0]).toEqual({ kind: 'delete-table' });
  });

  test('asks nothing when there is nothing to change', async () => {
    const { target, list } = loadedFixture();
    const nft = createFakeNft(list);
    expect(resultsOf(await rehearse(target, nft.run))).toEqual(['ip unchanged']);
    expect(nft.commandsSince()).toEqual([listTable.ip]);
  });

  test('tells what is wrong with the table', async () => {
    const nft = createFakeNft(answering(listTable.ip, printed('ip', [{ flowtable: { name: 'f' } }])));
    const outcome = await rehearse(targetOf([node()]), nft.run);
    expect(resultsOf(outcome)).toEqual(['ip rebuilt']);
    expect(outcome.families[0]?.found).toContain('unknown flowtable f');
  });

  test.each([
    ['refused', refusing('shop/cart'), [listTable.ip, 'nft --check -f -']],
    ['no-permission', answering(listTable.ip, says.notPermitted), [listTable.ip]],
  ] as const)('may fail: %s', async (kind, answer, commands) => {
    const nft = createFakeNft(answer);
    const outcome = await rehearse(targetOf([node(), ...cart]), nft.run);
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual([`ip failed ${kind}`]);
    expect(nft.commandsSince()).toEqual(commands);
  });

  test('of a table that cannot be read is that of making it anew', async () => {
    const nft = createFakeNft(answering(listTable.ip, { stdout: 'no JSON' }));
    expect(resultsOf(await rehearse(targetOf([node()]), nft.run))).toEqual(['ip rebuilt']);
  });
});
