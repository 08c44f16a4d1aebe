import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { parseClient, parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { resolveClient } from '../../../src/inspect/explain/resolve-client.ts';
import { type Directory, nodeOfQuestion, resolveNames } from '../../../src/inspect/explain/resolve-names.ts';
import { resolveTarget } from '../../../src/inspect/explain/resolve-target.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

const content = readFileSync(new URL('../../../docs/shop.yaml', import.meta.url), 'utf8');

/** Another Service web, Pods beside those of slices, and a Service that is called as a Pod. */
const more = `
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: blog}, spec: {clusterIP: 10.96.1.1, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: ticks, namespace: blog}, spec: {clusterIP: 10.96.1.3, ports: [{port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ticks-1, namespace: blog, labels: {kubernetes.io/service-name: ticks}}, addressType: IPv4, ports: [{name: "", port: 80}], endpoints: [{addresses: [10.244.2.99], nodeName: worker-2}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: blog-1, namespace: blog}, spec: {nodeName: worker-1}, status: {phase: Running, podIP: 10.244.1.90}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-1, namespace: shop}, spec: {clusterIP: 10.96.1.2, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pending-0, namespace: shop}, spec: {}, status: {phase: Pending}}
---
{apiVersion: v1, kind: Pod, metadata: {name: job-1, namespace: shop}, spec: {nodeName: worker-1}, status: {phase: Succeeded, podIP: 10.244.1.99}}
---
{apiVersion: v1, kind: Pod, metadata: {name: proxy-1, namespace: shop}, spec: {nodeName: worker-1, hostNetwork: true}, status: {phase: Running, podIP: 192.0.2.11}}
---
{apiVersion: v1, kind: Pod, metadata: {name: proxy-2, namespace: shop}, spec: {nodeName: worker-2, hostNetwork: true}, status: {phase: Running, podIP: 192.0.2.12}}
`;
const { documents } = readDocuments([{ file: 'shop.yaml', content: Buffer.from(content + more) }]);
const { views } = compileRulesets(documents, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });
const locations = readLocations(documents);
const directory = {
  services: readServiceNotes(documents),
  locations,
  namespace: undefined,
  nodeName: 'worker-1',
};

