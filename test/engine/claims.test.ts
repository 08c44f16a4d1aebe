import { describe, expect, test } from 'vitest';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, saidBy, serviceCidr, serviceNamed } from './worker.ts';

/** `a` and `b` want 198.19.0.5; the names decide, as nothing else does. */
const wanting = { externalIPs: ['198.19.0.5'] };
const [a, aSlice] = service('a', ['2.1'], { spec: { clusterIP: '10.96.0.1', ...wanting } });
const [aWithout] = service('a', [], { spec: { clusterIP: '10.96.0.1' } });
const [b, bSlice] = service('b', ['2.2', '2.3'], { spec: { clusterIP: '10.96.0.2', ...wanting } });

const conflict =
  'frontend-conflict: 198.19.0.5:80/tcp is claimed by shop/a:http (external IP) and shop/b:http (external IP); shop/a:http gets it';

describe('two Services want one external IP', () => {
  test('the first by name gets it, in all maps, with a warning for both', () => {
    const engine = engineWith([a, aSlice]);
    const update = engine.update({ apply: [b, bSlice] });
    expect(saidBy(update)).toEqual([conflict]);
    expect(commandsOf(update).filter((command) => command.includes('198.19.0.5'))).toEqual([]);
  });

  test('the other one takes over when it is given up, and gives it back', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    expect(commandsOf(engine.update({ apply: [aWithout] }))).toEqual([
      'delete element service-ips { 198.19.0.5 . tcp . 80 }',
      'delete element tcp-endpoints { 198.19.0.5 . 80 . 0 }',
      'add chain tcp-external-2',
      'add rule tcp-external-2 meta mark set meta mark or 0x00004000',
      'add rule tcp-external-2 goto tcp-cluster-2',
      'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/b:http" : goto tcp-external-2 }',
      'add element tcp-endpoints { 198.19.0.5 . 80 . 0 : 10.244.2.2 . 8080, 198.19.0.5 . 80 . 1 : 10.244.2.3 . 8080 }',
    ]);
    const update = engine.update({ apply: [a] });
    expect(commandsOf(update)).toEqual([
      'delete element service-ips { 198.19.0.5 . tcp . 80 }',
      'delete element tcp-endpoints { 198.19.0.5 . 80 . 0, 198.19.0.5 . 80 . 1 }',
      'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/a:http" : goto tcp-external-1 }',
      'add element tcp-endpoints { 198.19.0.5 . 80 . 0 : 10.244.2.1 . 8080 }',
    ]);
    expect(saidBy(update)).toEqual([conflict]);
  });

  test('the other one takes over when the holder is deleted or has no endpoints', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    const taken = 'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/b:http" : goto tcp-external-2 }';
    expect(commandsOf(engine.update({ apply: [service('a', [])[1]] }))).toContain(taken);
    expect(commandsOf(engine.update({ apply: [aSlice] })).join()).toContain('comment "shop/a:http" : goto');
    expect(commandsOf(engine.update({ remove: [serviceNamed('a')] }))).toContain(taken);
  });

  test('what the loser does changes nothing there', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    const update = engine.update({ apply: [service('b', ['2.2'])[1]] });
    expect(commandsOf(update)).toEqual([
      'delete element service-ips { 10.96.0.2 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.2 . 80 . 1 }',
      'add element service-ips { 10.96.0.2 . tcp . 80 comment "shop/b:http" : goto tcp-cluster-1 }',
    ]);
    expect(saidBy(update)).toEqual([]);
  });
});

