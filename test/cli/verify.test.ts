import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, answering, createFakeNft, listTable, says } from '../support/fake-nft.ts';
import { filesOf } from '../support/kube-proxy-table.ts';
import type { CommandResult } from '../support/run-main.ts';
import { add, addElements, flushChain, listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'broken.yaml'), 'a: [\n');
  writeFileSync(join(folder, 'foreign.nft'), 'table ip other {\n}\n');
  const compiled = await runCommand(['-', ...settings], { input: shop(), run: createFakeNft().run });
  writeFileSync(join(folder, 'rules.nft'), compiled.stdout);
  writeFileSync(
    join(folder, 'damaged.nft'),
    compiled.stdout.replace('1 : 10.244.1.12 . 8080', '1 : 10.244.1.99 . 8080'),
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const settings = ['--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];
const right = 'table ip svc2nft: 3 frontends, 4 endpoints, ';

/** `svc2nft verify` with these arguments, FOLDER/a for a file; nft must not be asked to change anything. */
async function verify(
  args: readonly string[],
  {
    input = shop(),
    answers = [],
    hostName = 'worker-1',
  }: { readonly input?: string; readonly answers?: readonly Answer[]; readonly hostName?: string } = {},
): Promise<CommandResult> {
  const nft = createFakeNft(...answers);
  const given = args.map((arg) => arg.replace('FOLDER', folder));
  const { stderr, ...rest } = await runCommand(['verify', ...given], { input, run: nft.run, hostName });
  expect(nft.texts()).toEqual([]);
  return { ...rest, stderr: stderr.replaceAll(folder, 'FOLDER') };
}

const lines = ({ stdout }: CommandResult): string[] => stdout.trimEnd().split('\n');

describe('what is verified', () => {
  test('what the snapshot compiles to, without nft', async () => {
    const result = await verify(['-', ...settings]);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(lines(result)).toEqual([
      expect.stringMatching(/^table ip svc2nft: 3 frontends, 4 endpoints, [0-9]+ packets walked: correct$/),
    ]);
  });

  test('what the kernel holds', async () => {
    const result = await verify(['-', ...settings, '--ruleset', 'kernel'], { answers: [listedShop()] });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain(right);
  });

  test('a file that compile wrote', async () => {
    const result = await verify(['-', ...settings, '--ruleset', 'FOLDER/rules.nft']);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain(right);
  });

  test('a file with a wrong endpoint', async () => {
    const result = await verify(['-', ...settings, '--ruleset', 'FOLDER/damaged.nft']);
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(lines(result)[0]).toMatch(
      /^shop\/cart:http .* 10\.244\.1\.99:8080 gets 1\/3 of the connections from pods, the node and external clients, but should get none; 10\.244\.1\.12:8080 gets none, but should get 1\/3$/,
    );
  });
});

describe('of several Nodes', () => {
  const [node, ...others] = JSON.parse(shop()).items;
  const second = { ...node, metadata: { name: 'worker-2' }, status: {} };
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [second, node, ...others] });
  const ofKernel = ['-', ...settings, '--ruleset', 'kernel'];

  test.each(['worker-1', 'Worker-1', 'worker-1.example.net'])(
    'the kernel has the rules of the one called %s',
    async (hostName) => {
      const result = await verify(ofKernel, { input, hostName, answers: [listedShop()] });
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(result.stdout).toContain(right);
    },
  );

  test.each<[string, readonly string[]]>([
    ['elsewhere', ofKernel],
    ['worker-1', ['-', ...settings, '--ruleset', 'FOLDER/rules.nft']],
    ['worker-1', ['-', ...settings]],
  ])('none is chosen on %s with %j', async (hostName, args) => {
    const { stderr } = await verify(args, { input, hostName, answers: [listedShop()] });
    expect(stderr).toMatch(/^warning several-nodes: the input has 2 Nodes \(worker-1, worker-2\) and none is named, /);
  });
});

