import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { HealthCheck } from '../../src/engine/health-checks.ts';
import { type Manifest, type SlicePort, service, slice, workerNode } from '../apply/kernel/manifests.ts';

const two: readonly SlicePort[] = [
  { name: 'http', port: 8080 },
  { name: 'https', port: 8443 },
];

/** A load balancer with policy Local. */
function balancer(name: string, port: number, spec: Manifest = {}): Manifest {
  return service(
    name,
    {
      type: 'LoadBalancer',
      clusterIP: `10.96.1.${port % 256}`,
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: port,
      ports: two.map(({ name: portName, port: targetPort }) => ({ name: portName, port: targetPort - 8000 })),
      ...spec,
    },
    { loadBalancer: { ingress: [{ ip: `203.0.113.${port % 256}` }] } },
  );
}

const dualStack: Manifest = {
  clusterIP: '10.96.1.1',
  clusterIPs: ['10.96.1.1', 'fd00:10:96::1'],
  ipFamilies: ['IPv4', 'IPv6'],
};

function startEngine(...objects: readonly Manifest[]) {
  const engine = createEngine({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] });
  engine.update({ apply: [workerNode, ...objects], complete: true });
  return engine;
}

function webCheck(localEndpoints: HealthCheck['localEndpoints'], port = 31_000): HealthCheck {
  return { namespace: 'shop', name: 'web', port, localEndpoints };
}

describe('the endpoints of a health check', () => {
  test.each<[string, readonly Manifest[], HealthCheck['localEndpoints']]>([
    ['are those of this node', [slice('web', ['10.244.1.1', '10.244.2.1', '10.244.1.2'], two)], { ip: 2 }],
    ['are counted once, however many ports they have', [slice('web', ['10.244.1.1'], two)], { ip: 1 }],
    [
      'are counted once, also in several slices',
      [
        slice('web', ['10.244.1.1'], [{ name: 'http', port: 8080 }]),
        { ...slice('web', ['10.244.1.1', '10.244.1.2'], [{ name: 'https', port: 8443 }]), metadata: other() },
      ],
      { ip: 2 },
    ],
    [
      'do not include one that terminates, although packets still go there',
      [slice('web', ['!10.244.1.1'], two)],
      { ip: 0 },
    ],
    ['are none without a slice', [], { ip: 0 }],
  ])('%s', (_, slices, localEndpoints) => {
    const engine = startEngine(balancer('web', 31_000), ...slices);
    expect(engine.takeHealthChecks()).toEqual([webCheck(localEndpoints)]);
  });

  test('are counted for each family that the Service has', () => {
    const slices = [slice('web', ['10.244.1.1', '10.244.1.2'], two), slice('web', ['fd00:10:244:1::1'], two)];
    const engine = startEngine(balancer('web', 31_000, dualStack), ...slices);
    expect(engine.takeHealthChecks()).toEqual([webCheck({ ip: 2, ip6: 1 })]);
  });

  test('are none of a Service that nft rejects, once it does', () => {
    const engine = startEngine(balancer('web', 31_000), slice('web', ['10.244.1.1'], two));
    engine.takeHealthChecks();
    engine.reject('ip', new Set(['shop/web']));
    expect(engine.takeHealthChecks()).toEqual([webCheck({ ip: 0 })]);
    engine.retryRejected();
    engine.update({ apply: [balancer('web', 31_000)] });
    expect(engine.takeHealthChecks()).toEqual([webCheck({ ip: 1 })]);
  });
});

function other(): Manifest {
  return { namespace: 'shop', name: 'web-2', labels: { 'kubernetes.io/service-name': 'web' } };
}

describe('health checks', () => {
  test.each<[string, Manifest]>([
    ['policy Cluster', { externalTrafficPolicy: 'Cluster' }],
    ['no port for them', { healthCheckNodePort: 0 }],
    ['another type', { type: 'NodePort' }],
  ])('are not there for a Service with %s', (_, spec) => {
    const engine = startEngine(balancer('web', 31_000, spec), slice('web', ['10.244.1.1'], two));
    expect(engine.takeHealthChecks()).toEqual([]);
  });

  test('are told again only when they change', () => {
    const engine = startEngine(
      ...[balancer('web', 31_000), slice('web', ['10.244.1.1'], two)],
      ...[balancer('mail', 31_001), slice('mail', ['10.244.1.9'], two)],
    );
    expect(engine.takeHealthChecks()).toHaveLength(2);
    const steps: [Manifest | undefined, readonly HealthCheck[]][] = [
      [undefined, []],
      [slice('web', ['10.244.1.1', '10.244.2.2'], two), []],
      [slice('web', ['10.244.1.1', '10.244.1.2'], two), [webCheck({ ip: 2 })]],
      [balancer('web', 31_005), [webCheck({ ip: 2 }, 31_005)]],
      [balancer('web', 31_005, { externalTrafficPolicy: 'Cluster' }), [webCheck({}, 0)]],
      [balancer('web', 31_006), [webCheck({ ip: 2 }, 31_006)]],
      [{ ...workerNode, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.99' }] } }, []],
    ];
    for (const [object, expected] of steps) {
      engine.update({ apply: object ? [object] : [] });
      expect(engine.takeHealthChecks()).toEqual(expected);
    }
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    expect(engine.takeHealthChecks()).toEqual([webCheck({}, 0)]);
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    expect(engine.takeHealthChecks()).toEqual([]);
  });

  test('that changed while nobody asked are told together, as they are last', () => {
    const engine = startEngine(balancer('web', 31_000));
    engine.update({ apply: [slice('web', ['10.244.1.1'], two)] });
    engine.update({ apply: [slice('web', ['10.244.1.1', '10.244.1.2'], two)] });
    expect(engine.takeHealthChecks()).toEqual([webCheck({ ip: 2 })]);
  });

  test('of a Service that came and went are not told', () => {
    const engine = startEngine();
    engine.update({ apply: [balancer('web', 31_000)] });
    engine.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'web' }] });
    expect(engine.takeHealthChecks()).toEqual([]);
  });

  test('are not there before the objects are complete', () => {
    const engine = createEngine({ nodeName: 'worker-1' });
    engine.update({ apply: [workerNode, balancer('web', 31_000)] });
    expect(engine.takeHealthChecks()).toEqual([]);
    engine.update({ complete: true });
    expect(engine.takeHealthChecks()).toEqual([webCheck({ ip: 0 })]);
  });
});

test('the settings of the node say where node ports are open', () => {
  const engine = startEngine();
  expect(engine.nodeSettings().map(({ family, nodePortAddresses }) => [family, nodePortAddresses])).toEqual([
    ['ip', { kind: 'listed', addresses: ['192.0.2.11'] }],
    ['ip6', { kind: 'listed', addresses: ['2001:db8:a::11'] }],
  ]);
  expect(createEngine({ nodeName: 'worker-1' }).nodeSettings()).toEqual([]);
});
