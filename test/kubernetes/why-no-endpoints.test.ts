import { describe, expect, test } from 'vitest';
import { readEndpointSources } from '../../src/kubernetes/endpoint-sources.ts';
import { whyNoEndpoints } from '../../src/kubernetes/why-no-endpoints.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';

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

function pod(name: string, labels: string, namespace = 'shop', rest = ''): string {
  return `
kind: Pod
apiVersion: v1
metadata: {name: ${name}, namespace: ${namespace}, labels: {${labels}}}
${rest}
`;
}

const web = 'app: web, tier: front';
const empty = slice('web-1', 'addressType: IPv4\nports: []\nendpoints: []');

function why(
  parts: readonly string[],
  given: { portName?: string; protocol?: 'tcp' | 'udp'; family?: 'ip' | 'ip6' } = {},
) {
  const content = Buffer.from(parts.join('---\n'));
  const sources = readEndpointSources(readDocuments([{ file: 'a.yaml', content }]).documents);
  const { portName = '', protocol = 'tcp', family = 'ip' } = given;
  const cause = whyNoEndpoints({ namespace: 'shop', name: 'web', portName, protocol }, family, sources);
  return { code: cause.code, text: cause.text() };
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
      'no EndpointSlice belongs to it: its selector is app=web,tier=front, but the pods of shop with tier=front have app=wbe',
    ],
    [
      'an empty slice, although Pods match',
      [service, slice('web-1', 'addressType: IPv4\nports: []\nendpoints: []'), pod('a', 'app: web, tier: front')],
      'empty-slices',
      'EndpointSlice shop/web-1 is empty, although its selector app=web,tier=front matches 1 pod',
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
      'its only endpoint has only an IPv6 address',
    ],
    [
      'no family of a proxy',
      [service, slice('web-1', 'addressType: FQDN\nports: []\nendpoints: [{addresses: [a.example.com]}]')],
      'other-family',
      'its endpoints are FQDN, not IPv4',
    ],
  ])('%s', (_, parts, code, text) => {
    expect(why(parts)).toEqual({ code, text });
  });
});

test('names from the input cannot control a terminal', () => {
  const hostile = service.replace('app: web', '"a\\e[31m": "\\r"');
  expect(why([hostile]).text).toContain('a\\u001b[31m=\\r');
});

describe('the selector and the pods that it nearly matches', () => {
  test.each([
    [
      'a value with a typo',
      [pod('a', 'app: webb, tier: front'), pod('b', 'app: webb, tier: front')],
      'the pods of shop with tier=front have app=webb',
    ],
    [
      'a value with a typo, and other pods',
      [pod('a', 'app: wbe'), pod('b', 'app: db'), pod('c', 'other: x')],
      'pods of shop have app=wbe',
    ],
    ['quite other values', [pod('a', 'app: api'), pod('b', 'app: db')], 'the pods of shop have app=api or app=db'],
    [
      'many other values',
      ['a', 'b', 'c', 'd'].map((one) => pod(one, `app: ${one}`)),
      'the pods of shop have app=a, app=b, app=c, ...',
    ],
    [
      'a label that the pods lack',
      [pod('a', 'app: web'), pod('b', 'app: web')],
      'the pods of shop with app=web have no label tier',
    ],
    ['a key with a typo', [pod('a', 'apps: web'), pod('b', 'x: y')], 'pods of shop have apps=web'],
  ])('%s', (_, pods, text) => {
    expect(why([service, empty, ...pods]).text).toBe(
      `EndpointSlice shop/web-1 is empty: its selector is app=web,tier=front, but ${text}`,
    );
  });

  test.each([
    [
      'pods in another namespace',
      [pod('a', web, 'other'), pod('b', 'x: y')],
      'matches no pod in namespace shop, but pods in namespace other',
    ],
    ['pods with nothing in common', [pod('a', 'x: y'), pod('b', '')], 'matches none of the 2 pods in namespace shop'],
  ])('%s', (_, pods, text) => {
    expect(why([service, empty, ...pods]).text).toBe(
      `EndpointSlice shop/web-1 is empty: its selector app=web,tier=front ${text}`,
    );
  });

  test('pods that are finished', () => {
    const done = ['Succeeded', 'Failed'].map((phase) => pod(phase, web, 'shop', `status: {phase: ${phase}}`));
    expect(why([service, empty, ...done]).text).toBe(
      'EndpointSlice shop/web-1 is empty: the pods that its selector app=web,tier=front matches are finished',
    );
  });
});

