import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CommandResult, runMain } from '../support/run-main.ts';

const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`;

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
`;

const manifests = `${service}---\n${deployment}`;

function run(args: readonly string[], input = manifests): Promise<CommandResult> {
  return runMain(args, { input });
}

describe('--resolve', () => {
  test('compiles manifests as compile does what svc2nft resolve prints', async () => {
    const flags = [
      '--service-cidr',
      '10.96.0.0/16,fd00:96::/112',
      '--pod-cidr',
      '10.9.0.0/16,fd00:9::/48',
      '--nodes',
      '2',
    ];
    const compiled = await run(['compile', '--resolve', ...flags]);
    const { stdout: objects } = await run(['resolve', ...flags]);
    const node = ['--node', 'node-1', '--cluster-cidr', '10.9.0.0/16,fd00:9::/48'];
    expect([compiled.exitCode, compiled.stderr]).toEqual([0, '']);
    expect(compiled.stdout).toBe((await run(['compile', ...node], objects)).stdout);
  });

  test.each([
    [['list', '-o', 'json'], '"endpointsUsed": 3'],
    [['verify'], ': correct'],
    [['explain', '--from', 'pod:shop/web-0', '--to', 'web:80'], 'one of 3 endpoints'],
    [['explain', '--from', 'outside', '--to', 'node-2:30000'], 'NOT'],
    [['graph', '-o', 'mermaid'], 'shop/web'],
    [['dns'], 'web.shop.svc.cluster.local.'],
  ])('%j', async (args, expected) => {
    const { exitCode, stdout, stderr } = await run([...args, '--resolve']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(expected);
  });

  test('compares two manifests', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'manifests-'));
    const path = join(folder, 'older.yaml');
    await writeFile(path, manifests.replace('replicas: 3', 'replicas: 2'));
    const { exitCode, stdout } = await run(['diff', '--resolve', '-', '--from', path]);
    await rm(folder, { recursive: true });
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('shop/web  2 -> 3 endpoints')]);
  });

  test('rules are for the first Node, or the one that is named', async () => {
    expect((await run(['compile', '--resolve'])).stdout).toContain('node node-1,');
    expect((await run(['compile', '--resolve', '--node', 'node-2'])).stdout).toContain('node node-2,');
    expect((await run(['compile', '--resolve', '--node', 'node-9'])).stderr).toContain('node-not-found');
  });

  test('names the place of what an API server refuses, and leaves it out with --keep-going', async () => {
    const wrong = `${manifests}---\n${service.replace('name: web', 'name: bad').replace('port: 80,', 'port: 80, nodePort: 8080,')}`;
    const refused = await run(['list', '--resolve'], wrong);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('<stdin>:28:32: error refused-by-api-server');
    const lenient = await run(['list', '--resolve', '--keep-going', '-o', 'name'], wrong);
    expect(lenient).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('shop/web') });
    expect(lenient.stdout).not.toContain('bad');
    expect(lenient.stderr).not.toContain('slice-without-service');
  });

  test('is not for clusters, and its flags are not without it', async () => {
    expect(await run(['compile', '--nodes', '2'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--nodes goes with --resolve'),
    });
    expect(await run(['list', '--resolve', '--live'])).toMatchObject({ exitCode: 2 });
    expect(await run(['apply', '--resolve'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('rules for this machine come from a cluster'),
    });
  });
});

describe('manifests without --resolve', () => {
  test('get one warning', async () => {
    const { stderr } = await run([
      'compile',
      '--node',
      'a',
      '--node-ip',
      '192.0.2.1',
      '--cluster-cidr',
      '10.244.0.0/16',
    ]);
    expect(stderr).toContain('no-cluster-ip: Service shop/web: it has no clusterIP: this is a manifest');
    const two = `${manifests}---\n${service.replace('name: web', 'name: other')}`;
    const several = await run(['compile', '--node', 'a', '--node-ip', '192.0.2.1'], two);
    expect(several.stderr.match(/no-cluster-ip.*/g)).toEqual([
      "no-cluster-ip: 2 Services have no clusterIP: these are manifests, not a cluster's state; --resolve fills in what a cluster would",
    ]);
  });

  test('a new Service of a cluster has a warning of its own', async () => {
    const two = `${manifests}---\n${service.replace('name: web', 'name: other').replace('type:', 'clusterIP: 10.96.0.9\n  type:')}`;
    const { stderr } = await run(['compile', '--node', 'a', '--node-ip', '192.0.2.1'], two);
    expect(stderr).toContain('no-cluster-ip: Service shop/web: it has no clusterIP yet');
  });
});
