import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { http, service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { startAgentProcess, startRemoteApiServer } from './start-agent-process.ts';

const shop = [workerNode, service('cart', { clusterIP: '10.96.0.10', ports: [http] }), slice('cart', ['10.244.1.10'])];

/** As a kube-proxy in nftables mode leaves them, and tables of others. */
const others = `
table ip kube-proxy { chain services { }
}
table ip6 kube-proxy { chain services { }
}
table ip nat { chain KUBE-SERVICES { }
}
table inet kube-proxy { chain mine { }
}
`;

describe.skipIf(!kernelTestsRun)('agent --cleanup', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(async () => {
    await node.close();
  });

  async function tables(): Promise<string[]> {
    const listing = await node.print('list', 'tables');
    return listing.trim().split('\n').sort();
  }

  test('removes the tables of svc2nft, and with --cleanup-kube-proxy those of its nftables mode, and no others', async () => {
    await node.nft(others);
    expect(await node.apply(shop)).toMatchObject({ exitCode: 0 });
    expect(await node.svc2nft(['agent', '--cleanup'])).toMatchObject({ exitCode: 0 });
    const left = ['table inet kube-proxy', 'table ip nat'];
    expect(await tables()).toEqual([...left, 'table ip kube-proxy', 'table ip6 kube-proxy'].sort());
    expect(await node.apply(shop)).toMatchObject({ exitCode: 0 });
    expect(await node.svc2nft(['agent', '--cleanup', '--cleanup-kube-proxy'])).toEqual({
      exitCode: 0,
      stdout: [
        ...['table ip svc2nft: removed', 'table ip6 svc2nft: removed'],
        ...['table ip kube-proxy: removed', 'table ip6 kube-proxy: removed', ''],
      ].join('\n'),
      stderr: '',
    });
    expect(await tables()).toEqual(left);
    expect(await node.svc2nft(['agent', '--cleanup', '--cleanup-kube-proxy'])).toMatchObject({ exitCode: 0 });
    await node.nft('flush ruleset');
  });

  test('waits for an agent that runs', async () => {
    const server = await startRemoteApiServer(node, { objects: shop as unknown as ApiObject[] });
    const agent = startAgentProcess(node, server.url);
    const patience = { timeout: 30_000, interval: 20 };
    await vi.waitFor(() => expect(agent.log.map(({ msg }) => msg)).toContain('synced'), patience);
    const cleanup = startAgentProcess(node, server.url, ['--cleanup']);
    await vi.waitFor(
      () => expect(cleanup.log.some(({ msg }) => msg.includes('waiting: the lock'))).toBe(true),
      patience,
    );
    expect(await tables()).toEqual(['table ip svc2nft', 'table ip6 svc2nft']);
    agent.kill('SIGTERM');
    expect([await agent.ended, await cleanup.ended]).toEqual([0, 0]);
    expect(await tables()).toEqual(['']);
    await server.end();
  });
});
