import { constants } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findMissingPaths, type LoadedInput, loadFile, loadInput } from '../../../src/cli/input/load-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-load-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), name);
  }
}

function summary({ texts, diagnostics }: LoadedInput): string[] {
  return [
    ...texts.map(({ file, content }) => `${file}=${Buffer.from(content).toString()}`),
    ...diagnostics.map(({ code, place }) => `${place?.document.source.file} ${code}`),
  ].map((line) => line.replaceAll(`${folder}/`, ''));
}

async function load(paths: readonly string[], stdin = ''): Promise<string[]> {
  return summary(await loadInput(paths, Readable.from(stdin === '' ? [] : [stdin])));
}

test('no path and - are stdin, which is read once', async () => {
  expect(await load([], 'text')).toEqual(['<stdin>=text']);
  expect(await load(['-', '-'], 'text')).toEqual(['<stdin>=text']);
});

test('files of any name are read in the order given', async () => {
  write('b', 'a.txt');
  expect(await load([join(folder, 'b'), join(folder, 'a.txt')])).toEqual(['b=b', 'a.txt=a.txt']);
});

test('missing paths are those at which there is nothing, each once', async () => {
  write('a', 'folder/b');
  symlinkSync('nowhere', join(folder, 'broken'));
  symlinkSync('loop', join(folder, 'loop'));
  const missing = async (...names: readonly string[]): Promise<string[]> =>
    (await findMissingPaths(names.map((name) => join(folder, name)))).map((path) => path.slice(folder.length + 1));
  expect(await missing('a', 'folder', 'folder/b', '.')).toEqual([]);
  expect(await missing('c', 'a', 'b', 'c')).toEqual(['c', 'b']);
  expect(await missing('a/c', 'folder/c/d', 'broken')).toEqual(['a/c', 'folder/c/d', 'broken']);
  // Something is there, though it cannot be read.
  expect(await missing('loop')).toEqual([]);
  expect(await findMissingPaths(['-'])).toEqual([]);
  expect(await findMissingPaths(['-', 'no\0name'])).toEqual([]);
});

test.each(['http://127.0.0.1:1/x.yaml', 'https://example.com/a?b=c&d', 'file:///etc/x.yaml'])(
  '%s is a URL',
  async (url) => {
    const message = 'a URL, not a file; fetch it first: curl -fsSL URL | svc2nft ... -';
    for (const { diagnostics } of [await loadInput([url], Readable.from([])), await loadFile(url)]) {
      expect(diagnostics).toMatchObject([{ code: 'file-not-found', message }]);
    }
  },
);

test('a file whose name is like a URL is read', async () => {
  write('http:/a/b.yaml');
  expect(await load([`${folder}/http://a/b.yaml`])).toEqual(['http://a/b.yaml=http:/a/b.yaml']);
  expect(await load([`${folder}/c://x`])).toEqual(['c://x file-not-found']);
});

test('a folder stands for the manifests in it and below, sorted', async () => {
  write('b.yaml', 'a/z.yml', 'a/c.json', 'notes.md', '.git/x.yaml', '.hidden.yaml', 'node_modules/m/p.json');
  expect(await load([folder])).toEqual(['a/c.json=a/c.json', 'a/z.yml=a/z.yml', 'b.yaml=b.yaml']);
});

test('what gzip compressed is read as it is: files of any name, stdin, and those in folders', async () => {
  const zipped = gzipSync('text');
  writeFileSync(join(folder, 'a.yaml.gz'), zipped);
  writeFileSync(join(folder, 'b.json'), zipped);
  writeFileSync(join(folder, 'notes.gz'), zipped);
  expect(await load([folder])).toEqual(['a.yaml.gz=text', 'b.json=text']);
  expect(await load([join(folder, 'notes.gz')])).toEqual(['notes.gz=text']);
  expect(summary(await loadInput([], Readable.from([zipped.subarray(0, 5), zipped.subarray(5)])))).toEqual([
    '<stdin>=text',
  ]);
  const members = Buffer.concat([zipped, zipped]);
  expect(summary(await loadInput([], Readable.from([members])))).toEqual(['<stdin>=texttext']);
});

