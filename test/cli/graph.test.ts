import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateCluster } from '../../bench/generate-cluster.js';
import { shopObjects } from '../graph/shop.ts';
import { createFakeNft } from '../support/fake-nft.ts';
import { runCommand } from './run-command.ts';

const shop = ['graph', 'FOLDER/shop.json', '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'shop.json'), listOf(shopObjects));
  writeFileSync(join(folder, 'broken.yaml'), 'a: [\n');
  writeFileSync(join(folder, 'node.json'), listOf(shopObjects.slice(0, 1)));
  writeFileSync(join(folder, 'large.json'), listOf(generateCluster({ services: 51, endpoints: 20 }).items));
  writeFileSync(join(folder, 'readable.json'), listOf(generateCluster({ services: 51, endpoints: 9 }).items));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** Runs a command on files of the folder, FOLDER/a; it must not run any program. */
async function run(args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const nft = createFakeNft();
  const { stderr, ...rest } = await runCommand(
    args.map((arg) => arg.replace('FOLDER', folder)),
    { run: nft.run },
  );
  expect(nft.texts()).toEqual([]);
  return { ...rest, stderr: stderr.replaceAll(folder, 'FOLDER') };
}

/** What a file of the folder holds. */
function contentOf(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

const conflict = /^FOLDER\/shop.json.*frontend-conflict: Service edge\/web: 10.96.0.20:80\/tcp is claimed by .*\n/;

describe('formats', () => {
  test('Mermaid, unless told', async () => {
    const { exitCode, stdout, stderr } = await run(shop);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^%% Services on node worker-1 in zone a\nflowchart LR\nf0\[/);
    expect(stderr).toMatch(conflict);
  });

  test('dot', async () => {
    const { exitCode, stdout } = await run([...shop, '-o', 'dot']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^digraph services \{\n/);
    expect(stdout).toContain('label="pods 1/3 · outside 1/1"');
  });

  test('SVG', async () => {
    const { exitCode, stdout } = await run([...shop, '-o', 'svg']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^<\?xml .*<svg .*>10\.244\.1\.10:8080<.*<\/svg>\s*$/s);
  });

  test('HTML, to a file', async () => {
    const { exitCode, stdout } = await run([...shop, '-o', 'html', '--file', 'FOLDER/shop.html']);
    expect([exitCode, stdout]).toEqual([0, '']);
    const html = contentOf('shop.html');
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toContain("default-src 'none'; script-src 'sha256-");
    expect(html).toContain('"10.244.1.10:8080","web-1"');
    // Nothing is loaded: the only addresses are names of XML.
    expect([...new Set(html.match(/https?:\/\/[^'"\s)]*/g))]).toEqual(['http://www.w3.org/2000/svg']);
    expect(html).not.toMatch(/ (src|href)=|url\(|@import|<link/);
  });
});

describe('filters', () => {
  /** `namespace/name` of the Services that are drawn. */
  async function drawn(...args: string[]): Promise<string[]> {
    const { exitCode, stdout } = await run([...shop, ...args]);
    expect(exitCode).toBe(0);
    return [...stdout.matchAll(/^s\d+\["([^<]*)</gm)].map(([, name = '']) => name);
  }

  test.each([
    [['-n', 'edge'], ['edge/web']],
    [
      ['--namespace', 'edge', '--namespace', 'shop'],
      ['edge/web', 'shop/cart', 'shop/mail', 'shop/web'],
    ],
    [['--service', 'shop/web'], ['shop/web']],
    [
      ['--service', 'web'],
      ['edge/web', 'shop/web'],
    ],
    [['--service', 'web', '-n', 'shop'], ['shop/web']],
    [
      ['--service', 'shop/cart', '--service', 'mail'],
      ['shop/cart', 'shop/mail'],
    ],
  ])('%j', async (args, names) => {
    expect(await drawn(...args)).toEqual(names);
  });
});

describe('sizes', () => {
  const large = ['graph', 'FOLDER/large.json', '--cluster-cidr', '10.244.0.0/16'];
  const size = '51 service ports and 1071 arrows';
  const advice = 'choose some with -n or --service, or take -o html, which any size fits';

  test('a large drawing comes with advice', async () => {
    const { exitCode, stdout, stderr } = await run([...large, '-o', 'dot']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^digraph/);
    expect(stderr).toBe(`warning: a drawing of ${size} is hard to read: ${advice}\n`);
  });

  test('and what GitHub does with it', async () => {
    const { stdout, stderr } = await run(['graph', 'FOLDER/readable.json', '--cluster-cidr', '10.244.0.0/16']);
    expect(stderr).toBe(
      `warning: GitHub draws no Mermaid of more than 500 arrows or 50000 characters; 51 service ports and 510 arrows take ${stdout.length} characters: ${advice}\n`,
    );
  });

  test('a picture that takes minutes is not begun', async () => {
    expect(await run([...large, '-o', 'svg', '--file', 'FOLDER/large.svg'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: ${size} are too many for a picture, which may have 1000 arrows: ${advice}\n`,
    });
    expect(readdirSync(folder)).not.toContain('large.svg');
  });

  test('a page takes any size, in silence', async () => {
    const { exitCode, stderr } = await run([...large, '-o', 'html', '--file', 'FOLDER/large.html']);
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  test('nothing to draw is said', async () => {
    const { exitCode, stdout, stderr } = await run(['graph', 'FOLDER/node.json', '--cluster-cidr', '10.244.0.0/16']);
    expect([exitCode, stderr]).toEqual([0, 'nothing to draw: the input has no Service with rules on this node\n']);
    expect(stdout).toMatch(/^%% Services on node worker-1 in zone a\nflowchart LR\n/);
  });
});

/** Arguments, exit code, and a part of what is said. */
type Misuse = [args: string[], exitCode: number, stderr: string];

const misuses: Misuse[] = [
  [['graph'], 2, 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  [
    [...shop, '-o', 'png'],
    2,
    "error: option '-o, --output <format>' argument 'png' is invalid. Allowed choices are mermaid, dot, svg, html.\n(see --help)\n",
  ],
  [[...shop, '-o', 'FOLDER/shop.svg'], 2, 'Allowed choices are mermaid, dot, svg, html.\n(see --help)\n'],
  [[...shop, '--services', 'web'], 2, "error: unknown option '--services'\n(Did you mean --service?)\n(see --help)\n"],
  [[...shop, '--file'], 2, "error: option '--file <file>' argument missing\n(see --help)\n"],
  [
    [...shop, '-n', 'shopp'],
    1,
    'error: no Service with rules on this node is in namespace "shopp" (did you mean shop?)\n',
  ],
  [
    [...shop, '--service', 'shop/webb'],
    1,
    'error: no Service with rules on this node is called "shop/webb" (did you mean shop/web?)\n',
  ],
  [[...shop, '-n', 'edge', '--service', 'shop/web'], 1, 'is called "shop/web" in namespace edge\n'],
  [
    [...shop, '--service', 'db'],
    1,
    'error: no Service with rules on this node is called "db": it is headless (clusterIP None), so DNS gives the addresses of its pods\n',
  ],
  [[...shop, '--service', '\u001b[31m\u202e'], 1, 'is called "\\u001b[31m\\u202e"\n'],
  [[...shop, '--service', ''], 1, 'is called ""\n'],
  [[...shop, '--node', 'worker-9'], 1, 'error node-not-found: no Node is called "worker-9"'],
  [['graph', 'FOLDER/broken.yaml'], 1, '1 error: no ruleset\n'],
  [['graph', 'FOLDER/no-such-file'], 1, 'there is no such file or folder\n1 error: no ruleset\n'],
  [[...shop, '--file', 'FOLDER/no/such/folder'], 2, 'error: FOLDER/no/such/folder cannot be written: ENOENT'],
  [
    [...shop, '--file', 'FOLDER/empty'],
    2,
    "error: FOLDER/empty cannot be written: EISDIR: illegal operation on a directory, open 'FOLDER/empty'\n",
  ],
];

test.each(misuses)('%j is answered', async (args, exitCode, part) => {
  const { stdout, stderr, ...rest } = await run(args);
  expect(stderr).toContain(part);
  expect({ ...rest, stdout }).toEqual({ exitCode, stdout: '' });
});

test('a page is not for a terminal', async () => {
  const { run: program } = createFakeNft();
  const args = ['graph', join(folder, 'shop.json'), '-o', 'html'];
  expect(await runCommand(args, { run: program, terminals: ['stdout'] })).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'error: a page is not for a terminal: name a file, --file graph.html, or redirect stdout\n',
  });
});

test('the help begins with examples and ends with exit codes', async () => {
  const { exitCode, stdout } = await run(['graph', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Examples:\n {2}svc2nft graph /);
  expect(stdout).toMatch(/Exit codes: 0 done, 1 .*, 2 .*, 4 [^\n]*\n$/);
});
