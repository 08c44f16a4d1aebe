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
  const { items } = JSON.parse(shop()) as { readonly items: readonly object[] };
  writeFileSync(join(folder, 'options.json'), JSON.stringify({ objects: items }));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a script on a node whose API server answers at $URL, and can be called with `tell METHOD ARGUMENTS`. */
function onNode(script: string): Promise<string[]> {
  return runInNamespace(
    `
    ip address add 192.0.2.11/24 dev lo; ip link set lo up
    coproc SERVER { node ${resolve('test/support/run-api-server.js')} options.json; }
    read -r URL <&"\${SERVER[0]}"; URL=\${URL//\\"/}
    tell() { echo "$1" >&"\${SERVER[1]}"; read -r _ <&"\${SERVER[0]}"; }
    live() { svc2nft "$1" --server "$URL" --node worker-1 --cluster-cidr 10.244.0.0/16 --family ip "\${@:2}"; }
    ${script}
    exec {SERVER[1]}>&-
    wait
    `,
    { cwd: folder },
  );
}

describe.skipIf(!kernelTestsRun)('a cluster and the kernel of its node', () => {
  test('are compared by verify, explain and diff, before and after an apply and a change', async () => {
    const lines = await onNode(`
      live diff -o json | grep '"result"'
      live verify --ruleset kernel
      live compile | nft -f -
      live diff
      live verify --ruleset kernel
      live explain --ruleset kernel --from 10.244.1.11 --to shop/dns | head -1
      tell '["apply", ${JSON.stringify(movedSlice())}]'
      live verify --ruleset kernel
      live explain --ruleset kernel --from 10.244.1.11 --to shop/dns | grep -e '^SENT' -e 5353
      live diff
      nft flush chain ip svc2nft services
      live explain --ruleset kernel --from 10.244.1.11 --to shop/cart | head -1
    `);
    expect(lines).toEqual([
      'exit code 1',
      '      "result": "created",',
      'there is no table ip svc2nft',
      'table ip svc2nft: 3 frontends, 4 endpoints, 0 packets walked: 1 fault',
      'exit code 1',
      'table ip svc2nft: 3 frontends, 4 endpoints, 496 packets walked: correct',
      'SENT to 10.244.1.53:5353, the only possible endpoint of shop/dns:dns',
      'shop/dns:dns 10.96.0.53:53/udp: 10.244.1.53:5353 gets all of the connections from pods, the node and external clients, but should get none; 10.244.1.54:5353 gets none, but should get all',
      'hairpin-connections has 10.244.1.53 . 10.244.1.53, which is not an endpoint on this node',
      'hairpin-connections lacks 10.244.1.54 . 10.244.1.54: an endpoint at 10.244.1.54 cannot reach itself',
      'table ip svc2nft: 3 frontends, 4 endpoints, 496 packets walked: 3 faults',
      'exit code 1',
      'SENT to 10.244.1.53:5353, the only possible endpoint of shop/dns:dns',
      '                 udp-endpoints { 10.96.0.53 . 53 . 0 : 10.244.1.53 . 5353 }',
      '                 100%  10.244.1.53:5353',
      '                 10.244.1.54:5353  worker-1  not in this ruleset',
      'table ip svc2nft: would be changed (2 elements added, 2 elements deleted)',
      '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
      '  stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: would be deleted',
      'exit code 1',
      'REFUSED (the client gets a TCP reset at once) at cluster IP 10.96.0.10:80/tcp: chain services is empty (somebody changed it): 3 frontends broken; svc2nft apply repairs it',
    ]);
  });
});

function movedSlice(): object {
  const { items } = JSON.parse(shop({ dns: ['10.244.1.54'] })) as { readonly items: readonly object[] };
  return items.at(-1) ?? {};
}
