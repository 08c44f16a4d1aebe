import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { version } from '../../src/version.ts';
import { answering, createFakeNft, says } from '../support/fake-nft.ts';
import { filesOf, rulesOf } from '../support/kube-proxy-table.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';

const name = 'every-kind-of-frontend';
const { snapshot, config, rules } = filesOf(name);
const note = 'note: these are the rules of kube-proxy, in table kube-proxy\n';

let folder = '';
let collected = '';
let kubeProxy: Server;
let place = '';

/** What kube-proxy of worker-1 tells of itself, and of a secret. */
const answers: Readonly<Record<string, string>> = {
  '/proxyMode': 'nftables',
  '/configz': JSON.stringify({
    'kubeproxy.config.k8s.io': {
      mode: 'nftables',
      hostnameOverride: 'worker-1',
      detectLocalMode: 'ClusterCIDR',
      clusterCIDR: '10.244.0.0/16,fd00:10:244::/48',
      clientConnection: { kubeconfig: '/secret' },
    },
  }),
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  collected = join(folder, 'worker-1.yaml');
  kubeProxy = createServer((request, response) => {
    const text = answers[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>((resolve) => {
    kubeProxy.listen(0, '127.0.0.1', resolve);
  });
  place = `127.0.0.1:${(kubeProxy.address() as AddressInfo).port}`;
  await collect(['--file', collected]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await new Promise((resolve) => {
    kubeProxy.close(resolve);
  });
});

/** The table of the node, whose interfaces have two of the addresses of its Node. */
function collect(flags: readonly string[]): Promise<CommandResult> {
  const [ip, ip6] = rulesOf(name).split(/^(?=table ip6 )/m);
  const { run } = createFakeNft(
    answering('nft -j list chains', {
      stdout: JSON.stringify({
        nftables: ['ip', 'ip6'].map((family) => ({ chain: { family, table: 'kube-proxy', name: 'services' } })),
      }),
    }),
    answering('nft -n list table ip kube-proxy', { stdout: ip ?? '' }),
    answering('nft -n list table ip6 kube-proxy', { stdout: ip6 ?? '' }),
    answering('ip -j address', {
      stdout: JSON.stringify([{ addr_info: [{ local: '192.0.2.11' }, { local: '2001:db8:a::11' }] }]),
    }),
    ({ command }) => (/^(ip|nft --version)/.test(command) ? {} : says.missing),
  );
  const files = { read: async (path: string) => (path.endsWith('ip_forward') ? '1\n' : Promise.reject(new Error())) };
  const kernelFiles = { ...files, write: () => Promise.reject(new Error('nothing is written')) };
  return runCommand(['collect', '--metrics-bind-address', place, ...flags], { run, kernelFiles, hostName: 'vm' });
}

/** Runs a command on another machine, which has no programs. */
function elsewhere(args: readonly string[], input?: string): Promise<CommandResult> {
  const { run } = createFakeNft(() => says.missing);
  return runCommand(args, { run, hostName: 'laptop', ...(input !== undefined && { input }) });
}

describe('svc2nft collect', () => {
  test('prints one file of YAML, to stdout or to a file', async () => {
    const { exitCode, stdout, stderr } = await collect([]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const withoutTime = (text: string): string => text.replace(/^collectedAt: .*$/m, '');
    expect(withoutTime(stdout)).toBe(withoutTime(readFileSync(collected, 'utf8')));
    const value: unknown = parse(stdout);
    expect(value).toMatchObject({
      apiVersion: 'svc2nft/v1',
      kind: 'CollectedNode',
      node: 'worker-1',
      versions: { svc2nft: version },
      addresses: ['192.0.2.11', '2001:db8:a::11'],
      kubeProxy: { mode: 'nftables', configuration: { clusterCIDR: '10.244.0.0/16,fd00:10:244::/48' } },
      settings: { 'net.ipv4.ip_forward': '1' },
      complete: true,
    });
    expect(stdout).not.toContain('secret');
  });

  test('says what is missing, and prints the rest', async () => {
    const { run } = createFakeNft(answering('nft -j list chains', says.notPermitted), () => says.missing);
    const { exitCode, stdout, stderr } = await runCommand(['collect', '--metrics-bind-address', place], { run });
    expect(exitCode).toBe(0);
    expect(stderr.split('\n')[0]).toBe(
      'warning: not collected: rules of nft: no-permission: netlink: Error: cache initialization failed: Operation not permitted',
    );
    expect(parse(stdout)).toMatchObject({ node: 'worker-1', outputs: {}, complete: true });
  });

  test.each([
    [['--node', 'a b'], 2],
    [['--metrics-bind-address', 'x'], 2],
    [['--table', ''], 2],
    [['--file', '/nowhere/x.yaml'], 2],
    [['word'], 2],
  ])('%j is wrong usage', async (flags, exitCode) => {
    expect(await collect(flags)).toMatchObject({ exitCode });
  });
});

describe('what was collected', () => {
  test('is listed as its rules are', async () => {
    expect(await elsewhere(['list', '--ruleset', collected, '-o', 'json'])).toEqual(
      await elsewhere(['list', '--ruleset', rules, '-o', 'json']),
    );
  });

  test('may come from stdin, and compressed', async () => {
    const listed = await elsewhere(['list', '--ruleset', collected]);
    expect(listed).toMatchObject({ exitCode: 0, stderr: `${note}namespace: shop\n` });
    expect(await elsewhere(['list', '--ruleset', '-'], readFileSync(collected, 'utf8'))).toEqual(listed);
    const packed = join(folder, 'packed.yaml.gz');
    writeFileSync(packed, gzipSync(readFileSync(collected)));
    expect(await elsewhere(['list', '--ruleset', packed])).toEqual(listed);
  });

  test('says which addresses are the own ones of the node, for explain without a snapshot', async () => {
    const ask = ['explain', '--from', 'outside', '--to', '192.0.2.11:30080', '--ruleset'];
    const answer = await elsewhere([...ask, collected]);
    expect(answer).toMatchObject({ exitCode: 0, stderr: note });
    expect(answer.stdout.split('\n')[0]).toMatch(/^SENT to one of 3 endpoints of shop\/web:http/);
  });

  const settings = 'note: the settings are those of kube-proxy on worker-1; --config takes their place\n';

  /** A second Node, so that the first one is not the only one. */
  const other = 'apiVersion: v1\nkind: Node\nmetadata: { name: worker-2 }\nstatus: { addresses: [] }\n';

  test.each([
    ['verify', '--ruleset'],
    ['explain', '--from', 'outside', '--to', 'shop/web', '--ruleset'],
    ['graph', '--service', 'shop/web', '--ruleset'],
    ['diff', '--from-rules'],
    ['migrate', '--to', 'kube-proxy-nftables', '--from'],
  ])('says which Node is meant, and the settings of its kube-proxy: %s', async (...command) => {
    const both = join(folder, 'nodes.yaml');
    writeFileSync(both, `${readFileSync(snapshot, 'utf8')}\n---\n${other}`);
    const known = await elsewhere([...command, rules, both, '--config', config, '--node', 'worker-1']);
    const given = { ...known, stdout: known.stdout.replaceAll(rules, collected) };
    const found = await elsewhere([...command, collected, both]);
    expect(found).toEqual({ ...given, stderr: expect.stringContaining(settings) });
    const configured = await elsewhere([...command, collected, both, '--config', config]);
    expect(configured).toEqual({ ...given, stderr: expect.not.stringContaining(settings) });
    expect(given.exitCode).toBe(0);
    expect(await elsewhere([...command, rules, both])).not.toMatchObject({ stdout: given.stdout, exitCode: 0 });
  });

  test('is refused where it is cut off, or of another version', async () => {
    const text = readFileSync(collected, 'utf8');
    const half = text.slice(0, text.length / 2);
    expect(await elsewhere(['list', '--ruleset', '-'], half)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        '<stdin>: error invalid-yaml: the file is cut off: its last line, "complete: true", is missing; collect again, or copy the whole file\n',
    });
    const verified = await elsewhere(['verify', snapshot, '--ruleset', '-'], half);
    expect(verified).toMatchObject({ exitCode: 2, stdout: '' });
    const later = await elsewhere(['list', '--ruleset', '-'], text.replace('svc2nft/v1', 'svc2nft/v2'));
    expect(later.stderr).toContain('but this version of svc2nft reads "svc2nft/v1 CollectedNode"');
    const damaged = await elsewhere(['list', '--ruleset', '-'], text.slice(0, text.indexOf('complete: true') - 40));
    expect(damaged).toMatchObject({ exitCode: 1, stdout: '' });
    const broken = await elsewhere(['list', '--ruleset', '-'], 'apiVersion: svc2nft/v1\nkind: "Collected');
    expect(broken.stderr).toContain('the output of svc2nft collect is cut off or damaged');
  });

  test('without rules says what could not be read', async () => {
    const { run } = createFakeNft(answering('nft -j list chains', says.notPermitted), () => ({}));
    const { stdout } = await runCommand(['collect', '--metrics-bind-address', place], { run });
    const listed = await elsewhere(['list', '--ruleset', '-'], stdout);
    expect(listed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(listed.stderr).toBe(
      'error: svc2nft collect found no rules on the node\nnote: not collected: rules of nft: no-permission: netlink: Error: cache initialization failed: Operation not permitted\n',
    );
    const none = await elsewhere(['list', '--ruleset', collected, '--table', 'other']);
    expect(none.stderr).toBe(
      `error: ${collected}, rules of nft has no table other (it has ip kube-proxy, ip6 kube-proxy)\n`,
    );
  });

  test('is not a manifest', async () => {
    const { stderr } = await elsewhere(['list', collected, '--node', 'worker-1', '--config', config]);
    expect(stderr).toContain('note: what svc2nft collect printed are rules, not manifests: use --ruleset FILE\n');
  });
});