describe('many Services want one address', () => {
  const names = Array.from({ length: 300 }, (_, index) => `s${String(index).padStart(4, '0')}`);
  const rivals = names.flatMap((name, index) =>
    service(name, ['2.1'], { spec: { clusterIP: `10.97.${index >> 8}.${index & 255}`, ...wanting } }),
  );
  const inVain = (loser: string, holder: string): string =>
    `frontend-conflict: 198.19.0.5:80/tcp is claimed by shop/${holder}:http (external IP) and shop/${loser}:http (external IP); shop/${holder}:http gets it`;

  test('each is named once, when it comes', () => {
    const engine = engineWith([]);
    expect(saidBy(engine.update({ apply: rivals })).filter((line) => line.includes('198.19.0.5'))).toEqual(
      names.slice(1).map((name) => inVain(name, 's0000')),
    );
    const another = service('t', ['2.9'], { spec: { clusterIP: '10.96.2.1', ...wanting } });
    expect(saidBy(engine.update({ apply: another }))).toEqual([inVain('t', 's0000')]);
  });

  test('the change of an endpoint of the holder, of a loser, or of all says nothing again', () => {
    const engine = engineWith(rivals);
    const slicesOf = (name: string): unknown => service(name, ['2.1', '2.2'])[1];
    for (const changed of [[names[0] ?? ''], [names[7] ?? ''], names]) {
      expect(saidBy(engine.update({ apply: changed.map(slicesOf) }))).toEqual([]);
    }
  });

  test('if the holder changes, the one that lost it is named', () => {
    const engine = engineWith(rivals);
    expect(saidBy(engine.update({ apply: [service('s0000', [])[1]] }))).toEqual([inVain('s0000', 's0001')]);
    expect(saidBy(engine.update({ apply: [service('s0000', ['2.1'])[1]] }))).toEqual([inVain('s0001', 's0000')]);
    expect(saidBy(engine.update({ remove: [serviceNamed('s0000')] }))).toEqual([]);
  });
});

describe('a node port that is the port for health checks of another Service', () => {
  const said =
    'node-port-conflict: spec.ports[0].nodePort is 31000, the healthCheckNodePort of shop/api, whose health checks go to the endpoints of this Service';
  const checked = (healthCheckNodePort: number, more: object = {}): readonly unknown[] => {
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', clusterIP: '10.96.4.1', healthCheckNodePort };
    return service('api', ['2.1'], { spec: { ...spec, ...more } });
  };
  const taker = service('web', ['2.2'], { spec: { type: 'NodePort' }, port: { nodePort: 31_000 } });

  test.each([
    ['the node port comes last', checked(31_000), taker],
    ['the health check comes last', taker, checked(31_000)],
  ])('is said once: %s', (_, first, second) => {
    const engine = engineWith(first);
    expect(saidBy(engine.update({ apply: second }))).toEqual([said]);
    expect(saidBy(engine.update({ apply: [...first, ...second] }))).toEqual([]);
  });

  test.each([
    ['another port', checked(31_001)],
    ['policy Cluster', checked(31_000, { externalTrafficPolicy: 'Cluster' })],
    ['no load balancer', checked(31_000, { type: 'NodePort' })],
  ])('is no conflict with %s', (_, other) => {
    const engine = engineWith(taker);
    const { diagnostics } = engine.update({ apply: other });
    expect(diagnostics.filter(({ code }) => code !== 'refused-by-api-server')).toEqual([]);
  });

  test('is none after the other Service has gone or changed, and is said again when it is back', () => {
    const engine = engineWith([...checked(31_000), ...taker]);
    expect(saidBy(engine.update({ remove: [serviceNamed('api')] }))).toEqual([]);
    expect(saidBy(engine.update({ apply: taker }))).toEqual([]);
    expect(saidBy(engine.update({ apply: checked(31_000) }))).toEqual([said]);
    expect(saidBy(engine.update({ apply: [...checked(31_001), ...taker] }))).toEqual([]);
  });
});

describe('a ServiceCIDR with an address of the node', () => {
  const said = (cidr: string): string =>
    `ignored-address: spec.cidrs[0] is "${cidr}"; connections to its unused addresses are not dropped, because it contains 192.0.2.11, an address of the node`;
  const dropped = 'add element service-cidrs { 192.0.2.0/24 }';

  test('does not drop connections to it, which is said once', () => {
    const engine = engineWith([]);
    const update = engine.update({
      apply: [serviceCidr('nodes', '192.0.2.0/24'), serviceCidr('range', '10.96.0.0/16')],
    });
    expect(commandsOf(update)).toEqual(['add element service-cidrs { 10.96.0.0/16 }']);
    expect(saidBy(update)).toEqual([said('192.0.2.0/24')]);
    expect(saidBy(engine.update({ apply: [serviceCidr('more', '10.97.0.0/16')] }))).toEqual([]);
    expect(saidBy(engine.update({ apply: [serviceCidr('all', '0.0.0.0/0')] }))).toEqual([said('0.0.0.0/0')]);
  });

  test('drops them when the node leaves it, and stops when it comes back', () => {
    const engine = engineWith([serviceCidr('nodes', '192.0.2.0/24')]);
    expect(commandsOf(engine.update({ apply: [node({ address: '203.0.113.5' })] }))).toContain(dropped);
    const update = engine.update({ apply: [node()] });
    expect(commandsOf(update)).toContain('flush set service-cidrs');
    expect(saidBy(update)).toEqual([said('192.0.2.0/24')]);
  });
});

