import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { workerNode } from '../apply/kernel/manifests.ts';
import { openNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { startAgentProcess, startRemoteApiServer } from './start-agent-process.ts';

const udpTimeout = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout';
const patience = { timeout: 30_000, interval: 50 };

test.skipIf(!kernelTestsRun)(
  'an agent sets the kernel of its namespace, and says what it cannot set there',
  async () => {
    const node = await openNode();
    const server = await startRemoteApiServer(node, { objects: [workerNode as unknown as ApiObject] });
    const before = await readFile(udpTimeout, 'utf8').catch(() => undefined);
    // The limit of all connections belongs to the machine; 12345 of them would hash in any table.
    const flags = ['--conntrack-udp-timeout', '17s', '--conntrack-max-per-core', '1', '--conntrack-min', '12345'];
    const agent = startAgentProcess(node, server.url, [...flags, '--oom-score-adj', '321']);
    try {
      await vi.waitFor(() => expect(agent.log.map(({ msg }) => msg)).toContain('synced'), patience);
      const changes = agent.log.filter(({ msg }) => msg === 'a setting of the kernel was changed');
      expect(changes.map(({ setting, to }) => [setting, to])).toEqual([
        ['oom_score_adj', 321],
        ['net.netfilter.nf_conntrack_udp_timeout', 17],
      ]);
      const refused = agent.log.filter(
        ({ msg }) => msg === 'a setting of the kernel cannot be changed; it stays as it is',
      );
      expect(refused).toEqual([
        expect.objectContaining({
          ...{ setting: 'net.netfilter.nf_conntrack_max', wanted: 12_345 },
          reason: expect.stringMatching(/^no permission to write .*; set net\.netfilter\.nf_conntrack_max on the host/),
        }),
      ]);
      const inside = await execa('nsenter', [`--net=${node.namespace}`, 'cat', udpTimeout]);
      expect(inside.stdout).toBe('17');
      expect(await readFile(`/proc/${agent.pid}/oom_score_adj`, 'utf8')).toBe('321\n');
      expect(await readFile(udpTimeout, 'utf8').catch(() => undefined)).toBe(before);
    } finally {
      agent.kill('SIGKILL');
      await agent.ended;
      await server.end();
      await node.close();
    }
  },
);
