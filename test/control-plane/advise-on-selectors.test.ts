import { describe, expect, test } from 'vitest';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';
import type { Cidr } from '../../src/net/address.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

/* What the messages say of labels is in fixtures/bad/selector-matches-nothing, and of ports beside it. */

const serviceCIDRs: Cidr[] = [{ family: 'ip', address: '10.96.0.0', prefix: 16 }];
const podCIDRs: Cidr[] = [{ family: 'ip', address: '10.244.0.0', prefix: 16 }];

function advice(objects: readonly Mapping[]): string[] {
  const { diagnostics } = resolveObjects(documentsOf(objects), {
    serviceCIDRs,
    podCIDRs,
    loadBalancerCIDRs: [],
    nodes: 2,
  });
  return diagnostics.map(({ code, message }) => `${code}: ${message}`);
}

function service(spec: Mapping): Mapping {
  const whole = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: whole };
}

function deployment(
  app: string,
  spec: Mapping = {},
  container: Mapping = { ports: [{ containerPort: 8080 }] },
): Mapping {
  const template = { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', ...container }] } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: app }, spec: { template, ...spec } };
}

describe('there is no advice', () => {
  test.each<[string, readonly Mapping[]]>([
    ['if Pods match and declare the port', [service({}), deployment('web')]],
    ['for a workload that is scaled to none', [service({}), deployment('web', { replicas: 0 })]],
    ['for a Service without a selector', [service({ selector: {} }), deployment('other')]],
    [
      'for an ExternalName',
      [service({ type: 'ExternalName', externalName: 'example.com', ports: undefined }), deployment('other')],
    ],
    [
      'for a Service that has slices: its Pods may not be in the input',
      [
        service({}),
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          endpoints: [],
          ports: [],
        },
        deployment('other'),
      ],
    ],
    [
      'for a port of a sidecar',
      [
        service({ ports: [{ port: 80, targetPort: 'http' }] }),
        deployment('web', {
          template: {
            metadata: { labels: { app: 'web' } },
            spec: {
              containers: [{ name: 'main' }],
              initContainers: [
                { name: 'proxy', restartPolicy: 'Always', ports: [{ name: 'http', containerPort: 80 }] },
              ],
            },
          },
        }),
      ],
    ],
    [
      'for what another API group calls a Service',
      [
        { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'web' }, spec: { template: {} } },
        deployment('other'),
      ],
    ],
  ])('%s', (_, objects) => {
    expect(advice(objects)).toEqual([]);
  });
});

test('of several workloads, the one with most of the labels is named, and of those one with a typo', () => {
  const labeled = (name: string, labels: Mapping): Mapping =>
    deployment(name, { template: { metadata: { labels }, spec: { containers: [{ name: 'main' }] } } });
  const workloads = [
    labeled('one', { app: 'shop', tier: 'db' }),
    labeled('two', { app: 'shop', tier: 'frontend' }),
    labeled('three', { app: 'other', tier: 'fronted' }),
  ];
  expect(advice([service({ selector: { app: 'shop', tier: 'fronted' } }), ...workloads])).toEqual([
    'selector-matches-nothing: no Pod has app=shop,tier=fronted; deployment/two has tier=frontend',
  ]);
});

test('a number that no container declares is a note, a name a warning', () => {
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 81, targetPort: 'http' },
  ];
  expect(advice([service({ ports }), deployment('web')])).toEqual([
    'undeclared-target-port: spec.ports[0].targetPort is 80 (TCP), but its Pods declare only 8080; it works if a container listens there all the same',
    'unknown-target-port: spec.ports[1].targetPort is "http" (TCP), but its Pods declare only 8080, so this port has no endpoints',
  ]);
});

test('control characters of the input are escaped, and long texts are cut', () => {
  const [message = ''] = advice([
    service({ ports: [{ port: 99 }] }),
    deployment('web', {}, { ports: [{ name: `\u001b[2J${'x'.repeat(500)}`, containerPort: 1 }] }),
  ]);
  expect(message).toContain('declare only \\u001b[2Jxxx');
  expect(message.length).toBeLessThan(400);
});
