import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadListedTables } from '../../../src/cli/input/load-tables.ts';
import type { RunProgram } from '../../../src/kernel/run-program.ts';
import { compileFixture } from '../../support/compile-fixture.ts';

const { rulesets, text: compiled } = compileFixture('dual-stack-service-has-endpoints-of-each-family');
const other = 'table ip kube-proxy {\n}\ntable ip6 kube-proxy {\n}\n';
const settings = { families: ['ip', 'ip6'], table: 'svc2nft' } as const;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rulesets-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Loads a file with this content. Messages are returned without the folder. */
async function load(content: string | Uint8Array, options: Partial<typeof settings> = {}) {
  const file = join(folder, 'rules');
  await writeFile(file, content);
  return loadFrom(file, { ...settings, ...options });
}

async function loadFrom(
  source: string,
  options: Parameters<typeof loadListedTables>[1] = settings,
  input = '',
  run: RunProgram = () => Promise.reject(new Error('no program is needed to read a file')),
) {
  const stdin = Object.assign(new PassThrough(), { isTTY: false });
  const stderr = new PassThrough();
  stdin.end(input);
  const lock = () => Promise.reject(new Error('nor a lock'));
  const result = await loadListedTables(source, options, {
    stdin,
    stdout: new PassThrough(),
    stderr,
    env: {},
    run,
    lock,
    now: () => 0,
    hostName: 'worker-1',
  });
  stderr.end();
  return { result, stderr: (await readText(stderr)).replaceAll(folder, '') };
}

function rulesetsOf(result: Awaited<ReturnType<typeof loadListedTables>>) {
  return typeof result === 'number' ? result : result.map(({ ruleset }) => ruleset);
}

describe('rulesets in a file', () => {
  test('text, alone or after other tables, in one family or both, from a file or stdin', async () => {
    const [first, second] = rulesets;
    expect(rulesetsOf((await load(compiled)).result)).toEqual([first, second]);
    expect(rulesetsOf((await load(`${other}${compiled}`)).result)).toEqual([first, second]);
    const { result } = await loadFrom('-', { families: ['ip6'], table: 'svc2nft' }, compiled);
    expect(rulesetsOf(result)).toEqual([second]);
  });

  test('JSON, one output of nft or several in a row', async () => {
    const listing = (family: string) => JSON.stringify({ nftables: [{ table: { family, name: 'svc2nft' } }] });
    const { result, stderr } = await load(`\n ${listing('ip6')}\n${listing('ip')}\n`);
    expect(rulesetsOf(result)).toEqual([
      { family: 'ip', table: 'svc2nft', comment: 'Kubernetes Services, by svc2nft', sets: [], chains: [] },
      { family: 'ip6', table: 'svc2nft', comment: 'Kubernetes Services, by svc2nft', sets: [], chains: [] },
    ]);
    expect(stderr).toBe('');
  });

  test('a table that the file deletes later does not count', async () => {
    const { result, stderr } = await load(`${compiled}\nflush ruleset\n`);
    expect(result).toBe(1);
    expect(stderr).toBe('error: /rules has no table svc2nft (it has no tables)\n');
  });
});

describe('messages name the tables that were asked for', () => {
  const listed = 'table ip kube-proxy {\n}\ntable ip6 svc2nft {\n}\n';

  test('and the family, if there is only one', async () => {
    const { result, stderr } = await loadFrom('-', { families: ['ip'], table: 'svc2nft' }, listed);
    expect(stderr).toBe('error: <stdin> has no table ip svc2nft (it has ip kube-proxy, ip6 svc2nft)\n');
    expect(result).toBe(1);
  });

  test.each([
    [['ip'], 'error: the kernel has no table ip svc2nft\n'],
    [['ip', 'ip6'], 'error: the kernel has no table svc2nft\n'],
  ] as const)('that the kernel does not have: %j', async (families, message) => {
    const { result, stderr } = await loadFrom('kernel', { families, table: 'svc2nft' }, '', async () => ({
      exitCode: 1,
      signal: undefined,
      missing: false,
      denied: false,
      stdout: '',
      stderr: 'Error: No such file or directory\nlist table ip svc2nft\n              ^^^^^^^\n',
    }));
    expect(stderr).toBe(message);
    expect(result).toBe(1);
  });

  test('an empty source is wrong usage', async () => {
    expect(await loadFrom('')).toEqual({ result: 2, stderr: 'error: --ruleset needs a file or kernel\n' });
  });

  test.each(['Kernel', 'kernal'])('the kernel, mistyped: %s', async (source) => {
    const stderr = `${source}: error file-not-found: no such file or folder (did you mean kernel?)\n`;
    expect(await loadFrom(source)).toEqual({ result: 1, stderr });
  });
});