describe('a typo that few of many pods have', () => {
  const many = (count: number, labelsOf: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => pod(`many-${index}`, labelsOf(index)));
  test.each([
    [
      'more replicas',
      many(600, () => 'app: web, tier: back'),
      'tier: frontt',
      'pods of shop with app=web have tier=frontt',
    ],
    [
      'more replicas without the label',
      many(600, () => 'app: web'),
      'tier: frontt',
      'pods of shop with app=web have tier=frontt',
    ],
    [
      'replicas of two workloads',
      many(1_200, (index) => `app: web, tier: ${index % 2 === 0 ? 'back' : 'cache'}`),
      'tier: frnt',
      'pods of shop with app=web have tier=frnt',
    ],
  ])('beside %s', (_, others, label, text) => {
    const few = ['a', 'b'].map((name) => pod(name, `app: web, ${label}`));
    expect(why([service, empty, ...others, ...few]).text).toBe(
      `EndpointSlice shop/web-1 is empty: its selector is app=web,tier=front, but ${text}`,
    );
  });

  test.each([
    ['have another value', (index: number) => `app: web, index: "${index}", tier: back`, 'have tier=back'],
    ['lack a label', (index: number) => `app: web, index: "${index}"`, 'have no label tier'],
    [
      'have several values',
      (index: number) => `app: web, index: "${index}", tier: b${index % 2}x`,
      'have tier=b0x or tier=b1x',
    ],
  ])('is not denied where more combinations of labels than are compared %s', (_, labelsOf, text) => {
    const parts = [service, empty, ...many(600, labelsOf), pod('last', 'app: web, tier: cache')];
    expect(why(parts).text).toBe(
      `EndpointSlice shop/web-1 is empty: its selector is app=web,tier=front, but pods of shop with app=web ${text}`,
    );
  });
});

describe('pods that match, but have no endpoint', () => {
  const unschedulable =
    'status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable}]}';
  const crashing =
    'status: {phase: Running, conditions: [{type: Ready, status: "False"}], containerStatuses: [{name: web, ready: false, state: {waiting: {reason: CrashLoopBackOff}}}]}';
  test.each([
    [[unschedulable], ': the only pod that its selector app=web,tier=front matches is Pending (Unschedulable)'],
    [
      [unschedulable, crashing, unschedulable],
      ': of the 3 pods that its selector app=web,tier=front matches, 2 are Pending (Unschedulable), 1 is not ready (CrashLoopBackOff)',
    ],
    [['status: {phase: Running}'], ', although its selector app=web,tier=front matches 1 pod'],
  ])('%#', (statuses, text) => {
    const pods = statuses.map((status, index) => pod(`web-${index}`, web, 'shop', status));
    expect(why([service, empty, ...pods]).text).toBe(`EndpointSlice shop/web-1 is empty${text}`);
  });
});

describe('a slice that is meant for the Service, but does not belong to it', () => {
  test.each([
    [
      'the label names no Service',
      slice('wbe-1', one).replace(': web}', ': wbe}'),
      'EndpointSlice shop/wbe-1 has the label kubernetes.io/service-name=wbe, which names no Service of the input',
    ],
    [
      'no label',
      slice('web-manual', one).replace(/, labels: .*}/, '}'),
      'EndpointSlice shop/web-manual has no label kubernetes.io/service-name',
    ],
    [
      'another namespace',
      slice('web-1', one).replace('namespace: shop', 'namespace: prod'),
      'EndpointSlice prod/web-1 is in another namespace',
    ],
  ])('%s', (_, stray, text) => {
    expect(why([service, stray])).toEqual({ code: 'no-slice', text: `no EndpointSlice belongs to it: ${text}` });
    expect(why([service.replace(/selector: \{.*?\}, /, ''), stray]).text).toBe(
      `no EndpointSlice belongs to it: ${text}`,
    );
  });

  test('is not one of another Service', () => {
    const other = [service.replace('name: web', 'name: wbe'), slice('wbe-1', one).replace(': web}', ': wbe}')];
    expect(why([service, ...other]).text).toContain('no EndpointSlice belongs to it: no pod matches');
  });
});

