import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

const common = ['--node', 'worker-1', '--node-ip', '192.0.2.11', '--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'];

/** shop/web at three addresses of each family, with these endpoints, the second half of them not ready. */
function shop(families: Readonly<Record<'IPv4' | 'IPv6', readonly string[]>>): string {
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        clusterIPs: ['10.96.0.9', 'fd00:10:96::9'],
        clusterIP: '10.96.0.9',
        ipFamilies: ['IPv4', 'IPv6'],
        externalIPs: ['198.51.100.100', '198.51.100.20', '198.51.100.3', '2001:db8::a', '2001:db8::10', '2001:db8::9'],
        ports: [{ name: 'http', port: 80 }],
      },
    },
    ...Object.entries(families).map(([addressType, addresses]) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace: 'shop',
        name: `web-${addressType.toLowerCase()}`,
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType,
      ports: [{ name: 'http', port: 8080 }],
      endpoints: addresses.map((address, index) => ({
        addresses: [address],
        nodeName: 'worker-1',
        conditions: { ready: index < addresses.length / 2 },
      })),
    })),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const shuffled = {
  IPv4: ['10.244.0.10', '10.244.0.6', '10.244.0.100', '10.244.0.9', '10.244.0.20', '10.244.0.11'],
  IPv6: [
    'fd00:10:244::10',
    'fd00:10:244::9',
    'fd00:10:244::a',
    'fd00:10:244::20',
    'fd00:10:244::100',
    'fd00:10:244::b',
  ],
};

interface Listed {
  readonly items: readonly {
    readonly frontend: string;
    readonly endpoints: readonly { readonly endpoint: string }[];
  }[];
}

describe('addresses in numerical order', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    writeFileSync(join(folder, 'empty.json'), shop({ IPv4: [], IPv6: [] }));
    writeFileSync(join(folder, 'full.json'), shop(shuffled));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('list', async () => {
    const { stdout, stderr } = await runMain(['list', '-', ...common, '-o', 'json'], { input: shop(shuffled) });
    expect(stderr).not.toContain('error');
    const { items } = JSON.parse(stdout) as Listed;
    expect(items.map(({ frontend }) => frontend)).toEqual([
      ...['10.96.0.9:80/tcp', '198.51.100.3:80/tcp', '198.51.100.20:80/tcp', '198.51.100.100:80/tcp'],
      ...['[fd00:10:96::9]:80/tcp', '[2001:db8::9]:80/tcp', '[2001:db8::a]:80/tcp', '[2001:db8::10]:80/tcp'],
    ]);
    expect(items[0]?.endpoints.map(({ endpoint }) => endpoint)).toEqual(
      [6, 9, 10, 11, 20, 100].map((host) => `10.244.0.${host}:8080`),
    );
    expect(items[4]?.endpoints.map(({ endpoint }) => endpoint)).toEqual(
      ['9', 'a', 'b', '10', '20', '100'].map((host) => `[fd00:10:244::${host}]:8080`),
    );
  });

  test('diff', async () => {
    const [empty, full] = [join(folder, 'empty.json'), join(folder, 'full.json')];
    const { stdout } = await runMain(['diff', full, '--from', empty, ...common]);
    expect(stdout).toContain('(+10.244.0.6:8080, +10.244.0.10:8080, +10.244.0.100:8080)');
    expect(stdout).toContain('(+[fd00:10:244::9]:8080, +[fd00:10:244::a]:8080, +[fd00:10:244::10]:8080)');
  });

  test('explain', async () => {
    const args = ['explain', '-', ...common, '--from', '10.244.0.50', '--to', '10.96.0.9:80', '-o', 'json'];
    const { stdout } = await runMain(args, { input: shop(shuffled) });
    const places = ['6', '10', '100', '9', '11', '20'].map((host) => stdout.indexOf(`"10.244.0.${host}:8080"`));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places.slice(0, 3)).toEqual(places.slice(0, 3).toSorted((a, b) => a - b));
    expect(places.slice(3)).toEqual(places.slice(3).toSorted((a, b) => a - b));
  });
});