describe('a terse listing, without elements', () => {
  const question = (family: string) => ({
    message: `table ${family} svc2nft: the sets have no elements; was it listed with -t?`,
    needsRebuild: false,
  });

  test('warns about -t where chains depend on elements', async () => {
    const terse = compiled.replaceAll(/elements = \{[^}]*\}/g, '');
    expect(terse).not.toBe(compiled);
    const { result } = await load(terse);
    expect(typeof result === 'number' || result.map(({ deviations }) => deviations)).toEqual([
      [question('ip')],
      [question('ip6')],
    ]);
  });

  test('also as JSON', async () => {
    const place = { family: 'ip', table: 'svc2nft' };
    const map = (elem: object) => ({
      map: {
        ...place,
        name: 'service-ips',
        type: ['ipv4_addr', 'inet_proto', 'inet_service'],
        map: 'verdict',
        ...elem,
      },
    });
    const chain = (name: string) => ({ chain: { ...place, name } });
    const deviationsOf = async (...objects: object[]) => {
      const nftables = [{ table: { family: 'ip', name: 'svc2nft' } }, ...objects];
      const { result } = await load(JSON.stringify({ nftables }));
      return typeof result === 'number' || result.flatMap(({ deviations }) => deviations);
    };
    const elem = [[{ concat: ['10.96.0.1', 'tcp', 443] }, { goto: { target: 'tcp-cluster-1' } }]];
    expect(await deviationsOf(map({}), chain('tcp-cluster-1'))).toEqual([question('ip')]);
    expect(await deviationsOf(map({ elem }), chain('tcp-cluster-1'))).toEqual([]);
    expect(await deviationsOf(map({}), chain('services'))).toEqual([]);
    expect(await deviationsOf(chain('tcp-cluster-1'))).toEqual([]);
  });
});

const expected =
  'expected the output of svc2nft compile, svc2nft collect, nft list ruleset, nft -j list ruleset or iptables-save';

