import { describe, expect, test } from 'vitest';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import type { Manifest } from '../support/arbitrary-cluster.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';
import { textBetween } from '../support/text-between.ts';

const two = ['10.244.1.1', '10.244.2.2'];
const web = service('web', { clusterIP: '10.96.0.10' });

describe('the endpoints of a Service', () => {
  // In the order of their text, as a compilation puts them.
  const many = Array.from({ length: 5001 }, (_, i) => `10.244.${100 + Math.floor(i / 100)}.${100 + (i % 100)}`);
  const withEndpoints = (addresses: readonly string[]): Ruleset => rulesetOf([web, slice('web', addresses)]);
  const [fewer, more] = [withEndpoints(many.slice(0, 5000)), withEndpoints(many)];

  test('one more than 5,000 is an element more and another verdict', () => {
    expect(textBetween(fewer, more)).toEqual([
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'add chain ip svc2nft tcp-cluster-5001',
      'add rule ip svc2nft tcp-cluster-5001 dnat ip to ip daddr . tcp dport . numgen random mod 5001 map @tcp-endpoints',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-5001 }',
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 5000 : 10.244.150.100 . 8080 }',
    ]);
  });

  test('the last takes the place of one that goes, and the chain stays for the next time', () => {
    expect(textBetween(more, withEndpoints(many.toSpliced(2560, 1)))).toEqual([
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element ip svc2nft tcp-endpoints {',
      '\t10.96.0.10 . 80 . 2560,',
      '\t10.96.0.10 . 80 . 5000',
      '}',
      'add chain ip svc2nft tcp-cluster-5000',
      'add rule ip svc2nft tcp-cluster-5000 dnat ip to ip daddr . tcp dport . numgen random mod 5000 map @tcp-endpoints',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-5000 }',
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 2560 : 10.244.150.100 . 8080 }',
    ]);
  });

  test('one in the place of another is nothing but that', () => {
    expect(
      textBetween(withEndpoints(['10.244.2.1', '10.244.2.2']), withEndpoints(['10.244.2.2', '10.244.2.3'])),
    ).toEqual([
      'delete element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.3 . 8080 }',
    ]);
  });

  test('all of them gone is a refusal; the map stays for the chain', () => {
    expect(textBetween(withEndpoints(two), rulesetOf([web]))).toEqual([
      'delete element ip svc2nft hairpin-connections { 10.244.1.1 . 10.244.1.1 }',
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element ip svc2nft tcp-endpoints {',
      '\t10.96.0.10 . 80 . 0,',
      '\t10.96.0.10 . 80 . 1',
      '}',
      'add element ip svc2nft no-endpoint-services { 10.96.0.10 . tcp . 80 comment "shop/web" : goto reject-chain }',
    ]);
  });

  test('other comments are other elements', () => {
    const renamed = rulesetOf([service('shop', { clusterIP: '10.96.0.10' }), slice('shop', two)]);
    expect(textBetween(withEndpoints(two), renamed)).toEqual([
      'delete element ip svc2nft cluster-ips { 10.96.0.10 }',
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'add element ip svc2nft cluster-ips { 10.96.0.10 comment "shop/shop" }',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/shop" : goto tcp-cluster-2 }',
    ]);
  });
});

