import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';

interface Given {
  readonly namespace?: string;
  readonly spec: object;
  readonly slices?: readonly object[];
}

/** `kubectl get services,endpointslices -o json` of these Services, in namespace `shop` if they do not say another. */
function cluster(services: Readonly<Record<string, Given>>): string {
  const items = Object.entries(services).flatMap(([name, { namespace = 'shop', spec, slices = [] }]) => [
    { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec },
    ...slices.map((slice, index) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace, name: `${name}-${index}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ...slice,
    })),
  ]);
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function endpoints(addresses: readonly string[], nodeName = 'worker-1'): object[] {
  return addresses.map((address) => ({ addresses: [address], nodeName }));
}

/** `svc2nft list`, on a terminal of so many columns, or into a pipe. */
function list(input: string, flags: readonly string[], columns?: number): Promise<CommandResult> {
  const args = ['list', '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip', ...flags];
  const { run } = createFakeNft();
  return runCommand(args, { input, run, ...(columns && { columns, terminals: ['stdout'] }) });
}

const node = ['--node-ip', '192.0.2.11'];

async function linesOf(input: string, flags: readonly string[] = [], columns?: number): Promise<string[]> {
  const { stdout } = await list(input, [...node, ...flags], columns);
  return stdout.split('\n').slice(0, -1);
}

const api: Given = {
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.30',
    externalIPs: ['198.51.100.200'],
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'https', port: 443, nodePort: 30443 }],
  },
  slices: [{ ports: [{ name: 'https', port: 8443 }], endpoints: endpoints(['10.244.2.31', '10.244.2.4'], 'worker-2') }],
};

const dropped = 'dropped for external clients: no local endpoints';

describe('a table fits its terminal', () => {
  test('where there is room, it is as in a pipe', async () => {
    const lines = [
      'NAME   PORT    TYPE         FRONTEND                 POLICY    ENDPOINTS   LOCAL   REMARK',
      'api    https   ClusterIP    10.96.0.30:443/tcp       Cluster   2           0',
      `api    https   ExternalIP   198.51.100.200:443/tcp   Local     2           0       ${dropped}`,
      `api    https   NodePort     *:30443/tcp              Local     2           0       ${dropped}`,
    ];
    for (const columns of [undefined, 200]) {
      expect(await linesOf(cluster({ api }), [], columns)).toEqual(lines);
    }
  });

  test('first with short headings and remarks in several lines', async () => {
    expect(await linesOf(cluster({ api }), [], 100)).toEqual([
      'NAME  PORT   TYPE        FRONTEND                POLICY   EPS  LOC  REMARK',
      'api   https  ClusterIP   10.96.0.30:443/tcp      Cluster  2    0',
      'api   https  ExternalIP  198.51.100.200:443/tcp  Local    2    0    dropped for external clients: no',
      '                                                                    local endpoints',
      'api   https  NodePort    *:30443/tcp             Local    2    0    dropped for external clients: no',
      '                                                                    local endpoints',
    ]);
  });

  test('then with remarks below their rows', async () => {
    expect(await linesOf(cluster({ api }), [], 80)).toEqual([
      'NAME  PORT   TYPE        FRONTEND                POLICY   EPS  LOC',
      'api   https  ClusterIP   10.96.0.30:443/tcp      Cluster  2    0',
      'api   https  ExternalIP  198.51.100.200:443/tcp  Local    2    0',
      `  ${dropped}`,
      'api   https  NodePort    *:30443/tcp             Local    2    0',
      `  ${dropped}`,
    ]);
  });

  test('then with a line for each service port, above its frontends', async () => {
    expect(await linesOf(cluster({ api }), [], 60)).toEqual([
      'NAME  PORT',
      '  TYPE        FRONTEND                POLICY   EPS  LOC',
      'api   https',
      '  ClusterIP   10.96.0.30:443/tcp      Cluster  2    0',
      '  ExternalIP  198.51.100.200:443/tcp  Local    2    0',
      `    ${dropped}`,
      '  NodePort    *:30443/tcp             Local    2    0',
      `    ${dropped}`,
    ]);
  });

  test('a long name breaks lines and is whole', async () => {
    const [name, namespace] = ['n'.repeat(63), 's'.repeat(63)];
    const lines = await linesOf(cluster({ [name]: { ...api, namespace }, api }), [], 60);
    expect(lines.slice(0, 6)).toEqual([
      'NAMESPACE  NAME  PORT',
      '  TYPE        FRONTEND                POLICY   EPS  LOC',
      'shop  api  https',
      '  ClusterIP   10.96.0.30:443/tcp      Cluster  2    0',
      '  ExternalIP  198.51.100.200:443/tcp  Local    2    0',
      `    ${dropped}`,
    ]);
    expect(lines.slice(8, 11)).toEqual([namespace, `    ${name}`, '    https']);
  });

  test.each([20, 40, 60, 80, 120, 200])('of %i columns: whatever is longer is one word', async (columns) => {
    const many = Array.from({ length: 20 }, (_, index) => `10.244.1.${index + 1}`);
    const input = cluster({
      api,
      [`a-very-long-name-of-a-service-${'x'.repeat(33)}`]: { ...api, namespace: 'other' },
      many: {
        spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] },
        slices: [{ ports: [{ name: '', port: 80 }], endpoints: endpoints(many, `node-${'y'.repeat(40)}`) }],
      },
      wrong: {
        spec: { clusterIP: '10.96.0.8', ports: [{ name: 'http', port: 80 }] },
        slices: [{ ports: [{ name: 'web', port: 80 }], endpoints: endpoints(many) }],
      },
    });
    for (const flags of [[], ['-o', 'wide']]) {
      const lines = await linesOf(input, flags, columns);
      expect(lines.filter((line) => line.length > columns && line.trim().includes(' '))).toEqual([]);
      // Nothing is cut: each word of a table without a width is there.
      const words = new Set(lines.join(' ').split(/ +/));
      const [, ...plain] = await linesOf(input, flags);
      const missing = plain.flatMap((line) => line.split(/ +/)).filter((word) => word !== '<none>' && !words.has(word));
      expect(missing).toEqual([]);
    }
  });

  test('wide: a line for each endpoint, below its frontend where there is no room beside it', async () => {
    const given = { ...api, spec: { ...api.spec, externalIPs: [] } };
    expect(await linesOf(cluster({ api: given }), ['-o', 'wide'], 80)).toEqual([
      'NAME  PORT   TYPE       FRONTEND            POLICY',
      '  ENDPOINT          NODE      LOC  STATE  USED      REMARK',
      'api   https  ClusterIP  10.96.0.30:443/tcp  Cluster',
      '  10.244.2.4:8443   worker-2  no   ready  all',
      '  10.244.2.31:8443  worker-2  no   ready  all',
      'api   https  NodePort   *:30443/tcp         Local',
      '  10.244.2.4:8443   worker-2  no   ready  internal  dropped for external',
      '                                                    clients: no local endpoints',
      '  10.244.2.31:8443  worker-2  no   ready  internal',
    ]);
  });

  test('large numbers are grouped for people only', async () => {
    const many = Array.from({ length: 1200 }, (_, index) => `10.244.${Math.floor(index / 250)}.${1 + (index % 250)}`);
    const input = cluster({
      web: {
        spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }], sessionAffinity: 'ClientIP' },
        slices: [0, 1].map((part) => ({
          ports: [{ name: '', port: 80 }],
          endpoints: endpoints(many.slice(part * 600, part * 600 + 600)),
        })),
      },
    });
    const cells = async (columns?: number) => (await linesOf(input, [], columns))[1]?.split(/ {2,}/).slice(-3);
    expect(await cells(120)).toEqual(['1,200', '1,200', 'ClientIP 10,800 s']);
    expect(await cells()).toEqual(['1200', '1200', 'ClientIP 10,800 s']);
    const { stdout } = await list(input, ['-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ endpointsUsed: 1200, affinitySeconds: 10800 }] });
  });
});

describe('the namespace', () => {
  const input = cluster({ api, web: { ...api, namespace: 'other', spec: { ...api.spec, clusterIP: '10.96.0.31' } } });

  test('has a column where there are several', async () => {
    const { stdout, stderr } = await list(input, node);
    expect(stdout).toMatch(/^NAMESPACE {3}NAME/);
    expect(stderr).not.toContain('namespace: ');
  });

  test('has one with -A, as in kubectl', async () => {
    const { stdout, stderr } = await list(cluster({ api }), [...node, '-A']);
    expect(stdout).toMatch(/^NAMESPACE {3}NAME .*\nshop {8}/);
    expect(stderr).not.toContain('namespace: ');
  });

  test.each([
    [['-n', 'shop'], false],
    [['--service', 'shop/api'], false],
    [['--service', 'api'], true],
  ])('%j: has none where there is one, which is named unless the flags do', async (flags, isNamed) => {
    const { stdout, stderr } = await list(input, [...node, ...flags]);
    expect(stdout).toMatch(/^NAME {3}PORT/);
    expect(stderr.includes('namespace: shop\n')).toBe(isNamed);
    expect((await list(input, [...node, ...flags, '-o', 'name'])).stderr).not.toContain('namespace: ');
  });
});

describe('Services without a cluster IP show their ports', () => {
  test.each([
    ['headless', { clusterIP: 'None', ports: [{ name: 'pg', port: 5432 }] }, ['pg:5432/tcp']],
    ['headless, an unnamed port', { clusterIP: 'None', ports: [{ port: 5432 }] }, ['5432/tcp']],
    [
      'several ports, by name',
      {
        clusterIP: 'None',
        ports: [
          { name: 'sip', port: 5060, protocol: 'UDP' },
          { name: 'http', port: 80, targetPort: 'web' },
        ],
      },
      ['http:80/tcp', 'sip:5060/udp'],
    ],
    ['ExternalName', { type: 'ExternalName', externalName: 'db.example.com', ports: [{ port: 443 }] }, ['443/tcp']],
    ['ExternalName without ports', { type: 'ExternalName', externalName: 'db.example.com' }, ['<none>']],
  ])('%s', async (_, spec, ports) => {
    const input = cluster({ db: { spec } });
    expect((await linesOf(input)).slice(1).map((line) => line.split(/ {3,}/)[1])).toEqual(ports);
    expect((await linesOf(input, ['-o', 'wide'])).slice(1).map((line) => line.split(/ {3,}/)[1])).toEqual(ports);
    // Nothing answers there, so there is nothing to explain.
    expect((await list(input, ['-o', 'name'])).stdout).toBe('');
  });

  test('in JSON as well', async () => {
    const ports = [{ name: 'pg', port: 5432 }];
    const { stdout } = await list(cluster({ db: { spec: { clusterIP: 'None', ports } } }), ['-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      items: [{ service: 'db', portName: 'pg', protocol: 'tcp', port: 5432, frontend: null, type: null }],
    });
  });
});

describe('a port that fits no port of the slices is named as the cause', () => {
  const one = endpoints(['10.244.1.5']);
  test.each([
    [
      'another name',
      [{ ports: [{ name: 'web', port: 8080 }], endpoints: one }],
      'EndpointSlice shop/web-0 has 1 endpoint, but no port with name "http" and protocol TCP (it has web/TCP 8080)',
    ],
    [
      'another protocol',
      [{ ports: [{ name: 'http', port: 8080, protocol: 'UDP' }], endpoints: one }],
      'EndpointSlice shop/web-0 has 1 endpoint, but no port with name "http" and protocol TCP (it has http/UDP 8080)',
    ],
    [
      'no name',
      [{ ports: [{ port: 8080 }], endpoints: one }],
      'EndpointSlice shop/web-0 has 1 endpoint, but no port with name "http" and protocol TCP (it has ',
    ],
    [
      'another family',
      [{ addressType: 'IPv6', ports: [{ name: 'http', port: 8080 }], endpoints: endpoints(['fd00::5']) }],
      'its only endpoint has only an IPv6 address',
    ],
    ['no slice', [], ''],
    ['a slice that fits', [{ ports: [{ name: 'http', port: 8080 }], endpoints: one }], undefined],
  ])('%s', async (_, slices, cause) => {
    const spec = { clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] };
    const { stdout } = await list(cluster({ web: { spec, slices } }), ['-o', 'json']);
    const [row] = (JSON.parse(stdout) as { items: { remarks: string[] }[] }).items;
    const remarks = cause === undefined ? [] : ['rejected: no endpoints', ...(cause === '' ? [] : [cause])];
    expect(row?.remarks).toEqual(remarks.map((remark) => expect.stringMatching(start(remark))));
    const [, line] = await linesOf(cluster({ web: { spec, slices } }));
    expect(line).toContain(cause ?? 'Cluster');
  });

  function start(text: string): RegExp {
    return new RegExp(`^${text.replace(/[()]/g, '\\$&')}`);
  }
});
