import { describe, expect, test } from 'vitest';
import { readEndpointSources, whyNoEndpoints } from '../../src/kubernetes/missing-endpoints.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';

const service = `
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {selector: {app: web, tier: front}, ports: [{port: 80}]}
`;

function slice(name: string, rest: string): string {
  return `
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: ${name}, namespace: shop, labels: {kubernetes.io/service-name: web}}
${rest}
`;
}

function pod(name: string, labels: string, namespace = 'shop'): string {
  return `
kind: Pod
apiVersion: v1
metadata: {name: ${name}, namespace: ${namespace}, labels: {${labels}}}
`;
}

function why(
  parts: readonly string[],
  given: { portName?: string; protocol?: 'tcp' | 'udp'; family?: 'ip' | 'ip6' } = {},
) {
  const content = Buffer.from(parts.join('---\n'));
  const sources = readEndpointSources(readDocuments([{ file: 'a.yaml', content }]).documents);
  const { portName = '', protocol = 'tcp', family = 'ip' } = given;
  return whyNoEndpoints({ namespace: 'shop', name: 'web', portName, protocol }, family, sources);
}

const one = 'addressType: IPv4\nendpoints: [{addresses: [10.4.5.6]}]';

describe('a port that fits no port of the slices', () => {
  test.each([
    [
      'by its name',
      [slice('web-1', `${one}\nports: [{name: http, port: 9376}]`)],
      {},
      'EndpointSlice shop/web-1 has 1 endpoint, but no port with name "" and protocol TCP (it has http/TCP 9376)',
    ],
    [
      'by its protocol',
      [slice('web-1', `${one}\nports: [{name: '', port: 53, protocol: UDP}]`)],
      {},
      'EndpointSlice shop/web-1 has 1 endpoint, but no port with name "" and protocol TCP (it has ""/UDP 53)',
    ],
    [
      'because the slice has no ports',
      [slice('web-1', `${one}\nports: []`)],
      { portName: 'http' },
      'EndpointSlice shop/web-1 has 1 endpoint, but no port with name "http" and protocol TCP (it has no ports)',
    ],
    [
      'because the name of the slice port is absent',
      [slice('web-1', `${one}\nports: [{port: 80}]`)],
      {},
      'EndpointSlice shop/web-1 has 1 endpoint, but no port with name "" and protocol TCP (it has (no name)/TCP 80)',
    ],
    [
      'in several slices, one of them empty',
      [
        slice('web-0', 'addressType: IPv4\nendpoints: []\nports: []'),
        slice(
          'web-1',
          'addressType: IPv4\nendpoints: [{addresses: [10.4.5.6]}, {addresses: [10.4.5.7]}]\nports: [{name: a, port: 1}]',
        ),
        slice('web-2', `${one}\nports: [{name: b, port: 1}]`),
      ],
      { portName: 'http', protocol: 'udp' as const },
      'EndpointSlice shop/web-1 has 2 endpoints, but no port with name "http" and protocol UDP (it has a/TCP 1); the other slice does not fit either',
    ],
  ])('%s', (_, slices, given, text) => {
    expect(why([service, ...slices], given)).toEqual({ code: 'port-mismatch', text });
  });
});

describe('no slice with an endpoint', () => {
  test.each([
    [
      'no pods in the input',
      [service],
      'no-slice',
      'no EndpointSlice belongs to it: no pod matches its selector app=web,tier=front, or none has an address yet',
    ],
    [
      'a selector that matches none of the Pods',
      [service, pod('a', 'app: wbe, tier: front'), pod('b', 'app: web'), pod('c', 'app: web, tier: front', 'other')],
      'no-slice',
      'no EndpointSlice belongs to it: its selector app=web,tier=front matches none of the 2 Pods in namespace shop',
    ],
    [
      'an empty slice, although Pods match',
      [service, slice('web-1', 'addressType: IPv4\nports: []\nendpoints: []'), pod('a', 'app: web, tier: front')],
      'empty-slices',
      'EndpointSlice shop/web-1 is empty, although its selector app=web,tier=front matches 1 Pod',
    ],
    [
      'endpoints without addresses',
      [service, slice('web-1', 'addressType: IPv4\nports: [{name: "", port: 80}]\nendpoints: [{addresses: []}]')],
      'empty-slices',
      'EndpointSlice shop/web-1 is empty: no pod matches its selector app=web,tier=front, or none has an address yet',
    ],
    [
      'no selector',
      [service.replace(/selector: \{.*?\}, /, '')],
      'no-slice',
      'no EndpointSlice belongs to it (it has no selector, so its EndpointSlices must be written by hand)',
    ],
    [
      'v1 Endpoints',
      [service, 'kind: Endpoints\napiVersion: v1\nmetadata: {name: web, namespace: shop}\n'],
      'no-slice',
      'the input has its v1 Endpoints, which are not used, but no EndpointSlice: add endpointslices',
    ],
    [
      'another family',
      [
        service,
        slice('web-1', 'addressType: IPv6\nports: [{name: "", port: 80}]\nendpoints: [{addresses: ["fd00::1"]}]'),
      ],
      'other-family',
      'its endpoints are IPv6, not IPv4',
    ],
  ])('%s', (_, parts, code, text) => {
    expect(why(parts)).toEqual({ code, text });
  });
});

test('names from the input cannot control a terminal', () => {
  const hostile = service.replace('app: web', '"a\\e[31m": "\\r"');
  expect(why([hostile]).text).toContain('a\\u001b[31m=\\r');
});
