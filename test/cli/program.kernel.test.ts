import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';
import { shop } from './shop.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'moved.json'), shop({ dns: ['10.244.1.54'] }));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function inNamespace(script: string): Promise<string[]> {
  return runInNamespace(`list() { nft list tables; }\n${script}`, { cwd: folder });
}

const cidr = '--cluster-cidr 10.244.0.0/16';

describe.skipIf(!kernelTestsRun)('in the kernel', () => {
  test('apply makes, keeps, changes; diff says so before; clean removes', async () => {
    expect(
      await inNamespace(`
        svc2nft apply shop.json ${cidr} --dry-run
        list
        svc2nft apply shop.json ${cidr}
        list
        svc2nft apply shop.json ${cidr}
        svc2nft diff shop.json ${cidr}
        svc2nft diff moved.json ${cidr}
        svc2nft apply moved.json ${cidr}
        svc2nft diff moved.json ${cidr}
        svc2nft clean --family ip
        list
        svc2nft clean
        list
      `),
    ).toEqual([
      'table ip svc2nft: would be created (17 elements, 13 chains)',
      '  shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 3 endpoints',
      '  shop/dns:dns  new: 10.96.0.53:53/udp, 1 endpoint',
      'table ip6 svc2nft: would be created (9 chains)',
      'table ip svc2nft: created (17 elements, 13 chains)',
      '  shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 3 endpoints',
      '  shop/dns:dns  new: 10.96.0.53:53/udp, 1 endpoint',
      'table ip6 svc2nft: created (9 chains)',
      'table ip svc2nft',
      'table ip6 svc2nft',
      'table ip svc2nft: up to date',
      'table ip6 svc2nft: up to date',
      'table ip svc2nft: would be changed (2 elements added, 2 elements deleted)',
      '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
      '  stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: would be deleted',
      'exit code 1',
      'table ip svc2nft: changed (2 elements added, 2 elements deleted)',
      '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
      'table ip6 svc2nft: up to date',
      'table ip svc2nft: removed',
      'table ip6 svc2nft',
      'table ip svc2nft: not found',
      'table ip6 svc2nft: removed',
    ]);
  });

  test('what compile prints and nft loads needs no change; other changes are found and repaired', async () => {
    expect(
      await inNamespace(`
        svc2nft compile shop.json ${cidr} --family ip | nft -f -
        svc2nft apply shop.json ${cidr} --family ip
        nft flush chain ip svc2nft services
        nft add element ip svc2nft cluster-ips { 192.0.2.1 }
        nft add chain ip svc2nft mine
        svc2nft apply shop.json ${cidr} --family ip
        svc2nft apply shop.json ${cidr} --family ip
      `),
    ).toEqual([
      'table ip svc2nft: up to date',
      'table ip svc2nft: changed (1 element deleted, 1 chain written, 1 chain deleted)',
      '  found: chain services is empty',
      '  found: unknown chain mine',
      '  found: cluster-ips has 1 unknown element: 192.0.2.1',
      'table ip svc2nft: up to date',
    ]);
  });

  test('diff -o nft is what nft can load', async () => {
    expect(
      await inNamespace(`
        svc2nft apply shop.json ${cidr} --family ip >made
        svc2nft diff moved.json ${cidr} --family ip -o nft >changes.nft
        nft -f changes.nft
        svc2nft diff moved.json ${cidr} --family ip
      `),
    ).toEqual(['exit code 1']);
  });

  test('a reader that leaves keeps nothing from being done', async () => {
    expect(await inNamespace(`svc2nft apply shop.json ${cidr} | true; list`)).toEqual([
      'table ip svc2nft',
      'table ip6 svc2nft',
    ]);
  });

  test('another user learns that it takes root', async () => {
    const user = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const command = `${user} $(command -v node) ${resolve('bin/svc2nft.js')} apply - ${cidr} --family ip < shop.json`;
    const lines = await inNamespace(`${command}; echo "exit code $?"`);
    expect(lines.filter((line) => !line.startsWith('    '))).toEqual([
      'error: table ip svc2nft: nft: no-permission',
      'Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.',
      'table ip svc2nft: not changed',
      'exit code 4',
    ]);
  });
});
