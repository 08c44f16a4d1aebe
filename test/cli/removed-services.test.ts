import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { diff } from './diff-shop.ts';
import { addElements, listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const items: readonly Manifest[] = JSON.parse(shop()).items;

function without(...names: readonly string[]): string {
  const left = items.filter(({ metadata: { name } }) => !names.some((gone) => name === gone || name === `${gone}-1`));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: left });
}

/** The shop and Services without endpoints, svc-1, svc-2, ..., as many of each namespace. */
function shopWith(numbers: Readonly<Record<string, number>>): string {
  const names = Object.entries(numbers).flatMap(([namespace, count]) =>
    Array.from({ length: count }, (_, index) => ({ namespace, name: `svc-${index + 1}` })),
  );
  const services = names.map((metadata, index) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { clusterIP: `10.97.${Math.floor(index / 250)}.${(index % 250) + 1}`, ports: [{ name: 'http', port: 80 }] },
  }));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...items, ...services] });
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The lines of `svc2nft diff` below the heading: from the first snapshot to the second. */
async function linesBetween(before: string, after: string): Promise<string[]> {
  const from = join(folder, 'before.json');
  writeFileSync(from, before);
  const { stdout } = await diff({ flags: ['--from', from], input: after });
  return stdout.trimEnd().split('\n').slice(1);
}

describe('the last line says which Services are removed', () => {
  test.each([
    ['diff', 'would remove 1 Service (shop/dns)', () => diff({ input: without('dns') }, listedShop())],
    [
      'apply --dry-run',
      'would remove 1 Service (shop/dns)',
      () => apply({ flags: ['--family', 'ip', '--dry-run'], input: without('dns') }, listedShop()),
    ],
    [
      'apply --dry-run=client',
      'would remove 1 Service (shop/dns)',
      () => apply({ flags: ['--family', 'ip', '--dry-run=client'], input: without('dns') }, listedShop()),
    ],
  ])('%s', async (_, line, run) => {
    const { stdout } = await run();
    expect(stdout.split('\n').slice(1)).toEqual([
      '  shop/dns:dns  gone: 10.96.0.53:53/udp',
      '  stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: would be deleted',
      `  ${line}`,
      '',
    ]);
  });

  test('apply', async () => {
    const { stdout } = await apply({ flags: ['--family', 'ip'], input: without('dns') }, listedShop());
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      '  shop/dns:dns  gone: 10.96.0.53:53/udp',
      '  removed 1 Service (shop/dns)',
    ]);
  });

  test('diff of two snapshots', async () => {
    expect((await linesBetween(shop(), without('dns', 'cart'))).at(-1)).toBe(
      '  removed 2 Services (shop/cart, shop/dns)',
    );
  });

  test.each([
    [{ ops: 20 }, 'removed 20 Services (ops/svc-1, ops/svc-10, ops/svc-11, ', 20],
    [{ ops: 21 }, 'removed 21 Services (21 in ops)', 20],
    [{ a: 1000, b: 1200, c: 3 }, 'removed 2,203 Services (1,200 in b, 1,000 in a, 3 in c)', 20],
    [
      Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, 3])),
      'removed 27 Services (3 in n0, 3 in n1, 3 in n2, 3 in n3, 3 in n4, 3 in n5, 3 in n6, 3 in n7, ...)',
      20,
    ],
  ])('many of them, %j, are counted by namespace, and few have a line', async (numbers, line, limit) => {
    const lines = await linesBetween(shopWith(numbers), shop());
    expect(lines.at(-1)).toContain(`  ${line}`);
    const total = Object.values(numbers).reduce((sum, count) => sum + count, 0);
    expect(lines.filter((one) => one.includes('  gone: '))).toHaveLength(limit);
    const more = (total - limit).toLocaleString('en');
    const others = lines.filter((one) => one.startsWith('  ...'));
    expect(others).toEqual(
      total > limit ? [`  ... and ${more} more service port${more === '1' ? '' : 's'}: ${more} gone`] : [],
    );
  });

  test('lines about other Services stay', async () => {
    const after = shop({ cart: ['10.244.1.11'] });
    const lines = await linesBetween(shopWith({ ops: 100 }), after);
    expect(lines).toContain(
      '  shop/cart:http  3 -> 1 endpoints (-10.244.1.12:8080, -10.244.1.13:8080), share 33% -> 100%',
    );
    expect(lines.at(-1)).toBe('  removed 100 Services (100 in ops)');
  });
});

describe('elements that name no Service do not count as one', () => {
  const stray = (address: string): object => ({ elem: { val: { concat: [address, 'tcp', 80] } } });
  const verdict = { goto: { target: 'tcp-cluster-3' } };

  test.each([
    ['one', ['192.0.2.7'], shop(), '  would remove 1 frontend of no known Service'],
    ['two', ['192.0.2.7', '192.0.2.8'], shop(), '  would remove 2 frontends of no known Service'],
    [
      'beside a Service',
      ['192.0.2.7'],
      without('dns'),
      '  would remove 1 Service (shop/dns) and 1 frontend of no known Service',
    ],
  ])('%s', async (_, addresses, input, line) => {
    const elements = addresses.map((address) => [stray(address), verdict]);
    const { stdout } = await diff({ input }, listedShop(addElements('service-ips', ...elements)));
    expect(stdout).toContain(`(unknown)  gone: ${addresses[0]}:80/tcp`);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(line);
  });
});

describe('names are sorted part by part', () => {
  const inOrder = ['ops/svc-1:http', 'ops/svc-10:http', 'ops/svc-100:http', 'ops/svc-101:http', 'ops/svc-11:http'];

  test('in diff', async () => {
    const lines = await linesBetween(shop(), shopWith({ ops: 101, 'ops-2': 1 }));
    const names = lines.map((line) => line.trim().split('  ')[0]);
    expect(names.slice(0, 5)).toEqual(inOrder);
    expect(names.slice(-2)).toEqual(['ops/svc-99:http', 'ops-2/svc-1:http']);
  });

  test('in diff -o json', async () => {
    const from = join(folder, 'shop.json');
    writeFileSync(from, shop());
    const { stdout } = await diff({ flags: ['--from', from, '-o', 'json'], input: shopWith({ ops: 101 }) });
    const [{ gained }] = JSON.parse(stdout).tables;
    expect(gained.map(({ name }: { name: string }) => name).slice(0, 5)).toEqual(inOrder);
  });

  test('in list -o name', async () => {
    const { run } = createFakeNft();
    const args = ['list', '--cluster-cidr', '10.244.0.0/16', '-o', 'name'];
    const { stdout } = await runCommand(args, { run, input: shopWith({ ops: 101, 'ops-2': 1 }) });
    const names = stdout.trimEnd().split('\n');
    expect(names.slice(0, 5)).toEqual(inOrder.map((name) => `service:${name}`));
    expect(names.slice(100, 102)).toEqual(['service:ops/svc-99:http', 'service:ops-2/svc-1:http']);
  });

  test('in the Services that are removed', async () => {
    const lines = await linesBetween(shopWith({ ops: 10, 'ops-2': 1 }), shop());
    expect(lines.at(-1)).toMatch(/\(ops\/svc-1, ops\/svc-10, ops\/svc-2, .*, ops\/svc-9, ops-2\/svc-1\)$/);
  });
});
