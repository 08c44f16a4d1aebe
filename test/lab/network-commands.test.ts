import { describe, expect, test } from 'vitest';
import { listBalancedAddresses } from '../../src/lab/load-balancer.ts';
import {
  balancedRouteLines,
  balancerRules,
  farEndLines,
  nearEndLines,
  podRouteLines,
} from '../../src/lab/network-commands.ts';

describe('cables', () => {
  test('lead to all addresses of the far end', () => {
    expect(nearEndLines('p', { number: 7, processId: 42, addresses: ['10.244.1.5', 'fd00::5'] })).toEqual([
      'link add p7 type veth peer name eth0 netns 42',
      'addr add 169.254.1.1/32 dev p7 scope link',
      'addr add fe80::2/64 nodad dev p7 scope link',
      'link set p7 up',
      'route add 10.244.1.5 dev p7',
      'route add fd00::5 dev p7',
    ]);
  });

  test('lead everywhere from the far end', () => {
    expect(farEndLines('n', { addresses: ['198.18.0.1', '2001:db8::1'] })).toEqual([
      'link set lo up',
      'addr add 198.18.0.1/32 dev eth0',
      'addr add 2001:db8::1/128 nodad dev eth0',
      'link set eth0 up',
      'route add default via 169.254.0.1 dev eth0 onlink src 198.18.0.1',
      'route add ::/0 via fe80::1 dev eth0 onlink src 2001:db8::1',
    ]);
  });

  test('of nodes without a family leave the addresses of that family out', () => {
    expect(podRouteLines('add', ['10.244.1.5', 'fd00::5'], [{ number: 2, address: '198.18.0.2' }])).toEqual([
      'route add 10.244.1.5 via 198.18.0.2 dev n2 onlink',
    ]);
  });
});

const hops = [
  { number: 1, address: '198.18.0.1' },
  { number: 2, address: '198.18.0.2' },
];

describe('a load balancer', () => {
  const service = (status: object, spec: object = {}) => ({
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30080 }], ...spec },
    status: { loadBalancer: { ingress: [status] } },
  });

  test('routes its addresses to all nodes that it may use, or refuses', () => {
    expect(balancedRouteLines('198.51.100.1', hops, ['203.0.113.1'])).toEqual([
      'route replace 198.51.100.1 src 203.0.113.1 nexthop via 198.18.0.1 dev n1 onlink nexthop via 198.18.0.2 dev n2 onlink',
    ]);
    expect(balancedRouteLines('198.51.100.1', [], [])).toEqual(['route replace unreachable 198.51.100.1/32']);
  });

  test('has the addresses of Services, and asks for health with policy Local', () => {
    const spec = { externalTrafficPolicy: 'Local', healthCheckNodePort: 31000, externalIPs: ['192.0.2.80'] };
    expect(listBalancedAddresses([service({ ip: '198.51.100.1' }, spec)])).toEqual([
      {
        service: 'shop/web',
        address: '198.51.100.1',
        mode: 'VIP',
        ports: [{ protocol: 'tcp', port: 80, nodePort: 30080 }],
        healthCheckPort: 31000,
      },
      {
        service: 'shop/web',
        address: '192.0.2.80',
        mode: 'external',
        ports: [{ protocol: 'tcp', port: 80, nodePort: 30080 }],
        healthCheckPort: 0,
      },
    ]);
  });

  test('takes no address or port that nft would read as something else', () => {
    const hostile = service(
      { ip: '1.2.3.4 }; flush ruleset' },
      { ports: [{ port: '80; flush ruleset' }, { port: 1e9 }] },
    );
    expect(listBalancedAddresses([hostile])).toEqual([]);
  });

  test('with ipMode Proxy sends connections to node ports', () => {
    const [one] = listBalancedAddresses([service({ ip: '198.51.100.1', ipMode: 'Proxy' })]);
    const rules = balancerRules(one ? [{ ...one, hops }] : []);
    expect(rules).toContain(
      'ip daddr 198.51.100.1 tcp dport 80 dnat ip to numgen random mod 2 map { 0 : 198.18.0.1 . 30080, 1 : 198.18.0.2 . 30080 }\n',
    );
    expect(rules).toContain('elements = { 198.51.100.1 . tcp . 80 }');
  });
});
