import { expect, test } from 'vitest';
import { renderVerification } from '../../../src/inspect/verify/render-verification.ts';
import { rulesOf, verifyText } from '../../support/kube-proxy-table.ts';

/** What is done to the text of a table, and the first line of verify. */
type Planted = readonly [what: string, table: string, change: (text: string) => string, line: string];

const all = 'every-kind-of-frontend';
const localhost = 'localhost-node-ports';
const older = 'layout-before-1.36';
const early = 'early-layout';

/** Replaces the first place; a text that is not there would plant nothing. */
const put =
  (from: string | RegExp, to: string) =>
  (text: string): string => {
    const changed = text.replace(from, to);
    if (changed === text) {
      throw new Error(`there is no ${from}`);
    }
    return changed;
  };
const cut = (from: string | RegExp): Planted[2] => put(from, '');
/** Removes a line of a chain. */
const cutRule = (chain: string, rule: string): Planted[2] => put(ruleIn(chain, rule), '$1');
const putRule = (chain: string, rule: string, instead: string): Planted[2] =>
  put(ruleIn(chain, rule), `$1\t\t${instead}\n`);
const addRule = (chain: string, rule: string): Planted[2] =>
  put(`\tchain ${chain} {\n`, `\tchain ${chain} {\n\t\t${rule}\n`);
const ruleIn = (chain: string, rule: string): RegExp =>
  new RegExp(`(\\tchain ${literally(chain)} \\{\\n(?:\\t\\t.*\\n)*?)\\t\\t${literally(rule)}[^\\n]*\\n`);
const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** Removes an element, by the beginning of its text. */
const cutElement = (set: string, element: string): Planted[2] =>
  put(new RegExp(`(\\t(?:set|map) ${set} \\{[^}]*?elements = \\{[^}]*?)${literally(element)}[^,}]*(?:,\\s*)?`), '$1');
const addElement = (set: string, element: string): Planted[2] =>
  put(new RegExp(`(\\t(?:set|map) ${set} \\{[^}]*?elements = \\{ )`), `$1${element}, `);

const web = 'KHN6ECMT-shop/web/tcp/http';
const cart = 'IJTWSMUZ-shop/cart/tcp/';