describe('a frontend', () => {
  const nodePort = (number: number, spec: Manifest = {}): Ruleset =>
    rulesetOf([
      service('web', { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: number }], ...spec }),
      slice('web', two),
    ]);

  test('moves to another node port', () => {
    expect(textBetween(nodePort(30080), nodePort(30081))).toEqual([
      'delete element ip svc2nft service-nodeports { tcp . 30080 }',
      'delete element ip svc2nft tcp-nodeport-endpoints {',
      '\t30080 . 0,',
      '\t30080 . 1',
      '}',
      'add element ip svc2nft service-nodeports { tcp . 30081 comment "shop/web" : goto tcp-nodeport-external-2 }',
      'add element ip svc2nft tcp-nodeport-endpoints {',
      '\t30081 . 0 : 10.244.1.1 . 8080,',
      '\t30081 . 1 : 10.244.2.2 . 8080',
      '}',
    ]);
  });

  test('takes only local endpoints for clients from outside', () => {
    const chain = 'tcp-nodeport-external-local-2-1';
    expect(textBetween(nodePort(30080), nodePort(30080, { externalTrafficPolicy: 'Local' }))).toEqual([
      'delete element ip svc2nft service-nodeports { tcp . 30080 }',
      'add map ip svc2nft tcp-nodeport-local-endpoints { typeof tcp dport . numgen random mod 2 : ip daddr . tcp dport; comment "node port and index to local endpoint"; }',
      'add chain ip svc2nft tcp-nodeport-local-1',
      `add chain ip svc2nft ${chain}`,
      'add rule ip svc2nft tcp-nodeport-local-1 dnat ip to tcp dport . numgen random mod 1 map @tcp-nodeport-local-endpoints',
      `add rule ip svc2nft ${chain} ip saddr 10.244.0.0/16 goto tcp-nodeport-cluster-2`,
      `add rule ip svc2nft ${chain} fib saddr type local meta mark set meta mark or 0x00004000`,
      `add rule ip svc2nft ${chain} fib saddr type local goto tcp-nodeport-cluster-2`,
      `add rule ip svc2nft ${chain} goto tcp-nodeport-local-1`,
      `add element ip svc2nft service-nodeports { tcp . 30080 comment "shop/web" : goto ${chain} }`,
      'add element ip svc2nft tcp-nodeport-local-endpoints { 30080 . 0 : 10.244.1.1 . 8080 }',
    ]);
  });

  test('has other source ranges, or none', () => {
    const ranges = (...loadBalancerSourceRanges: string[]): Ruleset => {
      const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.10', loadBalancerSourceRanges };
      return rulesetOf([
        service('web', spec, { loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } }),
        slice('web', two),
      ]);
    };
    expect(textBetween(ranges('203.0.113.0/24', '192.0.2.0/25'), ranges('203.0.113.0/25', '192.0.2.0/25'))).toEqual([
      'delete element ip svc2nft firewall-sources { 198.18.0.1 . tcp . 80 . 203.0.113.0/24 }',
      'add element ip svc2nft firewall-sources { 198.18.0.1 . tcp . 80 . 203.0.113.0/25 }',
    ]);
    expect(textBetween(ranges('203.0.113.0/24'), ranges())).toEqual([
      'flush chain ip svc2nft firewall-check',
      'flush chain ip svc2nft firewall-prerouting',
      'flush chain ip svc2nft firewall-output',
      'delete set ip svc2nft firewall-ips',
      'delete set ip svc2nft firewall-sources',
      'delete chain ip svc2nft firewall-check',
      'delete chain ip svc2nft firewall-prerouting',
      'delete chain ip svc2nft firewall-output',
    ]);
    expect(textBetween(ranges(), ranges('203.0.113.0/24'))).toEqual([
      'add set ip svc2nft firewall-ips { type ipv4_addr . inet_proto . inet_service; comment "load balancer IPs with source ranges"; }',
      'add set ip svc2nft firewall-sources { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval; comment "source ranges allowed to reach firewall-ips"; }',
      'add chain ip svc2nft firewall-check',
      'add chain ip svc2nft firewall-prerouting { type nat hook prerouting priority -110; policy accept; }',
      'add chain ip svc2nft firewall-output { type nat hook output priority -110; policy accept; }',
      'add rule ip svc2nft firewall-check ip daddr . meta l4proto . th dport @firewall-ips ip daddr . meta l4proto . th dport . ip saddr != @firewall-sources drop',
      'add rule ip svc2nft firewall-prerouting ct state new jump firewall-check',
      'add rule ip svc2nft firewall-output ct state new jump firewall-check',
      'add element ip svc2nft firewall-ips { 198.18.0.1 . tcp . 80 comment "shop/web" }',
      'add element ip svc2nft firewall-sources { 198.18.0.1 . tcp . 80 . 203.0.113.0/24 }',
    ]);
  });
});

describe('settings of the node', () => {
  test('a set of ranges is filled again when one is removed', () => {
    const ranges = (...cidrs: string[]): Ruleset =>
      rulesetOf([
        { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'a' }, spec: { cidrs } },
      ]);
    expect(textBetween(ranges('10.96.0.0/16', '10.112.0.0/16'), ranges('10.96.0.0/12', '10.112.0.0/16'))).toEqual([
      'flush set ip svc2nft service-cidrs',
      'add element ip svc2nft service-cidrs {',
      '\t10.112.0.0/16,',
      '\t10.96.0.0/12',
      '}',
    ]);
    expect(textBetween(ranges('10.96.0.0/16'), ranges('10.96.0.0/16', '10.112.0.0/16'))).toEqual([
      'add element ip svc2nft service-cidrs { 10.112.0.0/16 }',
    ]);
    expect(textBetween(ranges('10.96.0.0/16'), ranges())).toEqual(['flush set ip svc2nft service-cidrs']);
  });

  test('a set that goes is let go of before', () => {
    expect(textBetween(rulesetOf([web]), rulesetOf([web], { nodePortAddresses: ['all'] }))).toEqual([
      'flush chain ip svc2nft services',
      'flush chain ip svc2nft incoming-refusals',
      'flush chain ip svc2nft outgoing-refusals',
      'delete set ip svc2nft nodeport-ips',
      'add rule ip svc2nft services ip saddr != 10.244.0.0/16 ip daddr @cluster-ips meta mark set meta mark or 0x00004000',
      'add rule ip svc2nft services ip daddr . meta l4proto . th dport vmap @service-ips',
      'add rule ip svc2nft services fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports',
      'add rule ip svc2nft incoming-refusals fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-nodeports',
      'add rule ip svc2nft incoming-refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
      'add rule ip svc2nft incoming-refusals ip daddr @cluster-ips fib daddr type != local goto reject-chain',
      'add rule ip svc2nft incoming-refusals ip daddr @service-cidrs fib daddr type != local drop',
      'add rule ip svc2nft outgoing-refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
      'add rule ip svc2nft outgoing-refusals ip daddr @cluster-ips goto reject-chain',
      'add rule ip svc2nft outgoing-refusals ip daddr @service-cidrs drop',
      'add rule ip svc2nft outgoing-refusals fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-nodeports',
    ]);
  });
});
