import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const page = readFileSync('docs/architecture.md', 'utf8');

describe('the page on architecture', () => {
  test('says what every folder of src knows', () => {
    const folders = readdirSync('src', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== 'src')
      .map(({ parentPath }) => parentPath);
    const tree = page.slice(page.indexOf('## The tree'), page.indexOf('## Four walkthroughs'));
    expect([...new Set(folders)].filter((folder) => !isNamed(folder, tree))).toEqual([]);
  });

  test('follows four questions through a few files', () => {
    const walkthroughs = page
      .slice(page.indexOf('## Four walkthroughs'), page.indexOf('## How changes reach'))
      .split(/^\*\*/m);
    const counts = walkthroughs.slice(1).map((walkthrough) => new Set(walkthrough.match(/`src\/[\w/.-]+\.ts`/g)).size);
    expect(counts).toHaveLength(4);
    const [apply = 0, masquerading = 0, list = 0, agent = 0] = counts;
    expect(apply).toBeLessThanOrEqual(20);
    expect(masquerading).toBeLessThanOrEqual(6);
    expect(list).toBeLessThanOrEqual(12);
    expect(agent).toBeLessThanOrEqual(10);
  });
});

/** A folder is named itself, or together with those beside it: `src/cli` for its inner folders. */
function isNamed(folder: string, text: string): boolean {
  return text.includes(`\`${folder}\``) || (folder.split('/').length > 2 && isNamed(join(folder, '..'), text));
}
