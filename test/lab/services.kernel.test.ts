import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, service, type TestLab, workload } from './run-lab.ts';

const both = { ipFamilyPolicy: 'RequireDualStack' };
const ofWeb = { selector: { app: 'web' } };
const http = { name: 'http', port: 80, targetPort: 8080 };
const udp = { name: 'udp', port: 5000, protocol: 'UDP' };

/** A Service of each type, and what is behind it. */
const objects = [
  workload('client', [{ containerPort: 80 }]),
  workload(
    'web',
    [{ containerPort: 8080 }, { name: 'admin', containerPort: 9090 }, { containerPort: 5000, protocol: 'UDP' }],
    2,
  ),
  service('web', [http, { name: 'admin', port: 90, targetPort: 'admin' }, udp], both),
  service('six', [http, udp], { ...ofWeb, ipFamilies: ['IPv6'] }),
  service(
    'node-port',
    [
      { ...http, nodePort: 30080 },
      { ...udp, nodePort: 30500 },
    ],
    { ...both, ...ofWeb, type: 'NodePort' },
  ),
  service('balanced', [http, udp], { ...both, ...ofWeb, type: 'LoadBalancer' }),
  service('external', [http], { ...ofWeb, externalIPs: ['192.0.2.80'] }),
  // As load balancers of k3s do: at the addresses of nodes themselves.
  {
    ...service('at-nodes', [{ ...http, port: 82 }], { ...ofWeb, type: 'LoadBalancer' }),
    status: { loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'bare', namespace: 'shop', labels: { app: 'bare' } },
    spec: { containers: [{ name: 'app', image: 'app', ports: [{ containerPort: 8080 }] }] },
  },
  service('bare', [http]),
  workload('single', [{ containerPort: 8080 }]),
  service('local', [http], { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: { app: 'single' } }),
  {
    ...service('proxied', [{ ...http, nodePort: 30081 }], { ...ofWeb, type: 'LoadBalancer' }),
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.250', ipMode: 'Proxy' }] } },
  },
  service('headless', [{ port: 8080 }], { ...ofWeb, clusterIP: 'None' }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'elsewhere', namespace: 'shop' },
    spec: { type: 'ExternalName', externalName: 'example.org' },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'database', namespace: 'shop' },
    spec: { ports: [{ port: 5432, targetPort: 5433 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'database-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'database' } },
    addressType: 'IPv4',
    ports: [{ port: 5433, name: '' }],
    endpoints: [{ addresses: ['192.0.2.55'] }],
  },
  workload('agent', [{ containerPort: 9100 }], 1, 'DaemonSet', { hostNetwork: true }),
  service('agent', [{ port: 9100 }], { internalTrafficPolicy: 'Local' }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api', namespace: 'shop' },
    spec: { ports: [{ port: 443, targetPort: 6443 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'api', namespace: 'shop' },
    subsets: [{ addresses: [{ ip: '198.18.0.3' }], ports: [{ port: 6443 }] }],
  },
  service('nobody', [http]),
  service('sticky', [http], { ...ofWeb, sessionAffinity: 'ClientIP' }),
];

describe('a lab with Services of all types', () => {
  let lab: TestLab;
  let podAddresses: string[];

  beforeAll(async () => {
    lab = await bringUp('services', objects);
    const { pods } = await lab.status();
    podAddresses = pods.filter(({ name }) => name.startsWith('shop/web-')).map(({ addresses: [four = ''] }) => four);
  });
  afterAll(async () => {
    await lab?.run('down');
  });

  const client = 'deployment/shop/client';
  const answeredBy = 'deployment/web';

  test('answers Pods at names and addresses of Services', async () => {
    const { services } = await lab.status();
    const [four, six] = services.find(({ name }) => name === 'shop/web')?.addresses ?? [];
    const seen = { answeredBy, seenFrom: 'client' };
    expect(
      await lab.failures([
        ...[
          'web',
          'web.shop',
          'web.shop.svc.cluster.local',
          'web:90',
          `${four}`,
          `[${six}]`,
          'six',
          'headless:8080',
        ].map((host) => ({ from: client, to: `http://${host}`, ...seen })),
        ...['web', 'six', `${four}`, `[${six}]`].map((host) => ({ from: client, to: `udp://${host}:5000`, ...seen })),
        { from: client, to: 'http://web', answeredBy, times: 30, all: true },
        { from: client, to: 'tcp://web:90', ...seen },
        { from: client, to: 'http://bare', answeredBy: 'pod:shop/bare', seenFrom: 'client' },
        { from: client, to: 'tcp://database:5432', answeredBy: '192.0.2.55', seenFrom: 'client' },
        { from: 'node:node-2', to: `http://${four}`, answeredBy },
        { from: client, to: 'http://agent:9100', answeredBy: 'daemonset/agent' },
        { from: client, to: 'tcp://api:443', answeredBy: 'node:node-3' },
        { from: client, to: 'http://web:81', result: 'refused' },
        { from: client, to: 'http://nobody', result: 'refused' },
        { from: client, to: 'http://nothing', result: 'unknown name' },
        { from: 'pod:shop/web-0', to: 'http://web', answeredBy, times: 20, all: true },
      ]),
    ).toEqual([]);
  });

  test('answers clients outside at node ports, at addresses of load balancers and at external IPs', async () => {
    const { services, nodes } = await lab.status();
    const [, six] = services.find(({ name }) => name === 'shop/balanced')?.external ?? [];
    const places = [
      ...nodes.flatMap(({ addresses: [node4, node6] }) => [`${node4}:30080`, `[${node6}]:30080`]),
      ...['balanced.shop', `[${six}]`, 'proxied', '192.0.2.80'],
    ];
    expect(
      await lab.failures([
        ...places.map((place) => ({ from: 'outside', to: `http://${place}`, answeredBy })),
        ...['198.18.0.1:30500', '[2001:db8::1]:30500', 'balanced:5000', `[${six}]:5000`].map((place) => ({
          ...{ from: 'outside', to: `udp://${place}`, answeredBy },
        })),
        { from: 'outside', to: 'http://local', answeredBy: 'pod:shop/single-0', times: 10, seenFrom: 'client' },
        { from: 'outside', to: 'http://198.18.0.1:82', answeredBy, times: 5 },
        { from: 'outside', to: 'http://balanced:81', result: 'refused' },
        { from: 'outside', to: 'http://198.18.0.1:30081', answeredBy },
      ]),
    ).toEqual([]);
  });

  test('sends connections to a load balancer with policy Local only to nodes with endpoints', async () => {
    const { pods, loadBalancer, services } = await lab.status();
    const node = pods.find(({ name }) => name === 'shop/single-0')?.node;
    expect(loadBalancer.find((one) => one.service === 'shop/local')?.nodes).toEqual([node]);
    expect(loadBalancer.find((one) => one.service === 'shop/balanced')?.nodes).toEqual(['node-1', 'node-2', 'node-3']);
    expect(services.find(({ name }) => name === 'shop/proxied')?.external).toEqual(['198.51.100.250']);
  });

  test('has the records of DNS', async () => {
    const name = (one: string): string => `dns:${one}.shop.svc.cluster.local`;
    expect(
      await lab.failures([
        { from: client, to: name('headless'), records: podAddresses },
        { from: client, to: name('elsewhere'), type: 'CNAME', records: 'example.org' },
        { from: client, to: name('_http._tcp.web'), type: 'SRV', records: '0 100 80 web.shop.svc.cluster.local' },
        { from: client, to: name('nothing'), result: 'unknown name' },
        { from: 'node:node-1', to: name('headless'), result: 'refused' },
      ]),
    ).toEqual([]);
  });

  test('says which expectation is not met, and how', async () => {
    expect(await lab.failures([{ from: client, to: 'http://web', answeredBy: 'deployment/single' }])).toEqual([
      expect.stringMatching(
        /^FAIL {2}deployment\/shop\/client -> http:\/\/web: expected an answer of deployment\/single, answered by shop\/web-\d$/,
      ),
      'exit code 1',
      '',
    ]);
    expect(await lab.failures([{ from: 'pod:shop/nope', to: 'http://web' }])).toEqual([
      expect.stringContaining('there is no Pod "shop/nope"'),
      'exit code 1',
      '',
    ]);
  });

  test('runs programs of the machine in the network of a client, with their exit codes', async () => {
    expect(await lab.curl(client, 'http://web.shop/path')).toMatch(/^shop\/web-\d on node-\d in zone-\w answers /);
    const dig = await lab.run('dig', '--from', client, '+short', 'elsewhere.shop.svc.cluster.local', 'CNAME');
    expect(dig.stdout).toBe('example.org.');
    const shell = await lab.run('shell', '--from', client, 'sh', '-c', 'hostname; pwd; exit 7');
    expect(shell).toMatchObject({ exitCode: 7, stdout: `client-0\n${process.cwd()}` });
    expect(await lab.run('shell', 'no-such-program')).toMatchObject({
      exitCode: 4,
      stderr: 'error: no-such-program is not installed on this machine',
    });
  });
});
