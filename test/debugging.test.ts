import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runMain } from './support/run-main.ts';

const file = 'docs/debugging.md';
const text = readFileSync(file, 'utf8');
const blocks = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);

/** Every command of docs/debugging.md prints what stands below it; `DOCS=write npx vitest run test/debugging.test.ts` renews it. */
test.each(blocks)('%s', async (block) => {
  const commands = block.split('\n').filter((line) => line.startsWith('$ svc2nft '));
  expect(commands.length).toBeGreaterThan(0);
  const printed: string[] = [];
  for (const command of commands) {
    const args = command.slice('$ svc2nft '.length).split(' ');
    const { stdout, stderr } = await runMain(args.map((arg) => (arg === 'shop.yaml' ? 'docs/shop.yaml' : arg)));
    printed.push(`${command}\n${stderr}${stdout}`);
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

test('there are at least ten questions, and each has a command', () => {
  const sections = text.split(/^## [0-9]+\. /m).slice(1);
  expect(sections.length).toBeGreaterThanOrEqual(10);
  expect(sections.filter((section) => !section.includes('```console\n$ svc2nft '))).toEqual([]);
});
