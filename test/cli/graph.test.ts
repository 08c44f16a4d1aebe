import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateCluster } from '../../bench/generate-cluster.js';
import { shopObjects } from '../inspect/graph/shop.ts';
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
  test('Mermaid by default', async () => {
    const { exitCode, stdout, stderr } = await run(shop);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^%% Services on node worker-1 in zone a\nflowchart LR\nf0\[/);
    expect(stderr).toMatch(conflict);
  });

  test('dot', async () => {
    const { exitCode, stdout } = await run([...shop, '-o', 'dot']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^digraph services \{\n/);
    expect(stdout).toContain('label="internal 1/3 · external 1/1"');
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

describe('the ending of the file chooses the format', () => {
  const beginnings = { mermaid: '%% Services', dot: 'digraph', svg: '<?xml', html: '<!doctype html>' };

  test.each<[name: string, args: string[], format: keyof typeof beginnings]>([
    ['a.html', [], 'html'],
    ['a.htm', [], 'html'],
    ['a.SVG', [], 'svg'],
    ['a.dot', [], 'dot'],
    ['a.gv', [], 'dot'],
    ['a.mmd', [], 'mermaid'],
    ['a.mermaid', [], 'mermaid'],
    ['a.txt', ['-o', 'mermaid'], 'mermaid'],
    ['a.graph', ['-o', 'dot'], 'dot'],
    ['a', [], 'mermaid'],
    ['a.txt', ['-o', 'svg'], 'svg'],
    ['b.svg', ['-o', 'svg'], 'svg'],
  ])('%s with %j', async (name, args, format) => {
    const { exitCode, stdout } = await run([...shop, ...args, '--file', `FOLDER/${name}`]);
    expect([exitCode, stdout]).toEqual([0, '']);
    expect(contentOf(name).slice(0, beginnings[format].length)).toBe(beginnings[format]);
  });

  test('in Markdown, Mermaid is a block, which GitHub draws', async () => {
    await run([...shop, '--file', 'FOLDER/plain.mmd']);
    await run([...shop, '--file', 'FOLDER/shop.md']);
    expect(contentOf('shop.md')).toBe(`\`\`\`mermaid\n${contentOf('plain.mmd')}\`\`\`\n`);
  });

  test.each([
    ['x.png', '.png', ''],
    ['x.PDF', '.pdf', ''],
    ['x.svg.gz', '.gz', ''],
    ['x.graph', '.graph', ', or select a format with -o'],
    ['x.\u001b[2J', '.\\u001b[2j', ', or select a format with -o'],
  ])('%j is refused without -o', async (name, ending, other) => {
    expect(await run([...shop, '--file', `FOLDER/${name}`])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: cannot write ${ending}; use .mmd, .mermaid, .md, .dot, .gv, .svg, .html or .htm${other} (see --help)\n`,
    });
    expect(readdirSync(folder)).not.toContain(name);
  });

  test.each([
    ['dot', 'x.html', 'omit -o to get html, or use the extension .dot or .gv'],
    ['html', 'x.svg', 'omit -o to get svg, or use the extension .html or .htm'],
    ['svg', 'x.md', 'omit -o to get mermaid, or use the extension .svg'],
    ['svg', 'x.png', 'use the extension .svg'],
    ['dot', 'x.PDF', 'use the extension .dot or .gv'],
    ['mermaid', 'x.jpg', 'use the extension .mmd, .mermaid or .md'],
    ['html', 'x.html.gz', 'use the extension .html or .htm'],
    ['mermaid', 'x.gv', 'omit -o to get dot, or use the extension .mmd, .mermaid or .md'],
  ])('-o %s and %s do not fit', async (output, name, advice) => {
    expect(await run([...shop, '-o', output, '--file', `FOLDER/${name}`])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: -o ${output} does not fit --file FOLDER/${name}: ${advice} (see --help)\n`,
    });
    expect(readdirSync(folder)).not.toContain(name);
  });
});

describe('a file of the input is not overwritten', () => {
  const config = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

  beforeAll(() => {
    mkdirSync(join(folder, 'manifests'));
    writeFileSync(join(folder, 'manifests', 'shop.json'), listOf(shopObjects));
    symlinkSync('../shop.json', join(folder, 'manifests', 'linked.json'));
    symlinkSync('shop.json', join(folder, 'alias.json'));
    writeFileSync(join(folder, 'config.yaml'), config);
  });

  test.each([
    [['FOLDER/shop.json'], 'FOLDER/shop.json', ''],
    [['FOLDER/node.json', 'FOLDER/shop.json'], 'FOLDER/manifests/../shop.json', ' (as FOLDER/shop.json)'],
    [['FOLDER/shop.json'], 'FOLDER/alias.json', ' (as FOLDER/shop.json)'],
    [['FOLDER/alias.json'], 'FOLDER/shop.json', ' (as FOLDER/alias.json)'],
    [['FOLDER/manifests'], 'FOLDER/manifests/shop.json', ''],
    [['FOLDER/manifests'], 'FOLDER/shop.json', ' (as FOLDER/manifests/linked.json)'],
    [['FOLDER/shop.json', '--config', 'FOLDER/config.yaml'], 'FOLDER/config.yaml', ''],
  ])('%j, %s', async (args, output, also) => {
    const { exitCode, stdout, stderr } = await run([
      'graph',
      ...args,
      '--node',
      'worker-1',
      '--keep-going',
      '-o',
      'mermaid',
      '--file',
      output,
    ]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/\n$/);
    expect(stderr.split('\n').at(-2)).toBe(`error: ${output} is part of the input${also}; write to another file`);
    expect(contentOf('shop.json')).toBe(listOf(shopObjects));
    expect(contentOf('manifests/shop.json')).toBe(listOf(shopObjects));
    expect(contentOf('config.yaml')).toBe(config);
  });

  test('any other file of the folder may be written', async () => {
    const args = ['graph', 'FOLDER/manifests', '--node', 'worker-1', '--keep-going'];
    for (const expected of [0, 0]) {
      const { exitCode } = await run([...args, '--file', 'FOLDER/manifests/shop.html']);
      expect(exitCode).toBe(expected);
    }
    expect(contentOf('manifests/shop.html')).toMatch(/^<!doctype html>/);
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
  const large = ['graph', 'FOLDER/large.json', '--cluster-cidr', '10.128.0.0/9'];
  const size = '51 service ports and 1,071 arrows';
  const advice = 'select some with -n or --service, or use -o html, which works for any size';

  test('a large drawing comes with advice', async () => {
    const { exitCode, stdout, stderr } = await run([...large, '-o', 'dot']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^digraph/);
    expect(stderr).toBe(`warning: a drawing of ${size} is hard to read: ${advice}\n`);
  });

  test('and what GitHub does with it', async () => {
    const { stdout, stderr } = await run(['graph', 'FOLDER/readable.json', '--cluster-cidr', '10.128.0.0/9']);
    expect(stderr).toBe(
      `warning: GitHub does not draw Mermaid with more than 500 arrows or 50,000 characters; 51 service ports and 510 arrows take ${stdout.length.toLocaleString('en')} characters: ${advice}\n`,
    );
  });

  test('a picture that takes minutes is not begun', async () => {
    expect(await run([...large, '-o', 'svg', '--file', 'FOLDER/large.svg'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: ${size} are too many for a picture; the limit is 1,000 arrows: ${advice}\n`,
    });
    expect(readdirSync(folder)).not.toContain('large.svg');
  });

  test('a page takes any size, in silence', async () => {
    const { exitCode, stderr } = await run([...large, '-o', 'html', '--file', 'FOLDER/large.html']);
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  test('nothing to draw is said', async () => {
    const { exitCode, stdout, stderr } = await run(['graph', 'FOLDER/node.json', '--cluster-cidr', '10.244.0.0/16']);
    expect([exitCode, stderr]).toEqual([0, 'nothing to draw: no Service in the input has rules on this node\n']);
    expect(stdout).toMatch(/^%% Services on node worker-1 in zone a\nflowchart LR\n/);
  });
});

/** Arguments, exit code, and a part of what is said. */
type Misuse = [args: string[], exitCode: number, stderr: string];

const labelRule =
  '1 to 63 lowercase letters, digits and -, beginning and ending with a letter or digit\n(see --help)\n';

const misuses: Misuse[] = [
  [['graph'], 2, 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  [
    [...shop, '-o', 'png'],
    2,
    'error: --output: unknown value "png"; expected mermaid, dot, svg or html\n(see --help)\n',
  ],
  [
    [...shop, '-o', 'FOLDER/shop.svg'],
    2,
    'error: --output: unknown value "FOLDER/shop.svg"; expected mermaid, dot, svg or html; to write to a file, use --file FOLDER/shop.svg\n(see --help)\n',
  ],
  [[...shop, '--services', 'web'], 2, "error: unknown option '--services'\n(Did you mean --service?)\n(see --help)\n"],
  [[...shop, '--file'], 2, "error: option '--file <file>' argument missing\n(see --help)\n"],
  [[...shop, '-n', 'shopp'], 1, 'error: no Service in namespace "shopp" has rules on this node (did you mean shop?)\n'],
  [
    [...shop, '--service', 'shop/webb'],
    1,
    'error: no Service named "shop/webb" has rules on this node (did you mean shop/web?)\n',
  ],
  [
    [...shop, '-n', 'edge', '--service', 'shop/web'],
    1,
    'no Service named "shop/web" in namespace edge has rules on this node\n',
  ],
  [
    [...shop, '--service', 'db'],
    1,
    'error: no Service named "db" has rules on this node: it is headless (clusterIP None), so DNS returns the addresses of its pods\n',
  ],
  [
    [...shop, '--service', '\u001b[31m\u202e'],
    2,
    '"\\u001b[31m\\u202e" is neither NAME nor NAMESPACE/NAME of a Service: ',
  ],
  [[...shop, '--service', ''], 2, `error: --service: "" is neither NAME nor NAMESPACE/NAME of a Service: ${labelRule}`],
  [[...shop, '-n', 'shop/cart'], 2, `error: --namespace: "shop/cart" is not the name of a namespace: ${labelRule}`],
  [[...shop, '--file', ''], 2, `error: --file: "" is not the name of a file\n(see --help)\n`],
  [[...shop, '--file', 'FOLDER/new/'], 2, 'is the name of a folder; expected a file\n(see --help)\n'],
  [['graph', 'FOLDER/shop.json', '--node', 'worker-9'], 1, 'error node-not-found: there is no Node "worker-9"'],
  [
    [...shop, '--file', 'FOLDER/shop.json/x'],
    2,
    'error: cannot write FOLDER/shop.json/x: part of its path is not a folder\n',
  ],
  [
    [...shop, '--file', `FOLDER/${'x'.repeat(300)}`],
    2,
    `error: cannot write FOLDER/${'x'.repeat(300)}: its name is too long\n`,
  ],
  [[...shop, '--file', '/dev/full'], 2, 'error: cannot write /dev/full: no space left\n'],
  [['graph', 'FOLDER/broken.yaml'], 1, '1 error: nothing is drawn\n'],
  [['graph', 'FOLDER/no-such-file'], 1, 'no such file or folder\n1 error: nothing is drawn\n'],
  [[...shop, '--file', 'FOLDER/no/such/folder'], 2, 'error: cannot write FOLDER/no/such/folder: no such folder\n'],
  [[...shop, '--file', 'FOLDER/empty'], 2, 'error: cannot write FOLDER/empty: it is a folder\n'],
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
    stderr: 'error: an HTML page cannot be shown in a terminal: use --file graph.html or redirect stdout\n',
  });
});

test('the help ends with exit codes and examples', async () => {
  const { exitCode, stdout } = await run(['graph', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /\nExit codes:\n {2}0 {2}done\n {2}1 .*\n {2}2 .*\n {2}4 .*\n\nExamples:\n.*\n {2}svc2nft graph /,
  );
});
