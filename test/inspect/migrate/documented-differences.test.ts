import { expect, test } from 'vitest';
import { predictSides } from '../../../src/cli/input/load-sides.ts';
import { listNotes } from '../../../src/inspect/migrate/list-notes.ts';
import type { ProxyKind } from '../../../src/inspect/verify/proxy-model.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { changesBetween, clusterOf, pairsOf } from './compare.ts';
import { everyFeature } from './every-feature.ts';

const defaults: Partial<CompileOptions> = { clusterCIDRs: ['10.244.0.0/16'], families: ['ip'] };

/** `effect: message: Services`, without the namespace. */
function reportOf(from: ProxyKind, to: ProxyKind, options: Partial<CompileOptions> = {}): string[] {
  const cluster = clusterOf(everyFeature, { ...defaults, ...options });
  const [before, after] = [predictSides(from, cluster), predictSides(to, cluster)];
  const { changes } = changesBetween(before, after);
  return [
    ...changes.map(({ effect, message, services }) => `${effect}: ${message}: ${namesOf(services)}`),
    ...listNotes(pairsOf(before, after)).map(({ code, services }) => `${code}: ${namesOf(services)}`),
  ];
}

function namesOf(services: readonly string[]): string {
  return services.length === 13 ? 'all' : services.map((name) => name.replace('shop/', '')).join(' ');
}

test('from iptables mode to nftables mode, all documented differences are reported, and no other', () => {
  expect(reportOf('kube-proxy-iptables', 'kube-proxy-nftables')).toMatchInlineSnapshot(`
    [
      "breaks: node ports stop answering at other addresses of the node than the primary one: at-node local node-port",
      "breaks: node ports stop answering at 127.0.0.1: at-node local node-port",
      "breaks: external addresses that are those of the node, at the number of a node port: reaches 2 endpoints -> dropped: at-node node-port",
      "breaks: endpoints at addresses that are refused themselves are no longer reached: odd",
      "breaks: endpoints on other nodes no longer reach themselves: at-node local",
      "breaks: endpoints whose EndpointSlice names no node no longer reach themselves: unplaced",
      "source: an external address is also a cluster IP: endpoints see other source addresses there: at-cluster-ip",
      "refusal: ports of cluster IPs that no Service has: left alone -> rejected with an ICMP error: all",
      "refusal: node ports that lack endpoints are no longer refused at other addresses of the node than the primary one: at-node dead-port",
      "refusal: clients outside of the source ranges of a load balancer IP without endpoints: rejected with an ICMP error -> dropped: dead-ranges",
      "refusal: what the node itself sends to external addresses without endpoints: left alone -> dropped: dead-ranges",
      "refusal: what the node itself sends to external addresses without endpoints: left alone -> rejected with an ICMP error: dead-external",
      "refusal: node ports that lack endpoints are no longer refused at loopback addresses: dead-port",
      "refusal: addresses of the ServiceCIDRs that no Service has: left alone -> dropped: ",
      "health-check-policy: local",
      "forward-policy: all",
      "invalid-packets: all",
      "contested-frontends: claims claims-too",
      "affinity-clients: pinned",
      "affinity-restarts: pinned",
      "route-localnet: at-node dead-port local node-port",
    ]
  `);
});

