import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../../src/apply/create-service-proxy.ts';
import { applyTestsRun } from './apply-tests.ts';
import { http, type Manifest, service, slice, workerNode } from './manifests.ts';
import { type Lab, openLab } from './open-lab.ts';
import { type Lane, type Stream, startStream, streamPort } from './start-stream.ts';

const externalIPs = ['198.51.100.51', '2001:db8:5::51'];

function game(addresses: readonly string[]): Manifest {
  return service('game', {
    type: 'NodePort',
    clusterIP: '10.96.0.51',
    clusterIPs: ['10.96.0.51', 'fd00:10:96::51'],
    ipFamilies: ['IPv4', 'IPv6'],
    externalIPs: addresses,
    ports: [
      { ...http, nodePort: 30051 },
      { name: 'state', port: 27, protocol: 'UDP', nodePort: 30051 },
    ],
  });
}

/** Slices of both families with endpoints of these last numbers. */
function endpoints(hosts: readonly number[]): Manifest[] {
  return [(host: number) => `10.244.1.${host}`, (host: number) => `fd00:10:244:1::${host}`].map((addressOf) =>
    slice('game', hosts.map(addressOf), [
      { name: 'http', port: streamPort },
      { name: 'state', port: streamPort, protocol: 'UDP' },
    ]),
  );
}

/** Every frontend of both families, each used by one endpoint address that never stops. */
const atClusterIPs: readonly Lane[] = [
  { kind: 'udp flow', source: '10.244.1.60', address: '10.96.0.51', port: 27 },
  { kind: 'udp flow', source: 'fd00:10:244:1::60', address: 'fd00:10:96::51', port: 27 },
];
const atNodePorts: readonly Lane[] = [
  { kind: 'udp flow', source: '203.0.113.60', address: '192.0.2.11', port: 30051 },
  { kind: 'udp flow', source: '2001:db8:9::60', address: '2001:db8:a::11', port: 30051 },
];
const atExternalIPs: readonly Lane[] = [
  { kind: 'udp flow', source: '203.0.113.60', address: '198.51.100.51', port: 27 },
  { kind: 'udp flow', source: '2001:db8:9::60', address: '2001:db8:5::51', port: 27 },
];
const overTcp: readonly Lane[] = [
  { kind: 'tcp flow', source: '10.244.1.60', address: '10.96.0.51', port: 80 },
  { kind: 'tcp flow', source: '2001:db8:9::60', address: '2001:db8:a::11', port: 30051 },
];

describe.skipIf(!applyTestsRun)('a client that never stops sending', () => {
  let lab: Lab;
  let stream: Stream;

  beforeAll(async () => {
    lab = await openLab();
  });

  afterAll(async () => {
    await lab.close();
  });

  beforeEach(async () => {
    await lab.node.run('conntrack', ['-F']);
    expect(await lab.node.apply([workerNode, game(externalIPs), ...endpoints([51])])).toMatchObject({ exitCode: 0 });
    stream = await startStream(lab.worldProcessId, [...atClusterIPs, ...atNodePorts, ...atExternalIPs, ...overTcp]);
    await expectAnswers(['51', '51', '51', '51', '51', '51', '51', '51']);
  });

  afterEach(async () => {
    await stream.close();
  });

  /** Which endpoints answer what is sent from now on, lane by lane; `lost` where anything is not answered. */
  async function expectAnswers(hosts: readonly string[]): Promise<void> {
    const reports = await stream.report(10);
    const seen = reports.map(({ endpoints: found, losses }) => (losses.length > 0 ? 'lost' : found.map(hostOf).join()));
    expect(seen, JSON.stringify(reports)).toEqual(hosts);
  }

  /** What is under way while a change happens may be lost with the entry that would have brought its answer back. */
  async function passOverChange(): Promise<void> {
    await stream.report(0);
  }

  test('finds another endpoint when its own is gone, but over TCP', async () => {
    const after = [workerNode, game(externalIPs), ...endpoints([52])];
    const { stdout: predicted } = await lab.node.apply(after, ['--dry-run']);
    const frontends = [
      '10.96.0.51:27',
      '198.51.100.51:27',
      '*:30051',
      '[2001:db8:5::51]:27',
      '[fd00:10:96::51]:27',
      '[*]:30051',
    ];
    expect(predicted.match(/(?<=stale UDP flows to )\S+(?=\/udp at \S+51\]?:7777: would be deleted)/g)).toEqual(
      frontends,
    );
    const { exitCode, stdout } = await lab.node.apply(after);
    await passOverChange();
    expect(`${exitCode} ${stdout}`).toMatch(/^0 [\s\S]*^6 stale UDP flows deleted$/m);
    await expectAnswers(['52', '52', '52', '52', '52', '52', '51', '51']);
  });

  test('stays where it is while other endpoints come and go', async () => {
    await lab.node.apply([workerNode, game(externalIPs), ...endpoints([51, 52, 53])]);
    await lab.node.apply([workerNode, game(externalIPs), ...endpoints([51, 53])]);
    await expectAnswers(['51', '51', '51', '51', '51', '51', '51', '51']);
  });

  test('stays at an endpoint that serves while it terminates, and no run says otherwise', async () => {
    const conditions = { ready: false, serving: true, terminating: true };
    const slices = endpoints([51, 52]).map((one) => {
      const [first, ...others] = one['endpoints'] as Manifest[];
      return { ...one, endpoints: [{ ...first, conditions }, ...others] };
    });
    const after = [workerNode, game(externalIPs), ...slices];
    expect((await lab.node.apply(after, ['--dry-run'])).stdout).not.toContain('stale');
    expect((await lab.node.apply(after)).stdout).not.toContain('stale');
    await expectAnswers(['51', '51', '51', '51', '51', '51', '51', '51']);
  });

  test('is not served any more at an external IP that is removed, but over TCP', async () => {
    const { stdout } = await lab.node.apply([workerNode, game([]), ...endpoints([51])]);
    expect(stdout).toMatch(/^2 stale UDP flows deleted$/m);
    await passOverChange();
    await expectAnswers(['51', '51', '51', '51', 'lost', 'lost', '51', '51']);
  });

  test('is refused when no endpoint is left, but over TCP', async () => {
    const { stdout } = await lab.node.apply([workerNode, game(externalIPs), ...endpoints([])]);
    expect(stdout).toMatch(/^6 stale UDP flows deleted$/m);
    await passOverChange();
    await expectAnswers(['lost', 'lost', 'lost', 'lost', 'lost', 'lost', '51', '51']);
  });

  test('finds another endpoint with updates of a service proxy as well', async () => {
    const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/48'];
    const proxy = await createServiceProxy({
      nodeName: 'worker-1',
      clusterCIDRs,
      targetNft: '1.0.6',
      run: lab.node.run,
    });
    await proxy.update({ apply: [workerNode, game(externalIPs), ...endpoints([51])], complete: true });
    await expectAnswers(['51', '51', '51', '51', '51', '51', '51', '51']);

    const { ok, conntrack } = await proxy.update({ apply: endpoints([52]) });
    await passOverChange();
    expect({ ok, conntrack }).toEqual({ ok: true, conntrack: { deleted: 6 } });
    await expectAnswers(['52', '52', '52', '52', '52', '52', '51', '51']);

    await proxy.update({ apply: [game([])] });
    await passOverChange();
    await expectAnswers(['52', '52', '52', '52', 'lost', 'lost', '51', '51']);
  });
});

/** `51` of `10.244.1.51:7777` or `[fd00:10:244:1::51]:7777`. */
function hostOf(at: string): string {
  return at.replace(/^.*[.:](\d+)\]?:\d+$/, '$1');
}
