import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { startMetrics } from '../metrics/metrics-of.ts';
import { type Answer, answering, createFakeNft, listChains, listTable, says } from '../support/fake-nft.ts';
import { listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';

const installed: readonly Answer[] = [
  answering('nft --version', { stdout: 'nftables v1.1.3 (x)\n' }),
  answering('uname -r', { stdout: '6.18.0\n' }),
];

/** `svc2nft status`, with an nft that answers so. */
async function status(flags: readonly string[], answers: readonly Answer[] = []) {
  const nft = createFakeNft(...answers, ...installed);
  const result = await runCommand(['status', ...flags], { run: nft.run });
  return { ...result, calls: nft.calls.map(({ command }) => command) };
}

const open: Server[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
});

/** Serves texts by their paths; any other has status 404. Without texts it says nothing. */
async function serve(texts?: Readonly<Record<string, string>>, statusOf = 200): Promise<string> {
  const server = createServer((request, response) => {
    const text = texts?.[request.url ?? ''];
    if (texts) {
      response.writeHead(text === undefined ? 404 : statusOf).end(text ?? '404 page not found\n');
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const healthy = JSON.stringify({ healthy: true, nodeEligible: true });

/** Serves what an agent does; its places as flags. */
async function serveAgent(health = healthy): Promise<{ metrics: string; healthz: string }> {
  const { metrics, observe } = startMetrics();
  observe({ kind: 'sync-queued', request: 1, at: 0, services: 1, endpointSlices: 1 });
  const families = (['ip', 'ip6'] as const).map((family) => ({
    family,
    isInSync: true,
    isFull: true,
    isRepaired: false,
  }));
  observe({
    kind: 'sync-done',
    request: 1,
    at: 0,
    families,
    isShared: false,
    duration: 1,
    healthChecks: [],
    localhostPorts: [],
    triggers: [],
  });
  const healthz = await serve({ '/healthz': health }, health === healthy ? 200 : 503);
  const config = {
    'kubeproxy.config.k8s.io': {
      hostnameOverride: 'worker-1',
      healthzBindAddress: healthz.replace('127.0.0.1', '0.0.0.0'),
    },
    svc2nft: { table: 'svc2nft', families: ['ip', 'ip6'] },
  };
  return {
    metrics: await serve({ '/metrics': await metrics.text(), '/configz': JSON.stringify(config) }),
    healthz,
  };
}

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** A port where nothing listens. */
const nowhere = ['--metrics-bind-address', '127.0.0.1:1', '--healthz-bind-address', '127.0.0.1:1'];

describe('status', () => {
  test('asks the agent, which says where its health is, and no kernel', async () => {
    const { metrics, healthz } = await serveAgent();
    const { exitCode, stdout, stderr, calls } = await status(['--metrics-bind-address', metrics]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('worker-1: in sync');
    expect(lines).toContain(`health      healthy (200 at ${healthz}/healthz)`);
    expect(lines).toContain(`versions    svc2nft ${version}, nft 1.1.3, Linux 6.18.0, Node ${process.versions.node}`);
    expect(lines.length).toBeLessThan(24);
    expect(calls.filter((call) => call.startsWith('nft -nj list table'))).toEqual([]);
  });

  test('is JSON for programs', async () => {
    const { metrics } = await serveAgent();
    const { exitCode, stdout } = await status(['--metrics-bind-address', metrics, '-o', 'json']);
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(['agent', 'servers', 'tables', 'versions', 'findings']);
    expect(report).toMatchObject({ agent: { version, node: 'worker-1', healthy: true }, tables: null, findings: [] });
  });

  test('reads from the configuration where the agent serves', async () => {
    const { metrics, healthz } = await serveAgent();
    const file = join(folder, 'config.yaml');
    const config = {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      metricsBindAddress: metrics.replace('127.0.0.1', '0.0.0.0'),
      healthzBindAddress: healthz,
    };
    await writeFile(file, JSON.stringify(config));
    expect(await status(['--config', file])).toMatchObject({ exitCode: 0, stderr: '' });
    await writeFile(file, JSON.stringify({ ...config, metricsBindAddress: 'nowhere' }));
    const { exitCode, stdout, stderr } = await status(['--config', file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('metricsBindAddress');
  });

  test('has exit code 1 for an agent in trouble', async () => {
    const { metrics } = await serveAgent(JSON.stringify({ healthy: false, nodeEligible: true }));
    const { exitCode, stdout } = await status(['--metrics-bind-address', metrics]);
    expect({ exitCode, first: stdout.split('\n')[0] }).toEqual({ exitCode: 1, first: 'worker-1: not in sync' });
    expect(stdout).toMatch(/^health +not healthy \(503 at /m);
    expect(stdout).toContain('look first at: the agent is not healthy');
  });

  test('is not content with health alone', async () => {
    const { healthz } = await serveAgent();
    const { exitCode, stdout } = await status([
      '--metrics-bind-address',
      '127.0.0.1:1',
      '--healthz-bind-address',
      healthz,
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('look first at: metrics are not served at 127.0.0.1:1');
  });

  test('looks into the kernel where no agent answers', async () => {
    const { exitCode, stdout, stderr } = await status(nowhere, [listedShop()]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(stdout).toContain('this node: no agent answers\n');
    expect(stdout).toContain('tables      ip svc2nft with 2 Services, 3 frontends, no table ip6 svc2nft\n');
    expect(stdout).toContain('the rules stay as they are while the cluster changes\n');
  });

  test('looks for the table with another name', async () => {
    const { stdout, calls } = await status([...nowhere, '--table', 'mine']);
    expect(stdout).toContain('tables      no table ip mine, no table ip6 mine\n');
    expect(calls).toContain('nft -nj list table ip mine');
  });

  test('names kube-proxy, whose rules are there as well', async () => {
    const chains = { nftables: [{ chain: { family: 'ip', table: 'kube-proxy', name: 'services', handle: 1 } }] };
    const { stdout } = await status(nowhere, [answering(listChains, { stdout: JSON.stringify(chains) })]);
    expect(stdout).toContain('then: kube-proxy also translates Services: table ip kube-proxy\n');
  });

  test.each([
    ['kube-proxy', 'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1\n', 'kube-proxy'],
    ['another program', 'node_load1 1\n', 'its metrics are not those of svc2nft'],
  ])('takes %s for no agent', async (_, text, words) => {
    const metrics = await serve({ '/metrics': text });
    const { exitCode, stdout } = await status([
      '--metrics-bind-address',
      metrics,
      '--healthz-bind-address',
      '127.0.0.1:1',
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`look first at: another program answers at ${metrics}: ${words}\n`);
  });

  test('takes a server without metrics for no agent', async () => {
    const metrics = await serve({});
    const { stdout } = await status(['--metrics-bind-address', metrics, '--healthz-bind-address', metrics]);
    expect(stdout).toContain(`another program answers at ${metrics}: /metrics has status 404\n`);
  });

  test('does not wait for ever', async () => {
    const metrics = await serve();
    const { exitCode, stdout } = await status(['--metrics-bind-address', metrics, '--healthz-bind-address', metrics]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`metrics: no answer at ${metrics}: nothing within 5 s\n`);
  });

  test('goes on without permission, and without nft', async () => {
    const denied = await status(nowhere, [answering(listTable.ip, says.notPermitted)]);
    expect(denied.exitCode).toBe(1);
    expect(denied.stderr).toContain('warning: nft: no-permission');
    expect(denied.stdout).toContain('tables      could not be read\n');
    const { metrics } = await serveAgent();
    const missing = await status(['--metrics-bind-address', metrics], [answering('nft --version', says.missing)]);
    expect(missing).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: nft: ') });
    expect(missing.stdout).toContain('nft not usable, Node ');
  });

  test('refuses what is not a place', async () => {
    expect(await status(['--metrics-bind-address', 'localhost'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('--metrics-bind-address: "localhost" is not an address with a port'),
    });
  });
});
