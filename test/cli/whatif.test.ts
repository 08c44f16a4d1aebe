import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PortChange, WhatIf } from '../../src/inspect/whatif/what-if.ts';
import { arbitraryCluster } from '../support/arbitrary-cluster.ts';
import { type CommandResult, runMain } from '../support/run-main.ts';

const workload = (kind: string, name: string, replicas: number): object => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
    },
  },
});

const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
});

const shop = [
  workload('Deployment', 'web', 4),
  workload('Deployment', 'pay', 1),
  service('web', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
  service('pay', { sessionAffinity: 'ClientIP' }),
];

const resolve = ['--resolve', '--nodes', '5', '--load-balancer-cidr', '198.51.100.0/24'];
const listOf = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

let folder: string;
/** Manifests, and the objects of a cluster that has them. */
let manifests: string;
let cluster: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-whatif-'));
  manifests = join(folder, 'shop.json');
  cluster = join(folder, 'cluster.json');
  await writeFile(manifests, listOf(shop));
  const { stdout } = await runMain(['resolve', manifests, ...resolve.slice(1)]);
  await writeFile(cluster, stdout);
});

afterAll(() => rm(folder, { recursive: true }));

const whatIf = (...args: string[]): Promise<CommandResult> => runMain(['whatif', cluster, ...args]);

