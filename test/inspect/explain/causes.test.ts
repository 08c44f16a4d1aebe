import { describe, expect, test } from 'vitest';
import { runMain } from '../../support/run-main.ts';

/* One broken Service after another, as kubectl prints their objects; the first line says what is wrong. */

const nodes = `---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.0.2.11}, {type: InternalIP, address: "2001:db8::11"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client, namespace: d, labels: {app: client}}, spec: {nodeName: n1}, status: {phase: Running, podIP: 10.42.0.9}}
`;

function service(spec: string, { name = 'a', ip = '10.96.0.10', meta = '' } = {}): string {
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: d${meta}}, spec: {clusterIP: ${ip}, selector: {app: ${name}}, ${spec}}}\n`;
}

function slice(ports: string, endpoints: readonly string[], name = 'a'): string {
  return `---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}-1, namespace: d, labels: {kubernetes.io/service-name: ${name}}}, addressType: IPv4, ports: [${ports}], endpoints: [${endpoints.join(', ')}]}\n`;
}

/** An endpoint of the pod `a-NUMBER`. */
function endpoint(number: number, conditions = '', nodeName = 'n2'): string {
  return `{addresses: [10.42.1.${number}], nodeName: ${nodeName}, conditions: {${conditions}}, targetRef: {kind: Pod, namespace: d, name: a-${number}}}`;
}

function pod(number: number, { ports = '', status = 'phase: Running', ip = true, node = 'n2' } = {}): string {
  const containers = `containers: [{name: main, ports: [${ports}]}]`;
  const address = ip ? `, podIP: 10.42.1.${number}` : '';
  return `---\n{apiVersion: v1, kind: Pod, metadata: {name: a-${number}, namespace: d, labels: {app: a}}, spec: {${node ? `nodeName: ${node}, ` : ''}${containers}}, status: {${status}${address}}}\n`;
}

const http = '{name: http, port: 8080}';
const web = service('ports: [{name: http, port: 80, targetPort: 8080}]');

const flags = ['explain', '--node', 'n1', '--cluster-cidr', '10.42.0.0/16'];

async function ask(manifests: string, to = 'd/a', from = 'pod:d/client') {
  const args = [...flags, '--from', from, '--to', to];
  const { stdout } = await runMain(args, { input: nodes + manifests });
  const [headline = '', ...lines] = stdout.split('\n');
  return {
    headline: headline.replace(/^REFUSED \(.*?\): /, 'REFUSED: ').replace(' (the client times out)', ''),
    lines,
  };
}

function condition(type: string, status: string, rest = ''): string {
  return `{type: ${type}, status: "${status}"${rest}}`;
}

const unschedulable = `phase: Pending, conditions: [${condition('PodScheduled', 'False', ', reason: Unschedulable, message: "0/3 nodes are available"')}]`;

function notReady(container: string, phase = 'Running'): string {
  return `phase: ${phase}, conditions: [${condition('PodScheduled', 'True')}, ${condition('Ready', 'False')}], containerStatuses: [{name: main, ready: false, ${container}}]`;
}

const pulling = notReady('state: {waiting: {reason: ImagePullBackOff}}', 'Pending');
const crashing = notReady('state: {waiting: {reason: CrashLoopBackOff}}');
const unready = notReady('started: true, state: {running: {}}');
const gone = 'ready: false, serving: false, terminating: true';

describe('no usable endpoint, and pods without one', () => {
  test.each([
    [
      'terminating endpoints and Pending pods',
      slice(http, [endpoint(1, gone), endpoint(2, gone)]) +
        pod(3, { status: unschedulable, ip: false, node: '' }) +
        pod(4, { status: unschedulable, ip: false, node: '' }),
      'd/a:http has no usable endpoint: 2 are terminating and no longer serving, 2 pods are Pending (Unschedulable)',
      [
        '10.42.1.1:8080  d/a-1  n2 no longer serving',
        '10.42.1.2:8080  d/a-2  n2 no longer serving',
        'no endpoint d/a-3 Pending: Unschedulable: 0/3 nodes are available',
        'no endpoint d/a-4 Pending: Unschedulable: 0/3 nodes are available',
      ],
    ],
    [
      'one of each',
      slice(http, [endpoint(1, gone), endpoint(2, 'ready: false')]) +
        pod(2, { status: crashing }) +
        pod(3, { status: pulling, ip: false }),
      'd/a:http has no usable endpoint: 1 is terminating and no longer serving, 1 is not ready (CrashLoopBackOff), 1 pod is Pending (ImagePullBackOff)',
      [
        '10.42.1.1:8080  d/a-1  n2 no longer serving',
        '10.42.1.2:8080  d/a-2  n2 not ready: container main: CrashLoopBackOff',
        'no endpoint d/a-3  n2 Pending: container main: ImagePullBackOff',
      ],
    ],
    [
      'endpoints that are not ready',
      slice(http, [endpoint(1, 'ready: false'), endpoint(2, 'ready: false')]) +
        pod(1, { status: unready }) +
        pod(2, { status: crashing }),
      'none of the 2 endpoints of d/a:http is ready (readiness probe fails, CrashLoopBackOff)',
      [
        '10.42.1.1:8080  d/a-1  n2 not ready: container main runs, but its readiness probe fails',
        '10.42.1.2:8080  d/a-2  n2 not ready: container main: CrashLoopBackOff',
      ],
    ],
    [
      'an endpoint that is starting',
      slice(http, [endpoint(1, 'ready: false')]) + pod(1, { status: notReady('started: false, state: {running: {}}') }),
      'the only endpoint of d/a:http is not ready (startup probe fails)',
      ['10.42.1.1:8080  d/a-1  n2 not ready: container main runs, but its startup probe fails'],
    ],
    [
      'pods whose status says nothing, and a finished one',
      slice(http, [endpoint(1, 'ready: false')]) + pod(1) + pod(2, { status: 'phase: Failed' }),
      'the only endpoint of d/a:http is not ready',
      ['10.42.1.1:8080  d/a-1  n2  not ready'],
    ],
    [
      'an empty slice',
      slice(http, []) + pod(3, { status: unschedulable, ip: false, node: '' }),
      'd/a:http has no endpoints: EndpointSlice d/a-1 is empty: the only pod that its selector app=a matches is Pending (Unschedulable)',
      ['no endpoint d/a-3  Pending: Unschedulable: 0/3 nodes are available'],
    ],
  ])('%s', async (_, manifests, headline, leftOut) => {
    const answer = await ask(web + manifests);
    expect(answer.headline).toBe(`REFUSED: ${headline}`);
    const text = answer.lines.join(' ').replace(/\s+/g, ' ');
    expect(text.slice(text.indexOf('left out') + 9).trim()).toBe(leftOut.join(' ').replace(/\s+/g, ' '));
    expect(answer.lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('ports of one name in a pod', () => {
  const named = service('ports: [{name: http, port: 80, targetPort: http}]');
  const exporter = '{name: http, containerPort: 9113}';
  const nginx = '{name: http, containerPort: 8080}';
  const sent = 'SENT to 10.42.1.1:9113, the only possible endpoint of d/a:http';
  const hint = '; targetPort "http" is the first port of this name, but its pods have several: 9113, 8080';
  test.each([
    ['two numbers', `${exporter}, ${nginx}`, sent + hint],
    ['the same number twice', `${exporter}, ${exporter}`, sent],
    ['another protocol', `${exporter}, {name: http, containerPort: 8080, protocol: UDP}`, sent],
    ['another name', `${exporter}, {name: web, containerPort: 8080}`, sent],
  ])('%s', async (_, ports, headline) => {
    const manifests = named + slice('{name: http, port: 9113}', [endpoint(1)]) + pod(1, { ports });
    expect((await ask(manifests)).headline).toBe(headline);
  });
});

describe('readiness gates', () => {
  const gate = (type: string): string => `{conditionType: ${type}}`;
  const withGates = (gates: readonly string[], conditions: readonly string[]): string => {
    const closed = condition('Ready', 'False', ', reason: ReadinessGatesNotReady');
    return pod(1, { status: `phase: Running, conditions: [${[closed, ...conditions].join(', ')}]` }).replace(
      'spec: {',
      `spec: {readinessGates: [${gates.map(gate).join(', ')}], `,
    );
  };
  test.each([
    ['a condition that nobody sets', ['lb.example/a'], [], 'readiness gate lb.example/a is not True'],
    [
      'the second of two',
      ['lb.example/a', 'lb.example/b'],
      [condition('lb.example/a', 'True'), condition('lb.example/b', 'False')],
      'readiness gate lb.example/b is not True',
    ],
    ['gates that are not in the input', [], [], 'ReadinessGatesNotReady'],
  ])('%s', async (_, gates, conditions, cause) => {
    const { headline } = await ask(web + slice(http, [endpoint(1, 'ready: false')]) + withGates(gates, conditions));
    expect(headline).toBe(`REFUSED: the only endpoint of d/a:http is not ready (${cause})`);
  });
});

describe('pods that do not declare the port', () => {
  const three = slice(http, [endpoint(1), endpoint(2), endpoint(3)]);
  const right = '{containerPort: 8080}';
  const wrong = '{name: http, containerPort: 9090}';
  const one = 'SENT to one of 3 endpoints of d/a:http';
  test.each([
    ['one of three', [right, right, wrong], `${one}; 1 of them, d/a-3, does not declare port 8080, but 9090 (http)`],
    ['two of three', [right, wrong, wrong], `${one}; 2 of them do not declare port 8080, but 9090 (http)`],
    ['all', [wrong, wrong, wrong], `${one}; its 3 pods do not declare port 8080, but 9090 (http)`],
    ['none', [right, right, right], one],
    ['pods that declare no ports', ['', '', ''], one],
    [
      'another protocol',
      ['', right, '{containerPort: 8080, protocol: UDP}'],
      `${one}; 1 of them, d/a-3, does not declare port 8080/tcp, but 8080/udp`,
    ],
  ])('%s', async (_, ports, headline) => {
    const pods = ports.map((text, index) => pod(index + 1, { ports: text })).join('');
    expect((await ask(web + three + pods)).headline).toBe(headline);
  });

  test('pods that the input lacks are not counted', async () => {
    expect((await ask(web + three)).headline).toBe(one);
    expect((await ask(web + three + pod(1, { ports: wrong }))).headline).toBe(
      `${one}; 1 of them, d/a-1, does not declare port 8080, but 9090 (http)`,
    );
  });

  test('are marked among the endpoints, unless all are the same', async () => {
    const mixed = await ask(web + three + pod(1, { ports: right }) + pod(2, { ports: wrong }) + pod(3));
    const marked = (lines: readonly string[]) =>
      lines
        .join(' ')
        .match(/\S+ +\S+ +its pod +does +not +declare +port +\S+/g)
        ?.map((text) => text.replace(/ +/g, ' '));
    expect(marked(mixed.lines)).toEqual(['d/a-2 n2 its pod does not declare port 8080']);
    const all = await ask(web + three + [1, 2, 3].map((number) => pod(number, { ports: wrong })).join(''));
    expect(marked(all.lines)).toBeUndefined();
  });

  test('the only one, at several frontends', async () => {
    const nodePort = web
      .replace('targetPort', 'nodePort: 30080, targetPort')
      .replace('ports:', 'type: NodePort, ports:');
    const { headline, lines } = await ask(nodePort + slice(http, [endpoint(1)]) + pod(1, { ports: wrong }));
    expect(headline).toBe(
      'SENT to 10.42.1.1:8080, the only possible endpoint of d/a:http, at both frontends; its pod does not declare port 8080, but 9090 (http)',
    );
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('of d/a:http; its pod does not declare port 8080');
  });

  test.each([
    ['d/a-1:80', '{containerPort: 9200}', '; the pod declares 9200, not 80'],
    ['d/a-1:9200', '{containerPort: 9200}', ''],
    ['d/a-1:9200', '', ''],
    ['d/a-1:53', '{name: dns, containerPort: 53, protocol: UDP}', '; the pod declares 53/udp (dns), not 53/tcp'],
  ])('a pod as target: %s %s', async (to, given, text) => {
    const { headline } = await ask(web + pod(1, { ports: given }), to);
    const address = to.replace('d/a-1', '10.42.1.1');
    expect(headline).toBe(
      `DIRECT (no rule is involved): ${address} is pod d/a-1 itself: no rule applies to packets sent to it directly${text}`,
    );
  });
});

describe('EndpointSlices with another port than targetPort', () => {
  const sent = 'SENT to 10.42.1.1:8080, the only possible endpoint of d/a:http';
  test.each([
    ['a wrong number', '9090', 'selector: {app: a}', '; targetPort is 9090, but its EndpointSlices have port 8080'],
    ['the right one', '8080', 'selector: {app: a}', ''],
    ['a name', 'http', 'selector: {app: a}', ''],
    ['no selector, and the default', '80', 'selector: {}', ''],
    ['no selector, and a number', '81', 'selector: {}', '; targetPort is 81, but its EndpointSlices have port 8080'],
  ])('%s', async (_, targetPort, selector, hint) => {
    const given = web.replace('8080', targetPort).replace('selector: {app: a}', selector);
    expect((await ask(given + slice(http, [endpoint(1)]))).headline).toBe(`${sent}${hint}`);
  });
});

describe('a headless Service', () => {
  const dns = 'DNS gives 10.42.1.1 (d/a-1)';
  test.each([
    [
      '{port: 80, targetPort: 9200}',
      '""',
      `clients connect to its pods directly; port 80 is not translated to its targetPort 9200; ${dns}`,
    ],
    [
      '{name: es, port: 80, targetPort: es}',
      'es',
      `clients connect to its pods directly; port 80 is not translated to its targetPort es (9200); ${dns}`,
    ],
    ['{port: 9200, targetPort: 9200}', '""', 'DNS gives the addresses of its pods, 10.42.1.1 (d/a-1)'],
    ['{port: 9200}', '""', 'DNS gives the addresses of its pods, 10.42.1.1 (d/a-1)'],
  ])('%s', async (port, name, text) => {
    const given = service(`ports: [${port}]`, { ip: 'None' }) + slice(`{name: ${name}, port: 9200}`, [endpoint(1)]);
    expect((await ask(given)).headline).toBe(
      `DNS ONLY (no rule is involved): d/a is headless (clusterIP None): ${text}`,
    );
  });
});

describe('a frontend that several Services claim', () => {
  const owner = (kind: string, meta: string) =>
    `---\n{apiVersion: v1, kind: Service, metadata: {name: b, namespace: d${meta}}, ${kind}}\n`;
  const external = 'spec: {clusterIP: 10.96.0.20, externalIPs: [198.51.100.40], ports: [{name: http, port: 80}]}';
  const balanced =
    'spec: {type: LoadBalancer, clusterIP: 10.96.0.20, ports: [{name: http, port: 80}]}, status: {loadBalancer: {ingress: [{ip: 198.51.100.40}]}}';
  const a = (meta: string) =>
    service('externalIPs: [198.51.100.40], ports: [{name: http, port: 80}]', { meta }) + slice(http, [endpoint(1)]);
  const bSlice = slice(http, ['{addresses: [10.42.1.7]}'], 'b');
  const born = (year: number) => `, creationTimestamp: "${year}-01-01T00:00:00Z"`;
  const toA = 'SENT to 10.42.1.1:8080, the only possible endpoint of d/a:http, masqueraded';
  const toB = 'SENT to 10.42.1.7:8080, the only possible endpoint of d/b:http, masqueraded';
  const lost = (loser: string, winner: string) =>
    `; d/${loser}:http also claims 198.51.100.40:80, but d/${winner}:http wins`;
  test.each([
    ['the older one', a(born(2021)) + owner(external, born(2020)) + bSlice, `${toB}${lost('a', 'b')}: it is older`],
    [
      'the one with endpoints',
      a(born(2021)) + owner(external, born(2020)),
      `${toA}${lost('b', 'a')}: it has endpoints`,
    ],
    [
      'a load balancer IP',
      a(born(2020)) + owner(balanced, born(2021)) + bSlice,
      `${toB}${lost('a', 'b')}: a load balancer IP comes before an external IP`,
    ],
    ['the first name', a('') + owner(external, '') + bSlice, `${toA}${lost('b', 'a')}: its name comes first`],
  ])('%s wins', async (_, manifests, headline) => {
    expect((await ask(manifests, '198.51.100.40:80', 'world')).headline).toBe(headline);
  });

  test('a refusal says it, too, and a question about the loser has no second word for it', async () => {
    const manifests = owner(balanced, born(2021)) + a(born(2020));
    expect((await ask(manifests, '198.51.100.40:80', 'world')).headline).toBe(
      `REFUSED: d/b:http has no endpoints: no EndpointSlice belongs to it (it has no selector, so its EndpointSlices must be written by hand)${lost('a', 'b')}: a load balancer IP comes before an external IP`,
    );
    expect((await ask(a(born(2021)) + owner(external, born(2020)) + bSlice, 'd/a', 'world')).headline).toBe(
      'WRONG SERVICE at external IP 198.51.100.40:80/tcp: 198.51.100.40:80 belongs to d/b:http, which claims it as well as d/a:http and wins: it is older',
    );
  });

  test('several losers are counted', async () => {
    const others = ['c', 'e', 'f'].map((name) => owner(external, '').replace('name: b', `name: ${name}`));
    const ips = others.map((one, index) => one.replace('10.96.0.20', `10.96.0.3${index}`));
    expect((await ask(a('') + ips.join(''), '198.51.100.40:80', 'world')).headline).toBe(
      `${toA}; d/c:http, d/e:http and 1 more also claim 198.51.100.40:80, but d/a:http wins: it has endpoints`,
    );
  });
});

describe('the wrong protocol', () => {
  const statsd =
    service('ports: [{name: ingest, port: 8125, protocol: TCP}]') + slice('{name: ingest, port: 8125}', [endpoint(1)]);
  test.each([
    ['the pods declare it', '{containerPort: 8125, protocol: UDP}', '; its pods declare 8125/udp'],
    ['the pods declare the other one', '{containerPort: 8125}', ''],
    ['the pods declare nothing', '', ''],
  ])('%s', async (_, ports, hint) => {
    const { headline } = await ask(statsd + pod(1, { ports }), 'd/a:8125/udp');
    expect(headline).toContain(`: d/a has port 8125 over tcp only (ingest), not udp${hint}`);
    expect(headline.endsWith(hint)).toBe(true);
  });
});

describe('policy Local without an endpoint on the node', () => {
  const local = web.replace('ports:', 'internalTrafficPolicy: Local, ports:');
  const none = 'DROPPED: internalTrafficPolicy is Local and d/a:http has no endpoint on n1';
  const on = (...names: string[]) => names.map((name, index) => endpoint(index + 1, '', name));
  test.each([
    [on('n2'), '; its only endpoint is on n2'],
    [on('n2', 'n2'), '; its 2 endpoints are on n2'],
    [on('n3', 'n2', 'n4'), '; its 3 endpoints are on n2, n3 and n4'],
    [on('n2', 'n3', 'n4', 'n5', 'n6'), '; its 5 endpoints are on n2, n3, n4 and 2 more'],
    [[endpoint(1), endpoint(2, 'ready: false')], '; its only usable endpoint is on n2'],
    [['{addresses: [10.42.1.1]}'], ''],
  ])('%#: %s', async (endpoints, text) => {
    const { headline, lines } = await ask(local + slice(http, endpoints));
    expect(headline).toBe(`${none}${text}`);
    expect(lines).toContain('  ready, but not reached');
  });
});

test('endpoints that are ready are apart from those that are not', async () => {
  const local = web.replace('ports:', 'internalTrafficPolicy: Local, ports:');
  const { lines } = await ask(local + slice(http, [endpoint(1), endpoint(2, 'ready: false'), endpoint(3)]));
  expect(lines.slice(lines.indexOf('  ready, but not reached'))).toEqual([
    '  ready, but not reached',
    '                 10.42.1.1:8080  d/a-1  n2  not on this node, but on n2',
    '                 10.42.1.3:8080  d/a-3  n2  not on this node, but on n2',
    '  left out       10.42.1.2:8080  d/a-2  n2  not ready',
    '',
  ]);
});

test('a pod that is ready, but in no slice, is listed; a long reason keeps its indentation', async () => {
  const message = 'message: "0/3 nodes are available: 3 Insufficient cpu, 3 nodes did not match the selector."';
  const long = unschedulable.replace(/message: ".*?"/, message);
  const ready = `phase: Running, conditions: [${condition('Ready', 'True')}]`;
  const pods = pod(1, { status: ready }) + pod(2, { status: long, ip: false, node: '' }) + pod(3, { node: '' });
  const { headline, lines } = await ask(web + slice('{name: x, port: 8080}', [endpoint(1)]) + pods);
  expect(headline).toContain('EndpointSlice d/a-1 has 1 endpoint, but no port with name "http"');
  expect(lines.slice(lines.indexOf('  ready, but not reached'))).toEqual([
    '  ready, but not reached',
    '                 no endpoint  d/a-1  n2',
    '                   ready, but not in an EndpointSlice with this port',
    '  left out       no endpoint  d/a-2',
    '                   Pending: Unschedulable: 0/3 nodes are available: 3',
    '                   Insufficient cpu, 3 nodes did not match the selector.',
    '                 no endpoint  d/a-3',
    '                   not in an EndpointSlice with this port',
    '',
  ]);
});

test.each([
  ['True', 'phase: Running', true, 'ready, but not in an EndpointSlice with this port'],
  ['False', 'phase: Running', false, 'not ready'],
  ['True', 'phase: Pending', false, 'Pending'],
])('JSON says whether a pod without an endpoint is ready: %s, %s', async (ready, phase, isReady, reason) => {
  const status = `${phase}, conditions: [${condition('Ready', ready)}]`;
  const args = [...flags, '--from', 'pod:d/client', '--to', 'd/a', '-o', 'json'];
  const { stdout } = await runMain(args, { input: nodes + web + slice(http, []) + pod(1, { status }) });
  expect(JSON.parse(stdout).leftOut).toMatchObject([{ pod: 'd/a-1', code: 'no-endpoint', ready: isReady, reason }]);
});

describe('hints of several frontends', () => {
  const ports = 'ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]';
  const slices = slice('{name: http, port: 8080}, {name: admin, port: 8081}', [endpoint(1)]);
  const sent = 'SENT to endpoints of d/a, at both frontends';
  test.each([
    [
      'differ',
      '{containerPort: 9090}',
      '; its pod does not declare port 8081, but 9090; its pod does not declare port 8080, but 9090',
    ],
    ['belong to one of them', '{containerPort: 8080}', '; its pod does not declare port 8081, but 8080'],
    ['are absent', '', ''],
  ])('%s', async (_, declared, hints) => {
    expect((await ask(service(ports) + slices + pod(1, { ports: declared }))).headline).toBe(`${sent}${hints}`);
  });

  test('are said once if they are the same', async () => {
    const same = 'ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8080}]';
    const both = slice('{name: http, port: 8080}, {name: admin, port: 8080}', [endpoint(1)]);
    expect((await ask(service(same) + both + pod(1, { ports: '{containerPort: 9090}' }))).headline).toMatch(
      /, at both frontends; its pod does not declare port 8080, but 9090$/,
    );
  });

  test('are cut', async () => {
    const numbers = [80, 81, 82, 83];
    const many = `ports: [${numbers.map((port) => `{name: p${port}, port: ${port}, targetPort: 80${port}}`).join(', ')}]`;
    const all = slice(numbers.map((port) => `{name: p${port}, port: 80${port}}`).join(', '), [endpoint(1)]);
    const { headline } = await ask(service(many) + all + pod(1, { ports: '{containerPort: 9090}' }));
    expect(headline).toMatch(/, at all 4 frontends(; its pod does not declare port 808\d, but 9090){3}; \.\.\.$/);
  });
});

test('names and messages of pods cannot control a terminal', async () => {
  const status = unschedulable.replace('0/3 nodes', '\\e[31m').replace('reason: Unschedulable', 'reason: "\\u202e"');
  const { headline, lines } = await ask(web + slice(http, []) + pod(1, { status, ip: false }));
  expect(headline).toContain('is Pending (\\u202e)');
  expect(lines.join('\n')).toContain('\\u001b[31m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must be absent.
  expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
});
