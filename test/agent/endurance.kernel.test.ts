import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { service, slice, snapshotFlags } from '../apply/kernel/manifests.ts';
import { type Lab, openLab } from '../apply/kernel/open-lab.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import { always } from '../apply/kernel/shop.ts';
import { expectNoLoss, type Lane, type LaneReport, type Stream, startStream } from '../apply/kernel/start-stream.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { misbehaviors } from '../support/misbehaviors.ts';
import {
  type AgentProcess,
  findChild,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How often each thing happens; more for a long look: RUNS=50. */
const runs = Number(process.env['RUNS'] ?? 1);
const patience = { timeout: 30_000, interval: 20 };

/** Clients of the Service that never changes. */
const lanes: readonly Lane[] = [
  { kind: 'udp flow', source: '10.244.1.60', address: '10.96.0.99', port: 4000 },
  { kind: 'tcp flow', source: '203.0.113.60', address: '192.0.2.11', port: 30999 },
  { kind: 'new tcp', source: '10.244.1.61', address: '10.96.0.99', port: 80 },
  { kind: 'new udp', source: '203.0.113.61', address: '192.0.2.11', port: 30999 },
  { kind: 'tcp flow', source: '2001:db8:9::60', address: 'fd00:10:96::99', port: 80 },
  { kind: 'new tcp', source: 'fd00:10:244:1::61', address: 'fd00:10:96::99', port: 80 },
];

/** One of many states of a few Services, all different. */
function stateOf(step: number): ApiObject[] {
  return [0, 1, 2, 3].flatMap((index) => {
    const spec = {
      clusterIP: `10.96.1.${index}`,
      ports: [{ name: 'http', port: 80 }],
      ...((step + index) % 3 === 0 && { sessionAffinity: 'ClientIP' }),
    };
    const count = 1 + ((step + index) % 4);
    const addresses = Array.from({ length: count }, (_, number) => `10.244.2.${1 + ((step * 5 + number) % 250)}`);
    return [service(`cart-${index}`, spec), slice(`cart-${index}`, addresses)] as unknown as ApiObject[];
  });
}

describe.skipIf(!kernelTestsRun)('an agent in trouble, while a Service that stays is in use', () => {
  let lab: Lab;
  /** Where the agent and its API server are: in the laboratory all packets go elsewhere. */
  let home: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;
  let stream: Stream;
  let atFirst: readonly LaneReport[] = [];
  let step = 0;

  beforeAll(async () => {
    lab = await openLab();
    home = await openNode();
    server = await startRemoteApiServer(home, {
      firstVersion: 1_000_000,
      objects: [...(always as unknown as ApiObject[]), ...stateOf(step)],
    });
    agent = start();
    await vi.waitFor(expectInSync, { ...patience, interval: 100 });
    stream = await startStream(lab.worldProcessId, lanes);
    atFirst = await stream.report(20);
  });

  afterAll(async () => {
    await stream?.close();
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    await home.close();
    await lab.close();
  });

  function start(): AgentProcess {
    return startAgentProcess(home, server.url, ['--watch-idle-timeout', '1s'], lab.node);
  }

  /** Turns the Services into something else. */
  async function change(): Promise<void> {
    step += 1;
    await server.call('apply', ...stateOf(step));
  }

  async function expectInSync(): Promise<void> {
    const difference = await differenceTo(await server.objects());
    expect(difference, JSON.stringify(agent.log.slice(-20))).toBe('');
  }

  /** Waits until the agent is in sync, and returns how long that took, in seconds, with the comparisons. */
  async function untilInSync(): Promise<number> {
    const start = performance.now();
    await vi.waitFor(expectInSync, { ...patience, interval: 100 });
    return (performance.now() - start) / 1_000;
  }

  async function differenceTo(objects: readonly unknown[]): Promise<string> {
    const { exitCode, stdout, stderr } = await lab.node.svc2nft(['diff', ...snapshotFlags], objects);
    return exitCode === 0 ? '' : `${stdout}${stderr}`;
  }

  test.each(Object.keys(misbehaviors))(
    'keeps the rules right with an API server that %s',
    async (name) => {
      const times: number[] = [];
      for (let run = 0; run < runs; run += 1) {
        await change();
        await setTimeout(7 * (run % 4));
        const end = await misbehaviors[name]?.(server.call, run);
        await change();
        await setTimeout(31 * (run % 5));
        await end?.();
        await change();
        times.push(await untilInSync());
        expectNoLoss(lanes, await stream.report(1), atFirst);
      }
      console.log(`in sync after a server that ${describeTimes(name, times)}`);
      expect(agent.log.filter(({ msg }) => /bug|sync failed/.test(msg))).toEqual([]);
    },
    60_000 + 15_000 * runs,
  );

  test(
    'leaves a whole ruleset when it is killed, and the next one is in sync',
    async () => {
      const times: number[] = [];
      for (let run = 0; run < 2 * runs; run += 1) {
        const states = [await server.objects()];
        step += 1;
        // One watch brings all slices, so the agent sees them in this order.
        for (const object of stateOf(step).filter(({ kind }) => kind === 'EndpointSlice')) {
          await server.call('apply', object);
          states.push(await server.objects());
        }
        await setTimeout((13 * run) % 40);
        agent.kill('SIGKILL');
        await agent.ended;
        // nft may outlive it for a moment.
        await setTimeout(200);
        const differences = [];
        for (const state of states) {
          differences.push(await differenceTo(state));
        }
        agent = start();
        expect(differences).toContain('');
        times.push(await untilInSync());
        expectNoLoss(lanes, await stream.report(1), atFirst);
      }
      console.log(`in sync after ${describeTimes('kills of the agent', times)}`);
    },
    60_000 + 15_000 * runs,
  );

  test.each([
    ['the nft that loads its changes', 'nft\0-i\0'],
    ['its nft monitor', 'nft\0monitor\0'],
  ])(
    'keeps the rules right when %s is killed',
    async (program, command) => {
      const times: number[] = [];
      for (let run = 0; run < 2 * runs; run += 1) {
        await change();
        await setTimeout((7 * run) % 20);
        await vi.waitFor(async () => process.kill(await findChild(agent.pid, command), 'SIGKILL'), patience);
        await change();
        await change();
        times.push(await untilInSync());
        expectNoLoss(lanes, await stream.report(1), atFirst);
      }
      console.log(`in sync after ${describeTimes(`kills of ${program}`, times)}`);
    },
    // A monitor that is killed at once after its start is started again after 15 seconds.
    60_000 + 40_000 * runs,
  );
});

/** @param times in seconds */
function describeTimes(what: string, times: readonly number[]): string {
  return `${what}: ${times.length} times, after ${Math.max(...times).toFixed(1)} s at most`;
}
