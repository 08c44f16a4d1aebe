import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** `svc2nft list` with a terminal as stdin, and an nft that must not be asked. */
async function misuse(args: readonly string[]): Promise<CommandResult> {
  const { run, calls } = createFakeNft();
  const result = await runCommand(['list', ...args], { run });
  expect(calls).toEqual([]);
  return result;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'broken.json'), '{"apiVersion": "v1",');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const labelRule =
  '1 to 63 lowercase letters, digits and -, beginning and ending with a letter or digit\n(see --help)\n';

test.each<[args: string[], exitCode: number, stderr: string]>([
  [[], 2, 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  [
    ['FOLDER/shop.json', '--kernel'],
    2,
    'error: --kernel lists what the rules serve and takes no PATH; use "svc2nft diff PATH" to compare manifests with the kernel (see --help)\n',
  ],
  [
    ['-', '--kernel'],
    2,
    'error: --kernel lists what the rules serve and takes no PATH; use "svc2nft diff PATH" to compare manifests with the kernel (see --help)\n',
  ],
  [
    ['-o', 'text'],
    2,
    'error: --output: unknown value "text"; expected table, wide, json, yaml or name\n(see --help)\n',
  ],
  [
    ['-o', './list.json'],
    2,
    'error: --output: unknown value "./list.json"; expected table, wide, json, yaml or name; to write to a file, redirect stdout: > ./list.json\n(see --help)\n',
  ],
  [['-n', 'shop/cart'], 2, `error: --namespace: "shop/cart" is not the name of a namespace: ${labelRule}`],
  [['--service', ''], 2, `error: --service: "" is neither NAME nor NAMESPACE/NAME of a Service: ${labelRule}`],
  [['FOLDER/shop.json', '-n'], 2, "error: option '-n, --namespace <name>' argument missing\n(see --help)\n"],
  [['--kernal'], 2, "error: unknown option '--kernal'\n(Did you mean --kernel?)\n(see --help)\n"],
  [['--namespce', 'x'], 2, "error: unknown option '--namespce'\n(Did you mean --namespace?)\n(see --help)\n"],
  [['--kernel', '--family', 'ipv4'], 2, 'error: --family: unknown value "ipv4"; expected ip or ip6\n(see --help)\n'],
  [['FOLDER/nowhere'], 1, 'FOLDER/nowhere: error file-not-found: no such file or folder\n1 error: nothing is listed\n'],
  [
    ['FOLDER/empty'],
    1,
    'FOLDER/empty: error no-manifests: the folder has no *.yaml, *.yml or *.json file\n1 error: nothing is listed\n',
  ],
  [
    ['FOLDER/shop.json', '--node', 'worker-9'],
    1,
    'error node-not-found: there is no Node "worker-9"; the input has 1 Node (worker-1)\n1 error: nothing is listed\n',
  ],
])('%j', async (args, exitCode, stderr) => {
  const result = await misuse(args.map((arg) => arg.replace('FOLDER', folder)));
  expect({ ...result, stderr: result.stderr.replaceAll(folder, 'FOLDER') }).toEqual({ exitCode, stdout: '', stderr });
});

describe('words that kubectl takes for Services get advice', () => {
  const select = (names: string): string =>
    `note: a PATH is a file or folder; to select Services, use --service ${names}\n`;
  const ask = (guess: string, names: string): string =>
    `note: a PATH is a file or folder; if ${guess}, use --service ${names}\n`;
  const omit = (words: string): string =>
    `note: a PATH is a file or folder; without ${words}, all Services are shown\n`;

  test.each([
    [['svc'], omit('svc')],
    [['services', 'FOLDER/shop.json'], omit('services')],
    [['pods'], omit('pods')],
    [['FOLDER/shop.json', 'svc/web'], select('svc/web')],
    [['svc', 'web', 'FOLDER/shop.json'], select('web')],
    [['FOLDER/shop.json', 'shop/web', 'service:shop/api'], select('shop/web,service:shop/api')],
    [['FOLDER/shop.json', 'web', 'svc/api'], select('web,svc/api')],
    // Only words alone, which may be mistyped paths.
    [['manifests-typo'], ask('manifests-typo is a Service', 'manifests-typo')],
    [['FOLDER/shop.json', 'shop/web'], ask('shop/web is a Service', 'shop/web')],
    [['web', 'FOLDER/shop.json', 'api'], ask('web and api are Services', 'web,api')],
    [['a', 'b', 'shop/c', 'a'], ask('a, b and shop/c are Services', 'a,b,shop/c')],
    [['FOLDER/shop.json', './web'], ''],
    [['FOLDER/shop.json/web'], ''],
    [['FOLDER/shop.json', 'web.yaml'], ''],
    [['FOLDER/broken.json'], ''],
  ])('%j', async (args, note) => {
    const given = args.map((arg) => arg.replace('FOLDER', folder));
    for (const command of ['list', 'graph']) {
      const { stderr, exitCode } = await runCommand([command, ...given], { run: createFakeNft().run });
      const lines = stderr.split('\n').filter((line) => line.startsWith('note: '));
      expect({ note: lines.map((line) => `${line}\n`).join(''), exitCode }).toEqual({ note, exitCode: 1 });
    }
  });

  test('also beside --kernel', async () => {
    const { stderr, exitCode } = await misuse(['--kernel', 'svc/web']);
    expect(stderr).toContain(`(see --help)\n${select('svc/web')}`);
    expect(exitCode).toBe(2);
  });
});

test('broken JSON', async () => {
  const { exitCode, stdout, stderr } = await misuse([join(folder, 'broken.json')]);
  expect(stderr).toMatch(/error invalid-json: .*\n1 error: nothing is listed\n$/s);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
});
