import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { compile } from '../../src/compile.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject, ServerOptions } from '../support/api-server.js';
import { createCertificate } from '../support/certificates.ts';
import { comparableRuleset } from '../support/comparable-ruleset.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { placeConfig } from '../support/place-config.ts';
import {
  type AgentProcess,
  awaitMonitor,
  findChild,
  type RemoteApiServer,
  startAgentInContainer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 20 };
/** The same where each look runs nft, which would keep a CPU busy. */
const patienceWithNft = { ...patience, interval: 100 };

function web(name: string, last: number, addresses: readonly string[]): ApiObject[] {
  const spec = { clusterIP: `10.96.0.${last}`, ports: [{ name: 'http', port: 80 }] };
  return [service(name, spec), slice(name, addresses)] as unknown as ApiObject[];
}

const shop: readonly ApiObject[] = [
  workerNode as unknown as ApiObject,
  ...web('cart', 10, ['10.244.1.10', '10.244.2.10']),
  ...web('mail', 11, ['10.244.1.11']),
  { kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } },
];

describe.skipIf(!kernelTestsRun)('an agent on the kernel', () => {
  let node: TestNode;
  let other: TestNode;
  let server: RemoteApiServer;
  let agents: AgentProcess[] = [];

  beforeAll(async () => {
    node = await openNode();
    other = await openNode();
  });

  afterAll(async () => {
    await Promise.all([node.close(), other.close()]);
  });

  afterEach(async () => {
    for (const agent of agents) {
      agent.kill('SIGKILL');
      await agent.ended;
    }
    agents = [];
    await server.end();
    await node.nft('flush ruleset');
  });

  async function startServer(options: ServerOptions = { objects: shop }): Promise<void> {
    server = await startRemoteApiServer(node, options);
  }

  function startAgent(flags: readonly string[] = []): AgentProcess {
    const agent = startAgentProcess(node, server.url, flags);
    agents.push(agent);
    return agent;
  }

  async function tablesOf(place: TestNode): Promise<unknown> {
    const listings = await Promise.all([place.listing('ip'), place.listing('ip6')]);
    return listings.map((listing) => listing && [comparableRuleset(listing.ruleset), listing.deviations]);
  }

  /** What the tables should hold: those of a fresh compilation. */
  async function desiredTables(): Promise<unknown> {
    const { text } = compile(documentsOf(await server.objects()), {
      nodeName: 'worker-1',
      clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
      keepGoing: true,
    });
    await other.nft(text ?? '');
    return tablesOf(other);
  }

  async function expectInStep(): Promise<void> {
    const desired = await desiredTables();
    await vi.waitFor(async () => {
      const tables = await tablesOf(node);
      expect(tables, JSON.stringify(agents.map(({ log }) => log))).toEqual(desired);
    }, patienceWithNft);
  }

  test('loads the first complete picture, then every change', async () => {
    await startServer();
    const agent = startAgent();
    await expectInStep();
    await server.call('apply', ...web('cart', 10, ['10.244.1.10', '10.244.2.11']), ...web('bank', 12, ['10.244.3.1']));
    await expectInStep();
    await server.call('remove', 'Service', 'shop', 'mail');
    await expectInStep();
    await vi.waitFor(() => {
      expect(agent.log.filter(({ msg }) => msg === 'synced').length).toBeGreaterThanOrEqual(3);
    }, patience);
    expect(agent.log.find(({ msg }) => msg === 'synced')).toMatchObject({
      level: 30,
      tables: 'ip created, ip6 created',
      ageMs: expect.any(Number),
    });
    agent.kill('SIGTERM');
    expect(await agent.ended).toBe(0);
    await expectInStep();
  });

  test('writes nothing while one list cannot be read', async () => {
    await startServer();
    await server.call('refuse', { status: 503, only: 'endpointslices' });
    const agent = startAgent();
    await vi.waitFor(
      async () => expect(await server.call('countRequests', 'endpointslices')).toBeGreaterThan(3),
      patience,
    );
    expect(agent.log.filter(({ level }) => level > 30)).toEqual([
      expect.objectContaining({
        msg: 'the API server cannot be followed; rules stay as they are',
        kind: 'EndpointSlice',
        reason: 'no answer for now',
      }),
    ]);
    expect(await node.print('list', 'ruleset')).toBe('');
    await server.call('refuse', undefined);
    await expectInStep();
    expect(agent.log).toContainEqual(
      expect.objectContaining({ msg: 'the API server is followed again', failedAttempts: expect.any(Number) }),
    );
  });

  test('waits for a server with a certificate that it can trust, and says once what is wrong', async () => {
    const authority = createCertificate({ names: ['authority'] });
    const file = join(node.folder, 'ca.crt');
    await writeFile(file, authority.cert);
    await startServer({ objects: shop, tls: createCertificate({ issuer: authority, names: ['10.0.0.1'] }) });
    const agent = startAgent(['--certificate-authority', file]);
    const trouble = 'the API server cannot be followed; rules stay as they are';
    await vi.waitFor(() => expect(agent.log.map(({ msg }) => msg)).toContain(trouble), patience);
    await server.call('secure', createCertificate({ issuer: authority }));
    await expectInStep();
    await server.call('secure', createCertificate({ issuer: authority, days: [-2, -1] }));
    await vi.waitFor(() => expect(agent.log.at(-1)).toMatchObject({ msg: trouble }), patience);
    await server.call('secure', createCertificate({ issuer: authority }));
    await server.call('apply', ...web('bank', 12, ['10.244.3.1']));
    await expectInStep();
    const reasons = agent.log.flatMap(({ msg, reason }) => (msg === trouble ? String(reason) : []));
    expect(reasons.filter((reason) => reason.startsWith('its certificate'))).toEqual([
      'its certificate is for other names: IP Address:10.0.0.1',
      'its certificate has expired; renew it, or check the clock',
    ]);
    agent.kill('SIGTERM');
    expect(await agent.ended).toBe(0);
  });

  test.each([
    ['the whole ruleset is flushed', 'flush ruleset'],
    ['a table is deleted', 'delete table ip svc2nft'],
    ['an element is added', 'add element ip svc2nft cluster-ips { 10.96.9.9 }'],
    ['an element is deleted', 'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }'],
    ['a rule is added', 'insert rule ip svc2nft services ip saddr 10.244.7.7 drop'],
    ['a chain is flushed', 'flush chain ip svc2nft nat-prerouting'],
  ])('repairs its rules when %s', async (_, damage) => {
    await startServer();
    const agent = startAgent();
    await expectInStep();
    await awaitMonitor(agent);
    const before = agent.log.length;
    await node.nft(damage);
    await expectInStep();
    await vi.waitFor(() => {
      expect(agent.log.slice(before)).toContainEqual(
        expect.objectContaining({ msg: 'another program changed our rules; repairing them', process: 'nft' }),
      );
    }, patience);
  });

  test.each([
    ['on the node', startAgentProcess],
    ['in a container', startAgentInContainer],
  ])('%s tells its own changes from those of others, also when these come at once', async (_, start) => {
    await startServer();
    const agent = start(node, server.url);
    agents.push(agent);
    const warnings = () => agent.log.filter(({ msg }) => msg.startsWith('another program changed our rules'));
    await expectInStep();
    await awaitMonitor(agent);
    const before = warnings().length;
    for (let last = 12; last <= 20; last += 1) {
      await server.call('apply', ...web('bank', last, ['10.244.3.1']));
    }
    await expectInStep();
    for (let count = 1; count <= 3; count += 1) {
      await server.call('apply', ...web('bank', 20, [`10.244.3.${count}`]));
      await node.nft('delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }');
      await vi.waitFor(() => expect(warnings()).toHaveLength(before + count), patience);
      await expectInStep();
    }
  });

  test('that is killed leaves its rules; the next one sends the difference only', async () => {
    await startServer();
    const first = startAgent();
    await expectInStep();
    first.kill('SIGKILL');
    await first.ended;
    await server.call('apply', ...web('bank', 12, ['10.244.3.1']));
    const second = startAgent();
    await expectInStep();
    await vi.waitFor(() => {
      expect(second.log.find(({ msg }) => msg === 'synced')).toMatchObject({ tables: 'ip changed' });
    }, patience);
  });

  test('ends the nft monitor that one has left that was killed, also if the rules are as they should be', async () => {
    await startServer();
    const first = startAgent();
    await expectInStep();
    const monitor = await vi.waitFor(() => findChild(first.pid, 'nft\0monitor\0'), patience);
    const isThere = () => existsSync(`/proc/${monitor}`);
    first.kill('SIGKILL');
    await first.ended;
    expect(isThere()).toBe(true);
    const second = startAgent();
    await vi.waitFor(() => findChild(second.pid, 'nft\0monitor\0'), patience);
    await vi.waitFor(() => expect(isThere()).toBe(false), patience);
    expect(second.log.filter(({ msg }) => /synced|another program/.test(msg))).toEqual([]);
  });

  test('makes a second one wait until it ends', async () => {
    await startServer();
    const first = startAgent();
    await expectInStep();
    const second = startAgent();
    await vi.waitFor(
      () => expect(second.log.some(({ msg }) => msg.startsWith('waiting: the lock on table'))).toBe(true),
      patience,
    );
    const third = startAgent();
    await vi.waitFor(() => {
      expect(third.log.some(({ msg }) => msg.startsWith('waiting: the lock on table'))).toBe(true);
    }, patience);
    third.kill('SIGTERM');
    expect(await third.ended).toBe(0);
    first.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await server.call('remove', 'Service', 'shop', 'mail');
    await expectInStep();
    await vi.waitFor(() => expect(second.log.some(({ msg }) => msg === 'synced')).toBe(true), patience);
  });

  test.each(['writes', 'replaces', 'mounts'] as const)(
    'reads its configuration again when somebody %s another one, and goes on with the one before if that has errors',
    async (how) => {
      await startServer();
      const { file, update } = await placeConfig(join(node.folder, how), how);
      const config = (period: string) =>
        `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nnftables:\n  syncPeriod: ${period}\n`;
      await update(config('2m'));
      const agent = startAgent(['--config', file]);
      const periods = () => agent.log.flatMap(({ msg, syncPeriodMs }) => (msg === 'agent started' ? syncPeriodMs : []));
      await expectInStep();
      await update(config('often'));
      await vi.waitFor(() => {
        expect(agent.log).toContainEqual(
          expect.objectContaining({
            msg: '--config has changed: the configuration cannot be used; going on with the one before',
            said: expect.stringMatching(/nftables\.syncPeriod is "often".*\n1 error: the configuration is not used$/s),
          }),
        );
      }, patience);
      await server.call('apply', ...web('bank', 12, ['10.244.3.1']));
      await expectInStep();
      await update(config('3m'));
      await vi.waitFor(() => expect(periods()).toEqual([120_000, 180_000]), patience);
      await server.call('remove', 'Service', 'shop', 'mail');
      await expectInStep();
      agent.kill('SIGHUP');
      await vi.waitFor(() => expect(periods()).toEqual([120_000, 180_000, 180_000]), patience);
      agent.kill('SIGTERM');
      expect(await agent.ended).toBe(0);
      // All lines are JSON.
      expect(agent.log.filter(({ level }) => level === 0)).toEqual([]);
    },
  );

  test('keeps the tables from a second one while it reads its configuration again', async () => {
    await startServer();
    const first = startAgent();
    await expectInStep();
    const second = startAgent();
    const isWaiting = ({ msg }: { readonly msg: string }) => msg.startsWith('waiting: the lock on table');
    await vi.waitFor(() => expect(second.log.some(isWaiting)).toBe(true), patience);
    for (let reloads = 1; reloads <= 5; reloads += 1) {
      first.kill('SIGHUP');
      const starts = () => first.log.filter(({ msg }) => msg === 'agent started').length;
      await vi.waitFor(() => expect(starts()).toBe(1 + reloads), patience);
      await server.call('apply', ...web('bank', 12, [`10.244.3.${reloads}`]));
      await expectInStep();
    }
    expect(first.log.filter(isWaiting)).toEqual([]);
    expect(second.log.map(({ msg }) => msg)).not.toContain('synced');
    first.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await server.call('remove', 'Service', 'shop', 'mail');
    await vi.waitFor(() => expect(second.log.map(({ msg }) => msg)).toContain('synced'), patience);
    await expectInStep();
  });

  test('ends after the first sync with --once', async () => {
    await startServer();
    const agent = startAgent(['--once']);
    expect(await agent.ended).toBe(0);
    await expectInStep();
  });
});
