import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, deployment, describeService, service, type TestLab } from './run-lab.ts';

const both = { ipFamilyPolicy: 'RequireDualStack' };

/** A Service of each type, each with what is behind it. */
const objects = [
  deployment('client', [{ containerPort: 80 }]),
  deployment(
    'web',
    [{ containerPort: 8080 }, { name: 'admin', containerPort: 9090 }, { containerPort: 5000, protocol: 'UDP' }],
    2,
  ),
  service(
    'web',
    [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'admin', port: 90, targetPort: 'admin' },
      { name: 'udp', port: 5000, protocol: 'UDP' },
    ],
    both,
  ),
  service('six', [{ name: 'http', port: 80, targetPort: 8080 }], { ipFamilies: ['IPv6'], selector: { app: 'web' } }),
  service(
    'node-port',
    [
      { name: 'http', port: 80, targetPort: 8080, nodePort: 30080 },
      { name: 'udp', port: 5000, protocol: 'UDP', nodePort: 30500 },
    ],
    {
      ...both,
      type: 'NodePort',
      selector: { app: 'web' },
    },
  ),
  service(
    'balanced',
    [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'udp', port: 5000, protocol: 'UDP' },
    ],
    {
      ...both,
      type: 'LoadBalancer',
      selector: { app: 'web' },
    },
  ),
  deployment('single', [{ containerPort: 8080 }]),
  service('local', [{ port: 80, targetPort: 8080 }], {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    selector: { app: 'single' },
  }),
  service('headless', [{ port: 8080 }], { clusterIP: 'None', selector: { app: 'web' } }),
  service('elsewhere', [], {
    type: 'ExternalName',
    externalName: 'example.org',
    selector: undefined,
    ports: undefined,
  }),
  service('database', [{ port: 5432, targetPort: 5433 }], { selector: undefined }),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'database-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'database' } },
    addressType: 'IPv4',
    ports: [{ port: 5433, name: '' }],
    endpoints: [{ addresses: ['192.0.2.55'] }],
  },
  service('nobody', [{ port: 80 }], { selector: { app: 'nobody' } }),
];

describe('a lab with Services of all types', () => {
  let lab: TestLab;
  const client = 'deployment/shop/client';
  const curl = (url: string, from = client): Promise<string> => lab.curl(from, url);
  /** A datagram, sent by bash, which has sockets. */
  const udp = async (host: string, port: number, from = client): Promise<string> => {
    const script = 'exec 3<>"/dev/udp/$0/$1" && echo hello >&3 && timeout 3 head -n 1 <&3';
    return (await lab.lab('shell', '--from', from, 'bash', '-c', script, host, String(port))).stdout;
  };

  beforeAll(async () => {
    lab = await bringUp('services', objects);
  });
  afterAll(async () => {
    await lab?.down();
  });

  test('answers at names of Services, short and long', async () => {
    const answers = await Promise.all(
      ['web', 'web.shop', 'web.shop.svc.cluster.local'].map((name) => curl(`http://${name}`)),
    );
    for (const answer of answers) {
      expect(answer).toMatch(/^shop\/web-[01] on node-\d in zone-\w answers \S+ at \S+:8080 over TCP$/);
    }
  });

  test('answers at every port of a Service, named ones too, and refuses others', async () => {
    expect(await curl('http://web:90')).toContain(':9090 over TCP');
    expect((await lab.lab('curl', '--from', client, '-s', '-m', '3', 'http://web:81')).exitCode).toBe(7);
    expect((await lab.lab('curl', '--from', client, '-s', '-m', '3', 'http://nobody')).exitCode).toBe(7);
  });

  test('answers over IPv6', async () => {
    const [, address = ''] = (await describeService(lab, 'shop/web')).addresses;
    expect(address).toContain(':');
    expect(await curl(`http://[${address}]`)).toMatch(/answers \[fd00:.*\]:\d+ at \[fd00:.*\]:8080 over TCP/);
    expect(await curl('http://six')).toMatch(/answers \[fd00:/);
    expect(await udp(address, 5000)).toMatch(/^shop\/web-[01] .* at \[fd00:.*\]:5000 over UDP$/);
  });

  test('answers UDP', async () => {
    const [address = ''] = (await describeService(lab, 'shop/web')).addresses;
    expect(await udp(address, 5000)).toMatch(/^shop\/web-[01] on node-\d in zone-\w answers 10\.244\..* over UDP$/);
  });

  test('answers at node ports, from outside and of both families', async () => {
    expect(await curl('http://198.18.0.2:30080', 'outside')).toMatch(/^shop\/web-[01] on /);
    expect(await curl('http://[2001:db8::3]:30080', 'outside')).toMatch(/^shop\/web-[01] on /);
    expect(await udp('198.18.0.1', 30500, 'outside')).toMatch(/over UDP$/);
    expect(await udp('2001:db8::1', 30500, 'outside')).toMatch(/over UDP$/);
  });

  test('answers at addresses of the load balancer, and refuses other ports there', async () => {
    const [four = '', six = ''] = (await describeService(lab, 'shop/balanced')).external;
    expect(await curl(`http://${four}`, 'outside')).toMatch(/^shop\/web-[01] on /);
    expect(await curl(`http://[${six}]`, 'outside')).toMatch(/^shop\/web-[01] on /);
    expect(await curl(`http://${four}`)).toMatch(/^shop\/web-[01] on /);
    expect(await udp(four, 5000, 'outside')).toMatch(/over UDP$/);
    expect((await lab.lab('curl', '-s', '-m', '3', `http://${four}:81`)).exitCode).toBe(7);
  });

  test('keeps the source of clients with policy Local, where the load balancer asks for health', async () => {
    const [address = ''] = (await describeService(lab, 'shop/local')).external;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await curl(`http://${address}`, 'outside')).toMatch(
        /^shop\/single-0 on .* answers 203\.0\.113\.1:\d+ at /,
      );
    }
  });

  test('has DNS for headless Services and external names', async () => {
    const dig = async (...words: string[]): Promise<string[]> =>
      (await lab.lab('dig', '--from', client, '+short', ...words)).stdout.split('\n').sort();
    expect(await dig('headless.shop.svc.cluster.local')).toEqual([
      expect.stringMatching(/^10\.244\./),
      expect.stringMatching(/^10\.244\./),
    ]);
    expect(await dig('elsewhere.shop.svc.cluster.local', 'CNAME')).toEqual(['example.org.']);
    expect(await dig('+tcp', '_http._tcp.web.shop.svc.cluster.local', 'SRV')).toEqual([
      '0 100 80 web.shop.svc.cluster.local.',
    ]);
    expect(await curl('http://headless:8080')).toMatch(/^shop\/web-[01] on /);
  });

  test('answers for endpoints that are not Pods', async () => {
    expect(await curl('http://database:5432')).toMatch(/^192\.0\.2\.55 answers .* at 192\.0\.2\.55:5433 over TCP$/);
  });

  test('answers from nodes', async () => {
    const [address = ''] = (await describeService(lab, 'shop/web')).addresses;
    expect(await curl(`http://${address}`, 'node:node-2')).toMatch(/^shop\/web-[01] on /);
  });
});
