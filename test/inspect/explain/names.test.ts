import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { parseClient, resolveClient } from '../../../src/inspect/explain/resolve-client.ts';
import { parseTarget, resolveTarget } from '../../../src/inspect/explain/resolve-target.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

const content = readFileSync(new URL('../../../docs/shop.yaml', import.meta.url));
const { documents } = readDocuments([{ file: 'shop.yaml', content }]);
const { views } = compileRulesets(documents, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });
const locations = readLocations(documents);
const notes = readServiceNotes(documents);

describe('--to accepts', () => {
  test.each([
    ['10.96.0.10:80', { kind: 'address', address: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['[FD00::0001]:53/UDP', { kind: 'address', address: 'fd00::1', port: 53, protocol: 'udp' }],
    ['010.096.000.010:7/sctp', { kind: 'address', address: '10.96.0.10', port: 7, protocol: 'sctp' }],
    ['service:shop/web', { kind: 'service', namespace: 'shop', name: 'web', port: undefined, protocol: undefined }],
    ['service:shop/web:53/udp', { kind: 'service', namespace: 'shop', name: 'web', port: '53', protocol: 'udp' }],
  ])('%s', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  test.each([
    ['', 'not an address and port'],
    ['10.96.0.10', 'the port is missing'],
    ['fd00::1', 'the port is missing'],
    ['fd00::1:80', 'the port is missing'],
    ['10.96.0.10:0', 'the port must be a number from 1 to 65535'],
    ['10.96.0.10:65536', 'the port must be a number from 1 to 65535'],
    ['10.96.0.10:80/icmp', 'the protocol must be tcp, udp or sctp, not icmp'],
    ['web:80', 'not an address and port'],
    ['service:web', 'write a Service as service:NAMESPACE/NAME'],
    ['service:shop/web:', 'write a Service as service:NAMESPACE/NAME'],
    ['pod:shop/web-1', 'not an address and port'],
  ])('not %s', (text, problem) => {
    const parsed = parseTarget(text);
    expect(parsed).toEqual(expect.stringMatching(new RegExp(`^${problem}`)));
  });
});

describe('--from accepts', () => {
  test.each([
    ['outside', { kind: 'outside' }],
    ['node', { kind: 'node' }],
    ['pod:shop/web-1', { kind: 'pod', namespace: 'shop', name: 'web-1' }],
    ['[fd00::1]', { kind: 'address', address: 'fd00::1' }],
  ])('%s', (text, expected) => {
    expect(parseClient(text)).toEqual(expected);
  });

  test.each(['', 'inside', 'pod:web-1', 'pod:a/b/c', '10.0.0', '10.0.0.1:80'])('not %s', (text) => {
    expect(typeof parseClient(text)).toBe('string');
  });
});

describe('Services', () => {
  test.each([
    ['service:shop/web', { destination: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['service:shop/web:http', { destination: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['service:shop/web:80', { destination: '10.96.0.10', port: 80, protocol: 'tcp' }],
    [
      'service:shop/web:8080',
      'Service shop/web has no port 8080; it has 80/tcp (http); 8080 is the targetPort of its endpoints',
    ],
    ['service:shop/web:http/udp', 'Service shop/web has no port http/udp; it has 80/tcp (http)'],
    [
      'service:shop/db',
      'no rule serves Service shop/db: it is headless (clusterIP None), so DNS returns the addresses of its pods',
    ],
    ['service:shop/wbe', 'there is no Service shop/wbe; did you mean shop/web?'],
    ['service:default/web', 'there is no Service default/web; did you mean shop/web?'],
    ['service:default/nothing', 'there is no Service default/nothing; namespace default has no Services'],
  ])('%s', (text, expected) => {
    const target = parseTarget(text);
    expect(typeof target === 'string' ? target : resolveTarget(target, { views, notes })).toEqual(expected);
  });
});

describe('clients', () => {
  const [view] = views;
  const known = view && { view, locations };
  test.each([
    ['outside', '10.96.0.10', { source: '203.0.113.1' }],
    ['node', '10.96.0.10', { source: '192.0.2.11' }],
    ['node', '198.51.100.11', { source: '198.51.100.11' }],
    ['node', '127.0.0.1', { source: '127.0.0.1' }],
    ['node', 'fd00::1', 'no IPv6 address of the node is known; use --node-ip'],
    ['pod:shop/web-1', '10.96.0.10', { source: '10.244.1.5' }],
    ['pod:shop/web-1', 'fd00::1', 'Pod shop/web-1 has no IPv6 address'],
    [
      'pod:shop/wbe-1',
      '10.96.0.10',
      'no Pod or EndpointSlice in the input names Pod shop/wbe-1; did you mean shop/web-1?',
    ],
    ['10.1.2.3', 'fd00::1', 'source 10.1.2.3 is IPv4, but destination fd00::1 is IPv6'],
  ])('%s to %s', (text, destination, expected) => {
    const client = parseClient(text);
    const surroundings = { destination, localAddresses: ['192.0.2.11', '198.51.100.11'], known };
    expect(typeof client === 'string' ? client : resolveClient(client, surroundings)).toEqual(expected);
  });

  test('a Pod of another node passes the rules there first', () => {
    const client = parseClient('pod:shop/web-2');
    const surroundings = { destination: '10.96.0.10', localAddresses: [], known };
    expect(typeof client === 'string' ? client : resolveClient(client, surroundings)).toEqual({
      source: '10.244.2.6',
      remark:
        'Pod shop/web-2 runs on worker-2, so its packets pass the rules of worker-2 first; these are the rules of worker-1',
    });
  });
});
