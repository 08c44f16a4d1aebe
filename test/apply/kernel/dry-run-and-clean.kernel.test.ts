import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyTestsRun } from './apply-tests.ts';
import { openNode, type TestNode } from './open-node.ts';
import { richSnapshot } from './rich-snapshot.ts';

/** Tables of other programs: with the same name in another family, and with the same chains under another name. */
const foreignTables = `table inet svc2nft {
  chain services {
    type filter hook forward priority 7
    counter packets 0 bytes 0
  }
}
table ip other {
  chain services {
    ip daddr 10.96.0.10 drop
  }
}
`;

describe.skipIf(!applyTestsRun)('apply --dry-run and clean, beside tables of other programs', () => {
  let node: TestNode;
  let foreign: string;

  beforeEach(async () => {
    node = await openNode();
    await node.nft(foreignTables);
    foreign = await everything();
  });

  afterEach(async () => {
    await node.close();
  });

  function everything(): Promise<string> {
    return node.print('list', 'ruleset');
  }

  test('a dry run creates no table', async () => {
    const { exitCode, stdout, stderr } = await node.apply(richSnapshot, ['--dry-run']);
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    expect(stdout).toMatch(/^table ip svc2nft: would be created .*$[\s\S]*^table ip6 svc2nft: would be created .*$/m);
    expect(await everything()).toBe(foreign);
  });

  test.each([
    [
      'what single commands would change',
      'flush chain ip svc2nft services',
      /^table ip svc2nft: would be changed .*$/m,
    ],
    ['what would be rebuilt', 'add counter ip svc2nft mine', /^table ip svc2nft: would be rebuilt .*$/m],
  ])('a dry run leaves %s', async (_, commands, said) => {
    await node.apply(richSnapshot);
    await node.nft(commands);
    const before = await everything();
    const { exitCode, stdout, stderr } = await node.apply(richSnapshot, ['--dry-run']);
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    expect(stdout).toMatch(said);
    expect(await everything()).toBe(before);
  });

  test('clean removes both tables, and none of the others', async () => {
    await node.apply(richSnapshot);
    expect(await everything()).not.toBe(foreign);
    expect(await node.svc2nft(['clean'])).toEqual({
      exitCode: 0,
      stdout: 'table ip svc2nft: removed\ntable ip6 svc2nft: removed\n',
      stderr: '',
    });
    expect(await everything()).toBe(foreign);
  });

  test('clean removes the table of one family', async () => {
    await node.apply(richSnapshot);
    expect(await node.svc2nft(['clean', '--family', 'ip'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await node.listing('ip')).toBeUndefined();
    expect(await node.listing('ip6')).toMatchObject({ deviations: [] });
  });

  test('clean is content with nothing', async () => {
    const { exitCode, stderr } = await node.svc2nft(['clean']);
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    expect(await everything()).toBe(foreign);
  });
});
