import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from '../agent/start-agent-process.ts';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 50 };

describe.skipIf(!kernelTestsRun)('status of a node', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;

  beforeAll(async () => {
    node = await openNode();
    const web = service('web', { clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] });
    const broken = service('broken', { clusterIP: 'nowhere' });
    const objects = [workerNode, web, slice('web', ['10.244.1.1']), broken] as unknown as ApiObject[];
    server = await startRemoteApiServer(node, { objects });
  });

  afterAll(async () => {
    await server.end();
    await node.close();
  });

  /** As somebody on the node runs it. */
  async function status(): Promise<{ exitCode: number | undefined; lines: string[] }> {
    const inside = [`--net=${node.namespace}`, process.execPath, 'bin/svc2nft.js', 'status'];
    const { exitCode, stdout } = await execa('nsenter', inside, { reject: false });
    return { exitCode, lines: stdout.split('\n') };
  }

  test('is that of its agent: before, while it runs, after it repaired something, and when it was killed', async () => {
    const before = await status();
    expect(before.exitCode).toBe(1);
    expect(before.lines[0]).toBe('this node: no agent answers');
    expect(before.lines).toContain('tables      no table ip svc2nft, no table ip6 svc2nft');

    agent = startAgentProcess(node, server.url);
    await vi.waitFor(async () => expect((await status()).exitCode).toBe(0), patience);
    const running = await status();
    expect(running.lines[0]).toBe('worker-1: in sync, with warnings');
    expect(running.lines).toContain('left out    1 invalid Service');
    expect(running.lines).toContain('repaired    nothing');
    expect(running.lines).toContain('look first at: 1 invalid Service left out');
    expect(running.lines.length).toBeLessThan(24);

    await vi.waitFor(() => expect(agent.log.some(({ msg }) => msg === 'synced')).toBe(true), patience);
    await vi.waitFor(async () => {
      await node.nft('flush chain ip svc2nft services');
      expect((await status()).lines).toContainEqual(expect.stringMatching(/^repaired {4}IPv4 (once|\d+ times), after/));
    }, patience);

    agent.kill('SIGKILL');
    await agent.ended;
    const after = await status();
    expect(after.exitCode).toBe(1);
    expect(after.lines).toContain(
      'tables      ip svc2nft with 1 Service, 1 frontend, ip6 svc2nft with 0 Services, 0 frontends',
    );
  });
});
