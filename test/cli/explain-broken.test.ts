import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

/** A cluster of two nodes; each Service below is broken in its own way. */
const nodes = `---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.0.2.11}, {type: ExternalIP, address: 198.51.100.11}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.0.2.12}]}}
---
{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: kubernetes}, spec: {cidrs: [10.96.0.0/16]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client, namespace: d}, spec: {nodeName: n1}, status: {phase: Running, podIP: 10.42.0.9}}
---
{apiVersion: v1, kind: Pod, metadata: {name: a-1, namespace: d, labels: {app: a}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.42.1.1}}
`;

function service(spec: string, status = '{}'): string {
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: a, namespace: d}, spec: {clusterIP: 10.96.0.10, selector: {app: a}, ${spec}}, status: ${status}}\n`;
}

function slice(ports: string, endpoints: string): string {
  return `---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a-1, namespace: d, labels: {kubernetes.io/service-name: a}}, addressType: IPv4, ports: [${ports}], endpoints: [${endpoints}]}\n`;
}

const http = '{name: http, port: 8080}';
const ready = '{addresses: [10.42.1.1], nodeName: n2, targetRef: {kind: Pod, namespace: d, name: a-1}}';
const notReady = '{addresses: [10.42.1.1], nodeName: n2, conditions: {ready: false}}';
const ports = 'ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]';
const balanced = '{loadBalancer: {ingress: [{ip: 203.0.113.200}]}}';
const client = 'pod:d/client';

/** What is wrong, its manifests, client and target, and the first line. */
const broken: readonly [what: string, manifests: string, from: string, to: string, headline: string][] = [
  [
    'selector that matches no pod',
    service(ports).replace('app: a', 'app: b') + slice(http, ''),
    client,
    'svc/a',
    'REFUSED (the client gets a TCP reset at once) at cluster IP 10.96.0.10:80/tcp: d/a:http has no endpoints: EndpointSlice d/a-1 is empty: its selector is app=b, but pods of d have app=a',
  ],
  [
    'no EndpointSlice at all',
    service(ports),
    client,
    'd/a:http',
    'REFUSED (the client gets a TCP reset at once) at cluster IP 10.96.0.10:80/tcp: d/a:http has no endpoints: no EndpointSlice belongs to it, although its selector app=a matches 1 pod',
  ],
  [
    'port name that no slice has',
    service(ports) + slice('{name: web, port: 8080}', ready),
    client,
    '10.96.0.10',
    'REFUSED (the client gets a TCP reset at once): d/a:http has no endpoints: EndpointSlice d/a-1 has 1 endpoint, but no port with name "http" and protocol TCP (it has web/TCP 8080)',
  ],
  [
    'protocol that no slice has',
    service('ports: [{name: dns, port: 53, protocol: UDP}]') + slice('{name: dns, port: 53, protocol: TCP}', ready),
    client,
    'a.d.svc.cluster.local:53',
    'REFUSED (the client gets an ICMP error): d/a:dns has no endpoints: EndpointSlice d/a-1 has 1 endpoint, but no port with name "dns" and protocol UDP (it has dns/TCP 53)',
  ],
  [
    'pods that are not ready',
    service(ports) + slice(http, notReady),
    client,
    'http://a.d',
    'REFUSED (the client gets a TCP reset at once) at cluster IP 10.96.0.10:80/tcp: the only endpoint of d/a:http is not ready',
  ],
  [
    'externalTrafficPolicy Local without a local endpoint',
    service(`type: LoadBalancer, externalTrafficPolicy: Local, ${ports}`, balanced) + slice(http, ready),
    'world',
    'd/a',
    'DROPPED (the client times out) at load balancer IP 203.0.113.200:80/tcp: externalTrafficPolicy is Local and d/a:http has no endpoint on n1; its only endpoint is on n2',
  ],
  [
    'internalTrafficPolicy Local without a local endpoint',
    service(`internalTrafficPolicy: Local, ports: [{name: http, port: 80}]`) + slice(http, ready),
    client,
    'd/a',
    'DROPPED (the client times out): internalTrafficPolicy is Local and d/a:http has no endpoint on n1; its only endpoint is on n2',
  ],
  [
    'source ranges that exclude the client',
    service(`type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24], ${ports}`, balanced) + slice(http, ready),
    '203.0.113.9',
    'd/a',
    'DROPPED (the client times out) at load balancer IP 203.0.113.200:80/tcp: 203.0.113.9 is not in spec.loadBalancerSourceRanges of d/a (198.51.100.0/24)',
  ],
  [
    'the target port instead of the port',
    service(ports) + slice(http, ready),
    client,
    'd/a:8080',
    'REFUSED (the client gets a TCP reset at once): d/a listens on 80/tcp (http); 8080 is its target port',
  ],
  [
    'a headless Service',
    service('ports: [{port: 80}]').replace('10.96.0.10', 'None') + slice(http, ready),
    client,
    'svc/a',
    'DNS ONLY (no rule is involved): d/a is headless (clusterIP None): DNS gives the addresses of its pods, 10.42.1.1 (d/a-1)',
  ],
  [
    'an ExternalName Service',
    service('type: ExternalName, externalName: db.example.com').replace('clusterIP: 10.96.0.10, ', ''),
    client,
    'svc/a',
    'DNS ONLY (no rule is involved): d/a is of type ExternalName: DNS gives the name db.example.com',
  ],
  [
    'a node port at an address that --nodeport-addresses leaves out',
    service(`type: NodePort, ${ports}`) + slice(http, ready),
    'outside',
    '198.51.100.11:30080',
    'NOT TRANSLATED (no rule applies): node port 30080 of d/a:http is not open on 198.51.100.11: nodePortAddresses is primary (192.0.2.11)',
  ],
  [
    'an address that no Service has any longer',
    service(ports) + slice(http, ready),
    client,
    '10.96.0.11:80',
    'DROPPED (the client times out): 10.96.0.11 belongs to no Service, but is in Service CIDR 10.96.0.0/16; did you mean 10.96.0.10 (d/a)?',
  ],
  [
    'a pod that is asked directly',
    service(ports) + slice(http, ready),
    client,
    'd/a-1:8080',
    'DIRECT (no rule is involved): 10.42.1.1:8080 is an endpoint of d/a:http (pod d/a-1) itself: no rule applies to packets sent to it directly',
  ],
  [
    'a healthy Service',
    service(ports) + slice(http, ready),
    client,
    'd/a',
    'SENT to 10.42.1.1:8080, the only possible endpoint of d/a:http, at both frontends',
  ],
];

describe('the first line names the cause', () => {
  test.each(broken)('%s', async (_, manifests, from, to, headline) => {
    const args = ['explain', '--node', 'n1', '--cluster-cidr', '10.42.0.0/16', '--from', from, '--to', to];
    const { exitCode, stdout } = await runMain(args, { input: nodes + manifests });
    expect({ exitCode, first: stdout.split('\n')[0] }).toEqual({ exitCode: 0, first: headline });
    // Everything below it fits a terminal.
    expect(
      stdout
        .split('\n')
        .slice(1)
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });
});

describe('a Service as target', () => {
  const api = service(`type: LoadBalancer, externalTrafficPolicy: Local, ${ports}`, balanced) + slice(http, ready);
  const ask = (...args: string[]) =>
    runMain(['explain', '--node', 'n1', '--cluster-cidr', '10.42.0.0/16', ...args], { input: nodes + api });

  test('answers for every frontend, the worst first', async () => {
    const { stdout } = await ask('--from', 'outside', '--to', 'service:d/a');
    expect(stdout.split('\n').slice(1, 12)).toEqual([
      '2 of 3 frontends of d/a fail; the worst is load balancer IP 203.0.113.200:80/tcp',
      '',
      '  DROPPED  203.0.113.200:80/tcp  load balancer IP',
      '      externalTrafficPolicy is Local and d/a:http has no endpoint on n1; its',
      '      only endpoint is on n2',
      '  DROPPED  192.0.2.11:30080/tcp  node port',
      '  SENT     10.96.0.10:80/tcp     cluster IP',
      '      to 10.42.1.1:8080, the only possible endpoint of d/a:http',
      '',
      'tcp from 203.0.113.1 to 203.0.113.200:80 on n1',
      '',
    ]);
  });

  test('in JSON, the worst is at the top and all are in a list', async () => {
    const { stdout } = await ask('--from', 'outside', '--to', 'd/a', '-o', 'json');
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      headline:
        'DROPPED (the client times out) at load balancer IP 203.0.113.200:80/tcp: externalTrafficPolicy is Local and d/a:http has no endpoint on n1; its only endpoint is on n2',
      summary: '2 of 3 frontends of d/a fail; the worst is load balancer IP 203.0.113.200:80/tcp',
      verdict: 'dropped',
      reason: { code: 'no-local-endpoints' },
      asked: { name: 'd/a:http', type: 'LoadBalancer' },
    });
    expect(
      answer.frontends.map((one: typeof answer) => [one.verdict, one.reason.code, one.packet.destination]),
    ).toEqual([
      ['dropped', 'no-local-endpoints', '203.0.113.200'],
      ['dropped', 'no-local-endpoints', '192.0.2.11'],
      ['translated', 'cluster-ip', '10.96.0.10'],
    ]);
  });

  test('--rules prints the rules of all decisions', async () => {
    const [few, all] = await Promise.all([
      ask('--from', 'outside', '--to', 'd/a'),
      ask('--from', 'outside', '--to', 'd/a', '--rules'),
    ]);
    expect(few.stdout.match(/chain \S+:/g)).toEqual(['chain incoming-refusals:']);
    expect(all.stdout.match(/chain \S+:/g)).toEqual(['chain services:', 'chain incoming-refusals:']);
  });

  test("without --node, the rules are those of the client's node, or of the node that is named", async () => {
    const nodeOf = async (from: string, to: string) => {
      const args = ['explain', '--cluster-cidr', '10.42.0.0/16', '--from', from, '--to', to, '-o', 'json'];
      return JSON.parse((await runMain(args, { input: nodes + api })).stdout).node;
    };
    expect(await nodeOf('pod:d/client', 'd/a')).toBe('n1');
    expect(await nodeOf('d/a-1', 'd/a')).toBe('n2');
    expect(await nodeOf('world', 'n2:30080')).toBe('n2');
    expect(await nodeOf('world', '192.0.2.12:30080')).toBe('n2');
  });

  test('with rules of a file, the node of the client is not taken for that of the rules', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    const settings = ['--cluster-cidr', '10.42.0.0/16'];
    const compiled = await runMain(['compile', '--node', 'n1', ...settings], { input: nodes + api });
    const rules = join(folder, 'rules.nft');
    writeFileSync(rules, compiled.stdout);
    const args = [
      'explain',
      '-',
      ...settings,
      '--ruleset',
      rules,
      '--from',
      'd/a-1',
      '--to',
      '10.96.0.10:80',
      '-o',
      'json',
    ];
    const { stdout } = await runMain(args, { input: nodes + api });
    rmSync(folder, { recursive: true });
    expect(JSON.parse(stdout)).toMatchObject({ node: '', verdict: 'translated' });
  });

  test('a node port that cannot be tried is not passed over in silence', async () => {
    const args = ['explain', '--cluster-cidr', '10.42.0.0/16', '--from', 'world', '--to', 'd/a'];
    const { stderr } = await runMain(args, { input: nodes + api });
    expect(stderr).toContain(
      'note: node port 30080 is not tried, because no address of the node is known; use --node\n',
    );
    for (const to of ['10.96.0.10:80', '10.96.0.10']) {
      const { stderr: other } = await runMain([...args.slice(0, -1), to], { input: nodes + api });
      expect(other).not.toContain('not tried');
    }
  });

  test('-n gives the namespace of names without one', async () => {
    const { stdout, exitCode } = await ask('-n', 'd', '--from', 'client', '--to', 'a:80');
    expect({ exitCode, word: stdout.split(' ')[0] }).toEqual({ exitCode: 0, word: 'SENT' });
    const other = await ask('-n', 'e', '--from', 'world', '--to', 'svc/a');
    expect({ ...other, stdout: '' }).toMatchObject({
      exitCode: 1,
      stderr: 'error: there is no Service e/a; did you mean d/a?\n',
    });
  });
});
