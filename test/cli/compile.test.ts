import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { writeOutput } from '../../src/cli/output/write-output.ts';
import { runMain } from '../support/run-main.ts';

const cluster = 'demo/cluster.yaml';
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('input', () => {
  test('a file, a folder, stdin and several files give the same bytes, with and without the command', async () => {
    const expected = await runMain(['compile', cluster, '--cluster-cidr', '10.244.0.0/16']);
    expect(expected).toMatchObject({ exitCode: 0, stderr: '' });
    expect(expected.stdout).toContain('10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-3,');

    const text = readFileSync(cluster, 'utf8');
    const input = { input: text };
    expect(await runMain([cluster, '--cluster-cidr', '10.244.0.0/16'])).toEqual(expected);
    expect(await runMain(['--cluster-cidr', '10.244.0.0/16'], input)).toEqual(expected);
    expect(await runMain(['-', '--cluster-cidr', '10.244.0.0/16'], input)).toEqual(expected);
    expect(await runMain(['compile', 'demo', '--cluster-cidr', '10.244.0.0/16'])).toEqual(expected);
  });

  test('no input on a terminal is wrong usage', async () => {
    const result = await runMain(['compile']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain('no input');
  });

  test('other kinds are ignored and counted', async () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n';
    const result = await runMain(['compile', '-', cluster, '--cluster-cidr', '10.244.0.0/16'], {
      input: `${pod}---\n${pod.replace('name: a', 'name: b')}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: c}\n`,
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: 'ignored kinds: Deployment (1), Pod (2)\n' });
  });
});

