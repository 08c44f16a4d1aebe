import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const pages = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  'deploy/README.md',
  'src/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].filter((name) => existsSync(name));

describe.each(pages)('%s', (page) => {
  const text = withoutCode(readFileSync(page, 'utf8'));

  test('links to pages, headings and files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !leadsSomewhere(link, page))).toEqual([]);
  });

  test('names source, test and fixture files that exist', () => {
    const names = [...text.matchAll(/`((?:src|test|fixtures|deploy|docs|bench|demo|page)\/[\w./-]+)`/g)].map(
      ([, name = '']) => name,
    );
    expect(names.filter((name) => !existsSync(name))).toEqual([]);
  });
});

test('the index names every page', () => {
  const indices = [readFileSync('docs/README.md', 'utf8'), readFileSync('docs/decisions/README.md', 'utf8')];
  const names = pages.filter((page) => page.startsWith('docs/') && !page.endsWith('README.md'));
  const missing = names.filter((name) => !indices.some((index) => index.includes(`](${name.replace(/^.*\//, '')})`)));
  expect(missing).toEqual([]);
});

/** Without fenced blocks, which show output of programs. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function leadsSomewhere(link: string, page: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(target)) {
    return false;
  }
  return anchor === undefined || (statSync(target).isFile() && anchorsOf(target).has(anchor));
}

/** As GitHub makes them: lower case, punctuation left out, hyphens for spaces. */
function anchorsOf(page: string): Set<string> {
  const headings = [...withoutCode(readFileSync(page, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}
