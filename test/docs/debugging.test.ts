import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

const settings = ['--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];

/** Has rules.nft: the rules of the shop with a wrong endpoint and without a source range. */
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  const { stdout } = await runMain(['compile', 'docs/shop.yaml', ...settings]);
  const moved = stdout.replace('10.96.0.10 . 80 . 1 : 10.244.2.6 . 8080', '10.96.0.10 . 80 . 1 : 10.244.2.66 . 8080');
  const lines = moved.split('\n').filter((line) => !line.includes('198.51.100.201 . tcp . 8443 . 198.51.100.0/24'));
  writeFileSync(join(folder, 'rules.nft'), lines.join('\n'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Every command prints what stands below it; `DOCS=write npx vitest run test/docs/debugging.test.ts` renews that. */
describe.each(['docs/debugging.md', 'docs/commands.md', 'docs/manifests.md', 'docs/migrate.md', 'README.md'])(
  '%s',
  (file) => {
    const blocks = [...readFileSync(file, 'utf8').matchAll(/```console\n([\s\S]*?)```/g)].map(
      ([, block = '']) => block,
    );

    test.each(blocks)('%s', async (block) => {
      const commands = block.split('\n').filter((line) => line.startsWith('$ '));
      expect(commands.length).toBeGreaterThan(0);
      const printed: string[] = [];
      for (const command of commands) {
        printed.push(`${command}\n${await runCommand(command)}`);
      }
      const expected = printed.join('\n');
      if (process.env['DOCS'] === 'write') {
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replace(block, () => expected),
        );
      } else {
        expect(block).toBe(expected);
      }
    });
  },
);

/** What a command prints: `$ svc2nft ...`, also with npx, or behind a `sed` that replaces something in a file. */
async function runCommand(command: string): Promise<string> {
  const [, before = '', words = ''] = /^\$ (.*\| )?(?:npx )?svc2nft (.*)$/.exec(command) ?? [];
  const [, pattern = '', replacement = '', file = ''] = /^sed 's\/(.*)\/(.*)\/' (\S+) \| $/.exec(before) ?? [];
  const input = before === '' ? {} : { input: readFileSync(file, 'utf8').replaceAll(pattern, replacement) };
  const { stdout, stderr } = await runMain(words.split(' ').map(pathOf), input);
  return `${stderr}${stdout}`;
}

function pathOf(arg: string): string {
  return arg === 'rules.nft' ? join(folder, arg) : arg;
}

test('there are at least ten questions, and each has a command', () => {
  const sections = readFileSync('docs/debugging.md', 'utf8')
    .split(/^## [0-9]+\. /m)
    .slice(1);
  expect(sections.length).toBeGreaterThanOrEqual(10);
  expect(sections.filter((section) => !section.includes('```console\n$ svc2nft '))).toEqual([]);
});
