import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type CommandResult, runMain } from '../support/run-main.ts';

/* What kubectl expose --dry-run=client -o json printed for the objects, and which ones it refused. */

const folder = 'test/control-plane/kubectl-expose';
const read = <T>(name: string): T => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as T;

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}

interface Answer {
  readonly args: string;
  readonly service?: { readonly metadata: object; readonly spec: { readonly ports?: readonly Port[] } };
  readonly refused?: string;
}

const { objects } = read<{ readonly objects: readonly object[] }>('objects.json');
const { cases } = read<{ readonly cases: readonly Answer[] }>('answers.json');

/** kubectl repeats a port that two containers have, with a protocol in the name of both, which an API server refuses. */
const repeated = cases.filter(({ service }) => {
  const ports = service?.spec.ports?.map(({ port, protocol }) => `${port}/${protocol}`) ?? [];
  return new Set(ports).size < ports.length;
});

let temporary: string;
let input: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'svc2nft-expose-'));
  input = join(temporary, 'objects.json');
  await writeFile(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
});

afterAll(() => rm(temporary, { recursive: true }));

const expose = (args: string, ...others: string[]): Promise<CommandResult> =>
  runMain(['expose', ...args.split(' '), '-f', input, ...others]);

describe('svc2nft expose', () => {
  const accepted = cases.filter((one) => one.service && !repeated.includes(one));

  test('has answers of kubectl to compare with', () => {
    expect([accepted.length, repeated.map(({ args }) => args)]).toEqual([
      38,
      ['deployment/multi', 'deployment/multi --target-port 8080'],
    ]);
  });

  test.each(accepted)('prints what kubectl prints: $args', async ({ args, service }) => {
    const { exitCode, stdout, stderr } = await expose(args, '-o', 'json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(service);
    const yaml = await expose(args);
    expect(parse(yaml.stdout)).toEqual(service);
  });

  test.each(accepted)('prints what resolve takes, with the object: $args', async ({ args }) => {
    const { stdout } = await expose(args, '-o', 'json');
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [...objects.filter((one) => !isOther(one)), JSON.parse(stdout)],
    };
    const { exitCode } = await runMain(['resolve', '-'], { input: JSON.stringify(list) });
    expect(exitCode).toBe(0);
  });

  test.each(cases.filter(({ refused }) => refused !== undefined))(
    'refuses what kubectl refuses: $args',
    async ({ args }) => {
      const { exitCode, stdout, stderr } = await expose(args);
      expect([exitCode > 0, stdout, stderr.startsWith('error: ')]).toEqual([true, '', true]);
    },
  );

  test('has a port that several containers have once', async () => {
    const { stdout } = await expose('deployment/multi', '-o', 'json');
    expect(JSON.parse(stdout).spec.ports).toEqual([
      { name: 'port-1', port: 8080, protocol: 'TCP', targetPort: 8080 },
      { name: 'port-2', port: 9100, protocol: 'TCP', targetPort: 9100 },
      { name: 'port-3', port: 53, protocol: 'UDP', targetPort: 53 },
    ]);
  });

  test('prints YAML with the fields in the order of kubectl', async () => {
    const { stdout } = await expose('deployment web --port 80 --target-port 8080 --type NodePort');
    expect(stdout).toBe(`apiVersion: v1
kind: Service
metadata:
  labels:
    app: web
    tier: front
  name: web
spec:
  ports:
    - port: 80
      protocol: TCP
      targetPort: 8080
  selector:
    app: web
  type: NodePort
status:
  loadBalancer: {}
`);
  });

  test('is in the namespace of the object', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'shop', labels: { a: 'b' } },
      spec: {},
    };
    const piped = (...args: string[]) =>
      runMain(['expose', ...args, '--port', '80', '-o', 'json'], { input: JSON.stringify(pod) });
    expect(JSON.parse((await piped()).stdout).metadata).toEqual({ name: 'a', namespace: 'shop', labels: { a: 'b' } });
    expect(JSON.parse((await piped('pod/shop/a')).stdout).metadata).toMatchObject({ namespace: 'shop' });
    expect((await piped('pod/a', '-n', 'prod')).stderr).toBe('error: there is no Pod "a"; the input has no Pod\n');
  });
});

/** An object that is there for its ports alone. */
function isOther(object: object): boolean {
  const { kind, metadata } = object as { readonly kind: string; readonly metadata: { readonly name: string } };
  return kind === 'Service' || metadata.name.length > 63;
}

describe('svc2nft expose says what is wrong', () => {
  test.each([
    ['deployment/bare', 'Deployment default/bare declares no ports; use --port'],
    ['deployment/expr', 'Deployment default/expr has matchExpressions, which a Service cannot have; use --selector'],
    ['pod/nolabels', 'Pod default/nolabels has no labels; use --selector'],
    ['rc/rcnone', 'ReplicationController default/rcnone has no selector; use --selector'],
    ['deployment/wep', 'there is no Deployment "wep"; did you mean default/web?'],
    [
      'deployment/web --cluster-ip 10.96.0.300',
      'the Service would be refused: spec.clusterIP is "10.96.0.300"; expected an IP address or None',
    ],
    [
      'deployment/web --port 80 --target-port 70000',
      'the Service would be refused: spec.ports[0].targetPort is 70000; expected a port number',
    ],
    ['deployment/web --name Web', 'the Service would be refused: metadata.name is "Web"'],
    [
      `-f ${folder}/objects.json`,
      'the input has several objects that can be exposed; say which one: deployment/default/web, ',
    ],
  ])('%s', async (args, message) => {
    const { exitCode, stdout, stderr } = await expose(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(`error: ${message}`);
  });

  test.each([
    [
      'statefulset/db',
      '"statefulset/db" is not a KIND/NAME such as deployment/web, or KIND/NAMESPACE/NAME; KIND is deployment, replicaset, replicationcontroller, pod or service',
    ],
    ['deployment', '"deployment" is not a KIND/NAME'],
    ['deployment/web --port x', '--port: "x" is not a port, 1 to 65535'],
    ['deployment/web --labels x', '--labels: "x" is not a label such as app=web'],
    ['deployment/web --dry-run=client', 'expose only prints'],
  ])('%s', async (args, message) => {
    const { exitCode, stdout, stderr } = await expose(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
