import { describe, expect, test } from 'vitest';
import type { Family } from '../../src/net/network.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';
import { textBetween } from '../support/text-between.ts';

/** A Service whose clients stay for some seconds, or do not stay (0). */
function withAffinity(family: Family, timeoutSeconds: number): Ruleset {
  const clusterIP = family === 'ip' ? '10.96.0.10' : 'fd00:10:96::10';
  const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } };
  const web = service('web', { clusterIP, ...(timeoutSeconds > 0 && affinity) });
  const endpoints = family === 'ip' ? ['10.244.2.1'] : ['fd00:10:244:2::1'];
  return rulesetOf([web, slice('web', endpoints)], { targetNft: '1.0.6' }, family);
}

describe('affinity over IPv4', () => {
  const [none, some, longer] = [withAffinity('ip', 0), withAffinity('ip', 900), withAffinity('ip', 901)];
  const refresh = (seconds: number): string =>
    `add rule ip svc2nft pin-tcp tcp dport != 0 ct original ip daddr . ct original proto-dst . ip daddr . tcp dport @tcp-sticky-${seconds} update @tcp-pins { ip saddr . ct original ip daddr . ct original proto-dst timeout ${seconds}s : ip daddr . tcp dport } update @tcp-pinned { ip saddr . ct original ip daddr . ct original proto-dst . ip daddr . tcp dport timeout ${seconds}s } return`;
  const forget =
    'add rule ip svc2nft pin-tcp tcp dport != 0 ip saddr . ct original ip daddr . ct original proto-dst . ip daddr . tcp dport @tcp-pinned delete @tcp-pins { ip saddr . ct original ip daddr . ct original proto-dst : ip daddr . tcp dport } delete @tcp-pinned { ip saddr . ct original ip daddr . ct original proto-dst . ip daddr . tcp dport } drop';
  const stickySet = (seconds: number): string =>
    `add set ip svc2nft tcp-sticky-${seconds} { type ipv4_addr . inet_service . ipv4_addr . inet_service; comment "IPs with ClientIP affinity of ${seconds} s, and their endpoints"; }`;

  test('comes with the sets and chains that keep pins', () => {
    expect(textBetween(none, some)).toEqual([
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'add map ip svc2nft tcp-pins { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr . inet_service; flags dynamic,timeout; size 1048576; comment "client, IP and port to the endpoint it keeps"; }',
      'add set ip svc2nft tcp-pinned { type ipv4_addr . ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; size 1048576; comment "client, IP, port and the endpoint it keeps"; }',
      stickySet(900),
      'add chain ip svc2nft tcp-sticky-cluster-1',
      'add chain ip svc2nft pin-tcp',
      'add chain ip svc2nft pin',
      'add chain ip svc2nft pin-prerouting { type filter hook prerouting priority -99; policy accept; }',
      'add chain ip svc2nft pin-output { type filter hook output priority -99; policy accept; }',
      'add rule ip svc2nft tcp-sticky-cluster-1 meta l4proto tcp dnat ip to ip saddr . ip daddr . tcp dport map @tcp-pins',
      'add rule ip svc2nft tcp-sticky-cluster-1 goto tcp-cluster-1',
      refresh(900),
      forget,
      'add rule ip svc2nft pin jump pin-tcp',
      'add rule ip svc2nft pin-prerouting ct state new ct status dnat jump pin',
      'add rule ip svc2nft pin-output ct state new ct status dnat jump pin',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-sticky-cluster-1 }',
      'add element ip svc2nft tcp-sticky-900 { 10.96.0.10 . 80 . 10.244.2.1 . 8080 }',
    ]);
  });

  test('of another timeout keeps the pins', () => {
    expect(textBetween(some, longer)).toEqual([
      'flush chain ip svc2nft pin-tcp',
      'delete set ip svc2nft tcp-sticky-900',
      stickySet(901),
      refresh(901),
      forget,
      'add element ip svc2nft tcp-sticky-901 { 10.96.0.10 . 80 . 10.244.2.1 . 8080 }',
    ]);
  });

  test('goes with all that it brought: a chain that reads pins is not kept without them', () => {
    expect(textBetween(some, none)).toEqual([
      'flush chain ip svc2nft tcp-sticky-cluster-1',
      'flush chain ip svc2nft pin-tcp',
      'flush chain ip svc2nft pin',
      'flush chain ip svc2nft pin-prerouting',
      'flush chain ip svc2nft pin-output',
      'delete element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 }',
      'delete map ip svc2nft tcp-pins',
      'delete set ip svc2nft tcp-pinned',
      'delete set ip svc2nft tcp-sticky-900',
      'delete chain ip svc2nft tcp-sticky-cluster-1',
      'delete chain ip svc2nft pin-tcp',
      'delete chain ip svc2nft pin',
      'delete chain ip svc2nft pin-prerouting',
      'delete chain ip svc2nft pin-output',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-1 }',
    ]);
  });
});

describe('affinity over IPv6 for nft 1.0.6', () => {
  const [none, some, longer] = [withAffinity('ip6', 0), withAffinity('ip6', 900), withAffinity('ip6', 901)];
  const set = 'pinned/shop/web/tcp/__fd00.10.244.2..1/8080';
  const endpoint = 'endpoint/shop/web/tcp/__fd00.10.244.2..1/8080';
  const pick = 'sticky-cluster/shop/web/tcp/';
  const rules = [
    `add rule ip6 svc2nft ${endpoint} update @${set} { ip6 saddr }`,
    `add rule ip6 svc2nft ${endpoint} meta l4proto tcp dnat to [fd00:10:244:2::1]:8080`,
    `add rule ip6 svc2nft ${pick} ip6 saddr @${set} goto ${endpoint}`,
    `add rule ip6 svc2nft ${pick} numgen random mod 1 vmap { 0 : goto ${endpoint} }`,
  ];
  const flushes = [`flush chain ip6 svc2nft ${endpoint}`, `flush chain ip6 svc2nft ${pick}`];

  test('of another timeout replaces the sets, as they cannot be altered', () => {
    expect(textBetween(some, longer)).toEqual([
      ...flushes,
      `delete set ip6 svc2nft ${set}`,
      `add set ip6 svc2nft ${set} { type ipv6_addr; flags dynamic,timeout; size 65535; timeout 901s; comment "clients pinned to this endpoint"; }`,
      ...rules,
    ]);
  });

  test('goes with the sets and chains of the Service', () => {
    expect(textBetween(some, none)).toEqual([
      ...flushes,
      'delete element ip6 svc2nft service-ips { fd00:10:96::10 . tcp . 80 }',
      `delete set ip6 svc2nft ${set}`,
      `delete chain ip6 svc2nft ${endpoint}`,
      `delete chain ip6 svc2nft ${pick}`,
      'add map ip6 svc2nft tcp-endpoints { typeof ip6 daddr . tcp dport . numgen random mod 2 : ip6 daddr . tcp dport; comment "IP, port and index to endpoint"; }',
      'add chain ip6 svc2nft tcp-cluster-1',
      'add rule ip6 svc2nft tcp-cluster-1 dnat ip6 to ip6 daddr . tcp dport . numgen random mod 1 map @tcp-endpoints',
      'add element ip6 svc2nft service-ips { fd00:10:96::10 . tcp . 80 comment "shop/web" : goto tcp-cluster-1 }',
      'add element ip6 svc2nft tcp-endpoints { fd00:10:96::10 . 80 . 0 : fd00:10:244:2::1 . 8080 }',
    ]);
  });
});