describe('options', () => {
  test('flags override the configuration', async () => {
    const config = join(folder, 'config.yaml');
    writeFileSync(
      config,
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\nnftables: {masqueradeBit: 3}\n',
    );
    const fromFile = await runMain([cluster, '--config', config]);
    expect(fromFile).toMatchObject({ exitCode: 0, stderr: '' });
    expect(fromFile.stdout).toContain(
      'ip saddr != 10.244.0.0/16 ip daddr @cluster-ips meta mark set meta mark or 0x00000008',
    );
    const fromFlag = await runMain([cluster, '--config', config, '--cluster-cidr', '10.244.0.0/17', '--table', 'mine']);
    expect(fromFlag.stdout).toContain(
      'ip saddr != 10.244.0.0/17 ip daddr @cluster-ips meta mark set meta mark or 0x00000008',
    );
    expect(fromFlag.stdout).toContain('delete table ip mine\n');
  });

  test('one family only', async () => {
    const { stdout } = await runMain([cluster, '--family', 'ip6']);
    expect(stdout).toContain('table ip6 svc2nft {');
    expect(stdout).not.toContain('table ip svc2nft');
  });

  test('--node-ip replaces the addresses of the Node object, the primary one first', async () => {
    const { stdout } = await runMain([cluster, '--node-ip', '192.0.2.77', '--node-ip', '192.0.2.78']);
    expect(stdout).toMatch(/set nodeport-ips \{[^}]*elements = \{\n\t\t\t192\.0\.2\.77,\n/);
  });

  test.each([
    [['--node', 'Worker 1'], 'is not a valid node name'],
    [['--node-ip', '192.0.2'], 'is not a valid IP address'],
    [['--cluster-cidr', '10.0.0.0/33'], 'is not a valid CIDR'],
    [['--cluster-cidr', '10.0.0.0/8,11.0.0.0/8'], 'two CIDRs of one family'],
    [['--nodeport-addresses', 'everywhere'], 'neither a CIDR nor one of'],
    [['--table', 'x { }'], 'is not a valid table name'],
    [['--table', 'map'], 'a reserved word of nft'],
    [['--family', 'inet'], 'unknown value "inet"; expected ip or ip6'],
    [['--tabel', 'x'], '--table'],
    [['--target-nft', '0.9'], 'unknown value "0.9"; expected 1.0.6 or 1.1.3'],
  ])('%j is wrong usage', async (flags, message) => {
    const result = await runMain(['compile', cluster, ...flags]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain('    at ');
  });

  test('control characters of the input do not reach the terminal', async () => {
    const evil = '\u001b]0;x\u0007\u009b31m\nerror: forged';
    const objects = [
      { apiVersion: 'v1', kind: `X${evil}`, metadata: { name: 'a' } },
      { apiVersion: `${evil}/v1`, kind: 'Service', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Service', metadata: { name: `b${evil}` }, spec: { ports: [] } },
    ];
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const runs = [
      await runMain(['--keep-going', '--node', 'a'], { input }),
      await runMain([cluster, '--file', `/no/such/${evil}`]),
      await runMain([`--${evil}`]),
      await runMain([cluster, '--family', evil]),
      await runMain([evil]),
    ];
    for (const { stderr } of runs) {
      expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
    }
    expect(runs[0]?.stderr).not.toMatch(/^error: forged/m);
  });

  test('an unknown node is an error that lists the nodes of the input', async () => {
    const result = await runMain([cluster, '--node', 'worker-9']);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toContain(
      'error node-not-found: there is no Node "worker-9"; the input has 1 Node (worker-1)',
    );
  });
});

describe('output', () => {
  test('--file writes the whole file, and only without errors', async () => {
    const file = join(folder, 'rules.nft');
    expect(await runMain([cluster, '--cluster-cidr', '10.244.0.0/16', '--file', file])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    const written = readFileSync(file, 'utf8');
    expect(written).toMatch(/^# svc2nft .*\n/);
    expect((await runMain(['compile', '-', '--file', file], { input: '{"kind": 1}' })).exitCode).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe(written);
    expect(leftovers(folder)).toEqual([]);
  });

  /** Temporary files. */
  function leftovers(path: string): string[] {
    return readdirSync(path).filter((name) => name.startsWith('.') || name.includes('tmp'));
  }

  test.each([
    ['whose name is too long', 'n'.repeat(256), 'its name is too long'],
    ['whose name is only too long in UTF-8', 'ä'.repeat(130), 'its name is too long'],
    ['in a folder that does not exist', 'none/rules.nft', 'no such folder'],
  ])('a file %s is not written, and nothing is left behind', async (_, name, reason) => {
    const place = mkdtempSync(join(folder, 'place-'));
    const file = join(place, name);
    expect(await runMain([cluster, '--cluster-cidr', '10.244.0.0/16', '--file', file])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(reason),
    });
    expect(readdirSync(place)).toEqual([]);
  });

  test('a folder that appears in place of the file meanwhile stays, without a temporary file beside it', async () => {
    const place = mkdtempSync(join(folder, 'place-'));
    const file = join(place, 'rules.nft');
    const writing = writeOutput('text'.repeat(5_000_000), file, {
      stderr: { write: () => true },
    } as unknown as Context);
    while (readdirSync(place).length === 0) {
      await setTimeout(0);
    }
    mkdirSync(file);
    expect(await writing).toBe(2);
    expect(readdirSync(place)).toEqual(['rules.nft']);
  });

  test.each([[['-o', 'nft']], [['--output=nft']]])('%j is the default format', async (flags) => {
    expect(await runMain([cluster, ...flags])).toEqual(await runMain([cluster]));
  });

  test.each([
    [
      'rules.nft',
      'error: --output: unknown value "rules.nft"; expected nft; to write to a file, use --file rules.nft\n',
    ],
    [
      'out/rules',
      'error: --output: unknown value "out/rules"; expected nft; to write to a file, use --file out/rules\n',
    ],
    ['json', 'error: --output: unknown value "json"; expected nft\n'],
    ['', 'error: --output: unknown value ""; expected nft\n'],
  ])('-o is a format, not a path: %s', async (format, message) => {
    for (const args of [[cluster], ['compile', cluster]]) {
      const { stderr, ...result } = await runMain([...args, '-o', format]);
      expect(stderr).toContain(message);
      expect(result).toEqual({ exitCode: 2, stdout: '' });
    }
  });

  test('--file leaves links in place and keeps the mode of a replaced file', async () => {
    const file = join(folder, 'private.nft');
    const link = join(folder, 'link.nft');
    writeFileSync(file, 'old', { mode: 0o600 });
    symlinkSync(file, link);
    expect((await runMain([cluster, '--file', link])).exitCode).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('table ip svc2nft {');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['relative', 'new.nft', 'new.nft'],
    ['over another link', 'second.nft', 'far/new.nft'],
  ])('--file creates what a link names that leads nowhere yet: %s', async (_, target, created) => {
    const links = mkdtempSync(join(folder, 'links-'));
    mkdirSync(join(links, 'far'));
    symlinkSync(target, join(links, 'first.nft'));
    symlinkSync(join(links, 'far/new.nft'), join(links, 'second.nft'));
    expect((await runMain([cluster, '--file', join(links, 'first.nft')])).exitCode).toBe(0);
    expect(lstatSync(join(links, 'first.nft')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(links, created)).isFile()).toBe(true);
    expect(readFileSync(join(links, 'first.nft'), 'utf8')).toContain('table ip svc2nft {');
  });

  test.each([
    ['itself', 'loop.nft', 'a symbolic link to itself'],
    ['a missing folder', 'no/such/rules.nft', 'no such folder'],
  ])('--file leaves a link to %s as it is', async (_, target, reason) => {
    const link = join(mkdtempSync(join(folder, 'links-')), 'loop.nft');
    symlinkSync(target, link);
    const { exitCode, stderr } = await runMain([cluster, '--cluster-cidr', '10.244.0.0/16', '--file', link]);
    expect([exitCode, stderr]).toEqual([2, `error: cannot write ${link}: ${reason}\n`]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  test('--file into a missing folder is an error', async () => {
    const result = await runMain([
      cluster,
      '--cluster-cidr',
      '10.244.0.0/16',
      '--file',
      join(folder, 'no/such/rules.nft'),
    ]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toBe(`error: cannot write ${join(folder, 'no/such/rules.nft')}: no such folder\n`);
  });

  test('--file without a name is wrong usage', async () => {
    const { exitCode, stdout, stderr } = await runMain([cluster, '--file', '']);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`error: --file: "" is not the name of a file\n(see --help)\n`);
  });

  test.each([
    ['the file itself', 'cluster.yaml', 'cluster.yaml'],
    ['a file of the folder', '.', 'cluster.yaml'],
    ['a link to it', 'cluster.yaml', 'link.yaml'],
  ])('--file does not overwrite the input: %s', async (_, path, output) => {
    const inputs = join(folder, 'inputs');
    const text = readFileSync(cluster, 'utf8');
    rmSync(inputs, { recursive: true, force: true });
    mkdirSync(inputs);
    writeFileSync(join(inputs, 'cluster.yaml'), text);
    symlinkSync('cluster.yaml', join(inputs, 'link.yaml'));
    const { exitCode, stdout, stderr } = await runMain(['compile', join(inputs, path), '--file', join(inputs, output)]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: \S+ is part of the input( \(as \S+\))?; write to another file\n$/);
    expect(readFileSync(join(inputs, 'cluster.yaml'), 'utf8')).toBe(text);
  });

  test('--keep-going leaves invalid objects out and names them', async () => {
    const bad = `${readFileSync(cluster, 'utf8')}  - {apiVersion: v1, kind: Service, metadata: {name: bad, namespace: shop}, spec: {clusterIP: 10.96.0.99, ports: [{port: 70000}]}}\n`;
    const refused = await runMain(['--cluster-cidr', '10.244.0.0/16'], { input: bad });
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('1 error: no ruleset\n');
    const kept = await runMain(['--cluster-cidr', '10.244.0.0/16', '--keep-going'], { input: bad });
    expect(kept.exitCode).toBe(0);
    expect(kept.stderr).toContain('1 error; left out: Service shop/bad\n');
    expect(kept.stdout).toBe((await runMain([cluster, '--cluster-cidr', '10.244.0.0/16'])).stdout);
  });

  test('--keep-going needs the node', async () => {
    const bad = readFileSync(cluster, 'utf8').replace('podCIDRs: [10.244.1.0/24]', 'podCIDRs: oops');
    const result = await runMain(['--keep-going', '--node', 'worker-1'], { input: bad });
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    const known = await runMain(['--keep-going', '--node', 'worker-1', '--node-ip', '192.0.2.11'], { input: bad });
    expect(known.exitCode).toBe(0);
    expect(known.stdout).toContain('ip daddr @nodeport-ips');
  });

  test('color only on a terminal without NO_COLOR', async () => {
    const red = '\u001b[31m';
    const args = ['compile', 'no-such-file.yaml'];
    expect((await runMain(args)).stderr).not.toContain(red);
    expect((await runMain(args, { terminal: true })).stderr).toContain(red);
    expect((await runMain(args, { terminal: true, env: { NO_COLOR: '1' } })).stderr).not.toContain(red);
  });
});

describe('a zone that no Node has', () => {
  const shopFile = 'docs/shop.yaml';
  const node = ['--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];
  const warning =
    'warning unknown-zone: the input has no Node in zone "zone-c" (--zone, zone), and no hint for it; the Nodes are in "zone-a" and "zone-b"\n';
  test.each([
    ['compile', []],
    ['list', []],
    ['verify', []],
    ['graph', []],
    ['explain', ['--from', 'node', '--to', 'shop/web']],
  ])('%s warns', async (command, more) => {
    const { exitCode, stderr } = await runMain([command, shopFile, ...node, '--zone', 'zone-c', ...more]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(warning);
  });

  test.each(['zone-a', 'zone-b'])('no warning about %s', async (zone) => {
    expect((await runMain(['compile', shopFile, ...node, '--zone', zone])).stderr).toBe('');
  });

  test.each([
    ['a long zone', 'z'.repeat(60_000), `"${'z'.repeat(80)}..."`],
    ['blanks', `zone${' '.repeat(60_000)}`, `"zone${' '.repeat(76)}..."`],
    ['an escape', 'a\u001b[31m', String.raw`"a\u001b[31m"`],
  ])('a label of a Node is cut and escaped: %s', async (_, zone, shown) => {
    const label = 'topology.kubernetes.io/zone: ';
    const input = readFileSync(shopFile, 'utf8').replace(`${label}zone-b`, label + JSON.stringify(zone));
    const { stderr } = await runMain(['compile', '-', ...node, '--zone', 'zone-c'], { input });
    expect(stderr).toContain(` and no hint for it; the Nodes are in `);
    expect(stderr).toContain(shown);
    expect(stderr.length).toBeLessThan(400);
  });

  test('nor about one that only hints have', async () => {
    const input = readFileSync(shopFile, 'utf8').replaceAll(
      '{ forZones: [{ name: zone-a }] }',
      '{ forZones: [{ name: zone-c }] }',
    );
    expect((await runMain(['compile', '-', ...node, '--zone', 'zone-c'], { input })).stderr).toBe('');
  });
});