const planted: readonly Planted[] = [
  [
    'a cluster IP without a chain',
    all,
    cutElement('service-ips', '10.96.0.10 . tcp . 80'),
    'shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are rejected, but should reach 3 endpoints',
  ],
  [
    'a cluster IP with the chain of another port',
    all,
    put(
      `10.96.0.10 . tcp . 80 : goto service-${web}`,
      '10.96.0.10 . tcp . 80 : goto service-MLGBEHPS-shop/web/udp/dns',
    ),
    'shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are rejected, but should reach 3 endpoints',
  ],
  [
    'a frontend of a Service that is gone',
    all,
    addElement('service-ips', `10.96.0.77 . tcp . 80 : goto service-${web}`),
    '10.96.0.77:80/tcp: service-ips has 10.96.0.77 . tcp . 80 (shop/web:http), but no Service has this frontend',
  ],
  [
    'a node port without a chain',
    all,
    cutElement('service-nodeports', 'tcp . 30080'),
    'shop/web:http *:30080/tcp: connections from pods, the node and external clients are not translated, but should reach 3 endpoints',
  ],
  [
    'a node port that nobody has',
    all,
    addElement('service-nodeports', `tcp . 31999 : goto external-${web}`),
    '*:31999/tcp: service-nodeports has tcp . 31999 (shop/web:http), but no Service has this frontend',
  ],
  [
    'a load balancer IP with the chain of the cluster IP',
    all,
    put(`198.18.0.11 . tcp . 443 : goto external-${cart}`, `198.18.0.11 . tcp . 443 : goto service-${cart}`),
    'shop/cart 198.18.0.11:443/tcp: connections from the node to 10.244.1.11:8443 keep their source, but should be masqueraded',
  ],
  [
    'an external IP that nothing rejects',
    all,
    cutElement('no-endpoint-services', '198.19.0.13 . tcp . 80'),
    'shop/none 198.19.0.13:80/tcp: connections from pods, the node and external clients are not translated, but should be rejected (no endpoints)',
  ],
  [
    'a cluster IP that is rejected in place of dropped',
    all,
    put(/(10\.96\.0\.12 \. tcp \. 80 comment "shop\/far:http" : )drop/, '$1goto reject-chain'),
    'shop/far:http 10.96.0.12:80/tcp: connections from pods, the node and external clients are rejected, but should be dropped (no endpoints on this node)',
  ],
  [
    'a node port that nothing rejects',
    all,
    cutElement('no-endpoint-nodeports', 'tcp . 30083'),
    'shop/none *:30083/tcp: connections from pods, the node and external clients are not translated, but should be rejected (no endpoints)',
  ],
  [
    'a Service with endpoints that is rejected',
    all,
    addElement('no-endpoint-services', '10.244.1.5 . tcp . 8080 : goto reject-chain'),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.1.5:8080 gets none of the connections from pods, the node and external clients, but should get 1/3',
  ],
  [
    'a cluster IP that the set lacks',
    all,
    cutElement('cluster-ips', '10.96.0.10'),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'a cluster IP that nobody has',
    all,
    addElement('cluster-ips', '10.96.0.77'),
    'cluster-ips has 10.96.0.77, which nothing in the snapshot calls for',
  ],
  [
    'no address for node ports',
    all,
    cutElement('nodeport-ips', '192.0.2.11'),
    'shop/web:http *:30080/tcp (and 2 more): connections from pods, the node and external clients are not translated, but should reach 3 endpoints',
  ],
  [
    'an address too many for node ports',
    all,
    addElement('nodeport-ips', '198.51.100.11'),
    '198.51.100.11:30080/tcp (and 2 more): connections from pods, the node and external clients reach 10.244.1.5:8080 and 2 more, but should not be translated',
  ],
  [
    'a missing hairpin',
    all,
    cutElement('hairpin-connections', '10.244.1.5 . 10.244.1.5 . tcp . 8080'),
    'shop/web:http 10.96.0.10:80/tcp: connections from endpoint 10.244.1.5:8080 itself to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'a hairpin too many',
    all,
    addElement('hairpin-connections', '10.244.2.5 . 10.244.2.5 . tcp . 8080'),
    'hairpin-connections has 10.244.2.5 . 10.244.2.5 . tcp . 8080, which is not an endpoint on this node',
  ],
  [
    'source ranges that no element leads to',
    all,
    cutElement('firewall-ips', '198.18.0.11 . tcp . 443'),
    'shop/cart 198.18.0.11:443/tcp: connections from 203.0.112.255, 203.0.114.0, 192.0.1.255 and 7 more reach 10.244.1.11:8443, but should be dropped (not in a source range)',
  ],
  [
    'a source range that is missing',
    all,
    put('10.244.0.0/16, 192.0.2.0/25, 198.18.0.11, 203.0.113.0/24', '10.244.0.0/16, 192.0.2.0/25, 198.18.0.11'),
    'shop/cart 198.18.0.11:443/tcp: connections from external clients are dropped, but should reach 10.244.1.11:8443',
  ],
  [
    'a source range too many',
    all,
    put(
      '10.244.0.0/16, 192.0.2.0/25, 198.18.0.11, 203.0.113.0/24',
      '10.244.0.0/16, 192.0.2.0/25, 198.18.0.11, 203.0.113.0/24, 198.51.100.0/24',
    ),
    'shop/cart 198.18.0.11:443/tcp: connections from 198.51.100.0, 198.51.100.255, 198.51.100.10 and 1 more reach 10.244.1.11:8443, but should be dropped (not in a source range)',
  ],
  [
    'source ranges the other way round',
    all,
    put('ip saddr != { 10.244.0.0/16', 'ip saddr { 10.244.0.0/16'),
    'shop/cart 198.18.0.11:443/tcp: connections from pods and the node are dropped, but should reach 2 endpoints',
  ],
  [
    'a wrong endpoint address',
    all,
    put('dnat to 10.244.1.11:8443', 'dnat to 10.244.1.12:8443'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): 10.244.1.12:8443 gets all of the connections from external clients, but should get none; 10.244.1.11:8443 gets none, but should get all',
  ],
  [
    'a wrong endpoint port',
    all,
    put('dnat to 10.244.1.11:8443', 'dnat to 10.244.1.11:8444'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): 10.244.1.11:8444 gets all of the connections from external clients, but should get none; 10.244.1.11:8443 gets none, but should get all',
  ],
  [
    'an endpoint for another protocol',
    all,
    put('meta l4proto tcp dnat to 10.244.1.11:8443', 'meta l4proto udp dnat to 10.244.1.11:8443'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): connections from external clients are not translated, but should reach 10.244.1.11:8443',
  ],
  [
    'a wrong endpoint among several',
    all,
    put('0 : 10.244.1.5 . 8080', '0 : 10.244.6.6 . 8080'),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.6.6:8080 gets 1/3 of the connections from pods, the node and external clients, but should get none; 10.244.1.5:8080 gets none, but should get 1/3',
  ],
  [
    'an endpoint less',
    all,
    put(
      /numgen random mod 3 map \{ 0 : 10\.244\.1\.5 \. 8080, 1 : 10\.244\.2\.5 \. 8080, 2 : [^}]*\}/,
      'numgen random mod 2 map { 0 : 10.244.1.5 . 8080, 1 : 10.244.2.5 . 8080 }',
    ),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.9.7:8080 gets none of the connections from pods, the node and external clients, but should get 1/3',
  ],
  [
    'an endpoint twice',
    all,
    put(
      /numgen random mod 3 map \{ 0 : 10\.244\.1\.5 \. 8080, (1 : 10\.244\.2\.5 \. 8080, 2 : [^} ]* \. 8080) \}/,
      'numgen random mod 4 map { 0 : 10.244.1.5 . 8080, $1, 3 : 10.244.1.5 . 8080 }',
    ),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.1.5:8080 gets 1/2 of the connections from pods, the node and external clients, but should get 1/3',
  ],
  [
    'no masquerading of external clients',
    all,
    cutRule(`external-${web}`, 'meta mark set'),
    'shop/web:http *:30080/tcp: connections from pods, the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'masquerading that policy Local must not have',
    all,
    addRule(`local-${cart}`, 'meta mark set meta mark | 0x00004000'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): connections from external clients are masqueraded, but should keep their source',
  ],
  [
    'no masquerading at cluster IPs',
    all,
    cutRule('services', 'ip daddr @cluster-ips'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'masquerading at cluster IPs for another range of pods',
    all,
    put('ip saddr != 10.244.0.0/16 meta mark set', 'ip saddr != 10.0.0.0/8 meta mark set'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from 10.0.0.0, 10.255.255.255, 10.243.255.255 and 1 more to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'a mark that nothing masquerades',
    all,
    cutRule('masquerading', 'meta mark &'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'a mark of another bit',
    all,
    put('meta mark & 0x00004000 != 0x00000000', 'meta mark & 0x00008000 != 0x00000000'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'a mark that is not taken away',
    all,
    put('meta mark set meta mark ^ 0x00004000 masquerade', 'masquerade'),
    'shop/web:http 10.96.0.10:80/tcp (and 6 more): connections from the node and external clients arrive with mark 0x00004000, but should have 0x00000000',
  ],
  [
    'no rule for hairpins',
    all,
    cutRule('masquerading', 'ct status dnat'),
    'shop/web:http 10.96.0.10:80/tcp (and 11 more): connections from endpoint 10.244.1.5:8080 itself to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'no dispatch in output',
    all,
    cutRule('nat-output', 'jump services'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from the node are rejected, but should reach 3 endpoints',
  ],
  [
    'no dispatch in prerouting',
    all,
    cutRule('nat-prerouting', 'jump services'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from pods and external clients are rejected, but should reach 3 endpoints',
  ],
  [
    'no masquerading at all',
    all,
    cutRule('nat-postrouting', 'jump masquerading'),
    'shop/web:http 10.96.0.10:80/tcp (and 5 more): connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'no source ranges in prerouting',
    all,
    cutRule('filter-prerouting-pre-dnat', 'ct state new'),
    'shop/cart 198.18.0.11:443/tcp: connections from 203.0.112.255, 203.0.114.0, 192.0.1.255 and 7 more reach 10.244.1.11:8443, but should be dropped (not in a source range)',
  ],
  [
    'no source ranges in output',
    all,
    cutRule('filter-output-pre-dnat', 'ct state new'),
    'shop/cart 198.18.0.11:443/tcp: connections from 198.51.100.11 and 127.0.0.1 reach 10.244.1.11:8443 and 1 more, but should be dropped (not in a source range)',
  ],
  [
    'source ranges after the translation',
    all,
    put('type filter hook prerouting priority dstnat - 10', 'type filter hook prerouting priority filter'),
    'shop/cart 198.18.0.11:443/tcp: connections from 203.0.112.255, 203.0.114.0, 192.0.1.255 and 7 more reach 10.244.1.11:8443, but should be dropped (not in a source range)',
  ],
  [
    'forwarded packets that nothing rejects',
    all,
    cutRule('filter-forward', 'ct state new jump service-endpoints-check'),
    'shop/far:http 10.96.0.12:80/tcp: connections from pods and external clients are rejected, but should be dropped (no endpoints on this node)',
  ],
  [
    'other ports of cluster IPs that nothing rejects',
    all,
    cutRule('filter-forward', 'ct state new jump cluster-ips-check'),
    '10.96.0.10:9/tcp (and 9 more): connections from pods and external clients are not translated, but should be rejected (the cluster IP does not have this port)',
  ],
  [
    'unallocated cluster IPs that nothing drops',
    all,
    cutRule('cluster-ips-check', 'ip daddr 10.96.0.0/16'),
    '10.96.0.0:9/tcp (and 5 more): connections from pods, the node and external clients are not translated, but should be dropped (no Service has this cluster IP)',
  ],
  [
    'node ports that nothing rejects',
    all,
    cutRule('filter-input', 'ct state new jump nodeport-endpoints-check'),
    'shop/far:http *:30082/tcp: connections from external clients are not translated, but should be dropped (no endpoints on this node)',
  ],
  [
    'no rejection of what the node sends',
    all,
    cutRule('filter-output', 'ct state new jump service-endpoints-check'),
    'shop/far:http 10.96.0.12:80/tcp: connections from the node are rejected, but should be dropped (no endpoints on this node)',
  ],
  [
    'a chain that drops in place of rejecting',
    all,
    putRule('reject-chain', 'reject', 'drop'),
    'shop/none 10.96.0.13:80/tcp (and 2 more): connections from pods, the node and external clients are dropped, but should be rejected (no endpoints)',
  ],
  [
    'a filter rule for all connections',
    all,
    putRule('filter-forward', 'ct state new jump service-endpoints-check', 'jump service-endpoints-check'),
    'chain filter-forward, rule 1 applies to all connections, but should apply only to new ones (ct state new)',
  ],
  [
    'clients that are forgotten',
    all,
    cut(/\t\tupdate @affinity-[^\n]*\n/),
    'shop/kept-here 10.96.0.15:80/udp (and 1 more): pods, the node and external clients do not keep 10.244.1.15:8080, but should for 10,800 s',
  ],
  [
    'clients that are not looked up',
    all,
    cut(/\t\tip saddr @affinity-[^\n]*\n/),
    'shop/kept-here 10.96.0.15:80/udp: pods, the node and external clients do not keep 10.244.1.15:8080, but should for 10,800 s',
  ],
  [
    'clients that are kept for too long',
    all,
    put('timeout 1m\n', 'timeout 2m\n'),
    'shop/kept:t 10.96.0.14:80/tcp (and 1 more): pods, the node and external clients keep 10.244.1.14:80 for 120 s, but should for 60 s',
  ],
  [
    'pods that policy Local restricts',
    all,
    cutRule(`external-${cart}`, 'ip saddr 10.244.0.0/16'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): 10.244.2.11:8443 gets none of the connections from pods, but should get 1/2',
  ],
  [
    'the node that policy Local restricts',
    all,
    cutRule(`external-${cart}`, 'fib saddr type local goto'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): 10.244.2.11:8443 gets none of the connections from the node, but should get 1/2',
  ],
  [
    'the node without masquerading',
    all,
    cutRule(`external-${cart}`, 'fib saddr type local meta mark'),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): connections from the node to 10.244.1.11:8443 keep their source, but should be masqueraded',
  ],
  [
    'policy Local with endpoints elsewhere',
    all,
    putRule(`external-${cart}`, `goto local-${cart}`, `goto service-${cart}`),
    'shop/cart 198.18.0.11:443/tcp (and 2 more): 10.244.2.11:8443 gets 1/2 of the connections from external clients, but should get none',
  ],
  [
    'a chain that was flushed',
    all,
    cutRule(`external-${web}`, `goto service-${web}`),
    'shop/web:http *:30080/tcp: connections from pods, the node and external clients are not translated, but should reach 3 endpoints',
  ],
  [
    'somebody else who drops a client',
    all,
    addRule('services', 'ip saddr 203.0.113.0/24 drop'),
    'shop/web:http 10.96.0.10:80/tcp (and 9 more): connections from external clients are dropped, but should reach 3 endpoints',
  ],
  [
    'somebody else who takes a port',
    all,
    addRule('services', 'ip daddr 198.51.100.77 tcp dport 8080 dnat to 10.244.6.6:80'),
    'chain services: rule 1 is not understood',
  ],
  [
    'a rule that is not understood',
    all,
    addRule('services', 'tcp flags syn limit rate 5/second drop'),
    'chain services: rule 1 is not understood',
  ],
  [
    'a policy of drop',
    all,
    put('hook forward priority filter; policy accept;', 'hook forward priority filter; policy drop;'),
    'chain filter-forward: unexpected policy drop',
  ],
  [
    'a node port at loopback addresses that nothing rejects',
    localhost,
    cutElement('localhost-nodeport-reject-ports', 'udp . 30053'),
    'shop/web:dns *:30053/udp: connections from the node are not translated, but should be rejected (loopback addresses refuse this node port)',
  ],
  [
    'a chain at loopback addresses that only counts',
    localhost,
    cutRule('localhost-nodeport-reject-udp', 'counter'),
    'shop/web:dns *:30053/udp: connections from the node are not translated, but should be rejected (loopback addresses refuse this node port)',
  ],
  [
    'before 1.36: an endpoint that the choice lacks',
    older,
    put(
      /numgen random mod 2 vmap \{ (0 : goto endpoint-\S+shop\/web\/tcp\/http__10\.244\.1\.5\/8080), [^}]*\}/,
      'numgen random mod 1 vmap { $1 }',
    ),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.2.5:8080 gets none of the connections from pods, the node and external clients, but should get 1/2',
  ],
  [
    'before 1.36: a wrong endpoint',
    older,
    put('dnat to 10.244.2.5:8080', 'dnat to 10.244.2.6:8080'),
    'shop/web:http 10.96.0.10:80/tcp (and 1 more): 10.244.2.6:8080 gets 1/2 of the connections from pods, the node and external clients, but should get none; 10.244.2.5:8080 gets none, but should get 1/2',
  ],
  [
    'before 1.36: a hairpin without masquerading',
    older,
    cut(/\t\tip saddr 10\.244\.1\.5 jump mark-for-masquerade\n/),
    'shop/web:http 10.96.0.10:80/tcp: connections from endpoint 10.244.1.5:8080 itself to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'before 1.36: no masquerading at a cluster IP',
    older,
    cut(/\t\tip daddr 10\.96\.0\.10 tcp dport 80 [^\n]*\n/),
    'shop/web:http 10.96.0.10:80/tcp: connections from the node and external clients to 10.244.1.5:8080 keep their source, but should be masqueraded',
  ],
  [
    'before 1.36: a mark that everything passes with',
    older,
    cut(/\t\tmeta mark & 0x00004000 == 0x00000000 return\n/),
    'shop/web:http 10.96.0.10:80/tcp (and 7 more): connections from pods to 10.244.1.5:8080 are masqueraded, but should keep their source',
  ],
  [
    'before 1.36: unallocated cluster IPs of one of two ranges',
    older,
    put('ip daddr { 10.96.0.0/16, 10.112.0.0/16 } drop', 'ip daddr 10.96.0.0/16 drop'),
    '10.112.0.0:9/tcp (and 5 more): connections from pods, the node and external clients are not translated, but should be dropped (no Service has this cluster IP)',
  ],
  [
    'an early layout: no check for missing endpoints',
    early,
    cutRule('filter-forward', 'ct state new jump endpoints-check'),
    'shop/far:http 10.96.0.12:80/tcp: connections from pods and external clients are not translated, but should be dropped (no endpoints on this node)',
  ],
];

test.each(planted)('the first line names %s', (_what, table, change, line) => {
  const [ofIPv4 = ''] = rulesOf(table).split('table ip6 ');
  const lines = verifyText(table, change(ofIPv4)).flatMap(renderVerification);
  expect(lines[0]).toBe(line);
});
