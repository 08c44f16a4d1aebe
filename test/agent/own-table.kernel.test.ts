import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createNftSession, type NftSession } from '../../src/kernel/nft-session.ts';
import { loadTransaction } from '../../src/kernel/run-nft.ts';
import type { RunningProgram, RunProgram } from '../../src/kernel/run-program.ts';
import { http, service, slice, snapshotFlags, workerNode } from '../apply/kernel/manifests.ts';
import { nodeInside, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { type Agent, startAgent as openNamespace } from '../support/lab/start-agent.ts';
import { type NftVersion, nftVersions } from '../support/nft-versions.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentInContainer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 60_000, interval: 20 };

const capable = nftVersions.filter(({ version }) => !version.startsWith('1.0.'));

function cart(addresses: readonly string[]) {
  return [service('cart', { clusterIP: '10.96.0.10', ports: [http] }), slice('cart', addresses)];
}

const shop = [workerNode, ...cart(['10.244.1.10'])];

/** Connects to a cluster IP; says what an endpoint at 10.244.1.10 on the node answers. */
const connect = `
import socket, threading
server = socket.create_server(("10.244.1.10", 8080))
def serve():
    connection, _ = server.accept()
    connection.sendall(b"hello")
    connection.close()
threading.Thread(target=serve, daemon=True).start()
with socket.create_connection(("10.96.0.10", 80), timeout=5) as client:
    print(client.recv(100).decode())
`;

import { python3 } from '../support/python3.ts';

test.skipIf(!kernelTestsRun)('a table is owned with an nft that can do that', ({ skip }) => {
  skip(capable.length === 0, 'test/nft-versions/install.sh gets nft 1.1.3');
  expect(capable).not.toEqual([]);
});

describe.skipIf(!kernelTestsRun).each(capable)('with nft $version', (nft: NftVersion) => {
  let lab: Agent;
  let node: TestNode;

  beforeAll(async () => {
    lab = await openNamespace();
    node = await nodeInside(lab, nft);
    for (const command of [
      'link set lo up',
      'address add 10.244.1.10/32 dev lo',
      'route add local 10.96.0.0/16 dev lo',
    ]) {
      await execa('nsenter', [`--net=${node.namespace}`, 'ip', ...command.split(' ')]);
    }
  });

  afterAll(async () => {
    await node.close();
    await lab.close();
  });

  afterEach(async () => {
    await vi.waitFor(async () => {
      await node.nft('flush ruleset');
      expect(await node.print('list', 'ruleset')).toBe('');
    }, patience);
  });

  async function flags(): Promise<string | undefined> {
    return /^\tflags (.*)$/m.exec(await node.print('-t', 'list', 'table', 'ip', 'svc2nft'))?.[1];
  }

  async function endpoints(): Promise<string> {
    return node.print('list', 'map', 'ip', 'svc2nft', 'tcp-endpoints');
  }

  async function refusal(text: string): Promise<string> {
    return (await node.run('nft', ['-f', '-'], text)).stderr;
  }

  describe('an agent with --own-table', () => {
    let server: RemoteApiServer;
    let agents: AgentProcess[] = [];

    async function startAgent(): Promise<AgentProcess> {
      const agent = startAgentProcess(node, server.url, ['--own-table']);
      agents.push(agent);
      await vi.waitFor(() => expect(agent.log).toContainEqual(expect.objectContaining({ msg: 'synced' })), patience);
      return agent;
    }

    async function expectEndpoint(address: string): Promise<void> {
      await vi.waitFor(async () => expect(await endpoints()).toContain(`: ${address} . 8080`), patience);
    }

    beforeAll(async () => {
      server = await startRemoteApiServer(node, { objects: shop as unknown as ApiObject[] });
    });

    afterAll(async () => {
      await server.end();
    });

    afterEach(async () => {
      for (const agent of agents) {
        agent.kill('SIGKILL');
        await agent.ended;
      }
      agents = [];
      await server.call('apply', ...cart(['10.244.1.10']));
    });

    test('keeps others from its tables, and changes them', async () => {
      const agent = await startAgent();
      expect(await flags()).toBe('owner,persist');
      expect(await refusal('flush ruleset\n')).toBe('');
      for (const attack of [
        'delete table ip svc2nft\n',
        'flush chain ip svc2nft nat-prerouting\n',
        'insert rule ip6 svc2nft services drop\n',
        'add element ip svc2nft cluster-ips { 10.96.9.9 }\n',
      ]) {
        expect(await refusal(attack)).toContain('Operation not permitted');
      }
      await expectEndpoint('10.244.1.10');
      await server.call('apply', ...cart(['10.244.1.10', '10.244.2.10']));
      await expectEndpoint('10.244.2.10');
      expect(await flags()).toBe('owner,persist');
      expect(agent.log.filter(({ level }) => level > 30)).toEqual([]);
    });

    test('owns its tables from a container, too, where it loads what is long', async () => {
      const many = Array.from({ length: 500 }, (_, index) => [
        service(`shop-${index}`, { clusterIP: `10.96.${1 + (index >> 8)}.${index & 255}`, ports: [http] }),
        slice(`shop-${index}`, ['10.244.1.10', '10.244.2.10']),
      ]).flat();
      await server.call('apply', ...many);
      const agent = startAgentInContainer(node, server.url, ['--own-table'], nft);
      agents.push(agent);
      await vi.waitFor(() => expect(agent.log).toContainEqual(expect.objectContaining({ msg: 'synced' })), patience);
      expect(await flags()).toBe('owner,persist');
      expect([...(await endpoints()).matchAll(/10\.244\.2\.10 \. 8080/g)]).toHaveLength(500);
      for (const { kind, metadata } of many as unknown as ApiObject[]) {
        await server.call('remove', kind, 'shop', metadata.name);
      }
      await vi.waitFor(async () => expect(await endpoints()).not.toContain('10.244.2.10'), patience);
    });

    test('leaves a table in force when it is killed, which the next one adopts', async () => {
      const first = await startAgent();
      first.kill('SIGKILL');
      await first.ended;
      await vi.waitFor(async () => expect(await flags()).toBe('persist'), patience);
      const { stdout } = await execa('nsenter', [`--net=${node.namespace}`, python3, '-sEc', connect]);
      expect(stdout).toBe('hello');
      await server.call('apply', ...cart(['10.244.2.11']));
      const second = await startAgent();
      expect(second.log.find(({ msg }) => msg === 'synced')).toMatchObject({ tables: 'ip changed' });
      expect(await flags()).toBe('owner,persist');
      await expectEndpoint('10.244.2.11');
      second.kill('SIGTERM');
      expect(await second.ended).toBe(0);
      expect(await flags()).toBe('persist');
    });

    test('rebuilds a table that was not made to be owned', async () => {
      expect(await node.apply(shop)).toMatchObject({ exitCode: 0 });
      expect(await flags()).toBeUndefined();
      const agent = await startAgent();
      expect(agent.log.find(({ msg }) => msg === 'synced')).toMatchObject({ tables: 'ip rebuilt, ip6 rebuilt' });
      expect(await flags()).toBe('owner,persist');
      await expectEndpoint('10.244.1.10');
    });

    test('is named by other commands, which cannot change the table', async () => {
      await startAgent();
      const owned = (family: string) => `table ${family} svc2nft is owned by the process "`;
      const changed = await node.apply([workerNode, ...cart(['10.244.2.12'])]);
      expect(changed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(owned('ip')) });
      expect(changed.stderr).toContain('--own-table');
      expect(await node.apply(shop)).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining(`note: ${owned('ip6')}`),
      });
      expect(await node.svc2nft(['clean'])).toMatchObject({
        exitCode: 3,
        stdout: '',
        stderr: expect.stringContaining(owned('ip6')),
      });
      for (const command of [
        ['verify', ...snapshotFlags, '--ruleset', 'kernel'],
        ['diff', ...snapshotFlags],
        ['list', ...snapshotFlags, '--kernel'],
      ]) {
        const seen = await node.svc2nft(command, command[0] === 'list' ? undefined : shop);
        expect(seen).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`note: ${owned('ip')}`) });
      }
      expect(await flags()).toBe('owner,persist');
    });

    test('leaves a table that apply and clean can use', async () => {
      const agent = await startAgent();
      agent.kill('SIGTERM');
      expect(await agent.ended).toBe(0);
      await node.nft('add chain ip svc2nft mine { type filter hook input priority 0; }');
      expect(await node.apply([workerNode, ...cart(['10.244.2.13'])])).toMatchObject({ exitCode: 0, stderr: '' });
      await expectEndpoint('10.244.2.13');
      expect(await node.svc2nft(['clean'])).toMatchObject({
        exitCode: 0,
        stdout: 'table ip svc2nft: removed\ntable ip6 svc2nft: removed\n',
      });
    });
  });

  describe('a session that owns tables', () => {
    const name = { family: 'ip', table: 'svc2nft' } as const;
    const create =
      'add table ip svc2nft { flags owner, persist; }\nadd set ip svc2nft s { type ipv4_addr; }\nadd chain ip svc2nft c\n';
    let started: RunningProgram[] = [];
    const sessions: NftSession[] = [];

    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    });

    function open(transactions?: number): NftSession {
      started = [];
      const run: RunProgram = (program, args, input, options) =>
        node.run(program, args, input, {
          ...options,
          ...(options?.interact && {
            interact: (child) => {
              started.push(child);
              options.interact?.(child);
            },
          }),
        });
      const session = createNftSession(run, { owns: true, ...(transactions !== undefined && { transactions }) });
      sessions.push(session);
      return session;
    }

    async function elements(): Promise<number> {
      return [...(await node.print('list', 'set', 'ip', 'svc2nft', 's')).matchAll(/\d+\.\d+\.\d+\.\d+/g)].length;
    }

    test('keeps them when its nft is replaced', async () => {
      const session = open(3);
      expect(await loadTransaction(session.run, create)).toBeUndefined();
      expect(await session.own(name)).toBeUndefined();
      for (let last = 1; last <= 10; last += 1) {
        expect(await loadTransaction(session.run, `add element ip svc2nft s { 192.0.2.${last} }\n`)).toBeUndefined();
        expect(await flags()).toBe('owner,persist');
      }
      expect(started.length).toBeGreaterThan(3);
      expect(await elements()).toBe(10);
    });

    test('adopts them again as soon as its nft is killed', async () => {
      const session = open();
      expect(await loadTransaction(session.run, create)).toBeUndefined();
      expect(await session.own(name)).toBeUndefined();
      started[0]?.kill();
      await vi.waitFor(async () => {
        expect(started).toHaveLength(2);
        expect(await flags()).toBe('owner,persist');
      }, patience);
      expect(await loadTransaction(session.run, 'add element ip svc2nft s { 192.0.2.1 }\n')).toBeUndefined();
      expect(await elements()).toBe(1);
    });

    test('loads long transactions, whole or not at all', async () => {
      const session = open();
      expect(await loadTransaction(session.run, create)).toBeUndefined();
      const many = Array.from(
        { length: 20_000 },
        (_, index) => `add element ip svc2nft s { 10.${index >> 16}.${(index >> 8) & 255}.${index & 255} }\n`,
      ).join('');
      const late = await loadTransaction(session.run, `${many}add rule ip svc2nft nosuch drop\n`);
      expect(late).toMatchObject({
        kind: 'no-such-file',
        said: expect.arrayContaining([expect.stringMatching(/:20001:/)]),
      });
      expect(await elements()).toBe(0);
      expect(await loadTransaction(session.run, many)).toBeUndefined();
      expect(await elements()).toBe(20_000);
      expect(started).toHaveLength(1);
    });

    test('cannot have one that another session owns, before that ends', async () => {
      const first = open();
      expect(await loadTransaction(first.run, create)).toBeUndefined();
      const second = open();
      expect(await second.own(name)).toMatchObject({ kind: 'no-permission' });
      await first.close();
      expect(await second.own(name)).toBeUndefined();
      expect(await flags()).toBe('owner,persist');
    });
  });
});
