import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderManPage } from '../../../src/cli/manual/render-man-page.ts';
import { renderMarkdown } from '../../../src/cli/manual/render-markdown.ts';
import { currentManual } from './current-manual.ts';

const writing = process.env['MANUAL'] === 'write';
const manual = currentManual;

test.each([
  ['docs/cli.md', renderMarkdown(manual)],
  ['man/svc2nft.1', renderManPage(manual)],
])('%s matches the definitions of the commands', (path, text) => {
  if (writing) {
    writeFileSync(path, text);
  }
  expect(readFileSync(path, 'utf8'), `${path} (npm run manual rewrites it)`).toBe(text);
});

test('the package has both', () => {
  const { man, files } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string[]; files: string[] };
  expect(man).toEqual(['man/svc2nft.1']);
  expect(files).toEqual(expect.arrayContaining(['docs', 'man']));
});