describe('faults of the kernel’s table', () => {
  test('an address that no Service has, with a hostile comment', async () => {
    const element = [{ concat: ['10.9.9.9', 'tcp', 80] }, { goto: { target: 'tcp-cluster-3' } }];
    const hostile = [{ elem: { val: element[0], comment: 'x\u001b[31m\u202e' } }, element[1]];
    const answers = [listedShop(addElements('service-ips', hostile))];
    const result = await verify(['-', ...settings, '--ruleset', 'kernel'], { answers });
    expect(result.exitCode).toBe(1);
    expect(lines(result)).toContain(
      '10.9.9.9:80/tcp: service-ips has 10.9.9.9 . tcp . 80 (x\\u001b[31m\\u202e), but no Service has this frontend',
    );
  });

  test('rules that are gone', async () => {
    const result = await verify(['-', ...settings, '--ruleset', 'kernel'], {
      answers: [listedShop(flushChain('services'))],
    });
    expect(result.exitCode).toBe(1);
    expect(lines(result)).toContain(
      'shop/dns:dns 10.96.0.53:53/udp: connections from pods, the node and external clients are rejected, but should reach 10.244.1.53:5353',
    );
  });

  test('a rule that is not understood', async () => {
    const rule = { chain: 'services', expr: [{ xt: { type: 'match', name: 'statistic' } }, { drop: null }] };
    const result = await verify(['-', ...settings, '--ruleset', 'kernel'], { answers: [listedShop(add({ rule }))] });
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(lines(result)[0]).toMatch(/^chain services: .*not understood/);
  });

  test('-o json', async () => {
    const answers = [listedShop(flushChain('services'))];
    const { stdout, exitCode } = await verify(['-', ...settings, '--ruleset', 'kernel', '-o', 'json'], { answers });
    expect(exitCode).toBe(1);
    const json = JSON.parse(stdout) as { tables: { faults: unknown[] }[] };
    expect(json).toMatchObject({
      correct: false,
      tables: [{ family: 'ip', table: 'svc2nft', exists: true, frontends: 3, endpoints: 4, correct: false }],
    });
    expect(json.tables[0]?.faults).toContainEqual({
      code: 'wrong-verdict',
      service: 'shop/dns:dns',
      frontend: '10.96.0.53:53/udp',
      message: 'connections from pods, the node and external clients are rejected, but should reach 10.244.1.53:5353',
    });
  });

  test('thousands of faults of one kind are counted', async () => {
    const many = Array.from({ length: 1_500 }, (_, index) => `10.99.${index >> 8}.${index & 255}`);
    const answers = [listedShop(addElements('cluster-ips', ...many))];
    const result = await verify(['-', ...settings, '--ruleset', 'kernel'], { answers });
    expect(lines(result)).toHaveLength(22);
    expect(lines(result)[20]).toBe('... and 1,480 more of this kind (extra-element)');
    expect(lines(result)[21]).toMatch(/^table ip svc2nft: .*: 1,500 faults$/);
  });

  test('the table of one family is missing', async () => {
    const flags = ['-', '--cluster-cidr', '10.244.0.0/16', '--ruleset', 'kernel'];
    const one = await verify(flags, { answers: [listedShop()] });
    expect(one.exitCode).toBe(0);
    expect(lines(one)[1]).toBe('table ip6 svc2nft: no table, and no Service needs one');
  });

  test('no table at all, as after nft flush ruleset', async () => {
    const result = await verify(['-', '--cluster-cidr', '10.244.0.0/16', '--ruleset', 'kernel']);
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(lines(result)).toEqual([
      'there is no table ip svc2nft',
      'table ip svc2nft: 3 frontends, 4 endpoints, 0 packets walked: 1 fault',
      'table ip6 svc2nft: no table, and no Service needs one',
    ]);
    const json = await verify(['-', '--cluster-cidr', '10.244.0.0/16', '--ruleset', 'kernel', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      correct: false,
      tables: [
        { exists: false, correct: false, faults: [{ code: 'missing-table' }] },
        { family: 'ip6', exists: false, correct: true, frontends: 0, packets: 0, faults: [] },
      ],
    });
  });
});

