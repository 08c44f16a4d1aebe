import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

const manifests = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
`;

const resolve = (args: readonly string[], input: string = manifests) => runMain(['resolve', ...args], { input });

describe('svc2nft resolve', () => {
  test('prints what other commands take', async () => {
    const { exitCode, stdout, stderr } = await resolve([]);
    expect([exitCode, stderr]).toEqual([0, '']);
    const flags = ['--node', 'node-1', '--cluster-cidr', '10.244.0.0/16'];
    const listed = await runMain(['list', ...flags, '-o', 'json'], { input: stdout });
    expect(JSON.parse(listed.stdout)).toMatchObject({ items: [{ service: 'web', endpointsUsed: 2, refusal: null }] });
    const verified = await runMain(['verify', ...flags], { input: stdout });
    expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringContaining('correct')]);
  });

  test('prints YAML that says the same', async () => {
    const { stdout } = await resolve(['-o', 'yaml']);
    expect((await resolve([], stdout)).stdout).toBe((await resolve([])).stdout);
  });

  test('takes the ranges and the number of Nodes', async () => {
    const flags = ['--service-cidr', 'fd00:1::/112', '--pod-cidr', 'fd00:2::/48', '--nodes', '5'];
    const { items } = JSON.parse((await resolve(flags)).stdout) as {
      items: { kind: string; spec?: { clusterIP?: string } }[];
    };
    expect(items.filter(({ kind }) => kind === 'Node')).toHaveLength(5);
    expect(items[0]?.spec?.clusterIP).toMatch(/^fd00:1::/);
  });

  test('refuses what an API server refuses, with its place', async () => {
    const { exitCode, stdout, stderr } = await resolve(
      [],
      manifests.replace('port: 80,', 'port: 80, nodePort: 30000,'),
    );
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('<stdin>:7:');
    expect(stderr).toContain('spec.ports[0].nodePort is for Services of type NodePort or LoadBalancer');
    expect(stderr).toContain('1 error: nothing is printed');
  });

  test.each([
    [['--service-cidr', 'x'], '"x" is not a range of addresses'],
    [['--service-cidr', '10.0.0.0/8,10.1.0.0/16'], 'expected one range for each family'],
    [['--nodes', '0'], '"0" is not a number of Nodes'],
    [['--nodes', '300', '--pod-cidr', '10.0.0.0/24'], '--pod-cidr has no room for 300 nodes'],
  ])('refuses %j', async (flags, message) => {
    const { exitCode, stderr } = await resolve(flags);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