describe('advice on what a Service takes from the node', () => {
  const ssh =
    'risky-frontend: 192.0.2.11:22/tcp is an address of the node with the port of sshd; the Service takes its packets';
  const takes = (port: number, more: object = {}): readonly unknown[] =>
    service('ssh', ['2.1'], { spec: { clusterIP: '10.96.3.1', externalIPs: ['192.0.2.11'], ...more }, port: { port } });

  test('is given once, and again when there is more', () => {
    const engine = engineWith([]);
    expect(saidBy(engine.update({ apply: takes(22) }))).toEqual([ssh]);
    expect(saidBy(engine.update({ apply: [service('ssh', ['2.1', '2.2'])[1]] }))).toEqual([]);
    expect(saidBy(engine.update({ apply: takes(22, { sessionAffinity: 'ClientIP' }) }))).toEqual([]);
    expect(saidBy(engine.update({ apply: takes(2222) }))).toEqual([]);
    expect(saidBy(engine.update({ apply: takes(22) }))).toEqual([ssh]);
    expect(saidBy(engine.update({ remove: [serviceNamed('ssh')] }))).toEqual([]);
    expect(saidBy(engine.update({ apply: takes(22) }))).toEqual([ssh]);
  });

  test('follows the addresses of the node', () => {
    const engine = engineWith(takes(22, { externalIPs: ['192.0.2.12'] }));
    expect(saidBy(engine.update({ apply: [node({ address: '192.0.2.12' })] }))).toEqual([ssh.replace('.11:', '.12:')]);
  });

  test('a cluster IP that is an address of the node has no rules', () => {
    const engine = engineWith([]);
    const update = engine.update({ apply: takes(80, { clusterIP: '192.0.2.11' }) });
    expect(commandsOf(update)).toEqual([]);
    expect(saidBy(update)).toEqual([
      'ignored-address: 192.0.2.11 is an address of the node, which keeps it; there are no rules for IPv4',
    ]);
  });

  test('of a node port is given once for both families', () => {
    const nodeAddresses = ['192.0.2.11', '2001:db8::11'];
    const engine = engineWith([], { families: ['ip', 'ip6'], nodeAddresses });
    const clusterIPs = ['10.96.3.1', 'fd00::3'];
    const spec = { type: 'NodePort', clusterIP: '10.96.3.1', clusterIPs, ipFamilies: ['IPv4', 'IPv6'] };
    const objects = service('kubelet', [], { spec, port: { port: 80, nodePort: 10_250 } });
    expect(saidBy(engine.update({ apply: objects }))).toEqual([
      'risky-frontend: spec.ports[0].nodePort is 10250, the port of the kubelet; the Service takes its packets',
    ]);
  });
});

describe('two Services share a cluster IP', () => {
  const [c, cSlice] = service('c', ['2.2'], { spec: { clusterIP: '10.96.0.2' }, port: { port: 81 } });
  const [plainB] = service('b', [], { spec: { clusterIP: '10.96.0.2' } });

  test('it has the name of the first by name, in any order of creation', () => {
    const engine = engineWith([c, cSlice]);
    expect(commandsOf(engine.update({ apply: [plainB] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'add element cluster-ips { 10.96.0.2 comment "shop/b" }',
      'add element no-endpoint-services { 10.96.0.2 . tcp . 80 comment "shop/b:http" : goto reject-chain }',
    ]);
  });

  test('it stays for as long as one has it', () => {
    const engine = engineWith([plainB, c, cSlice]);
    expect(commandsOf(engine.update({ remove: [serviceNamed('b')] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'delete element no-endpoint-services { 10.96.0.2 . tcp . 80 }',
      'add element cluster-ips { 10.96.0.2 comment "shop/c" }',
    ]);
    expect(commandsOf(engine.update({ remove: [serviceNamed('c')] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'delete element service-ips { 10.96.0.2 . tcp . 81 }',
      'delete element tcp-endpoints { 10.96.0.2 . 81 . 0 }',
    ]);
  });
});
