import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import { diff } from './diff-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

describe('diff --from another snapshot', () => {
  let folder = '';
  let file = '';
  let newer = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    mkdirSync(join(folder, 'older'));
    file = join(folder, 'older', 'shop.json');
    newer = join(folder, 'newer.json');
    writeFileSync(file, shop());
    writeFileSync(newer, four);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const difference = [
    'table ip svc2nft: changed (5 elements added, 2 elements deleted, 3 chains written)',
    '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
    '',
  ];

  test('a file or a folder; no program is asked', async () => {
    for (const from of [file, join(folder, 'older')]) {
      const { stdout, ...rest } = await diff({ flags: ['--from', from], input: four });
      expect(stdout.split('\n')).toEqual(difference);
      expect(rest).toEqual({ exitCode: 1, stderr: '', commands: [] });
    }
    expect(await diff({ flags: ['--from', file] })).toEqual({ exitCode: 0, stdout: '', stderr: '', commands: [] });
  });

  test('stdin', async () => {
    const { run } = createFakeNft();
    const args = ['diff', newer, '--from', '-', '--cluster-cidr', '10.244.0.0/16'];
    const { stdout, exitCode } = await runCommand(args, { run, input: shop() });
    expect(stdout.split('\n')).toEqual(difference);
    expect(exitCode).toBe(1);
  });

  test.each([[['--from', '-']], [['-', '--from', '-']]])('%j wants stdin twice', async (args) => {
    const { run } = createFakeNft();
    expect(await runCommand(['diff', ...args], { run, input: shop() })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'error: stdin can be read only once: give PATH or --from a file or folder (see --help)\n',
    });
  });

  test('what settings lead to is reported once', async () => {
    const { run } = createFakeNft();
    const { stderr } = await runCommand(['diff', newer, '--from', file], { run });
    expect(stderr).toBe(
      'warning no-local-detector: IPv4: detectLocalMode ClusterCIDR has no CIDR to recognize pods by, so connections to cluster IPs keep their source; set the CIDR of the pods (--cluster-cidr, clusterCIDRs)\n',
    );
  });

  test('that is refused', async () => {
    const { stdout, stderr, exitCode } = await diff({ flags: ['--from', 'no-such-file'] });
    expect(stderr).toBe('no-such-file: error file-not-found: no such file or folder\n');
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });
});