async function itemsOf(...args: string[]): Promise<readonly PortChange[]> {
  const { stdout, stderr, exitCode } = await whatIf(...args, '-o', 'json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return (JSON.parse(stdout) as WhatIf).items;
}

describe('svc2nft whatif', () => {
  test('drains a node', async () => {
    expect(await whatIf('--drain', 'node-1')).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `drain node-1
  Pods   5 -> 5: 1 gone, 1 new
  1 service port of 2 changes for some clients

Without an endpoint for some clients
  shop/web  external clients via node-1: dropped, no endpoint on the node (was 1 endpoint)

Existing connections that break, because their endpoint goes
  shop/web  25%: shop/web-0 on node-1

Served now, but not before
  shop/web  external clients via node-5: 1 endpoint (was dropped)

A load balancer that follows the health checks of externalTrafficPolicy Local avoids nodes without endpoints, some checks later.

Pods that are deleted terminate first: new connections go elsewhere at once, those of TCP go on until the Pod ends (terminationGracePeriodSeconds). UDP flows go elsewhere at once.

New connections of Pods and nodes to other zones: 73%
  from zone-a  75% -> 88%
  from zone-b  88% -> 75%
  from zone-c  38%
`,
    });
  });

  test('loses a zone', async () => {
    const { stdout } = await whatIf('--lose-zone', 'zone-a');
    expect(stdout).toContain('Nodes  5 -> 3: node-1, node-4 are gone\n  Pods   5 -> 3: 2 gone, 0 new\n');
    expect(stdout).toContain('shop/web  Pods and nodes: 4 endpoints, 25% each -> 2 endpoints, 50% each\n');
    expect(stdout).toContain('from zone-a  75% -> none\n');
  });

  test('says who is refused without any endpoint, the worst first', async () => {
    const { stdout } = await whatIf('--scale', 'deploy/pay=0', '--set', 'web.spec.internalTrafficPolicy=Local');
    expect(stdout.indexOf('Without any endpoint: refused everywhere\n  shop/pay  100% of')).toBeGreaterThan(0);
    expect(stdout.indexOf('Pods on node-5, and this node: dropped')).toBeGreaterThan(
      stdout.indexOf('refused everywhere'),
    );
    const [pay, web] = await itemsOf('--scale', 'deploy/pay=0', '--set', 'web.spec.internalTrafficPolicy=Local');
    expect(pay).toMatchObject({
      service: 'pay',
      effects: ['outage', 'connections-broken'],
      treatments: [
        { clients: 'internal', isEverywhere: true, before: { verdict: 'served' }, after: { verdict: 'refused' } },
      ],
      broken: { internal: 1, external: null },
    });
    expect(web).toMatchObject({ service: 'web', effects: expect.arrayContaining(['partial-outage']) });
  });

  test('says who loses the source address, and who affinity', async () => {
    const { stdout } = await whatIf(
      '--set',
      'shop/web.spec.externalTrafficPolicy=Cluster',
      '--set',
      'pay.spec.sessionAffinity=None',
    );
    expect(stdout).toContain(
      'Client addresses lost: endpoints see that of a node\n  shop/web  external clients via node-1, node-2, node-3, node-4\n',
    );
    expect(stdout).toContain(
      'Affinity lost: each connection may go to another endpoint\n  shop/pay  ClientIP, 10,800 s until now\n',
    );
    expect(stdout).toContain('external clients via node-5: 4 endpoints (was dropped)');
    const back = await whatIf(
      '--set',
      'web.spec.externalTrafficPolicy=Cluster',
      '--set',
      'web.spec.externalTrafficPolicy=Local',
    );
    expect(back.stdout).toContain('Nothing changes for any client.');
  });

  test('ends connections where their Pods end, and those of UDP where their endpoints do', async () => {
    const external = await itemsOf('--set', 'pay.spec.externalName=a.example', '--set', 'pay.spec.type=ExternalName');
    const { stdout: nobody } = await whatIf('--set', 'pay.spec.selector.app=nobody');
    expect(nobody).toContain('refused everywhere\n  shop/pay  existing connections go on\n');
    expect(external).toMatchObject([{ effects: ['frontend-removed'], broken: { internal: 0, external: null } }]);
    const udp = ['--set', 'pay.spec.ports[0].targetPort=8080', '--set', 'pay.spec.ports[0].protocol=UDP'];
    const path = join(folder, 'udp.json');
    const ports = [{ port: 80, targetPort: 8080, protocol: 'UDP' }];
    await writeFile(path, listOf([...shop.slice(0, 3), service('pay', { ports })]));
    const { stdout } = await runMain(['whatif', path, ...resolve, '--set', 'pay.spec.selector.app=web', '-o', 'json']);
    expect((JSON.parse(stdout) as WhatIf).items).toMatchObject([{ service: 'pay', broken: { internal: 1 } }]);
    expect((await itemsOf(...udp)).map(({ protocol, effects }) => [protocol, effects[0]])).toContainEqual([
      'udp',
      'frontend-added',
    ]);
  });

  test('counts families as one, and names what is new in one of them', async () => {
    const both = ['--service-cidr', '10.96.0.0/16,fd00:96::/112', '--pod-cidr', '10.244.0.0/16,fd00:244::/48'];
    const args = ['whatif', manifests, ...resolve, ...both, '--set', 'pay.spec.ipFamilyPolicy=PreferDualStack'];
    const { stdout } = await runMain(args);
    expect(stdout).toMatch(
      /1 service port of 2 changes for some clients\n\nAddresses and ports added\n {2}shop\/pay {2}\[fd00:96::\w+\]:80\n\nNew/,
    );
  });

  test('says which frontends come and go, and which sources may use them', async () => {
    const gone = await whatIf('--set', 'web.spec.type=ClusterIP');
    expect(gone.stdout).toMatch(/Addresses and ports removed\n {2}shop\/web {2}198\.51\.100\.\d+:80, \*:3\d{4}\n/);
    const added = await whatIf('--set', 'pay.spec.externalIPs=[192.0.2.7]');
    expect(added.stdout).toContain('Addresses and ports added\n  shop/pay  192.0.2.7:80\n');
    const ranges = await whatIf('--set', 'web.spec.loadBalancerSourceRanges=[192.0.2.0/24, 198.51.100.0/24]');
    expect(ranges.stdout).toContain('shop/web  all -> 192.0.2.0/24, 198.51.100.0/24\n');
  });

  test('counts the connections to other zones', async () => {
    const [web] = await itemsOf('--set', 'web.spec.trafficDistribution=PreferSameZone');
    expect(web?.effects).toEqual(['shares', 'cross-zone']);
    // One node of five is alone in its zone, and has its endpoint there; the others have endpoints in theirs, too.
    expect(web?.crossZone).toEqual({ before: expect.closeTo(0.65), after: 0 });
    expect(
      web?.shares.filter(({ clients }) => clients === 'internal').map(({ pod, before, after }) => [pod, before, after]),
    ).toEqual(expect.arrayContaining([['shop/web-1', 0.25, expect.closeTo(0.4)]]));
  });

  test('compares with other files', async () => {
    const other = join(folder, 'other.json');
    await writeFile(other, listOf([...shop.slice(0, 1), ...shop.slice(2)]));
    const { stdout } = await runMain(['whatif', manifests, ...resolve, '--with', other]);
    expect(stdout).toContain(
      'Without any endpoint: refused everywhere\n  shop/pay  100% of existing connections break\n',
    );
    const same = await runMain(['whatif', manifests, ...resolve, '--with', manifests]);
    expect(same.stdout).toContain('Nothing changes for any client.');
    const piped = await runMain(['whatif', cluster, '--with', '-'], { input: listOf(shop) });
    expect(piped.stderr).toContain('no-cluster-ip');
  });

  test('gives the same for a drain as for the cluster afterwards, made by hand', async () => {
    const { stdout } = await runMain(['resolve', manifests, ...resolve.slice(1)]);
    const { items } = JSON.parse(stdout) as { items: { kind: string; endpoints?: { nodeName: string }[] }[] };
    // Without Pods, what runs on the node is gone.
    const before = items.filter(({ kind }) => kind !== 'Pod' && kind !== 'Deployment');
    const after = before.map((object) =>
      object.endpoints
        ? { ...object, endpoints: object.endpoints.filter(({ nodeName }) => nodeName !== 'node-2') }
        : object,
    );
    const [first, second] = [join(folder, 'before.json'), join(folder, 'after.json')];
    await writeFile(first, listOf(before));
    await writeFile(second, listOf(after));
    const drained = await runMain(['whatif', first, '--drain', 'node-2', '-o', 'json']);
    const byHand = await runMain(['whatif', first, '--with', second, '-o', 'json']);
    expect((JSON.parse(drained.stdout) as WhatIf).items).toEqual((JSON.parse(byHand.stdout) as WhatIf).items);
    expect((JSON.parse(drained.stdout) as WhatIf).items).toHaveLength(1);
  });

  test('finds no difference between any cluster and itself', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryCluster, async (objects) => {
        const path = join(folder, 'random.json');
        await writeFile(path, listOf(objects));
        const { stdout } = await runMain(['whatif', path, '--with', path, '-o', 'json']);
        expect((JSON.parse(stdout) as WhatIf).items).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('shows all service ports with -o wide', async () => {
    const names = Array.from({ length: 15 }, (_, index) => `app-${index}`);
    const path = join(folder, 'many.json');
    await writeFile(path, listOf(names.flatMap((name) => [workload('Deployment', name, 1), service(name, {})])));
    const args = ['whatif', path, '--resolve', '--nodes', '1', '--drain', 'node-1'];
    expect((await runMain(args)).stdout).toContain('\n  and 5 more\n');
    const { stdout } = await runMain([...args, '-o', 'wide']);
    expect(stdout.match(/100% of existing/g)).toHaveLength(15);
  });
});

describe('svc2nft whatif refuses', () => {
  test.each([
    [
      ['--drain', 'node-9'],
      1,
      'error: drain node-9: there is no Node "node-9"; the input has node-1, node-2, node-3, node-4 and node-5',
    ],
    [
      ['--lose-zone', 'x'],
      1,
      'error: lose zone x: there is no Node in zone "x"; the Nodes are in "zone-a", "zone-b", "zone-c"',
    ],
    [
      ['--scale', 'deployment/wep=2'],
      1,
      'error: scale deployment/wep=2: there is no Deployment "wep"; the input has shop/web and shop/pay',
    ],
    [
      ['--set', 'web.spec.type=Loadbalancer'],
      1,
      'error: set web.spec.type=Loadbalancer: spec.type is "Loadbalancer"; possible values are ClusterIP, NodePort, LoadBalancer and ExternalName; did you mean LoadBalancer?',
    ],
    [['--set', 'web.spec.clusterIP=10.96.0.7'], 1, 'and may not change'],
    [['--set', 'web.spec.typ=NodePort'], 1, 'spec.typ is not a field of a Service; did you mean type?'],
    [
      ['--scale', 'web=2'],
      2,
      'error: --scale: "web" is not a KIND/NAME such as deployment/web, or KIND/NAMESPACE/NAME',
    ],
    [['--scale', 'deployment/web=-1'], 2, 'expected KIND/NAME=NUMBER, such as deployment/web=5'],
    [['--set', 'web.type=NodePort'], 2, 'expected SERVICE.spec.FIELD=VALUE'],
    [['--set', 'web.spec.ports[x].port=1'], 2, 'expected SERVICE.spec.FIELD=VALUE'],
    [['--set', 'web.spec.type=[NodePort'], 2, 'the value of spec.type, "[NodePort", is not YAML'],
    [[], 2, 'error: nothing is changed: use --drain, --lose-zone, --scale, --set or --with (see --help)'],
    [['--with', 'missing.yaml'], 1, 'missing.yaml: error file-not-found'],
    [['--drain', 'node-1', '--live'], 2, 'error: a snapshot is read from files or from a cluster'],
    [['-', '--with', '-'], 2, 'error: stdin can be read only once: give PATH or --with a file or folder'],
    [['--lose-zone', 'zone-a', '--lose-zone', 'zone-b', '--lose-zone', 'zone-c'], 1, 'error: no Node is left'],
  ])('%j', async (args, exitCode, message) => {
    const result = await whatIf(...args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toContain(message);
  });

  test('a cluster without Nodes', async () => {
    const result = await runMain(['whatif', manifests, '--scale', 'deployment/web=1']);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toContain('include them');
    const set = await runMain(['whatif', manifests, '--set', 'web.spec.type=ClusterIP']);
    expect(set.stderr).toContain('error: the input has no Node, and shares are those of connections on each Node');
  });
});

test('values are read as YAML reads them', async () => {
  expect(await itemsOf('--set', 'web.spec.ports[0].port=0120')).toEqual([]);
  const [web] = await itemsOf('--set', 'web.spec.ports[0].port=0121');
  expect(web?.frontendsAdded).toContainEqual(expect.stringMatching(/:81$/));
  expect(await itemsOf('--set', 'web.spec.publishNotReadyAddresses=yes')).toEqual([]);
  const [first] = await itemsOf('--set', 'web.spec.selector["app"]=pay');
  // Its Pods run on, so existing connections do, too.
  expect([first?.effects, first?.broken.internal]).toEqual([expect.arrayContaining(['shares']), 0]);
  const [removed] = await itemsOf('--set', 'web.spec.externalTrafficPolicy=');
  expect(removed?.effects).toContain('source-lost');
});