describe('a file without a ruleset gives one clear message, and exit code 1', () => {
  test.each([
    ['empty', '', `/rules: error empty-input: the file is empty; ${expected}`],
    ['blank', ' \n\t\n', `/rules: error empty-input: the file is empty; ${expected}`],
    ['binary', new Uint8Array([1, 0, 2]), `/rules: error not-text: not a text file; ${expected}`],
    ['UTF-16', Buffer.from('\ufefftable ip', 'utf16le'), `/rules: error not-text: not a text file; ${expected}`],
    ['comments alone', '# nothing\n', 'error: /rules has no table svc2nft (it has no tables)'],
    ['other tables', other, 'error: /rules has no table svc2nft (it has ip kube-proxy, ip6 kube-proxy)'],
    [
      'many other tables',
      Array.from({ length: 12 }, (_, index) => `table ip t${index} { }\n`).join(''),
      'error: /rules has no table svc2nft (it has ip t0, ip t1, ip t2, ip t3, ip t4, ip t5, ip t6, ip t7, 4 more)',
    ],
    [
      'JSON of other tables',
      '{"nftables": [{"table": {"family": "inet", "name": "a\\u001b"}}]}',
      'error: /rules has no table svc2nft (it has inet a\\u001b)',
    ],
    ['an empty listing', '{"nftables":[]}', 'error: /rules has no table svc2nft (it has no tables)'],
    ['an odd table', '{"nftables":[{"table":{}}]}', 'error: /rules has no table svc2nft (it has no tables)'],
    [
      'JSON of something else',
      '{"kind": "List", "items": []}',
      '/rules: error invalid-json: not the JSON of nft, which has a list "nftables"',
    ],
    [
      'a manifest',
      'apiVersion: v1\nkind: Service\n',
      [
        '/rules:1:1: error: expected a table, as svc2nft compile or nft list ruleset prints it, found "apiVersion:"',
        '  apiVersion: v1',
        '  ^',
      ].join('\n'),
    ],
    [
      'other commands',
      'table ip svc2nft { }\nadd rule ip svc2nft c drop\n',
      [
        '/rules:2:1: error: expected a table, as svc2nft compile or nft list ruleset prints it, found "add"',
        '  add rule ip svc2nft c drop',
        '  ^',
      ].join('\n'),
    ],
    [
      'a table without an end',
      'table ip svc2nft {\n\tset s {\n',
      '/rules:3:1: error: expected "}", found the end of the text',
    ],
    [
      'another table without an end',
      'table ip6 x {\n',
      ['/rules:1:13: error: this brace is never closed', '  table ip6 x {', '              ^'].join('\n'),
    ],
    [
      'the same table twice',
      'table ip svc2nft { }\ntable ip svc2nft { }\n',
      ['/rules:2:7: error: table "svc2nft" is declared twice', '  table ip svc2nft { }', '        ^'].join('\n'),
    ],
    [
      'the same chain twice',
      'table ip svc2nft {\nchain c { }\nchain c { }\n}\n',
      ['/rules:3:1: error: "c" is declared twice', '  chain c { }', '  ^'].join('\n'),
    ],
    [
      'a port by name',
      'table ip svc2nft {\nset s {\ntype inet_service; elements = { "http" }\n}\n}\n',
      [
        '/rules:3:33: error: the port "http" is given by name; call nft without -S',
        '  type inet_service; elements = { "http" }',
        '                                  ^',
      ].join('\n'),
    ],
    [
      'a quote that is left out',
      'table ip svc2nft {\n\tset s {\n\t\ttype inet_service\n\t\tcomment "cut;\n\t\telements = { 80 comment "a" }\n\t}\n}\n',
      [
        '/rules:4:11: error: this quoted text is not closed on its line, or line 5 is wrong: this quote is never closed',
        '  comment "cut;',
        '          ^',
      ].join('\n'),
    ],
    [
      'one that is left out where ports stand',
      'table ip svc2nft {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 80 comment "cut,\n 81 comment "b", 82 comment "c", 83 }\n\t}\n}\n',
      [
        '/rules:4:27: error: this quoted text is not closed on its line, or line 5 is wrong: unexpected quoted text',
        '  elements = { 80 comment "cut,',
        '                          ^',
      ].join('\n'),
    ],
    [
      'one that is left out in another table',
      'table ip x {\n\tcomment "cut\n}\ntable ip svc2nft {\n\tcomment "a"\n}\n',
      [
        '/rules:2:10: error: this quoted text is not closed on its line, or line 5 is wrong: this quote is never closed',
        '  comment "cut',
        '          ^',
      ].join('\n'),
    ],
    [
      'a quote without an end, and control characters',
      'table ip svc2nft {\ncomment "\u001b[31m\n}\n',
      ['/rules:2:9: error: this quote is never closed', '  comment "\\u001b[31m', '          ^'].join('\n'),
    ],
  ])('%s', async (_, content, message) => {
    const { result, stderr } = await load(content);
    expect(stderr).toBe(`${message}\n`);
    expect(result).toBe(1);
  });

  test('JSON that ends halfway', async () => {
    const { result, stderr } = await load('{"nftables": [{"table": {"family": "ip",\n');
    expect(stderr).toMatch(/^\/rules:2:1: error invalid-json: .*\(nft 1\.0\.6 stops halfway .* without -j\)\n$/);
    expect(result).toBe(1);
  });

  test('a folder, a missing file, a device, an empty stdin', async () => {
    const loads = [loadFrom(folder), loadFrom(join(folder, 'none')), loadFrom('/dev/null'), loadFrom('-')];
    expect(await Promise.all(loads)).toEqual([
      { result: 1, stderr: ': error file-unreadable: expected a file, found a folder\n' },
      { result: 1, stderr: '/none: error file-not-found: no such file or folder\n' },
      {
        result: 1,
        stderr: '/dev/null: error file-unreadable: expected a file, found a device or socket\n',
      },
      { result: 1, stderr: `<stdin>: error empty-input: the file is empty; ${expected}\n` },
    ]);
  });

  test('a file larger than the longest string', async () => {
    const file = join(folder, 'large');
    await writeFile(file, '');
    // The file has no blocks, so that it takes no space.
    await truncate(file, 2 ** 31);
    const { result, stderr } = await loadFrom(file);
    expect(stderr).toMatch(/^\/large: error file-unreadable: larger than [0-9]+ MiB; split it\n$/);
    expect(result).toBe(1);
  });
});
