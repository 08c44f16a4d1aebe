import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classifyNftError, type NftErrorKind } from '../../src/kernel/nft-error.ts';
import { probeNft } from '../../src/kernel/probe-nft.ts';
import { createRunProgram, type RunProgram } from '../../src/kernel/run-program.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';

describe.skipIf(!kernelTestsRun)('the real nft', () => {
  let folder: string;
  let run: RunProgram;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-'));
    // An nft before the real one in PATH, which takes the real one into a network namespace with some rules.
    writeFileSync(
      join(folder, 'nft'),
      `#!/bin/sh
export PATH="\${PATH#*:}"
exec unshare --net sh -c 'nft "$SETUP" && exec $INSIDE nft "$@"' nft "$@"
`,
    );
    chmodSync(join(folder, 'nft'), 0o755);
    run = load();
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const setup = `
    add table ip t
    add chain ip t a
    add chain ip t b
    add rule ip t a jump b
    add chain ip t forward { type filter hook forward priority 0; }
    add set ip t s { type ipv4_addr . inet_service; size 70000; }
    add set ip t small { type ipv4_addr; size 1; }
    add map ip t m { type ipv4_addr : verdict; elements = { 1.2.3.4 : goto b }; }`;

  function load(env: { readonly INSIDE?: string } = {}): RunProgram {
    return createRunProgram({
      env: { ...process.env, PATH: `${folder}:${process.env['PATH']}`, SETUP: setup, ...env },
    });
  }

  function elements(count: number): string {
    return Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255} . 80`).join(', ');
  }

  test('accepts what is right', async () => {
    expect(await run('nft', ['-f', '-'], 'add rule ip t b accept')).toEqual({
      exitCode: 0,
      signal: undefined,
      stdout: '',
      stderr: '',
      missing: false,
      denied: false,
    });
  });

  test.each<[NftErrorKind, string]>([
    ['kernel-too-old', 'add rule ip t forward masquerade'],
    ['busy', 'delete chain ip t b'],
    ['file-exists', 'add element ip t m { 1.2.3.4 : goto a }'],
    ['no-such-file', 'delete element ip t s { 1.2.3.4 . 80 }'],
    ['no-such-file', 'add rule ip t a jump nowhere'],
    ['no-such-file', 'delete table ip other'],
    ['no-buffer-space', `delete element ip t s { ${elements(20_000)} }`],
    ['syntax', 'add rule ip t a frobnicate'],
    ['syntax', 'add element ip t s { fe80::1 . 80 }'],
    ['refused', 'add element ip t small { 1.1.1.1, 2.2.2.2 }'],
  ])('%s, case %#', async (kind, text) => {
    const result = await run('nft', ['-f', '-'], `${text}\n`);
    expect(classifyNftError(result).kind).toBe(kind);
  });

  test('tells the user what he lacks', async () => {
    const nobody = load({ INSIDE: 'setpriv --reuid=65534 --regid=65534 --clear-groups' });
    expect(classifyNftError(await nobody('nft', ['-f', '-'], 'add table ip u')).kind).toBe('no-permission');
    expect(classifyNftError(await nobody('nft', ['list', 'table', 'ip', 't'])).kind).toBe('no-permission');
  });

  test('may be too big for its memory', async () => {
    const poor = load({ INSIDE: 'prlimit --as=60000000' });
    const result = await poor('nft', ['-f', '-'], `add element ip t s { ${elements(65_000)} }\n`);
    expect(classifyNftError(result).kind).toBe('out-of-memory');
  });

  test('may be ended', async () => {
    const controller = new AbortController();
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, SETUP: setup };
    const running = createRunProgram({ env, signal: controller.signal })('nft', ['monitor']);
    controller.abort();
    expect(classifyNftError(await running)).toMatchObject({ kind: 'interrupted', retry: true });
  });

  test('of old versions crashes on flat affinity over IPv6', async ({ skip }) => {
    const probe = await probeNft(createRunProgram());
    skip(!('version' in probe) || probe.version !== '1.0.6', 'needs nft 1.0.6');
    const result = await run(
      'nft',
      ['-f', '-'],
      `table ip6 u {
        map pins { type ipv6_addr . inet_service : ipv6_addr . inet_service; flags dynamic,timeout; }
        chain c {
          meta l4proto tcp update @pins { ip6 saddr . tcp dport timeout 3h : ip6 daddr . tcp dport }
        }
      }\n`,
    );
    expect(classifyNftError(result)).toMatchObject({ kind: 'crashed', retry: false });
  });
});
