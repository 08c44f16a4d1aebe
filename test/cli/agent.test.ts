import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ApiServer } from '../support/api-server.js';
import { type Answer, answering, createFakeNft, refusing, says } from '../support/fake-nft.ts';
import { type CommandWorld, runCommand } from './run-command.ts';

function installed(nft: string, kernel = '6.18.0'): readonly Answer[] {
  return [
    answering('nft --version', { stdout: `nftables v${nft} (x)\n` }),
    answering('uname -r', { stdout: `${kernel}\n` }),
  ];
}

/** `svc2nft agent`, with an nft that answers so. */
async function agent(
  flags: readonly string[],
  answers: readonly Answer[] = installed('1.1.3'),
  world: Partial<CommandWorld> = {},
) {
  const nft = createFakeNft(...answers);
  const result = await runCommand(['agent', ...flags], { now: () => performance.now(), ...world, run: nft.run });
  return { ...result, texts: nft.texts() };
}

describe('agent --own-table', () => {
  test.each([
    ['1.0.9', '6.18.0'],
    ['1.1.3', '6.8.0-45-generic'],
  ])('needs more than nft %s and Linux %s', async (nft, kernel) => {
    expect(await agent(['--own-table', '--server', 'http://127.0.0.1:1'], installed(nft, kernel))).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: --own-table takes nft 1.1 and Linux 6.9, or newer ones; here are nft ${nft} and Linux ${kernel}\n`,
      texts: [],
    });
  });
});

describe('agent --cleanup', () => {
  test('removes the tables of svc2nft, and no others', async () => {
    expect(await agent(['--cleanup', '--node', 'worker-1'])).toEqual({
      exitCode: 0,
      stdout: 'table ip svc2nft: removed\ntable ip6 svc2nft: removed\n',
      stderr: '',
      texts: ['delete table ip svc2nft\n', 'delete table ip6 svc2nft\n'],
    });
  });

  test('removes those of kube-proxy, too, when asked', async () => {
    const absent: Answer = ({ input }) => (input?.includes('ip6 kube-proxy') ? says.noSuchFile : undefined);
    const { exitCode, stdout, texts } = await agent(
      ['--cleanup', '--cleanup-kube-proxy', '--table', 'mine', '--family', 'ip'],
      [absent],
    );
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'table ip mine: removed\ntable ip kube-proxy: removed\ntable ip6 kube-proxy: not found\n',
    });
    expect(texts).toHaveLength(3);
  });

  test('leaves those of kube-proxy when its own cannot be removed', async () => {
    const owned = answering('nft -t list table ip svc2nft', {
      stdout: 'table ip svc2nft { # progname nft\n\tflags owner,persist\n}\n',
    });
    const refused: Answer = ({ input }) => (input?.includes('ip svc2nft') ? says.notPermitted : undefined);
    const { exitCode, stdout, stderr } = await agent(['--cleanup', '--cleanup-kube-proxy'], [refused, owned]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'table ip6 svc2nft: removed\n' });
    expect(stderr).toContain('table ip svc2nft is owned by the process "nft", which alone may change it\n');
  });

  test('has to be asked for its own tables', async () => {
    expect(await agent(['--cleanup-kube-proxy'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: --cleanup-kube-proxy goes with --cleanup, which also removes the tables of svc2nft\n',
      texts: [],
    });
  });
});

describe('agent --once', () => {
  const node = {
    kind: 'Node',
    metadata: { name: 'worker-1' },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
  };
  const server = new ApiServer({ objects: [node] });
  let folder = '';
  let config = '';

  beforeAll(async () => {
    await server.listen();
    folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
    config = join(folder, 'config.yaml');
    const lines = ['apiVersion: kubeproxy.config.k8s.io/v1alpha1', 'kind: KubeProxyConfiguration', 'nftables:'];
    await writeFile(config, [...lines, '  syncPeriod: 2m', '  minSyncPeriod: 300ms', ''].join('\n'));
  });

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const flags = () => ['--once', '--server', server.url, '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];

  test('ends after a sync that failed', async () => {
    const refused: Answer = ({ command }) => (command === 'nft -f -' ? says.refused : undefined);
    const { exitCode, stderr } = await agent(flags(), [...installed('1.1.3'), refused]);
    const messages = stderr.split('\n').map((line) => JSON.parse(line || '{}').msg);
    expect(exitCode).toBe(3);
    expect(messages.filter((message) => message === 'sync failed')).toHaveLength(1);
  });

  test('ends after a sync for one of two families, with the exit code of the other', async () => {
    const { exitCode, texts } = await agent(flags(), [...installed('1.1.3'), refusing('ip6 svc2nft')]);
    expect(exitCode).toBe(3);
    expect(texts.some((text) => text.includes('ip svc2nft'))).toBe(true);
  });

  test('says of a configuration that cannot be used that there is no agent', async () => {
    const { exitCode, stderr } = await agent([...flags(), '--config', join(folder, 'missing.yaml')]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/error file-not-found: no such file or folder\n1 error: no agent is started\n$/);
  });

  test('waits for an API server that has no answer at first', async () => {
    server.refuse({ status: 503 });
    const before = server.requests.length;
    const end = agent(flags());
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(before + 8), { timeout: 20_000 });
    server.refuse(undefined);
    expect(await end).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ['by default', [], { minSyncPeriodMs: 1_000, syncPeriodMs: 30_000, resyncPeriodMs: 600_000 }],
    ['of the configuration', ['--config'], { minSyncPeriodMs: 300, syncPeriodMs: 120_000, resyncPeriodMs: 600_000 }],
    [
      'of the command line',
      ['--config', '--min-sync-period', '0', '--resync-period', '1h'],
      { minSyncPeriodMs: 0, syncPeriodMs: 120_000, resyncPeriodMs: 3_600_000 },
    ],
  ])('says how often it syncs: the periods %s', async (_, given, periods) => {
    const { exitCode, stderr } = await agent([
      ...flags(),
      ...given.flatMap((flag) => (flag === '--config' ? [flag, config] : flag)),
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr.split('\n').map((line) => JSON.parse(line || '{}'))).toContainEqual(
      expect.objectContaining({ msg: 'agent started', node: 'worker-1', ...periods }),
    );
  });
});

test.each(['--resync-period', '--watch-idle-timeout'])('%s of less than a second is refused', async (flag) => {
  const { exitCode, stderr, texts } = await agent(['--server', 'http://127.0.0.1:1', flag, '0']);
  expect({ exitCode, stderr, texts }).toEqual({
    exitCode: 2,
    stderr: `error: ${flag} "0": expected at least 1s\n(see --help)\n`,
    texts: [],
  });
});

test.each([
  ['ftp://me:c2VjcmV0@10.0.0.1', 'expected a URL such as https://10.0.0.1:6443'],
  [
    'https://me:c2VjcmV0@10.0.0.1:6443',
    'the URL of the API server has a user or a password; name them in a kubeconfig',
  ],
])('a password in --server %s is not printed', async (server, words) => {
  const { exitCode, stderr } = await agent(['--server', server]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain('c2VjcmV0');
});

test('--healthz-bind-address is checked', async () => {
  const { exitCode, stderr } = await agent(['--server', 'http://127.0.0.1:1', '--healthz-bind-address', 'localhost']);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr:
      'error: --healthz-bind-address: "localhost" is not an address with a port; expected one such as 0.0.0.0:10256 or [::1]:10249\n(see --help)\n',
  });
});