test('so they are on the way back', () => {
  expect(reportOf('kube-proxy-nftables', 'kube-proxy-iptables')).toMatchInlineSnapshot(`
    [
      "opens: node ports start to answer at other addresses of the node than the primary one: at-node local node-port",
      "opens: node ports start to answer at 127.0.0.1: at-node local node-port",
      "opens: external addresses that are those of the node, at the number of a node port: dropped -> reaches 2 endpoints: at-node node-port",
      "opens: endpoints at addresses that are refused themselves are reached: odd",
      "opens: endpoints on other nodes reach themselves: at-node local",
      "opens: endpoints whose EndpointSlice names no node reach themselves: unplaced",
      "source: an external address is also a cluster IP: endpoints see other source addresses there: at-cluster-ip",
      "refusal: ports of cluster IPs that no Service has: rejected with an ICMP error -> left alone: all",
      "refusal: node ports that lack endpoints are refused at other addresses of the node than the primary one: at-node dead-port",
      "refusal: clients outside of the source ranges of a load balancer IP without endpoints: dropped -> rejected with an ICMP error: dead-ranges",
      "refusal: what the node itself sends to external addresses without endpoints: dropped -> left alone: dead-ranges",
      "refusal: what the node itself sends to external addresses without endpoints: rejected with an ICMP error -> left alone: dead-external",
      "refusal: node ports at loopback addresses: left alone -> rejected with an ICMP error: dead-port",
      "refusal: addresses of the ServiceCIDRs that no Service has: dropped -> left alone: ",
      "health-check-policy: local",
      "forward-policy: all",
      "invalid-packets: all",
      "contested-frontends: claims claims-too",
      "affinity-clients: pinned",
      "affinity-restarts: pinned",
    ]
  `);
});

test('from nftables mode to svc2nft', () => {
  expect(reportOf('kube-proxy-nftables', 'svc2nft')).toMatchInlineSnapshot(`
    [
      "opens: endpoints whose EndpointSlice names no node reach themselves: unplaced",
      "endpoints: several Services claim one address and port, or one node port, and another one may get it: claims",
      "refusal: refused connections: rejected with an ICMP error -> rejected with a TCP reset: all",
      "contested-frontends: claims claims-too",
      "affinity-scope: pinned",
      "affinity-restarts: pinned",
    ]
  `);
});

test('from svc2nft to its rules for iptables', () => {
  expect(reportOf('svc2nft', 'svc2nft-iptables')).toMatchInlineSnapshot(`
    [
      "opens: node ports start to answer at other addresses of the node than the primary one: at-node local node-port",
      "opens: node ports start to answer at 127.0.0.1: at-node local node-port",
      "opens: endpoints at addresses that are refused themselves are reached: odd",
      "source: an external address is also a cluster IP: endpoints see other source addresses there: at-cluster-ip",
      "refusal: node ports that lack endpoints are refused at other addresses of the node than the primary one: at-node dead-port",
      "refusal: clients outside of the source ranges of a load balancer IP without endpoints: dropped -> rejected with a TCP reset: dead-ranges",
      "refusal: node ports at loopback addresses: left alone -> rejected with a TCP reset: dead-port",
      "health-check-policy: local",
      "forward-policy: all",
      "invalid-packets: all",
      "affinity-clients: pinned",
      "affinity-scope: pinned",
      "affinity-restarts: pinned",
    ]
  `);
});

test('settings that keep the old behavior are found to do so', () => {
  const settings = {
    nodePortAddresses: ['0.0.0.0/0', '127.0.0.0/8'],
    localhostNodePorts: true,
  };
  const report = reportOf('kube-proxy-iptables', 'kube-proxy-nftables', settings);
  expect(report.filter((line) => /node ports/.test(line))).toMatchInlineSnapshot(`
    [
      "breaks: node ports stop answering at 127.0.0.1: at-node",
      "endpoints: node ports at 127.0.0.1 reach only endpoints on this node with externalTrafficPolicy Local: local",
      "refusal: node ports that lack endpoints are no longer refused at loopback addresses: dead-port",
    ]
  `);
});

test('each mode has a section of its own', () => {
  const iptables = { masqueradeAll: true, masqueradeBit: 15, localhostNodePorts: false };
  const report = reportOf('kube-proxy-iptables', 'kube-proxy-nftables', { iptables });
  expect(report.filter((line) => /masqueradeAll|mark|127/.test(line))).toMatchInlineSnapshot(`
    [
      "source: endpoints see the addresses of Pods that connect to cluster IPs (no masqueradeAll): at-cluster-ip at-node claims claims-too local node-port pinned plain unplaced",
      "mark-bit: all",
    ]
  `);
});
