import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseTarget } from '../../src/inspect/explain/parse-names.ts';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { type CommandWorld, runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** `svc2nft list` with an nft that must not be asked. */
async function list(args: readonly string[], world: Partial<CommandWorld> = {}): Promise<CommandResult> {
  const { run, calls } = createFakeNft();
  const result = await runCommand(['list', ...args], { run, ...world });
  expect(calls).toEqual([]);
  return result;
}

/** The same on the shop, for IPv4. */
function listShop(...flags: readonly string[]): Promise<CommandResult> {
  return list(['-', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip', ...flags], { input: shop() });
}

const shopTable = [
  'NAME   PORT   TYPE        FRONTEND            POLICY    ENDPOINTS   LOCAL   REMARK',
  'cart   http   ClusterIP   10.96.0.10:80/tcp   Cluster   3           3',
  'cart   http   NodePort    *:30080/tcp         Cluster   3           3',
  'dns    dns    ClusterIP   10.96.0.53:53/udp   Cluster   1           1',
  '',
];

describe('a snapshot', () => {
  test('as a table', async () => {
    const { stdout, ...rest } = await listShop();
    expect(stdout.split('\n')).toEqual(shopTable);
    expect(rest).toEqual({ exitCode: 0, stderr: 'namespace: shop\n' });
  });

  test('the same bytes on a terminal, and again', async () => {
    const args = ['-', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];
    const terminal = await list(args, { input: shop(), terminals: ['stdout', 'stderr'] });
    expect(terminal).toEqual(await listShop());
  });

  test('wide: a line for each endpoint, in numerical order', async () => {
    const many = Array.from({ length: 13 }, (_, index) => `10.244.1.${9 + index}`);
    const input = shop({ cart: many }).replace(
      '{"addresses":["10.244.1.12"],',
      '{"addresses":["10.244.1.12"],"conditions":{"ready":false},',
    );
    const { stdout } = await list(['-', '--family', 'ip', '-o', 'wide', '--service', 'cart'], { input });
    expect(stdout.split('\n').map((line) => line.split(/ {3,}/))).toEqual([
      ['NAME', 'PORT', 'TYPE', 'FRONTEND', 'POLICY', 'ENDPOINT', 'NODE', 'LOCAL', 'STATE', 'USED-BY', 'REMARK'],
      ...[
        ['ClusterIP', '10.96.0.10:80/tcp'],
        ['NodePort', '*:30080/tcp'],
      ].flatMap((frontend) =>
        many.map((address) => [
          ...['cart', 'http', ...frontend, 'Cluster', `${address}:8080`, 'worker-1', 'yes'],
          ...(address === '10.244.1.12' ? ['not-ready', 'none'] : ['ready', 'all']),
          ...(address === '10.244.1.9' ? ['1 not ready'] : []),
        ]),
      ),
      [''],
    ]);
  });

  test('as JSON and YAML', async () => {
    const { stdout: json } = await listShop('-o', 'json', '--service', 'dns');
    const expected = {
      node: 'worker-1',
      tables: [{ family: 'ip', table: 'svc2nft', nodePortAddresses: ['192.0.2.11'] }],
      items: [
        {
          namespace: 'shop',
          service: 'dns',
          portName: 'dns',
          protocol: 'udp',
          port: 53,
          family: 'ip',
          type: 'ClusterIP',
          frontend: '10.96.0.53:53/udp',
          policy: 'Cluster',
          refusal: null,
          heldBy: null,
          affinitySeconds: 0,
          sourceRanges: null,
          endpointsUsed: 1,
          endpointsLocal: 1,
          endpoints: [
            {
              endpoint: '10.244.1.53:5353',
              pod: '',
              node: 'worker-1',
              zone: '',
              local: true,
              state: 'ready',
              usedBy: 'all',
              leftOut: null,
            },
          ],
          remarks: [],
        },
      ],
    };
    expect(JSON.parse(json)).toEqual(expected);
    const { stdout: yaml } = await listShop('-o', 'yaml', '--service', 'dns');
    expect(parse(yaml)).toEqual(expected);
    expect(yaml).not.toMatch(/[&*]a\d/);
  });

  test('pods and zones stand in JSON', async () => {
    const objects = JSON.parse(shop()) as { items: { kind: string; endpoints?: object[] }[] };
    for (const { endpoints = [] } of objects.items) {
      for (const [index, endpoint] of endpoints.entries()) {
        Object.assign(endpoint, { zone: 'zone-a', targetRef: { kind: 'Pod', name: `pod-${index}` } });
      }
    }
    const { stdout } = await list(['-o', 'json'], { input: JSON.stringify(objects) });
    expect(stdout).toContain('"pod": "shop/pod-2",\n          "node": "worker-1",\n          "zone": "zone-a",');
  });

  test('names are what explain --to takes', async () => {
    const { stdout } = await listShop('-o', 'name');
    expect(stdout).toBe('service:shop/cart:http\nservice:shop/dns:dns\n');
    expect(stdout.trimEnd().split('\n').map(parseTarget)).toEqual([
      { kind: 'service', namespace: 'shop', name: 'cart', port: 'http', protocol: undefined },
      { kind: 'service', namespace: 'shop', name: 'dns', port: 'dns', protocol: undefined },
    ]);
  });

  test('both families', async () => {
    const dual = shop().replaceAll(
      '"clusterIP":"10.96.0.53"',
      '"clusterIP":"10.96.0.53","clusterIPs":["10.96.0.53","fd00::53"],"ipFamilies":["IPv4","IPv6"]',
    );
    const { stdout } = await list(['-n', 'shop', '--service', 'dns'], { input: dual });
    expect(stdout.split('\n')).toEqual([
      'NAME   PORT   TYPE        FRONTEND            POLICY    ENDPOINTS   LOCAL   REMARK',
      'dns    dns    ClusterIP   10.96.0.53:53/udp   Cluster   1           1',
      'dns    dns    ClusterIP   [fd00::53]:53/udp   Cluster   0           0       rejected: no endpoints; its only endpoint has only an IPv4 address',
      '',
    ]);
  });

  test.each([
    [['-n', 'shopp'], 'error: no Service in namespace "shopp" (did you mean shop?)\n'],
    [['-n', 'elsewhere'], 'error: no Service in namespace "elsewhere"\n'],
    [['--service', 'crat'], 'error: no Service named "crat" (did you mean cart?)\n'],
    [['-n', 'shop', '--service', 'dnss'], 'error: no Service named "dnss" in namespace shop (did you mean dns?)\n'],
    [['-n', 'shop', '--service', 'gateway'], 'error: no Service named "gateway" in namespace shop\n'],
    [['-n', 'shopp', '--service', 'cart'], 'error: no Service in namespace "shopp" (did you mean shop?)\n'],
    [['--service', 'elsewhere/cart'], 'error: no Service named "elsewhere/cart"\n'],
    [
      ['-n', 'shop', '-n', 'edge', '--service', 'dnss'],
      'error: no Service in namespace "edge"\nerror: no Service named "dnss" in namespace shop or edge (did you mean dns?)\n',
    ],
  ])('%j finds nothing, and says so', async (flags, stderr) => {
    expect(await listShop(...flags)).toEqual({ exitCode: 1, stdout: '', stderr });
    expect((await listShop(...flags, '-o', 'name')).stdout).toBe('');
    expect(JSON.parse((await listShop(...flags, '-o', 'json')).stdout)).toMatchObject({ items: [] });
  });

  test('some of several names find something', async () => {
    const flags = ['-n', 'shop', '--service', 'shop/dns', '--service', 'cart', '--service', 'carts'];
    const { stdout, ...rest } = await listShop(...flags);
    expect(stdout.split('\n')).toEqual(shopTable);
    const stderr = 'error: no Service named "carts" in namespace shop (did you mean cart?)\n';
    expect(rest).toEqual({ exitCode: 1, stderr });
  });

  test('a cluster without Services', async () => {
    const input = '{"apiVersion":"v1","kind":"Node","metadata":{"name":"worker-1"}}';
    const { stdout, stderr, exitCode } = await list(['--cluster-cidr', '10.244.0.0/16'], { input });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
    expect(stderr.split('\n').at(-2)).toBe('nothing to list: no Services');
    const { stdout: json } = await list(['-o', 'json'], { input });
    expect(JSON.parse(json)).toMatchObject({ items: [] });
  });
});

test('help ends with exit codes and examples', async () => {
  const { stdout, exitCode } = await list(['--help']);
  expect(stdout).toMatch(
    /\nExit codes:\n {2}0 {2}done.*no permission, or nft not found\n\nExamples:\n.* svc2nft list /s,
  );
  expect(exitCode).toBe(0);
});
