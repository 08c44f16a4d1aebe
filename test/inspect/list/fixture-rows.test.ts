import { expect, test } from 'vitest';
import type { FrontendRow } from '../../../src/inspect/list/inventory.ts';
import { takeFixture } from './take-fixture.ts';

/** `cart http ClusterIP 10.96.0.10:80/tcp Cluster 3/1 | remark; remark`: endpoints used, and local ones of them. */
function lineOf(row: FrontendRow): string {
  const { service, portName, type, frontend, policy, endpointsUsed, endpointsLocal, remarks } = row;
  const cells = [service, portName, type, frontend, policy].map((cell) => cell ?? '-');
  const remark = remarks.length > 0 ? ` | ${remarks.join('; ')}` : '';
  return `${cells.join(' ')} ${endpointsUsed}/${endpointsLocal}${remark}`;
}

/** Written from what the fixtures say, as their packets are. */
const expected: [fixture: string, lines: string][] = [
  [
    'absent-conditions-count-as-ready',
    `leaving http ClusterIP 10.96.0.11:80/tcp Cluster 1/1 | all terminating; 1 not ready
     web http ClusterIP 10.96.0.10:80/tcp Cluster 5/3 | 1 not ready`,
  ],
  [
    'both-policies-local-drop-without-local-endpoint',
    `web http ClusterIP 10.96.0.10:80/tcp Local 0/0 | dropped: no local endpoints
     web http LoadBalancer 198.18.0.10:80/tcp Local 1/0 | dropped for external clients: no local endpoints
     web http ExternalIP 198.19.0.5:80/tcp Local 1/0 | dropped for external clients: no local endpoints
     web http NodePort *:30080/tcp Local 1/0 | dropped for external clients: no local endpoints`,
  ],
  [
    'client-affinity-over-ipv6',
    `dns dns ClusterIP [fd00:10:96::53]:53/udp Cluster 2/1 | ClientIP 60 s
     dns dns NodePort [*]:30053/udp Cluster 2/1 | ClientIP 60 s
     web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1 | ClientIP 900 s
     web http NodePort *:30080/tcp Local 2/1 | ClientIP 900 s
     web http ClusterIP [fd00:10:96::10]:80/tcp Cluster 3/2 | ClientIP 900 s
     web http LoadBalancer [2001:db8:1b::10]:80/tcp Local 3/2 | ClientIP 900 s
     web http NodePort [*]:30080/tcp Local 3/2 | ClientIP 900 s`,
  ],
  [
    'client-affinity-with-internal-policy-local-stays-on-the-node',
    `away http ClusterIP 10.96.0.11:80/tcp Local 0/0 | dropped: no local endpoints
     web http ClusterIP 10.96.0.10:80/tcp Local 2/2 | ClientIP 10,800 s
     web http NodePort *:30080/tcp Cluster 3/2 | ClientIP 10,800 s`,
  ],
  ['empty-cluster-has-no-rules-for-anything', ''],
  [
    'endpoints-that-stopped-serving-are-no-endpoints',
    `local http ClusterIP 10.96.0.11:80/tcp Local 0/0 | rejected: no endpoints; 2 not serving
     local http NodePort *:30081/tcp Local 0/0 | rejected: no endpoints; 2 not serving
     web http ClusterIP 10.96.0.10:80/tcp Cluster 0/0 | rejected: no endpoints; 2 not serving
     web http NodePort *:30080/tcp Cluster 0/0 | rejected: no endpoints; 2 not serving`,
  ],
  [
    'external-ip-gives-way-to-a-cluster-ip',
    `thief http ClusterIP 10.96.0.66:80/tcp Cluster 1/0
     thief http ExternalIP 10.96.0.10:80/tcp - 0/0 | held by shop/web:http
     thief http ExternalIP 10.96.0.11:80/tcp - 0/0 | held by shop/idle:http
     thief https ClusterIP 10.96.0.66:443/tcp Cluster 1/0
     thief https ExternalIP 10.96.0.10:443/tcp Cluster 1/0
     thief https ExternalIP 10.96.0.11:443/tcp Cluster 1/0
     idle http ClusterIP 10.96.0.11:80/tcp Cluster 0/0 | rejected: no endpoints
     web http ClusterIP 10.96.0.10:80/tcp Cluster 1/1`,
  ],
  [
    'external-name-and-headless-services-get-no-rules',
    `alias http - - - 0/0 | ExternalName: no rules
     alias-plain http - - - 0/0 | ExternalName: no rules
     peers http - - - 0/0 | headless: no rules
     web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1`,
  ],
  [
    'external-policy-local-falls-back-to-local-terminating-endpoints',
    `web http ClusterIP 10.96.0.10:80/tcp Cluster 1/0 | 1 not serving; 1 terminating
     web http LoadBalancer 198.18.0.10:80/tcp Local 2/1 | all terminating for external clients; 1 not serving
     web http NodePort *:30080/tcp Local 2/1 | all terminating for external clients; 1 not serving`,
  ],
  [
    'external-policy-local-prefers-ready-over-terminating',
    `web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1 | 2 terminating
     web http LoadBalancer 198.18.0.10:80/tcp Local 2/1 | 2 terminating
     web http NodePort *:30080/tcp Local 2/1 | 2 terminating`,
  ],
  [
    'load-balancer-ip-mode-proxy-is-left-to-the-load-balancer',
    `web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1
     web http LoadBalancer 198.18.0.10:80/tcp Cluster 2/1 | source ranges: 203.0.113.0/25
     web http LoadBalancer 198.18.0.12:80/tcp Cluster 2/1 | source ranges: 203.0.113.0/25
     web http NodePort *:30080/tcp Cluster 2/1`,
  ],
  [
    'node-hints-keep-traffic-on-the-node',
    `web http ClusterIP 10.96.0.10:80/tcp Cluster 1/1 | hints: this node only
     web http LoadBalancer 198.18.0.10:80/tcp Cluster 1/1 | hints: this node only
     web http ExternalIP 198.19.0.5:80/tcp Cluster 1/1 | hints: this node only
     web http NodePort *:30080/tcp Cluster 1/1 | hints: this node only`,
  ],
  [
    'node-hints-without-this-node-fall-back-to-zone-hints',
    `elsewhere http ClusterIP 10.96.0.12:80/tcp Cluster 2/0
     partly http ClusterIP 10.96.0.11:80/tcp Cluster 1/0 | hints: zone-a only
     web http ClusterIP 10.96.0.10:80/tcp Cluster 1/0 | hints: zone-a only`,
  ],
  [
    'node-port-range-without-an-address-of-the-node-answers-nowhere',
    `dead http ClusterIP 10.96.0.11:80/tcp Cluster 0/0 | rejected: no endpoints
     dead http NodePort *:30081/tcp Cluster 0/0 | not open at any address of the node; rejected: no endpoints
     web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1
     web http LoadBalancer 198.18.0.10:80/tcp Cluster 2/1
     web http ExternalIP 198.19.0.5:80/tcp Cluster 2/1
     web http NodePort *:30080/tcp Cluster 2/1 | not open at any address of the node`,
  ],
  [
    'one-missing-zone-hint-turns-hints-off',
    `api http ClusterIP 10.96.0.11:80/tcp Cluster 1/0 | hints: zone-a only
     web http ClusterIP 10.96.0.10:80/tcp Cluster 3/1
     web http LoadBalancer 198.18.0.10:80/tcp Cluster 3/1
     web http ExternalIP 198.19.0.5:80/tcp Cluster 3/1
     web http NodePort *:30080/tcp Cluster 3/1`,
  ],
  [
    'older-service-keeps-a-contested-node-port',
    `alpha alt ClusterIP 10.96.0.10:81/tcp Cluster 1/0
     alpha alt NodePort *:30081/tcp Cluster 1/0
     alpha dns ClusterIP 10.96.0.10:53/udp Cluster 1/0
     alpha dns NodePort *:30080/udp Cluster 1/0
     alpha http ClusterIP 10.96.0.10:80/tcp Cluster 1/0
     alpha http NodePort *:30080/tcp - 0/0 | held by shop/zeta:http
     dead http ClusterIP 10.96.0.12:80/tcp Cluster 0/0 | rejected: no endpoints; 1 not ready
     dead http NodePort *:30081/tcp - 0/0 | held by shop/alpha:alt
     zeta http ClusterIP 10.96.0.11:80/tcp Cluster 1/1
     zeta http NodePort *:30080/tcp Local 1/1`,
  ],
  [
    'service-without-endpoints-rejects-everywhere',
    `idle log ClusterIP 10.96.0.11:514/udp Cluster 0/0 | rejected: no endpoints
     idle log NodePort *:30514/udp Cluster 0/0 | rejected: no endpoints
     starting http ClusterIP 10.96.0.12:80/tcp Cluster 0/0 | rejected: no endpoints; 2 not ready
     web http ClusterIP 10.96.0.10:80/tcp Cluster 0/0 | rejected: no endpoints
     web http LoadBalancer 198.18.0.10:80/tcp Cluster 0/0 | rejected: no endpoints
     web http ExternalIP 198.19.0.5:80/tcp Cluster 0/0 | rejected: no endpoints
     web http NodePort *:30080/tcp Cluster 0/0 | rejected: no endpoints
     web http ClusterIP [fd00:10:96::10]:80/tcp Cluster 0/0 | rejected: no endpoints
     web http LoadBalancer [2001:db8:1b::10]:80/tcp Cluster 0/0 | rejected: no endpoints
     web http NodePort [*]:30080/tcp Cluster 0/0 | rejected: no endpoints`,
  ],
  [
    'services-of-another-proxy-are-left-alone',
    `blank http - - - 0/0 | other proxy: no rules
     mesh http - - - 0/0 | other proxy: no rules
     web http ClusterIP 10.96.0.12:80/tcp Cluster 2/1
     web http NodePort *:30082/tcp Cluster 2/1`,
  ],
  [
    'source-ranges-and-external-policy-local-hold-together',
    `away http ClusterIP 10.96.0.11:80/tcp Cluster 1/0
     away http LoadBalancer 198.18.0.11:80/tcp Local 1/0 | dropped for external clients: no local endpoints; source ranges: 10.244.1.0/24 203.0.113.0/25
     web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1
     web http LoadBalancer 198.18.0.10:80/tcp Local 2/1 | source ranges: 10.244.2.0/24 192.0.2.0/24 198.18.0.10 203.0.113.0/25
     web http ExternalIP 198.19.0.5:80/tcp Local 2/1
     web http NodePort *:30080/tcp Local 2/1`,
  ],
  [
    'terminating-endpoints-serve-when-none-is-ready',
    `web http ClusterIP 10.96.0.10:80/tcp Cluster 2/1 | all terminating; 1 not ready; 1 not serving
     web http NodePort *:30080/tcp Cluster 2/1 | all terminating; 1 not ready; 1 not serving`,
  ],
  [
    'two-ports-of-one-service-with-one-number',
    `web admin ClusterIP 10.96.0.10:80/tcp Cluster 2/1
     web admin NodePort *:30081/tcp Cluster 2/1
     web http ClusterIP 10.96.0.10:80/tcp - 0/0 | held by shop/web:admin
     web http NodePort *:30080/tcp Cluster 2/1
     web other ClusterIP 10.96.0.10:81/tcp Cluster 2/1`,
  ],
  [
    'without-a-node-no-endpoint-is-local',
    `inside http ClusterIP 10.96.0.12:80/tcp Local 0/0 | dropped: no local endpoints
     open http ClusterIP 10.96.0.11:80/tcp Cluster 2/0
     open http NodePort *:30081/tcp Cluster 2/0
     web http ClusterIP 10.96.0.10:80/tcp Cluster 2/0
     web http LoadBalancer 198.18.0.10:80/tcp Local 2/0 | dropped for external clients: no local endpoints
     web http ExternalIP 198.19.0.5:80/tcp Local 2/0 | dropped for external clients: no local endpoints
     web http NodePort *:30080/tcp Local 2/0 | dropped for external clients: no local endpoints`,
  ],
  ['zone-option-beats-the-label-of-the-node', 'web http ClusterIP 10.96.0.10:80/tcp Cluster 2/0 | hints: zone-b only'],
];

test.each(expected)('%s', (name, lines) => {
  const wanted = lines === '' ? [] : lines.split('\n').map((line) => line.trim());
  expect(takeFixture(name).items.map(lineOf)).toEqual(wanted);
});
