import { describe, expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { type Answer, answering, createFakeNft, says } from '../support/fake-nft.ts';
import { runCommand } from './run-command.ts';

const nft = (words: string): Answer => answering('nft --version', { stdout: `nftables ${words}\n` });

/** `svc2nft version` with such programs. */
function run(args: readonly string[], ...answers: readonly Answer[]) {
  return runCommand(['version', ...args], { run: createFakeNft(...answers).run });
}

describe('version', () => {
  test.each([
    ['v1.0.6 (Lester Gooch #5)', '1.0.6', '1.0.6'],
    ['v1.1.3 (Commodore Bullmoose #4)', '1.1.3', '1.1.3'],
    ['v1.1.7 (Commodore Bullmoose #8)', '1.1.7', '1.1.3'],
  ])('with nft %s', async (words, nftVersion, targetNft) => {
    expect(await run([], nft(words))).toEqual({
      exitCode: 0,
      stdout: `svc2nft ${version}\nnft ${nftVersion}\n`,
      stderr: '',
    });
    const { stdout } = await run(['-o', 'json'], nft(words));
    expect(JSON.parse(stdout)).toEqual({
      svc2nft: version,
      nft: { version: nftVersion, targetNft },
      node: process.versions.node,
    });
  });

  test.each([
    ['no nft', answering('nft --version', says.missing), 'not-found (nft is not installed)'],
    ['an old one', nft('v0.9.8 (E.D.S.)'), 'nft-too-old (nftables v0.9.8 (E.D.S.))'],
    ['an old kernel', answering('uname -r', { stdout: '5.10.0-8-amd64\n' }), 'kernel-too-old (Linux 5.10.0-8-amd64)'],
  ])('with %s it succeeds, too', async (_, answer, problem) => {
    expect(await run([], answer)).toEqual({ exitCode: 0, stdout: `svc2nft ${version}\nnft ${problem}\n`, stderr: '' });
    const { stdout, exitCode } = await run(['--output', 'json'], answer);
    expect(JSON.parse(stdout)).toMatchObject({ nft: { problem } });
    expect(exitCode).toBe(0);
  });

  test.each([[['-o', 'yaml']], [['dump.yaml']], [['--client']]])('%j is wrong usage', async (args) => {
    expect(await run(args)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
