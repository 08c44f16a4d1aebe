import { describe, expect, test } from 'vitest';
import { type ResolveOptions, resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { type Diagnostic, severityOf } from '../../src/diagnostics/diagnostic.ts';
import { type Mapping, mappingIn } from '../../src/lib/unknown-values.ts';
import { type Cidr, parseCidr } from '../../src/net/address.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

const cidrs = (...texts: readonly string[]): Cidr[] => texts.map((text) => parseCidr(text) as Cidr);

const options: ResolveOptions = {
  serviceCIDRs: cidrs('10.96.0.0/16', 'fd00:10:96::/112'),
  podCIDRs: cidrs('10.244.0.0/16', 'fd00:10:244::/48'),
  loadBalancerCIDRs: cidrs('198.51.100.0/24'),
  nodes: 2,
};

function service(name: string, spec: Mapping = {}): Mapping {
  const ports = [{ name: 'http', port: 80, targetPort: 'web' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports, ...spec } };
}

function deployment(name: string, replicas: number): Mapping {
  const containers = [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }];
  const template = { metadata: { labels: { app: name } }, spec: { containers } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas, template } };
}

function resolve(objects: readonly Mapping[], more: Partial<ResolveOptions> = {}) {
  return resolveObjects(documentsOf(objects), { ...options, ...more });
}

const errorsOf = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.filter((one) => severityOf(one) === 'error');

const named = (objects: readonly Mapping[], kind: string): string[] =>
  objects.filter((one) => one['kind'] === kind).map((one) => String(mappingIn(one, 'metadata')['name']));

describe('Pods in the input', () => {
  const pod = (name: string, more: Mapping = {}, spec: Mapping = {}): Mapping => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'web' } } },
    spec: { containers: [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }], ...spec },
    ...more,
  });
  const given = [
    service('web'),
    pod('any'),
    pod('bound', {}, { nodeName: 'node-2' }),
    pod('host', {}, { hostNetwork: true, nodeName: 'node-1' }),
    pod('pending', { status: { phase: 'Pending' } }),
    pod('nowhere', {}, { nodeSelector: { disk: 'none' } }),
    deployment('web', 2),
  ];
  const { objects } = resolve(given);
  const [, any, bound, host, pending, nowhere] = objects;

  test('run on a node if they have no status', () => {
    expect(any).toMatchObject({
      metadata: { name: 'any', labels: { app: 'web', 'topology.kubernetes.io/zone': expect.any(String) } },
      spec: { nodeName: expect.stringMatching(/^node-\d$/) },
      status: { phase: 'Running', podIP: expect.stringMatching(/^10\.244\./) },
    });
    expect(bound).toMatchObject({ spec: { nodeName: 'node-2' }, status: { phase: 'Running' } });
    expect(host).toMatchObject({ status: { podIP: '198.18.0.1' } });
    expect(objects.find((one) => one['kind'] === 'EndpointSlice')).toMatchObject({
      endpoints: ['any', 'bound', 'host'].map((name) => ({ targetRef: { name }, conditions: { ready: true } })),
    });
  });

  test('get addresses of the range of Pods if no Node has podCIDRs', () => {
    const node = { kind: 'Node', metadata: { name: 'a' }, spec: {}, status: { addresses: [] } };
    const { objects: made } = resolve([node, pod('any'), deployment('api', 2)]);
    const addresses = made.filter((one) => one['kind'] === 'Pod').map((one) => mappingIn(one, 'status')['podIP']);
    expect(new Set(addresses).size).toBe(3);
    expect(addresses).toEqual(addresses.map(() => expect.stringMatching(/^10\.244\./)));
    expect(resolve(made).objects).toEqual(made);
  });

  test('stay as they are if they have one, or no node takes them', () => {
    expect([pending, nowhere]).toEqual([given[4], given[5]]);
    expect(resolve(objects).objects).toEqual(objects);
  });
});

describe('manifests', () => {
  const manifests = [service('web', { type: 'LoadBalancer', ipFamilyPolicy: 'PreferDualStack' }), deployment('web', 3)];
  const { objects, diagnostics } = resolve(manifests);

  test('get what a cluster would have', () => {
    expect(diagnostics).toEqual([]);
    expect(objects[0]).toMatchObject({
      spec: {
        clusterIP: expect.stringMatching(/^10\.96\./),
        clusterIPs: [expect.stringMatching(/^10\.96\./), expect.stringMatching(/^fd00:10:96::/)],
        ports: [{ port: 80, targetPort: 'web', protocol: 'TCP', nodePort: expect.any(Number) }],
      },
      status: { loadBalancer: { ingress: [{ ip: expect.stringMatching(/^198\.51\.100\./) }] } },
    });
    expect(named(objects, 'Node')).toEqual(['node-1', 'node-2']);
    expect(named(objects, 'Pod')).toEqual(['web-0', 'web-1', 'web-2']);
    expect(named(objects, 'EndpointSlice')).toEqual(['web-ipv4', 'web-ipv6']);
    expect(objects.at(-1)).toMatchObject({ ports: [{ port: 8080 }], endpoints: [{}, {}, {}] });
  });

  test('stay as they are when that is done again', () => {
    expect(resolve(objects)).toEqual({ objects, diagnostics: [] });
    expect(resolve(objects, { serviceCIDRs: cidrs('172.30.0.0/16') }).objects).toEqual(objects);
  });

  test('keep their addresses when others come and go', () => {
    const others = Array.from({ length: 30 }, (_, index) => service(`other-${index}`));
    const [, , ...rest] = resolve([...others, ...manifests]).objects.filter(({ kind }) => kind === 'Service');
    expect(rest.find((one) => mappingIn(one, 'metadata')['name'] === 'web')).toEqual(objects[0]);
  });
});

test('of two Services that ask for one address or port, the first one has it', () => {
  const { objects, diagnostics } = resolve([
    service('one', { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30_005 }] }),
    service('two', { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30_005 }] }),
  ]);
  expect(objects[0]).toMatchObject({ spec: { clusterIP: '10.96.0.5' } });
  expect(errorsOf(diagnostics)).toMatchObject([
    {
      severity: 'error',
      object: { name: 'two' },
      message: expect.stringContaining('which Service default/one has already'),
    },
    { severity: 'error', object: { name: 'two' }, message: expect.stringContaining('30005') },
  ]);
});

test('a range that is used up is an error, not an endless search', () => {
  const services = Array.from({ length: 8 }, (_, index) => service(`web-${index}`));
  const { diagnostics } = resolve(services, { serviceCIDRs: cidrs('10.96.0.0/29') });
  expect(errorsOf(diagnostics).map(({ message }) => message)).toEqual(
    Array.from({ length: 2 }, () => 'nothing is left of 10.96.0.0/29 for spec.clusterIP'),
  );
});

test('Nodes and Pods of the input are those of the cluster', () => {
  const node = { kind: 'Node', metadata: { name: 'mine' }, spec: { podCIDRs: ['10.1.0.0/24'] } };
  const { objects } = resolve([node, deployment('web', 1), service('web')]);
  expect(named(objects, 'Node')).toEqual(['mine']);
  expect(objects.at(-1)).toMatchObject({
    endpoints: [{ nodeName: 'mine', addresses: [expect.stringMatching(/^10\.1\.0\./)] }],
  });
});

test('what is malformed does not throw', () => {
  const odd = [
    {},
    { kind: 'Service' },
    { kind: 'Service', metadata: [], spec: 7 },
    { kind: 'Deployment', spec: { template: 3 } },
  ];
  expect(() => resolve(odd)).not.toThrow();
});
