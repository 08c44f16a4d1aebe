import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';

const page = 'docs/services.md';
const name = `page-${process.pid}`;
const blocks = [...readFileSync(page, 'utf8').matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);

/** Runs a line such as `$ svc2nft lab curl ...` in a lab of this test, and returns what a terminal would show. */
async function run(line: string): Promise<string> {
  const [, action, ...words] = line.slice('$ svc2nft '.length).split(' ');
  const args = line.startsWith('$ svc2nft lab ')
    ? ['lab', '--name', name, ...(action === undefined ? [] : [action]), ...words]
    : line.slice('$ svc2nft '.length).split(' ');
  const { all } = await execa(process.execPath, ['bin/svc2nft.js', ...args], { all: true, reject: false });
  const shown = all.replaceAll(` --name ${name}`, '').replaceAll(`lab ${name}`, 'the lab');
  return `${line}\n${shown === '' ? '' : `${shown}\n`}`;
}

/** What differs from run to run: ports of clients, which Pod is chosen, times, and the name of the lab. */
function withoutChance(text: string): string {
  return (
    text
      .replace(/shop\/(web|api)-\d on node-\d in zone-\w answers (\S+):\d+ at \S+:(\d+) /g, 'shop/$1 answers $2 at $3 ')
      .replace(/answers (\S+):\d+ at /g, 'answers $1 at ')
      .replace(/after [\d.]+ (s|ms|milliseconds)\b/g, 'after a moment')
      // dig prints addresses in any order.
      .replace(/(?:^[\d.]+\n)+/gm, (lines) => lines.split('\n').sort().join('\n'))
  );
}

/** `DOCS=write npx vitest run --project kernel test/docs/services.kernel.test.ts` renews what stands below the commands. */
describe.skipIf(!kernelTestsRun)(page, () => {
  afterAll(() => execa(process.execPath, ['bin/svc2nft.js', 'lab', 'down', '--name', name], { reject: false }));

  test.each(blocks)('%s', async (block) => {
    const commands = block.split('\n').filter((line) => line.startsWith('$ '));
    expect(commands.length).toBeGreaterThan(0);
    let shown = '';
    for (const command of commands) {
      shown += await run(command);
    }
    if (process.env['DOCS'] === 'write') {
      const text = readFileSync(page, 'utf8');
      writeFileSync(
        page,
        text.replace(block, () => shown),
      );
    } else {
      expect(withoutChance(shown)).toBe(withoutChance(block));
    }
  });
});
