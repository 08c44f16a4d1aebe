import { release } from 'node:os';
import { expect, test } from 'vitest';
import { probeNft } from '../../src/kernel/probe-nft.ts';
import type { ProgramResult, RunProgram } from '../../src/kernel/run-program.ts';

const done: ProgramResult = {
  exitCode: 0,
  signal: undefined,
  stdout: '',
  stderr: '',
  missing: false,
  denied: false,
};

/** A machine whose nft and kernel say this of themselves. */
function machine(nft: Partial<ProgramResult>, uname: Partial<ProgramResult> = { stdout: '6.1.0-18-amd64\n' }) {
  const asked: string[] = [];
  const run: RunProgram = async (program, args, input) => {
    asked.push([program, ...args, ...(input === undefined ? [] : ['<', input])].join(' '));
    return { ...done, ...(program === 'nft' ? nft : uname) };
  };
  return { run, asked };
}

test.each([
  ['nftables v1.0.6 (Lester Gooch #5)\n', '1.0.6', '1.0.6'],
  ['nftables v1.0.9 (Old Doc Yak #3)\n', '1.0.9', '1.0.6'],
  ['nftables v1.0.10 (Old Doc Yak)\n', '1.0.10', '1.0.6'],
  ['nftables v1.1.0 (Commodore Bullmoose)\n', '1.1.0', '1.0.6'],
  ['nftables v1.1.2 (Commodore Bullmoose #3)\n', '1.1.2', '1.0.6'],
  ['nftables v1.1.3 (Commodore Bullmoose #4)\n', '1.1.3', '1.1.3'],
  ['nftables v1.1.10\n', '1.1.10', '1.1.3'],
  ['nftables v1.2 (Future)\n', '1.2.0', '1.1.3'],
  ['nftables v2.0.0 (Future)\n', '2.0.0', '1.1.3'],
  ['some warning\nnftables v1.1.3 (Commodore Bullmoose #4)\n', '1.1.3', '1.1.3'],
  // what comes before and after a release
  ['nftables v1.1.3-rc1\n', '1.1.3', '1.0.6'],
  ['nftables v1.1.0-rc\n', '1.1.0', '1.0.6'],
  ['nftables v1.0.6.1-2+deb12u2 (Lester Gooch #5)\n', '1.0.6', '1.0.6'],
  ['nftables v1.1.5-12-g0123abc (git)\n', '1.1.5', '1.1.3'],
  // what cannot be understood
  ['nftables git-0123abc\n', 'nftables git-0123abc', '1.0.6'],
  ['nftables v9\n', 'nftables v9', '1.0.6'],
  ['\u001b[31mhello\n', '\\u001b[31mhello', '1.0.6'],
  ['', '', '1.0.6'],
])('%j can take rulesets', async (stdout, version, targetNft) => {
  await expect(probeNft(machine({ stdout }).run)).resolves.toMatchObject({ version, targetNft });
});

test.each([
  ['1.0.9', '6.18.0', false],
  ['1.1.0', '6.9.0', true],
  ['1.1.0-rc1', '6.9.0', false],
  ['1.1.7', '6.8.0-45-generic', false],
  ['1.1.7', '6.12.1-arch1', true],
  ['1.1.7', 'linux-next', false],
  ['git', '6.18.0', false],
])('an nft %s on Linux %s can own tables: %s', async (nft, kernel, canOwn) => {
  const probe = await probeNft(machine({ stdout: `nftables v${nft} (x)\n` }, { stdout: `${kernel}\n` }).run);
  expect(probe).toMatchObject({ canOwn, kernel });
});

test.each(['nftables v1.0.5 (Lester Gooch #4)', 'nftables v1.0 (x)', 'nftables v0.9.8 (E.D.S.)', 'nftables v0.10.7'])(
  '%s is too old',
  async (version) => {
    await expect(probeNft(machine({ stdout: `${version}\n` }).run)).resolves.toMatchObject({
      kind: 'nft-too-old',
      said: [version],
      advice: 'Install nftables 1.0.6 or newer.',
    });
  },
);

const newest = { stdout: 'nftables v1.1.3 (Commodore Bullmoose #4)\n' };

test.each(['5.12.19', '5.4.0-150-generic', '4.18.0-513.el8.x86_64', '3.10.0'])(
  'Linux %s is too old',
  async (release) => {
    await expect(probeNft(machine(newest, { stdout: `${release}\n` }).run)).resolves.toMatchObject({
      kind: 'kernel-too-old',
      said: [`Linux ${release}`],
    });
  },
);

test.each(['5.13.0', '5.13.0-rc1', '5.14.0-427.el9.x86_64', '6.18.44-fc-v657', '10.0', 'linux-next', ''])(
  'Linux %j may do',
  async (release) => {
    await expect(probeNft(machine(newest, { stdout: `${release}\n` }).run)).resolves.toMatchObject({
      version: '1.1.3',
      targetNft: '1.1.3',
    });
  },
);

test('a machine without uname may do', async () => {
  const without = machine(newest, { exitCode: undefined, missing: true });
  await expect(probeNft(without.run)).resolves.toMatchObject({ version: '1.1.3', targetNft: '1.1.3' });
});

test('an nft that does not run is an error, and no more is asked', async () => {
  const { run, asked } = machine({ exitCode: undefined, missing: true });
  await expect(probeNft(run)).resolves.toMatchObject({ kind: 'not-found', said: ['nft is not installed'] });
  await expect(probeNft(machine({ exitCode: undefined, signal: 'SIGSEGV' }).run)).resolves.toMatchObject({
    kind: 'crashed',
  });
  expect(asked).toEqual(['nft --version']);
});

test('nothing is asked but the two versions', async () => {
  const { run, asked } = machine(newest);
  await probeNft(run);
  expect(asked).toEqual(['nft --version', 'uname -r']);
});

test('without uname, as in a small container, the kernel is the one that Node runs on', async () => {
  const missing = { missing: true, exitCode: undefined };
  const probe = await probeNft(machine({ stdout: 'nftables v1.1.7 (x)\n' }, missing).run);
  expect(probe).toMatchObject({ kernel: release() });
});