test.each([
  ['damaged', (zipped: Buffer) => zipped.fill(0xff, 10, 14), 'compressed by gzip, but damaged'],
  ['cut off', (zipped: Buffer) => zipped.subarray(0, -10), 'compressed by gzip, but the end is missing'],
  ['only a beginning', (zipped: Buffer) => zipped.subarray(0, 2), 'compressed by gzip, but the end is missing'],
])('what gzip compressed and is %s cannot be read', async (_, damage, message) => {
  const stdin = Readable.from([damage(gzipSync('some text, some text'))]);
  const { texts, diagnostics } = await loadInput([], stdin);
  expect([texts, diagnostics.map((found) => found.message)]).toEqual([[], [message]]);
});

test('a small file that unpacks to a huge text is refused', async () => {
  // 600 MiB of zeros, in members of a MiB each, which need no such buffer here.
  const member = gzipSync(Buffer.alloc(2 ** 20));
  writeFileSync(join(folder, 'bomb.yaml.gz'), Buffer.concat(Array.from({ length: 600 }, () => member)));
  const { texts, diagnostics } = await loadInput([join(folder, 'bomb.yaml.gz')], Readable.from([]));
  expect([texts, diagnostics.map(({ code }) => code)]).toEqual([[], ['file-unreadable']]);
  expect(diagnostics[0]?.message).toMatch(/^it unpacks to a text that is larger than \d+ MiB; split it$/);
});

test('only what was found in a folder is marked so', async () => {
  write('a.yaml');
  const found = await loadInput([folder, join(folder, 'a.yaml')], Readable.from([]));
  expect(found.texts.map(({ isFound }) => isFound)).toEqual([true, undefined]);
});

test('one bad path does not hide the others', async () => {
  write('a.yaml');
  mkdirSync(join(folder, 'empty'));
  const paths = ['missing.yaml', 'a.yaml/below', 'empty', 'a.yaml'].map((name) => join(folder, name));
  expect(await load(paths)).toEqual([
    'a.yaml=a.yaml',
    'missing.yaml file-not-found',
    'a.yaml/below file-not-found',
    'empty no-manifests',
  ]);
});

test('broken and circular links are reported, once each', async () => {
  write('sub/a.yaml');
  symlinkSync('..', join(folder, 'sub/up'));
  symlinkSync('self.yaml', join(folder, 'self.yaml'));
  symlinkSync('nowhere', join(folder, 'gone.yaml'));
  symlinkSync('nowhere', join(folder, 'notes'));
  expect((await load([folder])).sort()).toEqual([
    'gone.yaml file-not-found',
    'self.yaml file-unreadable',
    'sub/a.yaml=sub/a.yaml',
    'sub/up file-unreadable',
  ]);
});

test('a device is refused and a pipe is read', async () => {
  expect(await load(['/dev/zero'])).toEqual(['/dev/zero file-unreadable']);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [loaded] = await Promise.all([load([pipe]), writeTo(pipe)]);
  expect(loaded).toEqual(['pipe=through the pipe']);
});

async function writeTo(pipe: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  await writeFile(pipe, 'through the pipe');
}

test('stdin is read whole, however its chunks are cut', async () => {
  const chunks = [1, 65_535, 1, 200_000, 0, 3, 500_000].map((length, index) => Buffer.alloc(length, `${index}`));
  const { texts } = await loadInput([], Readable.from(chunks));
  expect(texts).toHaveLength(1);
  expect(Buffer.concat(chunks).equals(texts[0]?.content ?? new Uint8Array())).toBe(true);
});

test('stdin that is too large for a text is a diagnostic', async () => {
  const chunk = Buffer.alloc(2 ** 26);
  const count = Math.ceil(constants.MAX_STRING_LENGTH / chunk.length) + 1;
  const { texts, diagnostics } = await loadInput([], Readable.from(Array.from({ length: count }, () => chunk)));
  expect(texts).toEqual([]);
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'file-unreadable larger than 511 MiB; split it',
  ]);
});

test('an unreadable stdin is a diagnostic', async () => {
  const stdin = new Readable({ read: () => stdin.destroy(new Error('gone')) });
  expect(summary(await loadInput([], stdin))).toEqual(['<stdin> file-unreadable']);
});

test('a folder is refused where one file is needed', async () => {
  write('a.yaml');
  expect(summary(await loadFile(folder))).toEqual([`${folder} file-unreadable`]);
  expect(summary(await loadFile(join(folder, 'a.yaml')))).toEqual(['a.yaml=a.yaml']);
});