test('thousands of Services without endpoints and slices without a Service are compared in little time', () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => index);
  const documents = numbers.flatMap((number) => [
    { kind: 'Service', metadata: { name: `name-of-a-service-${number * 7919}`, namespace: 'shop' } },
    {
      kind: 'EndpointSlice',
      metadata: {
        name: `stray-${number}`,
        namespace: 'shop',
        labels: { 'kubernetes.io/service-name': `name-of-a-slice-${number * 104_729}` },
      },
    },
  ]);
  const sources = readEndpointSources(documentsOf(documents));
  const texts = numbers.map((number) => {
    const name = `name-of-a-service-${number * 7919}`;
    return whyNoEndpoints({ namespace: 'shop', name, portName: '', protocol: 'tcp' }, 'ip', sources).text();
  });
  expect(new Set(texts)).toEqual(
    new Set(['no EndpointSlice belongs to it (it has no selector, so its EndpointSlices must be written by hand)']),
  );
}, 30_000);

describe('a targetPort that is the name of no port', () => {
  const named = service.replace('port: 80', 'port: 80, targetPort: http');
  const filled = slice('web-1', `${one}\nports: []`);
  test.each([
    [
      '{name: http-web, containerPort: 8080}, {name: metrics, containerPort: 9102}',
      'but its pods call their ports http-web (8080), metrics (9102)',
    ],
    ['{containerPort: 8080}', 'but its pods call their ports 8080'],
    ['', 'but its pods declare no ports'],
    ['{name: http, containerPort: 8080, protocol: UDP}', 'but its pods have http (8080) over udp, not tcp'],
  ])('[%s]', (ports, text) => {
    const pods = ['a', 'b'].map((name) => pod(name, web, 'shop', `spec: {containers: [{name: c, ports: [${ports}]}]}`));
    expect(why([named, filled, ...pods])).toEqual({ code: 'port-mismatch', text: `targetPort is "http", ${text}` });
  });

  test.each([
    ['a pod has it', named, '{name: http, containerPort: 8080}'],
    ['it is a number', service, '{name: web, containerPort: 8080}'],
  ])('says nothing where %s', (_, given, ports) => {
    const sidecar = pod('a', web, 'shop', `spec: {initContainers: [{restartPolicy: Always, ports: [${ports}]}]}`);
    expect(why([given, filled, sidecar]).text).toContain('EndpointSlice shop/web-1 has 1 endpoint, but no port');
  });
});

describe('a slice port with the right name and no valid number', () => {
  test.each([
    ['name: http, port: 0', 'http', 'port http of EndpointSlice shop/web-1 is 0, which is not a port number'],
    ['name: http', 'http', 'port http of EndpointSlice shop/web-1 has no number'],
    ['name: "", port: 70000', '', 'the port of EndpointSlice shop/web-1 is 70000, which is not a port number'],
  ])('%s', (port, portName, text) => {
    expect(why([service, slice('web-1', `${one}\nports: [{${port}}]`)], { portName })).toEqual({
      code: 'port-mismatch',
      text,
    });
  });

  test('comes before what pods declare', () => {
    const named = service.replace('port: 80', 'port: 80, targetPort: http');
    const other = pod('a', web, 'shop', 'spec: {containers: [{ports: [{name: http-web, containerPort: 8080}]}]}');
    const slices = slice('web-1', `${one}\nports: [{name: "", port: 0}]`);
    expect(why([named, slices, other]).text).toBe(
      'the port of EndpointSlice shop/web-1 is 0, which is not a port number',
    );
  });
});

describe('pods of one family', () => {
  const four = slice(
    'web-1',
    'addressType: IPv4\nports: [{name: "", port: 80}]\nendpoints: [{addresses: [10.4.5.6]}, {addresses: [10.4.5.7]}]',
  );
  const at = (...addresses: string[]) =>
    pod(
      `web-${addresses.length}`,
      web,
      'shop',
      `status: {podIPs: [${addresses.map((ip) => `{ip: "${ip}"}`).join(', ')}]}`,
    );
  test.each([
    ['pods without an address of the family', [at('10.4.5.6')], 'its 2 pods have only IPv4 addresses'],
    ['no pods in the input', [], 'its 2 endpoints have only IPv4 addresses'],
    [
      'a pod with both',
      [at('10.4.5.6', 'fd00::6')],
      'its EndpointSlices are all IPv4, although 1 of its pods has an IPv6 address',
    ],
  ])('%s', (_, pods, text) => {
    expect(why([service, four, ...pods], { family: 'ip6' })).toEqual({ code: 'other-family', text });
  });
});
