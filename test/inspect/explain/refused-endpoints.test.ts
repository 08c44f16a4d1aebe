import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { explainerFor } from '../../support/explainer.ts';
import { loadFixture } from '../../support/fixture.ts';

const cases = [
  {
    fixture: 'address',
    to: '10.96.0.30',
    verdict: 'rejected',
    service: 'shop/to-idle:http',
    endpoint: '10.96.0.10:80',
  },
  { fixture: 'address', to: '10.96.0.31', verdict: 'rejected', service: 'shop/to-web:http', endpoint: '10.96.0.20:80' },
  { fixture: 'address', to: '10.96.0.32', verdict: 'dropped', service: 'shop/to-none:http', endpoint: '10.96.0.99:80' },
  {
    fixture: 'address',
    to: '10.96.0.33',
    verdict: 'rejected',
    service: 'shop/to-edge:http',
    endpoint: '198.19.0.5:80',
  },
  {
    fixture: 'address',
    to: 'fd00:10:96::30',
    verdict: 'rejected',
    service: 'shop/to-idle:http',
    endpoint: '[fd00:10:96::10]:80',
  },
  {
    fixture: 'node-port',
    to: '10.96.0.20',
    verdict: 'rejected',
    service: 'shop/host:http',
    endpoint: '192.0.2.11:30080',
  },
] as const;

test.each(cases)('$to: $endpoint is refused too', ({ fixture, to, verdict, service, endpoint }) => {
  const { snapshotFile, options, nodeAddresses } = loadFixture(`endpoint-at-a-refused-${fixture}-is-refused-as-well`);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { explain } = explainerFor(documents, options, nodeAddresses);
  const source = to.includes(':') ? 'fd00:10:244:1::50' : '10.244.1.50';
  const text = `the endpoint ${endpoint} is refused too, as an address or node port of Services`;
  expect(explain({ source, destination: to, port: 80, protocol: 'tcp' })).toMatchObject({
    verdict,
    reason: { code: 'refused-endpoint', text },
    service: { name: service },
    endpoints: [],
    leftOut: [{ endpoint, code: 'refused-endpoint', reason: 'refused too, as an address or node port of Services' }],
  });
});

test('some of several endpoints are refused too', () => {
  const text = `
apiVersion: v1
kind: Service
metadata: { name: idle, namespace: shop }
spec: { clusterIP: 10.96.0.10, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: mixed, namespace: shop }
spec: { clusterIP: 10.96.0.11, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: mixed-1, namespace: shop, labels: { kubernetes.io/service-name: mixed } }
addressType: IPv4
ports: [{ name: "", port: 80 }]
endpoints:
  - { addresses: [10.244.1.5] }
  - { addresses: [10.96.0.10] }
  - { addresses: [10.244.2.6] }
`;
  const { documents } = readDocuments([{ file: 'mixed.yaml', content: new TextEncoder().encode(text) }]);
  const { explain } = explainerFor(documents, { clusterCIDRs: ['10.244.0.0/16'] }, ['192.0.2.11']);
  const explained = explain({ source: '10.244.1.50', destination: '10.96.0.11', port: 80, protocol: 'tcp' });
  const why =
    'of new connections, 2 of 3 are sent to endpoints, 1 of 3 are rejected: 1 endpoint (10.96.0.10:80) is refused too, as an address or node port of Services';
  expect(explained).toMatchObject({
    headline: `PARTLY REFUSED: ${why}`,
    verdict: 'mixed',
    reason: { code: 'refused-endpoint', text: why },
    leftOut: [{ endpoint: '10.96.0.10:80', code: 'refused-endpoint' }],
  });
  expect(explained.endpoints.map(({ endpoint }) => endpoint)).toEqual(['10.244.1.5:80', '10.244.2.6:80']);
});
