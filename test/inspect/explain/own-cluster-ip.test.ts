import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runMain } from '../../support/run-main.ts';

const fixtures = join(import.meta.dirname, '../../../fixtures');
const ofTheNode = join(fixtures, 'node/cluster-ip-that-is-an-address-of-the-node-gets-no-rules/snapshot.yaml');
const notOfHosts = join(fixtures, 'services/addresses-that-are-not-those-of-hosts-get-no-rules/snapshot.yaml');

test.each([
  [
    ofTheNode,
    '192.0.2.11:8081',
    '192.0.2.11 is an address of shop/web, which no rule serves: its cluster IP is an address of the node, which keeps it',
  ],
  [
    notOfHosts,
    '127.0.0.1:8081',
    '127.0.0.1 is an address of shop/web, which no rule serves: it is not the address of a host',
  ],
  [
    notOfHosts,
    '127.0.0.53:8081',
    '127.0.0.53 is an address of shop/here, which no rule serves: it is not the address of a host',
  ],
])('%s: why %s is not translated', async (snapshot, to, reason) => {
  const from = to.startsWith('127.') ? '127.0.0.1' : '203.0.113.9';
  const { stdout } = await runMain([
    'explain',
    snapshot,
    '--cluster-cidr',
    '10.244.0.0/16',
    '--from',
    from,
    '--to',
    to,
  ]);
  expect(stdout.split('\n')[0]).toBe(`NOT TRANSLATED (no rule applies): ${reason}`);
});
