import { describe, expect, test } from 'vitest';
import { answering, createFakeNft, listChains, listTable, refusing, says } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { diff } from './diff-shop.ts';
import { listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const onlyIp = ['--family', 'ip'];
const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

describe('apply --dry-run changes nothing', () => {
  const flags = [...onlyIp, '--dry-run'];

  test.each([
    ['would be created (17 elements, 13 chains)', shop(), [], 0],
    ['would be changed (5 elements added, 2 elements deleted, 3 chains written)', four, [listedShop()], 0],
    ['up to date', shop(), [listedShop()], 0],
    ['would be rebuilt (17 elements, 13 chains)', shop(), [answering(listTable.ip, { stdout: '{' })], 0],
    ['would be refused', shop(), [refusing('10.96.0.10', says.refused)], 3],
    ['not checked', shop(), [answering(listTable.ip, says.notPermitted)], 4],
  ])('%s', async (heading, input, answers, expected) => {
    const { stdout, texts, exitCode } = await apply({ flags, input }, ...answers);
    expect(stdout.split('\n')[0]).toBe(`table ip svc2nft: ${heading}`);
    expect(texts).toEqual([]);
    expect(exitCode).toBe(expected);
  });

  test.each([[['--dry-run']], [['--dry-run=server']], [['--dry-run', 'server']]])(
    '%j asks the kernel',
    async (dryRun) => {
      const { commands, texts, stdout } = await apply({ flags: [...onlyIp, ...dryRun] });
      expect(commands).toEqual(['nft --version', 'uname -r', listChains, listTable.ip, 'nft --check -f -']);
      expect(texts).toEqual([]);
      expect(stdout).toMatch(/^table ip svc2nft: would be created /);
    },
  );
});

describe('apply --dry-run=client only plans', () => {
  test.each([[['--dry-run=client']], [['--dry-run', 'client']]])('%j', async (dryRun) => {
    const { commands, texts, ...result } = await apply({ flags: [...onlyIp, ...dryRun], input: four }, listedShop());
    expect(commands).toEqual(['nft --version', 'uname -r', listChains, listTable.ip]);
    expect(texts).toEqual([]);
    expect(result).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: [
        'table ip svc2nft: would be changed (5 elements added, 2 elements deleted, 3 chains written)',
        '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
        '',
      ].join('\n'),
    });
  });

  test('what the kernel would refuse is planned all the same', async () => {
    const { stdout, exitCode } = await apply(
      { flags: [...onlyIp, '--dry-run=client'] },
      refusing('10.96.0.10', says.refused),
    );
    expect(stdout).toMatch(/^table ip svc2nft: would be created /);
    expect(exitCode).toBe(0);
  });

  const advice =
    'note: without root, svc2nft compile prints the ruleset, and svc2nft diff OLD NEW compares two snapshots\n';
  test.each([[['--dry-run=client']], [['--dry-run']], [['--dry-run', 'server']]])(
    'without permission, nothing can be planned, also with %j, and a note says what works',
    async (dryRun) => {
      const { stdout, stderr, exitCode } = await apply(
        { flags: [...onlyIp, ...dryRun] },
        answering(listTable.ip, says.notPermitted),
      );
      expect(stdout).toBe('table ip svc2nft: not checked\n');
      expect(stderr.slice(stderr.indexOf('note: '))).toBe(advice);
      expect(exitCode).toBe(4);
    },
  );

  test('diff says the same, and apply, which needs root, does not', async () => {
    const planned = await diff({}, answering(listTable.ip, says.notPermitted));
    expect(planned.stderr).toMatch(new RegExp(`^error: nft: no-permission\n.*${advice}$`, 's'));
    const applied = await apply({ flags: onlyIp }, answering(listTable.ip, says.notPermitted));
    expect(applied.stderr).toContain('no-permission');
    expect(applied.stderr).not.toContain('note: ');
  });
});

describe('--dry-run', () => {
  test('none applies', async () => {
    const { texts, stdout } = await apply({ flags: [...onlyIp, '--dry-run=none'] });
    expect(texts).toHaveLength(1);
    expect(stdout).toMatch(/^table ip svc2nft: created /);
  });

  test('does not take a PATH for its value', async () => {
    const { run } = createFakeNft();
    const { stderr, exitCode } = await runCommand(['apply', '--dry-run', 'no-such.yaml'], { run });
    expect(stderr).toMatch(/^no-such.yaml: error file-not-found: /);
    expect(exitCode).toBe(1);
  });

  test.each([[['--dry-run=yes']], [['--dry-run=']], [['--dry-run', '--dry-run=client']]])(
    '%j is wrong usage',
    async (flags) => {
      expect(await apply({ flags })).toMatchObject({ exitCode: 2, stdout: '', texts: [], commands: [] });
    },
  );
});
