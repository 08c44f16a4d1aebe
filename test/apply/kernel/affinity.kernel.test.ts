import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../../src/apply/create-service-proxy.ts';
import { applyTestsRun } from './apply-tests.ts';
import { http, type Manifest, service, slice, workerNode } from './manifests.ts';
import { type Connection, type Lab, openLab } from './open-lab.ts';

interface Endpoints {
  readonly hosts: readonly string[];
  readonly spec?: Manifest;
}

/** A Service with affinity in both families; endpoints `1::41` are 10.244.1.41 and fd00:10:244:1::41. */
function sessions({ hosts, spec = {} }: Endpoints): Manifest[] {
  const ports = [
    { ...http, nodePort: 30040 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ];
  const slicePorts = [
    { name: 'http', port: 8080 },
    { name: 'dns', port: 5353, protocol: 'UDP' },
  ] as const;
  return [
    workerNode,
    service(
      'session',
      {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.40',
        clusterIPs: ['10.96.0.40', 'fd00:10:96::40'],
        ipFamilies: ['IPv4', 'IPv6'],
        sessionAffinity: 'ClientIP',
        ports,
        ...spec,
      },
      { loadBalancer: { ingress: [{ ip: '198.51.100.40' }] } },
    ),
    slice(
      'session',
      hosts.map((host) => `10.244.${host.replace('::', '.')}`),
      slicePorts,
    ),
    slice(
      'session',
      hosts.map((host) => `fd00:10:244:${host}`),
      slicePorts,
    ),
  ];
}

const atFirst: Endpoints = { hosts: ['1::41', '1::42', '2::43', '2::44'] };

/** So many clients of each kind that all endpoints have some of them all. */
const clients = Array.from({ length: 12 }, (_, index) => 100 + index);

function connectionsOf(
  kinds: readonly [source: string, protocol: 'tcp' | 'udp', address: string, port: number][],
): Connection[] {
  return kinds.flatMap(([source, protocol, address, port]) =>
    clients.map((client) => ({ source: `${source}${client}`, protocol, address, port })),
  );
}

const fromPods = connectionsOf([
  ['10.244.1.', 'tcp', '10.96.0.40', 80],
  ['10.244.1.', 'udp', '10.96.0.40', 53],
  ['fd00:10:244:1::', 'tcp', 'fd00:10:96::40', 80],
  ['fd00:10:244:1::', 'udp', 'fd00:10:96::40', 53],
]);
const fromOutside = connectionsOf([
  ['203.0.113.', 'tcp', '192.0.2.11', 30040],
  ['203.0.113.', 'tcp', '198.51.100.40', 80],
  ['2001:db8:9::', 'tcp', '2001:db8:a::11', 30040],
]);
const allClients = [...fromPods, ...fromOutside];

describe.skipIf(!applyTestsRun)('clients with affinity', () => {
  let lab: Lab;
  /** The endpoints that answered each of `allClients` at first. */
  let pinned: readonly string[];

  beforeAll(async () => {
    lab = await openLab();
  });

  afterAll(async () => {
    await lab.close();
  });

  beforeEach(async () => {
    await lab.node.svc2nft(['clean']);
    await apply(atFirst);
    pinned = await lab.connect(allClients);
    expect(new Set(pinned.map(hostOf))).toEqual(new Set(atFirst.hosts));
    expect(await lab.connect(allClients)).toEqual(pinned);
  });

  async function apply(endpoints: Endpoints): Promise<string> {
    const { exitCode, stdout, stderr } = await lab.node.apply(sessions(endpoints));
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    return stdout;
  }

  test('stay where they are while other endpoints come', async () => {
    await apply({ hosts: ['1::40', '1::41', '1::42', '1::45', '2::43', '2::44'] });
    expect(await lab.connect(allClients)).toEqual(pinned);
  });

  test('stay, or choose at once if their endpoint has gone', async () => {
    const hosts = ['1::42', '2::43', '2::45'];
    await apply({ hosts });
    const found = await lab.connect(allClients);
    expect(found).toEqual(pinned.map((at) => (hosts.includes(hostOf(at)) ? at : expect.anything())));
    expect(found.filter((at) => !hosts.includes(hostOf(at)))).toEqual([]);
    expect(await lab.connect(allClients)).toEqual(found);
  });

  test('stay where they are when the table has to be rebuilt, for as long as was left', async () => {
    const before = await pinsOf(lab);
    for (const family of ['ip', 'ip6']) {
      await lab.node.nft(`delete chain ${family} svc2nft nat-output
        add chain ${family} svc2nft nat-output { type nat hook output priority -90; }`);
    }
    expect(await apply({ hosts: [...atFirst.hosts, '2::45'] })).toMatch(
      /ip svc2nft: rebuilt[\s\S]*ip6 svc2nft: rebuilt/,
    );
    const after = await pinsOf(lab);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [pin, seconds] of after) {
      expect(seconds, pin).toBeLessThanOrEqual(before.get(pin) ?? 0);
      expect(seconds, pin).toBeGreaterThan(10_000);
    }
    expect(await lab.connect(allClients)).toEqual(pinned);
  });

  test('from outside leave the other nodes when the policy becomes Local', async () => {
    await apply({ ...atFirst, spec: { externalTrafficPolicy: 'Local' } });
    const found = await lab.connect(fromOutside);
    expect(found.filter((at) => !hostOf(at).startsWith('1::'))).toEqual([]);
    expect(await lab.connect(fromPods)).toEqual(pinned.slice(0, fromPods.length));
  });

  test('are treated the same by updates of a service proxy', async () => {
    const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/48'];
    const proxy = await createServiceProxy({ nodeName: 'worker-1', clusterCIDRs, run: lab.node.run });
    await proxy.update({ apply: sessions(atFirst), complete: true });
    expect(await lab.connect(allClients)).toEqual(pinned);

    const hosts = ['1::42', '1::45', '2::43'];
    await proxy.update({ apply: sessions({ hosts }) });
    const found = await lab.connect(allClients);
    expect(found).toEqual(pinned.map((at) => (hosts.includes(hostOf(at)) ? at : expect.anything())));
    expect(found.filter((at) => !hosts.includes(hostOf(at)))).toEqual([]);

    await proxy.update({ apply: sessions({ hosts, spec: { externalTrafficPolicy: 'Local' } }) });
    const outside = await lab.connect(fromOutside);
    expect(outside.filter((at) => !hostOf(at).startsWith('1::'))).toEqual([]);
    expect(await lab.connect(fromPods)).toEqual(found.slice(0, fromPods.length));
  });
});

/** How long, in seconds, each pin lives that is not used. */
async function pinsOf({ node }: Lab): Promise<Map<string, number>> {
  const pins = new Map<string, number>();
  for (const family of ['ip', 'ip6'] as const) {
    for (const [set, elements] of (await node.listing(family))?.dynamic ?? []) {
      for (const { key, value, expiresSeconds = 0 } of elements) {
        pins.set(`${family} ${set} ${key} ${value?.address ?? ''}`, expiresSeconds);
      }
    }
  }
  return new Map([...pins].sort());
}

/** `1::41` of `10.244.1.41:8080` or `[fd00:10:244:1::41]:8080`; everything else stays as it is. */
function hostOf(at: string): string {
  return at.replace(/^10\.244\.(\d)\.(\d+):\d+$/, '$1::$2').replace(/^\[fd00:10:244:(\d::\d+)\]:\d+$/, '$1');
}
