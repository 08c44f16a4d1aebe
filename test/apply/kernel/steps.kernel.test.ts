import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyTestsRun } from './apply-tests.ts';
import { type Lab, openLab } from './open-lab.ts';
import { expectNoLoss, type Lane, type LaneReport, type Stream, startStream } from './start-stream.ts';
import { steps } from './steps.ts';

/** Clients of the Service that no step touches. */
const lanes: readonly Lane[] = [
  { kind: 'udp flow', source: '10.244.1.60', address: '10.96.0.99', port: 4000 },
  { kind: 'udp flow', source: '203.0.113.60', address: '192.0.2.11', port: 30999 },
  { kind: 'tcp flow', source: '10.244.1.60', address: '10.96.0.99', port: 80 },
  { kind: 'new tcp', source: '10.244.1.61', address: '10.96.0.99', port: 80 },
  { kind: 'new tcp', source: '203.0.113.61', address: '192.0.2.11', port: 30999 },
  { kind: 'new udp', source: '203.0.113.61', address: '192.0.2.11', port: 30999 },
  { kind: 'udp flow', source: 'fd00:10:244:1::60', address: 'fd00:10:96::99', port: 4000 },
  { kind: 'tcp flow', source: '2001:db8:9::60', address: 'fd00:10:96::99', port: 80 },
  { kind: 'new tcp', source: 'fd00:10:244:1::61', address: 'fd00:10:96::99', port: 80 },
];

const sameTable = { exitCode: 0, stdout: 'table ip svc2nft: up to date\ntable ip6 svc2nft: up to date\n', stderr: '' };

describe.skipIf(!applyTestsRun)('snapshots applied one after the other, while a Service that stays is in use', () => {
  let lab: Lab;
  let stream: Stream;
  let atFirst: readonly LaneReport[] = [];

  beforeAll(async () => {
    lab = await openLab();
    const { objects = [], flags } = steps.at(-1) ?? {};
    expect(await lab.node.apply(objects, flags)).toMatchObject({ exitCode: 0, stderr: '' });
    stream = await startStream(lab.worldProcessId, lanes);
    atFirst = await stream.report(20);
  });

  afterAll(async () => {
    await stream.close();
    await lab.close();
  });

  test.each(steps)('$name', async ({ objects, flags, packets }) => {
    expect(await lab.node.apply(objects, flags)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await lab.problems(packets)).toEqual([]);
    expect(await lab.node.apply(objects, flags)).toEqual(sameTable);
    expectNoLoss(lanes, await stream.report(5), atFirst);
  });

  test('the table has to be rebuilt', async () => {
    const { objects = [], flags } = steps.at(-1) ?? {};
    await lab.node.nft('add counter ip svc2nft foreign\nadd counter ip6 svc2nft foreign\n');
    const { exitCode, stdout } = await lab.node.apply(objects, flags);
    expect({ exitCode, rebuilt: stdout.match(/rebuilt/g) }).toEqual({ exitCode: 0, rebuilt: ['rebuilt', 'rebuilt'] });
    expect(await lab.node.apply(objects, flags)).toEqual(sameTable);
    expectNoLoss(lanes, await stream.report(5), atFirst);
  });
});
