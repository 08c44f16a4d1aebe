import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinLines } from '../../src/lib/text.ts';
import { type Answer, createFakeNft, refusing, says, times } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { apply } from './apply-shop.ts';
import { change, type ListedObject, listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/* The ranges of cluster IPs come from ServiceCIDRs, which an input may lack because nobody asked for them. */

const objects = JSON.parse(shop()).items as object[];

function withRanges(...cidrs: readonly string[]): string {
  // One each, as an object has at most one range of a family.
  const ranges = cidrs.map((cidr, index) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: `range-${index}` },
    spec: { cidrs: [cidr] },
  }));
  return JSON.stringify({ kind: 'List', items: [...objects, ...ranges] });
}

/** An nft whose table has 10.96.0.0/16. */
function heldRange(): Answer {
  const elem = [{ prefix: { addr: '10.96.0.0', len: 16 } }];
  return listedShop(change('service-cidrs', (body) => ({ ...body, elem })));
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
    // This input says that IPv4 has none.
    [['fd00:10:96::/108'], ['flush set ip svc2nft service-cidrs\n']],
  ])('but with %j they change', async (cidrs, said) => {
    const { texts } = await apply({ flags: ['--family', 'ip'], input: withRanges(...cidrs) }, heldRange());
    expect(texts).toHaveLength(said.length);
    expect(texts.join()).toContain(said.join());
  });

  test.each<[string, ListedObject['body']]>([
    ['ports', { type: 'inet_service', flags: ['interval'], elem: [80, { range: [90, 99] }] }],
    ['protocols', { type: 'inet_proto', flags: [], elem: ['tcp'] }],
    ['pairs', { type: ['ipv4_addr', 'inet_service'], flags: [], elem: [{ concat: ['10.96.0.1', 80] }] }],
    ['single addresses', { type: 'ipv4_addr', flags: [], elem: ['10.96.0.1', '10.96.0.2'] }],
    ['addresses that expire', { flags: ['interval', 'timeout'], elem: [{ prefix: { addr: '10.96.0.0', len: 16 } }] }],
  ])('empties a set of that name that has %s', async (_, { flags, ...body }) => {
    const foreign = listedShop(
      change('service-cidrs', ({ flags: __, ...before }) => ({
        ...before,
        ...body,
        ...(flags !== undefined && { flags }),
      })),
    );
    const { exitCode, texts } = await apply({ flags: ['--family', 'ip'] }, foreign);
    expect(exitCode).toBe(0);
    expect(texts).toHaveLength(1);
    expect(texts.join()).toContain(
      'delete set ip svc2nft service-cidrs\nadd set ip svc2nft service-cidrs { type ipv4_addr; flags interval; comment',
    );
    expect(texts.join()).not.toContain('add element ip svc2nft service-cidrs');

    const rebuilt = await apply(
      { flags: ['--family', 'ip'] },
      times(1, refusing('service-cidrs', says.noSuchFile)),
      foreign,
    );
    expect(rebuilt.texts.at(-1)).toContain('delete table ip svc2nft\n');
    expect(rebuilt.texts.at(-1)).not.toContain('add element ip svc2nft service-cidrs');
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
    writeFileSync(join(folder, 'six'), withRanges('fd00:10:96::/108'));
    writeFileSync(join(folder, 'two'), withRanges('10.96.0.0/16', '10.112.0.0/16'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.each<[from: string, to: string, said: string, commands: string[]]>([
    ['none', 'one', '', []],
    ['two', 'none', '', []],
    ['none', 'none', '', []],
    ['none', 'six', '', []],
    [
      'one',
      'six',
      `table ip svc2nft: changed (1 command)
  settings  service CIDRs: 10.96.0.0/16 -> none
table ip6 svc2nft: changed (1 element added)
  settings  service CIDRs: none -> fd00:10:96::/108
`,
      ['flush set ip svc2nft service-cidrs', 'add element ip6 svc2nft service-cidrs { fd00:10:96::/108 }'],
    ],
    [
      'six',
      'one',
      `table ip svc2nft: changed (1 element added)
  settings  service CIDRs: none -> 10.96.0.0/16
table ip6 svc2nft: changed (1 command)
  settings  service CIDRs: fd00:10:96::/108 -> none
`,
      ['add element ip svc2nft service-cidrs { 10.96.0.0/16 }', 'flush set ip6 svc2nft service-cidrs'],
    ],
    [
      'one',
      'two',
      `table ip svc2nft: changed (1 element added)
  settings  service CIDRs: 10.96.0.0/16 -> 10.112.0.0/16, 10.96.0.0/16
`,
      ['add element ip svc2nft service-cidrs { 10.112.0.0/16 }'],
    ],
  ])('from %s to %s', async (from, to, said, commands) => {
    const diff = async (output: 'text' | 'nft'): Promise<CommandResult> => {
      const args = ['diff', join(folder, from), join(folder, to), '--cluster-cidr', '10.244.0.0/16', '-o', output];
      return runCommand(args, { run: createFakeNft().run });
    };
    const exitCode = said === '' ? 0 : 1;
    expect(await diff('text')).toEqual({ exitCode, stdout: said, stderr: '' });
    expect(await diff('nft')).toEqual({ exitCode, stdout: joinLines(commands), stderr: '' });
  });

  test('from the kernel', async () => {
    const { exitCode, stdout } = await runCommand(
      ['diff', join(folder, 'none'), '--cluster-cidr', '10.244.0.0/16', '--family', 'ip'],
      { run: createFakeNft(heldRange()).run },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  });
});
