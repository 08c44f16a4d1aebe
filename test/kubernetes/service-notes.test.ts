import { describe, expect, test } from 'vitest';
import { readServiceNotes, type ServiceNote } from '../../src/kubernetes/service-notes.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

function note(spec: unknown, others: object = {}): ServiceNote | undefined {
  return readServiceNotes(
    documentsOf([{ kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec, ...others }]),
  )[0];
}

describe('why no node serves a Service', () => {
  test.each([
    [{ type: 'ExternalName', externalName: 'db.example.org' }, 'ExternalName'],
    [{ clusterIP: 'None' }, 'headless'],
    [{}, 'no cluster IP'],
    [{ clusterIP: 7 }, 'no cluster IP'],
    [{ clusterIP: '10.96.0.10' }, 'no ports'],
    [{ clusterIP: '10.96.0.10', ports: [{ port: 80 }] }, undefined],
  ])('%j', (spec, expected) => {
    expect(note(spec)?.unserved).toBe(expected);
  });

  test('it is assigned to another proxy', () => {
    const labels = { 'service.kubernetes.io/service-proxy-name': '' };
    expect(note({ clusterIP: '10.96.0.10' }, { metadata: { name: 'web', labels } })).toMatchObject({
      namespace: 'default',
      unserved: 'other proxy',
    });
  });
});

test('addresses and ports are canonical, each once', () => {
  const spec = {
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10', 'FD00::0010'],
    externalIPs: [' 198.51.100.7 ', 'nonsense', 7],
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31234,
    ports: [
      { port: 80, nodePort: 30080 },
      { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 },
      { port: 81 },
      { port: 'http' },
      'x',
    ],
  };
  const status = {
    loadBalancer: {
      ingress: [{ ip: '198.51.100.8' }, { ip: '198.51.100.9', ipMode: 'Proxy' }, { hostname: 'a' }, null],
    },
  };
  expect(note(spec, { status })).toEqual({
    namespace: 'shop',
    name: 'web',
    unserved: undefined,
    addresses: ['10.96.0.10', 'fd00::10', '198.51.100.7', '198.51.100.8', '198.51.100.9'],
    ports: [
      { name: '', port: 80, protocol: 'tcp' },
      { name: 'dns', port: 53, protocol: 'udp' },
      { name: '', port: 81, protocol: 'tcp' },
    ],
    nodePorts: ['30080/tcp', '30053/udp'],
    proxyAddresses: ['198.51.100.9'],
    healthCheckNodePort: 31234,
  });
});

test('malformed objects are ignored', () => {
  const objects = [
    { kind: 'Service' },
    { kind: 'Service', metadata: { name: 7 } },
    { kind: 'Pod', metadata: { name: 'a' } },
  ];
  expect(readServiceNotes(documentsOf(objects))).toEqual([]);
  expect(note('text', { status: [], metadata: { name: 'web', namespace: '', labels: 'x' } })).toMatchObject({
    namespace: 'default',
    addresses: [],
    nodePorts: [],
    healthCheckNodePort: 0,
  });
});