const misuses: [args: string[], exitCode: number, stderr: RegExp][] = [
  [['FOLDER/nowhere.json'], 2, /^FOLDER\/nowhere\.json: error file-not-found: /],
  [['FOLDER/empty'], 2, /error no-manifests: /],
  [['FOLDER/broken.yaml'], 2, /error invalid-yaml: /],
  [['FOLDER/shop.json', '--node', 'worker-9'], 2, /error node-not-found: there is no Node "worker-9"/],
  [['FOLDER/shop.json', '--ruleset'], 2, /option '--ruleset <file\|kernel>' argument missing/],
  [['FOLDER/shop.json', '--ruleset', 'FOLDER/nowhere.nft'], 2, /FOLDER\/nowhere\.nft: error file-not-found: /],
  [
    ['FOLDER/shop.json', '--ruleset', 'FOLDER/foreign.nft'],
    2,
    /has no table svc2nft or kube-proxy, and no rules of .* \(it has .*other/,
  ],
  [['FOLDER/shop.json', '--ruleset', 'FOLDER/shop.json'], 2, /FOLDER\/shop\.json/],
  [['-', '--ruleset', '-'], 2, /^error: stdin can be read only once: give PATH or --ruleset a file or folder/],
  [['FOLDER/shop.json', '-o', 'yaml'], 2, /^error: --output: unknown value "yaml"; expected text or json\n/],
  [['FOLDER/shop.json', '--rulset', 'kernel'], 2, /unknown option '--rulset'\n\(Did you mean --ruleset\?\)/],
  [['FOLDER/shop.json', '--cluster-cidr', '10.0.0.0'], 2, /is not a valid CIDR/],
];

describe('rules of iptables', () => {
  const { snapshot, config, iptables } = filesOf('node-ports-everywhere');
  const saved = readFileSync(iptables, 'utf8');
  const middle = saved.indexOf('# Generated by ip6tables');
  const [ip, ip6] = [saved.slice(0, middle), saved.slice(middle)];
  const verifySavedText = (text: string, ...more: string[]): Promise<CommandResult> =>
    verify([snapshot, '--node', 'worker-1', '--config', config, '--ruleset', '-', ...more], { input: text });

  test('of both families are right, with notes', async () => {
    const { exitCode, stdout, stderr } = await verifySavedText(saved);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('note: these are the rules of kube-proxy for iptables\n');
    expect(stdout).toMatch(/^rules of iptables: \d+ frontends, .*: correct$/m);
    expect(stdout).toMatch(/^rules of ip6tables: \d+ frontends, .*: correct$/m);
    expect(stdout).toContain('note: iptables mode leaves other ports of cluster IPs alone');
  });

  test('of one family are not missing the other', async () => {
    const first = await verifySavedText(ip);
    expect(first.exitCode).toBe(0);
    expect(first.stderr).toContain('note: IPv6 is not checked: the output of ip6tables-save is not in the file');
    expect(first.stdout).not.toContain('ip6tables');
    const second = await verifySavedText(ip6);
    expect(second.stderr).toContain('note: IPv4 is not checked');
    expect(second.stdout).toMatch(/^rules of ip6tables: .*: correct$/m);
  });

  test('with a fault', async () => {
    const broken = saved.replace(/-A POSTROUTING .* -j KUBE-POSTROUTING\n/, '');
    const { exitCode, stdout } = await verifySavedText(broken, '-o', 'json');
    expect(exitCode).toBe(1);
    const { correct, tables } = JSON.parse(stdout);
    expect(correct).toBe(false);
    expect(tables[0]).toMatchObject({ family: 'ip', table: 'iptables', exists: true, correct: false });
    expect(tables[0].faults[0]).toEqual({
      code: 'missing-rule',
      message: 'chain nat POSTROUTING has no jump to KUBE-POSTROUTING',
    });
    expect(tables[1]).toMatchObject({ family: 'ip6', correct: true });
  });

  test('that are not there', async () => {
    const { exitCode, stdout } = await verifySavedText('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('there are no rules of kube-proxy or svc2nft\n');
  });
});

describe('misuse', () => {
  test.each(misuses)('%j', async (args, exitCode, stderr) => {
    const result = await verify(args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(stderr);
  });

  test.each([
    ['nft is not there', says.missing, 4],
    ['only root may', says.notPermitted, 4],
    ['the kernel refuses', says.noMemory, 3],
  ] as const)('%s', async (_name, answer, exitCode) => {
    const flags = ['FOLDER/shop.json', ...settings, '--ruleset', 'kernel'];
    const result = await verify(flags, { answers: [answering(listTable.ip, answer)] });
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(/error: /);
  });
});

test('help ends with exit codes and examples', async () => {
  const { stdout, exitCode } = await verify(['--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /\nExit codes:\n {2}0 {2}correct\n {2}1 {2}faults.*\n {2}4 {2}no permission, or nft not found\n\nExamples:\n/s,
  );
});
