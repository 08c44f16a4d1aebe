import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, createFakeNft, refusing, says, times } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { type ListedObject, listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/* The ranges of cluster IPs come from ServiceCIDRs, which an input may lack because nobody asked for them. */

const objects = JSON.parse(shop()).items as object[];

function withRanges(...cidrs: readonly string[]): string {
  const range = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs },
  };
  return JSON.stringify({ kind: 'List', items: cidrs.length > 0 ? [...objects, range] : objects });
}

/** An nft whose table has 10.96.0.0/16. */
function heldRange(): Answer {
  const elem = [{ prefix: { addr: '10.96.0.0', len: 16 } }];
  return listedShop((listed) =>
    listed.map(
      (one): ListedObject => (one.body['name'] === 'service-cidrs' ? { ...one, body: { ...one.body, elem } } : one),
    ),
  );
}

describe('an input without ServiceCIDRs', () => {
  test('leaves those of the table', async () => {
    const { exitCode, stdout, texts } = await apply({ flags: ['--family', 'ip'] }, heldRange());
    expect({ exitCode, texts }).toEqual({ exitCode: 0, texts: [] });
    expect(stdout).toBe('table ip svc2nft: up to date\n');
  });

  test('leaves them when the table is rebuilt', async () => {
    const { texts } = await apply(
      { flags: ['--family', 'ip'], input: shop({ cart: ['10.244.1.99'] }) },
      times(1, refusing('10.244.1.99', says.noSuchFile)),
      heldRange(),
    );
    expect(texts).toHaveLength(2);
    expect(texts.at(-1)).toMatch(/^delete table ip svc2nft\n.*service-cidrs \{ 10\.96\.0\.0\/16 \}/ms);
  });

  test.each([
    [['10.96.0.0/16'], []],
    [['10.96.0.0/12'], ['service-cidrs { 10.96.0.0/12 }']],
    [['10.112.0.0/16'], ['service-cidrs { 10.112.0.0/16 }']],
  ])('but with %j they change', async (cidrs, said) => {
    const { texts } = await apply({ flags: ['--family', 'ip'], input: withRanges(...cidrs) }, heldRange());
    expect(texts).toHaveLength(said.length);
    expect(texts.join()).toContain(said.join());
  });

  test('has none where there is no table', async () => {
    const { texts } = await apply({ flags: ['--family', 'ip'] });
    expect(texts).toHaveLength(1);
    expect(texts.join()).not.toContain('add element ip svc2nft service-cidrs');
  });
});

describe('diff', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    writeFileSync(join(folder, 'none'), withRanges());
    writeFileSync(join(folder, 'one'), withRanges('10.96.0.0/16'));
    writeFileSync(join(folder, 'two'), withRanges('10.96.0.0/16', '10.112.0.0/16'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['none', 'one', ''],
    ['two', 'none', ''],
    ['none', 'none', ''],
    ['one', 'two', '  settings  service CIDRs: 10.96.0.0/16 -> 10.112.0.0/16, 10.96.0.0/16\n'],
  ])('from %s to %s', async (from, to, said) => {
    for (const output of ['text', 'nft']) {
      const args = ['diff', join(folder, from), join(folder, to), '--cluster-cidr', '10.244.0.0/16', '-o', output];
      const { exitCode, stdout } = await runCommand(args, { run: createFakeNft().run });
      expect(exitCode).toBe(said === '' ? 0 : 1);
      expect(stdout).toContain(output === 'text' ? said : '');
      expect(stdout === '').toBe(said === '');
    }
  });

  test('from the kernel', async () => {
    const { exitCode, stdout } = await runCommand(
      ['diff', join(folder, 'none'), '--cluster-cidr', '10.244.0.0/16', '--family', 'ip'],
      { run: createFakeNft(heldRange()).run },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  });
});
