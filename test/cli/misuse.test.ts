import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'other-node.json'), shop().replaceAll('worker-1', 'worker-2'));
  writeFileSync(join(folder, 'broken.yaml'), 'a: [\n');
  writeFileSync(join(folder, 'nothing.yaml'), '');
  writeFileSync(join(folder, 'rules.nft'), 'table ip svc2nft {\n}\n');
  writeFileSync(join(folder, 'plain.txt'), 'apiVersion: v1\nkind: Service\n');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a command on files of the folder, FOLDER/a, and returns its output; nft must not be asked to change anything. */
async function misuse(args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const nft = createFakeNft();
  const given = args.map((arg) => arg.replace('FOLDER', folder));
  const { stderr, ...rest } = await runCommand(given, { run: nft.run });
  expect(nft.texts()).toEqual([]);
  return { ...rest, stderr: stderr.replaceAll(folder, 'FOLDER') };
}

const tableProblem = '"a b" is not a valid table name; expected a letter, then up to 30 letters, digits or _ . -';

/** Arguments, and the whole output. */
type Misuse = [args: string[], stderr: string];

const wrongFlags: Misuse[] = [
  [[], 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  [['--keep-goin'], "error: unknown option '--keep-goin'\n(Did you mean --keep-going?)\n(see --help)\n"],
  [['--masquerade-all=yes'], "error: unknown option '--masquerade-all=yes'\n(see --help)\n"],
  [['--table', 'a b'], `error: --table: ${tableProblem}\n(see --help)\n`],
  [['--family', 'inet'], 'error: --family: unknown value "inet"; expected ip or ip6\n(see --help)\n'],
  [
    ['--cluster-cidr', '10.0.0.0'],
    'error: --cluster-cidr: "10.0.0.0" is not a valid CIDR; expected one such as 10.244.0.0/16 or fd00:10:244::/56\n(see --help)\n',
  ],
  [['--target-nft', '2'], 'error: --target-nft: unknown value "2"; expected 1.0.6 or 1.1.3\n(see --help)\n'],
  [['--node-ip', 'worker-1'], 'error: --node-ip: "worker-1" is not a valid IP address\n(see --help)\n'],
  [['FOLDER/shop.json', '--node'], "error: option '--node <name>' argument missing\n(see --help)\n"],
];

const badInput: Misuse[] = [
  [
    ['FOLDER/shop.json', '--node', 'worker-9'],
    'error node-not-found: there is no Node "worker-9"; the input has 1 Node (worker-1)\n1 error: no ruleset\n',
  ],
  [['FOLDER/no-such-file'], 'FOLDER/no-such-file: error file-not-found: no such file or folder\n1 error: no ruleset\n'],
  [
    ['FOLDER/empty'],
    'FOLDER/empty: error no-manifests: the folder has no *.yaml, *.yml or *.json file\n1 error: no ruleset\n',
  ],
  [
    ['FOLDER/nothing.yaml'],
    'FOLDER/nothing.yaml: error empty-input: the input is empty; expected Kubernetes objects in YAML or JSON: kubectl get services,endpointslices,nodes,servicecidrs -A -o json\n1 error: no ruleset\n',
  ],
  [
    ['FOLDER/plain.txt'],
    [
      'FOLDER/plain.txt:1:1: error missing-field: Service: metadata is missing\n  apiVersion: v1\n  ^\n',
      'FOLDER/plain.txt:1:1: error missing-field: Service: spec is missing\n  apiVersion: v1\n  ^\n',
      '2 errors: no ruleset\n',
    ].join(''),
  ],
  [
    ['FOLDER/rules.nft'],
    'FOLDER/rules.nft:1:1: error not-an-object: this is "table ip svc2nft { }"; a Kubernetes object is a mapping with apiVersion, kind and metadata\n  table ip svc2nft {\n  ^\n1 error: no ruleset\n',
  ],
  [
    ['FOLDER/shop.json', '--config', 'FOLDER/empty'],
    'FOLDER/empty: error file-unreadable: expected a file, found a folder\n1 error: no ruleset\n',
  ],
  [
    ['FOLDER/shop.json', '--config', 'FOLDER/no-such-file'],
    'FOLDER/no-such-file: error file-not-found: no such file or folder\n1 error: no ruleset\n',
  ],
];

describe('apply', () => {
  test.each(wrongFlags)('%j is wrong usage', async (args, stderr) => {
    expect(await misuse(['apply', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  test.each<Misuse>([
    [['--dryrun'], "error: unknown option '--dryrun'\n(Did you mean --dry-run?)\n(see --help)\n"],
    [['-o', 'yaml'], 'error: --output: unknown value "yaml"; expected text or json\n(see --help)\n'],
  ])('%j too', async (args, stderr) => {
    expect(await misuse(['apply', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  test.each(badInput)('%j is bad input, so the kernel stays as it is', async (args, said) => {
    const stderr = said.replace(/: no ruleset\n$/, ': nothing is changed\n');
    expect(await misuse(['apply', ...args])).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  test('broken YAML too', async () => {
    const { exitCode, stdout, stderr } = await misuse(['apply', 'FOLDER/broken.yaml']);
    expect(stderr).toMatch(/^FOLDER\/broken.yaml:2:1: error invalid-yaml: /);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });
});

describe('diff', () => {
  test.each(wrongFlags)('%j is wrong usage', async (args, stderr) => {
    expect(await misuse(['diff', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  test.each<Misuse>([
    [['--dry-run'], "error: unknown option '--dry-run'\n(see --help)\n"],
    [['-o', 'yaml'], 'error: --output: unknown value "yaml"; expected text, nft, iptables or json\n(see --help)\n'],
    [['FOLDER/shop.json', '--from'], "error: option '--from <path>' argument missing\n(see --help)\n"],
    [['--form', 'FOLDER/shop.json'], "error: unknown option '--form'\n(Did you mean --from?)\n(see --help)\n"],
    [['--from', 'FOLDER/shop.json'], 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  ])('%j too', async (args, stderr) => {
    expect(await misuse(['diff', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  const isMissing = ([[path]]: Misuse): boolean => path === 'FOLDER/no-such-file';
  test.each(badInput.filter((one) => !isMissing(one)))(
    '%j is bad input: 1 means differences, so 2',
    async (args, said) => {
      const stderr = said.replace(/: no ruleset\n$/, ': nothing is compared\n');
      expect(await misuse(['diff', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
    },
  );

  test.each([
    [['FOLDER/no-such-file']],
    [['FOLDER/no-such-file', 'FOLDER/shop.json']],
    [['FOLDER/shop.json', 'FOLDER/no-such-file']],
    [['FOLDER/shop.json', '--from', 'FOLDER/no-such-file']],
    [['FOLDER/broken.yaml', 'FOLDER/no-such-file', '-f', 'FOLDER/shop.json']],
    [['FOLDER/no-such-file', 'FOLDER/no-such-file']],
  ])('%j: a missing file is one line, and nothing is said about the other one', async (args) => {
    const stderr = 'FOLDER/no-such-file: error file-not-found: no such file or folder\n';
    expect(await misuse(['diff', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  test('two missing files are two lines', async () => {
    const { stderr, exitCode } = await misuse(['diff', 'FOLDER/none', 'FOLDER/shop.json/none']);
    expect(stderr).toBe(
      'FOLDER/none: error file-not-found: no such file or folder\nFOLDER/shop.json/none: error file-not-found: no such file or folder\n',
    );
    expect(exitCode).toBe(2);
  });

  test('an older snapshot without the node', async () => {
    const args = ['FOLDER/shop.json', '--node', 'worker-1', '--from', 'FOLDER/other-node.json'];
    expect(await misuse(['diff', ...args, '--cluster-cidr', '10.244.0.0/16'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: [
        'error node-not-found: there is no Node "worker-1"; the input has 1 Node (worker-2)',
        '1 error: nothing is compared',
        'error: FOLDER/other-node.json gives no ruleset to compare with',
        '',
      ].join('\n'),
    });
  });
});

describe('clean', () => {
  test.each<Misuse>([
    [['FOLDER/shop.json'], "error: too many arguments for 'clean'. Expected 0 arguments but got 1.\n(see --help)\n"],
    [['svc2nft', 'ip6'], "error: too many arguments for 'clean'. Expected 0 arguments but got 2.\n(see --help)\n"],
    [['--dry-run'], "error: unknown option '--dry-run'\n(see --help)\n"],
    [['--all'], "error: unknown option '--all'\n(see --help)\n"],
    [['--node', 'worker-1'], "error: unknown option '--node'\n(see --help)\n"],
    [['-t', 'mine'], "error: unknown option '-t'\n(see --help)\n"],
    [['--tabel', 'mine'], "error: unknown option '--tabel'\n(Did you mean --table?)\n(see --help)\n"],
    [['--table'], "error: option '--table <name>' argument missing\n(see --help)\n"],
    [['--table', 'a b'], `error: --table: ${tableProblem}\n(see --help)\n`],
    [
      ['--table', 'x; flush ruleset'],
      `error: --table: ${tableProblem.replace('a b', 'x; flush ruleset')}\n(see --help)\n`,
    ],
    [
      ['--table', 'map'],
      `error: --table: "map" is a reserved word of nft, so it cannot be the name of a table\n(see --help)\n`,
    ],
    [['--family', 'ipv6'], 'error: --family: unknown value "ipv6"; expected ip or ip6\n(see --help)\n'],
  ])('%j is wrong usage', async (args, stderr) => {
    expect(await misuse(['clean', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
