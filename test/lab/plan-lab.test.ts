import { describe, expect, test } from 'vitest';
import { planLab } from '../../src/lab/plan-lab.ts';

const node = (name: string, address: string, extra: object = {}) => ({
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  status: { addresses: [{ type: 'InternalIP', address }], ...extra },
});

const pod = (name: string, nodeName: string, address: string, spec: object = {}, extra: object = {}) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop', ...extra },
  spec: { nodeName, containers: [{ ports: [{ containerPort: 8080 }] }], ...spec },
  status: { phase: 'Running', podIPs: [{ ip: address }] },
});

const slice = (endpoints: object[], ports: object[], service = 'web', namespace = 'shop') => ({
  kind: 'EndpointSlice',
  metadata: { name: `${service}-x`, namespace, labels: { 'kubernetes.io/service-name': service } },
  endpoints,
  ports,
});

const identity = { name: 'shop/web-0', node: 'node-1', zone: 'zone-a' };

describe('a plan', () => {
  test('has a Pod answer at the ports of its containers, and at those that Services send to', () => {
    const objects = [
      node('node-1', '198.18.0.1'),
      pod('web-0', 'node-1', '10.244.0.5'),
      slice([{ addresses: ['10.244.0.5'] }], [{ port: 9000, protocol: 'UDP' }, { port: 8080 }]),
    ];
    expect(planLab(objects).hosts).toEqual([
      {
        name: 'shop/web-0',
        kind: 'pod',
        namespace: 'shop',
        node: 'node-1',
        addresses: ['10.244.0.5'],
        hostname: 'web-0',
        ports: [
          { protocol: 'udp', port: 9000, identity },
          { protocol: 'tcp', port: 8080, identity },
        ],
        dnsPorts: [],
      },
    ]);
  });

  test('serves the network of the host, and endpoints at addresses of a node, at the node', () => {
    const objects = [
      node('node-1', '198.18.0.1'),
      pod('web-0', 'node-1', '198.18.0.1', { hostNetwork: true }),
      slice([{ addresses: ['198.18.0.1'] }], [{ port: 8080 }, { port: 6443 }]),
    ];
    const { nodes, hosts } = planLab(objects);
    expect(hosts).toEqual([]);
    expect(nodes[0]?.ports).toEqual([
      { protocol: 'tcp', port: 8080, identity },
      { protocol: 'tcp', port: 6443, identity: { name: 'node-1', node: 'node-1', zone: 'zone-a' } },
    ]);
  });

  test('gives endpoints without a Pod a place of their own, outside unless a slice names their node', () => {
    const objects = [
      node('node-1', '198.18.0.1'),
      slice([{ addresses: ['192.0.2.7'] }, { addresses: ['10.244.0.9'], nodeName: 'node-1' }], [{ port: 5432 }], 'db'),
    ];
    expect(planLab(objects).hosts.map(({ name, node: at, kind }) => [name, at, kind])).toEqual([
      ['192.0.2.7', '', 'address'],
      ['10.244.0.9', 'node-1', 'address'],
    ]);
  });

  test('serves DNS where the Service of DNS leads, and no answer there', () => {
    const objects = [
      node('node-1', '198.18.0.1'),
      pod('dns-0', 'node-1', '10.244.0.5'),
      slice(
        [{ addresses: ['10.244.0.5'] }],
        [{ port: 5353, protocol: 'UDP' }, { port: 5353 }],
        'kube-dns',
        'kube-system',
      ),
    ];
    expect(planLab(objects).hosts[0]).toMatchObject({ dnsPorts: [5353], ports: [{ port: 8080 }] });
  });

  test('leaves out Pods that do not run, and addresses that are taken', () => {
    const objects = [
      node('node-1', '198.18.0.1'),
      node('node-2', '198.18.0.1'),
      pod('web-0', 'node-1', '10.244.0.5'),
      pod('web-1', 'node-1', '10.244.0.5'),
      pod('web-2', 'node-9', '10.244.0.6'),
      { ...pod('web-3', 'node-1', '10.244.0.7'), status: { phase: 'Succeeded', podIP: '10.244.0.7' } },
    ];
    const { hosts, notes } = planLab(objects);
    expect(hosts.map(({ name }) => name)).toEqual(['shop/web-0']);
    expect(notes).toEqual(
      ['node-2', 'shop/web-1'].map((name) => `${name} has an address that others have, too; it is left out`),
    );
  });

  test('takes no name or address that could reach a file or a program as something else', () => {
    const hostile = ['../../etc', '-rf', 'a b', 'a\nb', '$(reboot)'];
    const objects = [
      node('node-1', '198.18.0.1'),
      ...hostile.map((name) => node(name, '198.18.0.2')),
      ...hostile.map((name, index) => pod(name, 'node-1', `10.244.1.${index + 1}`)),
      ...hostile.map((namespace, index) => pod(`ok-${index}`, 'node-1', `10.244.2.${index + 1}`, {}, { namespace })),
      ...hostile.map((text, index) => pod(`bad-${index}`, 'node-1', text)),
      slice([{ addresses: ['127.0.0.1'] }, { addresses: ['$(reboot)'] }], [{ port: 80 }]),
    ];
    const { nodes, hosts } = planLab(objects);
    expect(nodes.map(({ name }) => name)).toEqual(['node-1']);
    expect(hosts).toEqual([]);
  });

  test('says what it cannot answer', () => {
    const service = { kind: 'Service', metadata: { name: 'sig' }, spec: { ports: [{ port: 1, protocol: 'SCTP' }] } };
    expect(planLab([service]).notes).toEqual(['nothing answers SCTP in a lab: default/sig']);
  });
});