describe('--to accepts', () => {
  const service = (namespace: string | undefined, name: string, port?: string, protocol?: string) => ({
    kind: 'service',
    namespace,
    name,
    port,
    protocol,
  });
  const named = (namespace: string | undefined, name: string, port?: string) => ({
    ...service(namespace, name, port),
    kind: 'name',
  });
  test.each([
    ['10.96.0.10:80', { kind: 'address', address: '10.96.0.10', port: 80 }],
    ['10.96.0.10', { kind: 'address', address: '10.96.0.10' }],
    ['[FD00::0001]:53/UDP', { kind: 'address', address: 'fd00::1', port: 53, protocol: 'udp' }],
    ['[fd00::1]', { kind: 'address', address: 'fd00::1' }],
    ['fd00::1', { kind: 'address', address: 'fd00::1' }],
    ['010.096.000.010:7/sctp', { kind: 'address', address: '10.96.0.10', port: 7, protocol: 'sctp' }],
    ['http://10.96.0.10', { kind: 'address', address: '10.96.0.10', port: 80 }],
    ['https://10.96.0.10/healthz?a=b', { kind: 'address', address: '10.96.0.10', port: 443 }],
    ['http://[fd00::1]:8080/', { kind: 'address', address: 'fd00::1', port: 8080 }],
    ['udp://10.96.0.10:53', { kind: 'address', address: '10.96.0.10', port: 53, protocol: 'udp' }],
    ['localhost:30080', { kind: 'address', address: '127.0.0.1', port: 30080 }],
    [':30080', { kind: 'node', port: '30080' }],
    ['*:30080', { kind: 'node', port: '30080' }],
    ['*:30080/tcp', { kind: 'node', port: '30080', protocol: 'tcp' }],
    ['*:30053/UDP', { kind: 'node', port: '30053', protocol: 'udp' }],
    ['node:30080/udp', { kind: 'node', port: '30080', protocol: 'udp' }],
    ['service:shop/web', service('shop', 'web')],
    ['service:shop/web:53/udp', service('shop', 'web', '53', 'udp')],
    ['svc/web', service(undefined, 'web')],
    ['svc:shop/web:http', service('shop', 'web', 'http')],
    ['service/web:80', service(undefined, 'web', '80')],
    ['services/web', service(undefined, 'web')],
    ['shop/web:http', named('shop', 'web', 'http')],
    ['web', named(undefined, 'web')],
    ['web.shop.svc.cluster.local:80', named(undefined, 'web.shop.svc.cluster.local', '80')],
    ['http://web.shop', named(undefined, 'web.shop', '80')],
    ['worker-1:30080', named(undefined, 'worker-1', '30080')],
    ['pod:shop/web-1:8080', { ...named('shop', 'web-1', '8080'), kind: 'pod' }],
    ['node/worker-2:30080', { ...named(undefined, 'worker-2', '30080'), kind: 'named-node' }],
  ])('%s', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  test.each([
    ['', 'not an address and port, and not the name of a Service, Pod or Node'],
    ['10.96.0.10:0', 'the port must be a number from 1 to 65535'],
    ['10.96.0.10:65536', 'the port must be a number from 1 to 65535'],
    ['10.96.0.10:http', 'the port of an address must be a number'],
    ['10.96.0.10:80/icmp', 'the protocol must be tcp, udp or sctp, not icmp'],
    [':99999', 'the port must be a number from 1 to 65535'],
    ['*:99999', 'the port must be a number from 1 to 65535'],
    ['\\*', 'not an address and port'],
    ['svc/\\*:80', 'write a Service as service:NAMESPACE/NAME'],
    ['service:shop/web:', 'the port must be a number or the name of a port'],
    ['service:a/b/c', 'write a Service as service:NAMESPACE/NAME'],
    ['ftp://10.96.0.10', 'the scheme must be one of http, '],
    ['10.96.0', 'not an address and port'],
    ['we b', 'not an address and port'],
  ])('not %s', (text, problem) => {
    const parsed = parseTarget(text.replaceAll('\\', ''));
    expect(parsed).toEqual(expect.stringMatching(new RegExp(`^${problem}`)));
  });
});

describe('--from accepts', () => {
  test.each([
    ['outside', { kind: 'outside' }],
    ['world', { kind: 'outside' }],
    ['node', { kind: 'node' }],
    ['host', { kind: 'node' }],
    ['pod:shop/web-1', { kind: 'pod', namespace: 'shop', name: 'web-1' }],
    ['pod/web-2', { kind: 'pod', name: 'web-2' }],
    ['po/shop/web-2', { kind: 'pod', namespace: 'shop', name: 'web-2' }],
    ['shop/web-1', { kind: 'name', namespace: 'shop', name: 'web-1' }],
    ['worker-2', { kind: 'name', name: 'worker-2' }],
    ['node/worker-2', { kind: 'named-node', name: 'worker-2' }],
    ['[fd00::1]', { kind: 'address', address: 'fd00::1' }],
    ['fd00::1', { kind: 'address', address: 'fd00::1' }],
  ])('%s', (text, expected) => {
    expect(parseClient(text)).toEqual(expected);
  });

  test.each(['', 'pod:a/b/c', '10.0.0', '10.0.0.1:80', 'svc/web'])('not %s', (text) => {
    expect(typeof parseClient(text)).toBe('string');
  });
});

/** Client and target as they are resolved; a text if one of them is refused. */
function namesOf(from: string, to: string, given: Partial<Directory> = {}): ReturnType<typeof resolveNames> {
  const [client, target] = [parseClient(from), parseTarget(to)];
  return typeof client === 'string' || typeof target === 'string'
    ? `${client} ${target}`
    : resolveNames(client, target, { ...directory, ...given });
}

/** Destinations of a target, as `address port protocol kind`; or why there are none. */
function aimsOf(text: string, given: Partial<Directory> = {}, from = 'outside'): string[] | string {
  const names = namesOf(from, text, given);
  const aims = typeof names === 'string' ? names : resolveTarget(names.target, { views, localAddresses: [] });
  return typeof aims === 'string'
    ? aims
    : aims.map((aim) => [aim.destination, aim.port, aim.protocol, aim.frontend?.kind ?? ''].join(' ').trimEnd());
}

describe('targets', () => {
  const web = ['10.96.0.10 80 tcp ClusterIP', '192.0.2.11 30080 tcp NodePort'];
  test.each([
    ['shop/web', web],
    ['service:shop/web:http', web],
    ['svc/shop/web:80', web],
    ['web.shop', web],
    ['web.shop.svc', web],
    ['web.shop.svc.cluster.local.', web],
    ['10.96.0.10', ['10.96.0.10 80 tcp ClusterIP']],
    [
      'shop/api',
      ['10.96.0.30 443 tcp ClusterIP', '198.51.100.200 443 tcp LoadBalancer', '192.0.2.11 30443 tcp NodePort'],
    ],
    ['shop/web:8080', ['10.96.0.10 8080 tcp']],
    ['shop/db', []],
    [':30080', ['192.0.2.11 30080 tcp']],
    ['worker-1:30080', ['192.0.2.11 30080 tcp']],
    ['host:30080', ['192.0.2.11 30080 tcp']],
    ['host:30080/udp', ['192.0.2.11 30080 udp']],
    ['node/host:30080', 'there is no Node host'],
    ['node/blog/worker-2:30080', 'a Node has no namespace: write node/worker-2'],
    ['blog/host:30080', 'there is no Service or Pod blog/host'],
    ['*:30080/tcp', ['192.0.2.11 30080 tcp']],
    ['host', 'the node port is missing: give its number, as in node:30080'],
    ['node', 'the node port is missing: give its number, as in node:30080'],
    ['worker-2:30080', ['192.0.2.12 30080 tcp']],
    ['pod:shop/web-2', ['10.244.2.6 8080 tcp']],
    ['shop/web-2:8080', ['10.244.2.6 8080 tcp']],
    ['pod/api-1:https', ['10.244.2.31 8443 tcp']],
    ['pod/pending-0:80', 'Pod shop/pending-0 has no IPv4 or IPv6 address'],
    ['service:shop/web:http/udp', 'Service shop/web has no port http/udp; it has 80/tcp (http)'],
    ['shop/web:htp', 'Service shop/web has no port htp; it has 80/tcp (http); did you mean http?'],
    ['10.1.2.3', 'the port is missing, and no Service has 10.1.2.3: write 10.1.2.3:80 for port 80'],
    ['fd00::1:80', 'the port is missing, and no Service has fd00::1:80: write [fd00::1]:80 for port 80'],
    ['worker-1', 'the node port is missing: give its number, as in node:30080'],
    ['worker-1:http', 'a node port needs its number, not the name http: use 30080 (shop/web)'],
    ['worker-2:https', 'a node port needs its number, not the name https: use 30443 (shop/api)'],
    [':metrics', 'a node port needs its number, not the name metrics, as in node:30080'],
  ])('%s', (text, expected) => {
    expect(aimsOf(text)).toEqual(expected);
  });

  test.each([
    ['service:shop/wbe', 'there is no Service shop/wbe; did you mean shop/web?'],
    ['shop/wbe', 'there is no Service or Pod shop/wbe; did you mean service:shop/web?'],
    ['service:default/api', 'there is no Service default/api; did you mean shop/api?'],
    ['service:default/nothing', 'there is no Service default/nothing; namespace default has no Services'],
    ['wrker-2:30080', 'there is no Service, Pod or Node wrker-2; did you mean node/worker-2?'],
    ['world', 'world means clients outside the cluster, so it is not a target: use it with --from'],
    ['outside:80', 'outside means clients outside the cluster, so it is not a target: use it with --from'],
    ['Internet:443/udp', 'Internet means clients outside the cluster, so it is not a target: use it with --from'],
    ['svc/world', 'there is no Service world'],
    [
      'svc/web',
      'web is ambiguous: it may be service:shop/web and service:blog/web; give one of them, or the namespace with -n NAMESPACE',
    ],
    [
      'web:80',
      'web is ambiguous: it may be service:shop/web and service:blog/web; give one of them, or the namespace with -n NAMESPACE',
    ],
    ['web-1', 'web-1 is ambiguous: it may be service:shop/web-1 and pod:shop/web-1; give one of them'],
    ['shop/web-1', 'shop/web-1 is ambiguous: it may be service:shop/web-1 and pod:shop/web-1; give one of them'],
  ])('%s is refused with candidates', (text, problem) => {
    expect(aimsOf(text)).toBe(problem);
  });

  test('the default namespace decides', () => {
    expect(aimsOf('svc/web', { namespace: 'blog' })).toEqual(['10.96.1.1 80 tcp ClusterIP']);
    expect(aimsOf('svc/api', { namespace: 'blog' })).toBe('there is no Service blog/api; did you mean shop/api?');
    expect(aimsOf('shop/web', { namespace: 'blog' })).toEqual(web);
  });
});

describe('short names asked from a Pod', () => {
  const taken = (service: string, pod: string, other: string): string =>
    `web is taken as ${service}, in the namespace of Pod ${pod}; there is also ${other}`;
  const elsewhere =
    'ticks is taken as service:blog/ticks: namespace shop of Pod shop/web-2 has no Service ticks, so its DNS finds this one as ticks.blog only';
  test.each([
    ['pod:shop/web-2', 'web', 'shop', taken('service:shop/web', 'shop/web-2', 'service:blog/web')],
    ['blog/blog-1', 'svc/web:80', 'blog', taken('service:blog/web', 'blog/blog-1', 'service:shop/web')],
    ['10.244.1.90', 'http://web', 'blog', taken('service:blog/web', 'blog/blog-1', 'service:shop/web')],
    ['pod:shop/web-2', 'ticks', 'blog', elsewhere],
    ['pod:shop/web-2', 'api', 'shop', undefined],
    ['pod:shop/web-2', 'web.blog', 'blog', undefined],
    ['pod:shop/web-2', 'ticks.blog.svc.cluster.local', 'blog', undefined],
    ['pod:shop/web-2', 'blog/web', 'blog', undefined],
    ['outside', 'ticks', 'blog', undefined],
    // Endpoints and Nodes have addresses, too, but are in no namespace.
    ['10.244.2.99', 'ticks', 'blog', undefined],
    ['192.0.2.11', 'ticks', 'blog', undefined],
    ['node/worker-2', 'ticks', 'blog', undefined],
  ])('%s means of %s the one in %s', (from, to, namespace, remark) => {
    expect(namesOf(from, to)).toMatchObject({ target: { kind: 'service', namespace }, remark });
  });

  test.each(['outside', 'node', '10.9.9.9', '10.244.2.99', 'worker-2'])(
    'from %s, no namespace is preferred',
    (from) => {
      expect(namesOf(from, 'web')).toContain('web is ambiguous');
    },
  );

  test('-n has precedence', () => {
    expect(namesOf('pod:shop/web-2', 'web', { namespace: 'blog' })).toMatchObject({
      target: { namespace: 'blog' },
      remark: undefined,
    });
  });

  test('a Service and a Pod of one name stay ambiguous', () => {
    expect(namesOf('pod:shop/web-2', 'web-1')).toBe(
      'web-1 is ambiguous: it may be service:shop/web-1 and pod:shop/web-1; give one of them',
    );
  });
});

describe('clients', () => {
  const [view] = views;
  const known = view && { view, locations };
  const ofWorker2 = 'the packets of worker-2 pass the rules of worker-2 first; these are the rules of worker-1';
  test.each([
    ['outside', '10.96.0.10', { source: '203.0.113.1' }],
    [
      'world',
      '10.96.0.20',
      {
        source: '203.0.113.1',
        remark:
          'cluster IPs are usually not routed outside the cluster: their verdict assumes that the packet reaches the node',
      },
    ],
    ['node', '10.96.0.20', { source: '192.0.2.11' }],
    ['node', '10.96.0.10', { source: '192.0.2.11' }],
    ['worker-1', '10.96.0.10', { source: '192.0.2.11' }],
    ['worker-2', '10.96.0.10', { source: '192.0.2.12', remark: ofWorker2 }],
    ['192.0.2.12', '10.96.0.10', { source: '192.0.2.12', remark: ofWorker2 }],
    ['node/worker-2', '10.96.0.20', { source: '192.0.2.12', remark: ofWorker2 }],
    ['192.0.2.11', '10.96.0.10', { source: '192.0.2.11' }],
    ['node/shop/worker-2', '10.96.0.10', 'a Node has no namespace: write node/worker-2'],
    [
      '10.244.2.99',
      '10.96.0.10',
      {
        source: '10.244.2.99',
        remark:
          '10.244.2.99 is on worker-2, so its packets pass the rules of worker-2 first; these are the rules of worker-1',
      },
    ],
    [
      '10.244.2.6',
      '10.96.0.10',
      {
        source: '10.244.2.6',
        remark:
          'Pod shop/web-2 runs on worker-2, so its packets pass the rules of worker-2 first; these are the rules of worker-1',
      },
    ],
    ['node/worker-2', 'fd00::1', 'Node worker-2 has no IPv6 address'],
    ['node', '198.51.100.11', { source: '198.51.100.11' }],
    ['node', '127.0.0.1', { source: '127.0.0.1' }],
    ['node', 'fd00::1', 'no IPv6 address of the node is known; use --node-ip'],
    ['pod:shop/web-1', '10.96.0.10', { source: '10.244.1.5' }],
    ['pod/api-1', '10.96.0.10', { source: '10.244.2.31', remark: expect.stringContaining('runs on worker-2') }],
    ['pod:shop/web-1', 'fd00::1', 'Pod shop/web-1 has no IPv6 address'],
    ['pod:shop/pending-0', '10.96.0.10', 'Pod shop/pending-0 has no address yet: it has not started'],
    ['pod:shop/job-1', '10.96.0.10', 'Pod shop/job-1 has finished: it sends no packets'],
    [
      'pod:shop/proxy-1',
      '10.96.0.10',
      { source: '192.0.2.11', remark: 'Pod shop/proxy-1 uses the host network: its packets are those of the node' },
    ],
    ['pod:shop/proxy-2', '10.96.0.10', { source: '192.0.2.12', remark: expect.stringContaining('runs on worker-2') }],
    [
      'pod:shop/wbe-1',
      '10.96.0.10',
      'no Pod or EndpointSlice in the input names Pod shop/wbe-1; did you mean shop/web-1?',
    ],
    ['wrker-2', '10.96.0.10', 'there is no Pod or Node wrker-2; did you mean node/worker-2?'],
    ['10.1.2.3', 'fd00::1', 'source 10.1.2.3 is IPv4, but destination fd00::1 is IPv6'],
  ])('%s to %s', (text, destination, expected) => {
    const names = namesOf(text, `${destination.includes(':') ? `[${destination}]` : destination}:80`);
    const localAddresses = ['192.0.2.11', '198.51.100.11'];
    const surroundings = { destination, localAddresses, isClusterIP: destination === '10.96.0.20', known };
    expect(typeof names === 'string' ? names : resolveClient(names.client, surroundings)).toEqual(expected);
  });
});

test.each([
  ['pod:shop/api-1', 'shop/web', 'worker-2'],
  ['10.244.1.5', 'shop/web', 'worker-1'],
  ['pod:shop/proxy-2', 'shop/web', 'worker-2'],
  ['outside', 'worker-2:30080', 'worker-2'],
  ['outside', '192.0.2.12:30080', 'worker-2'],
  ['outside', 'shop/web', undefined],
  ['worker-2', 'shop/web', 'worker-2'],
  ['node/worker-1', 'worker-2:30080', 'worker-2'],
  ['10.244.1.5', 'worker-2:30080', 'worker-2'],
  ['192.0.2.12', 'shop/web', 'worker-2'],
  ['192.0.2.12', '192.0.2.11:30080', 'worker-1'],
  ['pod:shop/api-1', '192.0.2.11:30080', 'worker-1'],
  ['192.0.2.12', '192.0.2.11:4443', 'worker-1'],
  ['node', 'shop/web', undefined],
  ['pod:shop/pending-0', 'shop/web', undefined],
])('from %s to %s is about the rules of %s', (from, to, expected) => {
  const [client, target] = [parseClient(from), parseTarget(to)];
  if (typeof client === 'string' || typeof target === 'string') {
    throw new Error(`${client} ${target}`);
  }
  expect(nodeOfQuestion(client, target, { ...directory, nodeName: '' })).toBe(expected);
});
