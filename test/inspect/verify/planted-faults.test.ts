import { describe, expect, test } from 'vitest';
import { faultsOf } from './faults-of.ts';
import {
  addChains,
  addElement,
  addRule,
  chain,
  changeElements,
  endpoints,
  type Plant,
  removeElements,
  removeRule,
  set,
  statements,
} from './plant.ts';

/** What is done to the ruleset of a fixture, and a line that must be among the faults. */
type Planted = readonly [what: string, fixture: string, plant: Plant, line: string];

const web = 'cluster-ip-spreads-over-all-ready-endpoints';
const sizes = 'services-of-many-sizes-share-nothing-but-rules';
const guarded = 'source-ranges-and-external-policy-local-hold-together';
const affinity = 'client-affinity-holds-at-cluster-ips';
const affinity6 = 'client-affinity-over-ipv6';
const nodePorts = 'node-ports-answer-at-the-primary-addresses';
const dead = 'service-without-endpoints-rejects-everywhere';
const unallocated = 'unallocated-cluster-ip-is-dropped';
const bridge = 'bridge-interface-detection-looks-at-the-interface';

function withoutTimeout<T extends object>(part: T): T {
  const { timeoutSeconds: _, ...rest } = part as T & { readonly timeoutSeconds?: number };
  return rest as T;
}

const withoutTimeoutOf =
  (name: string): Plant =>
  (ruleset) => ({ ...ruleset, sets: ruleset.sets.map((one) => (one.name === name ? withoutTimeout(one) : one)) });

const unknownEndpoint = { address: '10.9.9.9', port: 80 };

const inEndpointMaps: Planted[] = [
  [
    'wrong endpoint',
    web,
    endpoints('tcp-endpoints', '10.96.0.10 . 80', ([, ...others]) => [unknownEndpoint, ...others]),
    'wrong-endpoint shop/web:http 10.96.0.10:80/tcp: 10.9.9.9:80 gets 1/3 of the connections from pods, the node and external clients, but should get none; 10.244.1.10:8080 gets none, but should get 1/3',
  ],
  [
    'missing endpoint',
    web,
    endpoints('tcp-endpoints', '10.96.0.10 . 80', (all) => all.slice(0, 2)),
    'wrong-endpoint shop/web:http 10.96.0.10:80/tcp: 10.244.3.30:8080 gets none of the connections from pods, the node and external clients, but should get 1/3',
  ],
  [
    'endpoint behind the modulus',
    web,
    endpoints('tcp-endpoints', '10.96.0.10 . 80', (all) => [...all, unknownEndpoint]),
    'extra-element shop/web:http 10.96.0.10:80/tcp: tcp-endpoints has 10.9.9.9:80 at 10.96.0.10 . 80 . 3, which no client of this frontend should match',
  ],
  [
    'endpoint twice',
    web,
    endpoints('tcp-endpoints', '10.96.0.10 . 80', (all) => [...all.slice(0, 2), ...all.slice(0, 1)]),
    'wrong-endpoint shop/web:http 10.96.0.10:80/tcp: 10.244.3.30:8080 gets none of the connections from pods, the node and external clients, but should get 1/3',
  ],
  [
    'another port of the right endpoint',
    sizes,
    endpoints('tcp-endpoints', '10.96.1.12 . 80', (all) =>
      all.map((one, index) => (index === 7 ? { ...one, port: 8081 } : one)),
    ),
    'wrong-endpoint shop/size-12:http 10.96.1.12:80/tcp: 10.244.2.8:8081 gets 1/12 of the connections from pods, the node and external clients, but should get none; 10.244.2.8:8080 gets none, but should get 1/12',
  ],
  [
    'wrong endpoint of a node port alone',
    sizes,
    endpoints('tcp-nodeport-endpoints', '30112', (all) =>
      all.map((one, index) => (index === 11 ? unknownEndpoint : one)),
    ),
    'wrong-endpoint shop/size-12:http *:30112/tcp: 10.9.9.9:80 gets 1/12 of the connections from pods, the node and external clients, but should get none; 10.244.3.9:8080 gets none, but should get 1/12',
  ],
  [
    'endpoint of another node for external clients',
    guarded,
    endpoints('tcp-local-endpoints', '198.18.0.10 . 80', () => [{ address: '10.244.2.20', port: 8080 }]),
    'wrong-endpoint shop/web:http 198.18.0.10:80/tcp: 10.244.2.20:8080 gets all of the connections from 203.0.113.0, 203.0.113.127, 192.0.2.0 and 4 more, but should get none; 10.244.1.10:8080 gets none, but should get all',
  ],
  [
    'endpoints of a frontend that no Service has',
    web,
    set('tcp-endpoints', ({ lists = [] }) => ({
      lists: [...lists, { key: '10.96.0.99 . 80', endpointAddresses: [unknownEndpoint] }],
    })),
    'extra-frontend 10.96.0.99:80/tcp: tcp-endpoints has 10.9.9.9:80 at 10.96.0.99 . 80 . 0, but no Service has this frontend',
  ],
];

const inOtherSets: Planted[] = [
  [
    'missing frontend',
    web,
    removeElements('service-ips', '10.96.0.10'),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are rejected, but should reach 3 endpoints',
  ],
  [
    'extra frontend',
    web,
    addElement('service-ips', {
      key: '10.96.0.10 . tcp . 8443',
      value: { kind: 'goto', chain: 'tcp-cluster-3' },
      comment: 'shop/old:https',
    }),
    'extra-frontend 10.96.0.10:8443/tcp: service-ips has 10.96.0.10 . tcp . 8443 (shop/old:https), but no Service has this frontend',
  ],
  [
    'extra node port',
    nodePorts,
    addElement('service-nodeports', { key: 'tcp . 30999', value: { kind: 'goto', chain: 'tcp-nodeport-external-2' } }),
    'extra-frontend *:30999/tcp: service-nodeports has tcp . 30999, but no Service has this frontend',
  ],
  [
    'chain for another number of endpoints',
    sizes,
    changeElements('service-ips', '10.96.1.5 ', (one) => ({ ...one, value: { kind: 'goto', chain: 'tcp-cluster-3' } })),
    'wrong-endpoint shop/size-5:http 10.96.1.5:80/tcp: 10.244.3.3:8080 and 1 more get none of the connections from pods, the node and external clients, but should get 1/5',
  ],
  [
    'a frontend dropped',
    sizes,
    changeElements('service-ips', '10.96.1.5 ', (one) => ({ ...one, value: { kind: 'drop' } })),
    'wrong-verdict shop/size-5:http 10.96.1.5:80/tcp: connections from pods, the node and external clients are dropped, but should reach 5 endpoints',
  ],
  [
    'missing cluster IP',
    web,
    removeElements('cluster-ips', '10.96.0.10'),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from the node and external clients to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'extra cluster IP',
    web,
    addElement('cluster-ips', { key: '10.96.0.77' }),
    'extra-element : cluster-ips has 10.96.0.77, which nothing in the snapshot calls for',
  ],
  [
    'missing hairpin',
    web,
    removeElements('hairpin-connections', '10.244.1.10'),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from endpoint 10.244.1.10:8080 itself to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'extra hairpin',
    web,
    addElement('hairpin-connections', { key: '10.244.2.20 . 10.244.2.20' }),
    'extra-element : hairpin-connections has 10.244.2.20 . 10.244.2.20, which is not an endpoint on this node',
  ],
  [
    'reject lost',
    dead,
    removeElements('no-endpoint-services', '198.1'),
    'wrong-verdict shop/web:http 198.18.0.10:80/tcp: connections from pods, the node and external clients are not translated, but should be rejected (no endpoints)',
  ],
  [
    'drop where reject should be',
    dead,
    changeElements('no-endpoint-services', '10.96.0.10', (one) => ({ ...one, value: { kind: 'drop' } })),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are dropped, but should be rejected (no endpoints)',
  ],
  [
    'refusal of a node port lost',
    dead,
    set('no-endpoint-nodeports', () => ({ elements: [] })),
    'wrong-verdict shop/web:http *:30080/tcp: connections from pods, the node and external clients are not translated, but should be rejected (no endpoints)',
  ],
  [
    'guard lost',
    guarded,
    removeElements('firewall-ips', '198.18.0.10'),
    'wrong-verdict shop/web:http 198.18.0.10:80/tcp: connections from pods reach 10.244.1.10:8080 and 1 more, but should be dropped (not in a source range)',
  ],
  [
    'guard of what should be open',
    guarded,
    addElement('firewall-ips', { key: '198.19.0.5 . tcp . 80' }),
    'wrong-verdict shop/web:http 198.19.0.5:80/tcp: connections from pods and the node are dropped, but should reach 2 endpoints',
  ],
  [
    'source range too wide',
    guarded,
    changeElements('firewall-sources', '198.18.0.10 . tcp . 80 . 203.0.113.0/25', (one) => ({
      ...one,
      key: '198.18.0.10 . tcp . 80 . 203.0.113.0/24',
    })),
    'wrong-verdict shop/web:http 198.18.0.10:80/tcp: connections from external clients reach 10.244.1.10:8080, but should be dropped (not in a source range)',
  ],
  [
    'source range too narrow',
    guarded,
    changeElements('firewall-sources', '198.18.0.10 . tcp . 80 . 203.0.113.0/25', (one) => ({
      ...one,
      key: '198.18.0.10 . tcp . 80 . 203.0.113.0/26',
    })),
    'wrong-verdict shop/web:http 198.18.0.10:80/tcp: connections from 203.0.113.127 and 203.0.113.64 are dropped, but should reach 10.244.1.10:8080',
  ],
  [
    'source range lost',
    guarded,
    removeElements('firewall-sources', '198.18.0.11 . tcp . 80 . 10.244.1.0/24'),
    'wrong-verdict shop/away:http 198.18.0.11:80/tcp: connections from 10.244.1.0 and 10.244.1.255 are dropped, but should reach 10.244.2.20:8080',
  ],
  [
    'extra source range',
    guarded,
    addElement('firewall-sources', { key: '198.18.0.10 . tcp . 80 . 9.9.9.0/24' }),
    'wrong-verdict shop/web:http 198.18.0.10:80/tcp: connections from 9.9.9.0 and 9.9.9.255 reach 10.244.1.10:8080, but should be dropped (not in a source range)',
  ],
  [
    'address of node ports lost',
    nodePorts,
    removeElements('nodeport-ips', '192.0.2.11'),
    'wrong-verdict shop/web:http *:30080/tcp: connections from pods, the node and external clients are not translated, but should reach 2 endpoints',
  ],
  [
    'extra address of node ports',
    nodePorts,
    addElement('nodeport-ips', { key: '203.0.113.77' }),
    'extra-element : nodeport-ips has 203.0.113.77, which nothing in the snapshot calls for',
  ],
  [
    'service range lost',
    unallocated,
    set('service-cidrs', () => ({ elements: [] })),
    'wrong-verdict 10.96.0.0:9/tcp: connections from pods, the node and external clients are not translated, but should be dropped (no Service has this cluster IP)',
  ],
  [
    'extra service range',
    unallocated,
    addElement('service-cidrs', { key: '172.16.0.0/12' }),
    'wrong-verdict 172.16.0.0:9/tcp: connections from pods, the node and external clients are dropped, but should not be translated',
  ],
  [
    'affinity of one endpoint lost',
    affinity,
    removeElements('tcp-sticky-10800', '10.96.0.10 . 80 . 10.244.2.20'),
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods do not keep 10.244.2.20:8080, but should for 10,800 s',
  ],
  [
    'affinity to an endpoint that does not exist',
    affinity,
    addElement('tcp-sticky-10800', { key: '10.96.0.10 . 80 . 10.9.9.9 . 80' }),
    'extra-element shop/web:http 10.96.0.10:80/tcp: tcp-sticky-10800 has 10.96.0.10 . 80 . 10.9.9.9 . 80, which no client of this frontend should match',
  ],
  [
    'affinity without need',
    affinity,
    addElement('tcp-sticky-10800', { key: '10.96.0.13 . 80 . 10.244.1.10 . 8080' }),
    'wrong-affinity shop/free:http 10.96.0.13:80/tcp: pods, the node and external clients are pinned to their endpoint, but the Service has no affinity',
  ],
];

const inRules: Planted[] = [
  [
    'masquerading of external clients lost',
    web,
    removeRule('services', 0),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from the node and external clients to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'masquerading of pods',
    web,
    statements('services', 'match', () => []),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from pods to 10.244.1.10:8080 are masqueraded, but should keep their source',
  ],
  [
    'masquerading at node ports lost',
    nodePorts,
    removeRule('tcp-nodeport-external-2', 0),
    'wrong-source shop/web:http *:30080/tcp: connections from pods, the node and external clients to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'masquerading of all is lost',
    nodePorts,
    removeRule('nat-postrouting', 0),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from the node and external clients to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'masquerading of hairpins is lost',
    web,
    removeRule('nat-postrouting', 1),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from endpoint 10.244.1.10:8080 itself to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'detector of another range',
    web,
    statements('services', 'match', (each) => [{ ...each, right: '10.244.0.0/17' } as typeof each]),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from 10.244.128.0 and 10.244.255.255 to 10.244.1.10:8080 are masqueraded, but should keep their source',
  ],
  [
    'detector of another interface',
    bridge,
    statements('services', 'match', (each) =>
      'left' in each && each.left.kind === 'iifname' ? [{ ...each, right: 'out0' } as typeof each] : [each],
    ),
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from pods to 10.244.1.10:8080 are masqueraded, but should keep their source',
  ],
  [
    'policy Local forgotten',
    guarded,
    changeElements('service-ips', '198.19.0.5', (one) => ({ ...one, value: { kind: 'goto', chain: 'tcp-cluster-2' } })),
    'wrong-source shop/web:http 198.19.0.5:80/tcp: connections from the node to 10.244.1.10:8080 keep their source, but should be masqueraded',
  ],
  [
    'node kept out of all endpoints',
    guarded,
    removeRule('tcp-external-local-2-1', 2),
    'wrong-endpoint shop/web:http 198.18.0.10:80/tcp: 10.244.2.20:8080 gets none of the connections from the node, but should get 1/2',
  ],
  [
    'external clients let to all endpoints',
    guarded,
    statements('tcp-nodeport-external-local-2-1', 'goto', (each) => [
      { ...each, chain: 'tcp-nodeport-cluster-2' } as typeof each,
    ]),
    'wrong-endpoint shop/web:http *:30080/tcp: 10.244.2.20:8080 gets 1/2 of the connections from external clients, but should get none',
  ],
  [
    'loopback opened',
    nodePorts,
    addElement('nodeport-ips', { key: '127.0.0.1' }),
    'wrong-verdict 127.0.0.1:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should not be translated',
  ],
  [
    'wrong port let through',
    web,
    removeRule('incoming-refusals', 2),
    'wrong-verdict 10.96.0.10:9/tcp: connections from pods and external clients are not translated, but should be rejected (the cluster IP does not have this port)',
  ],
  [
    'base chain lost',
    web,
    (ruleset) => ({ ...ruleset, chains: ruleset.chains.filter(({ name }) => name !== 'nat-output') }),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from the node are rejected, but should reach 3 endpoints',
  ],
  [
    'base chain empty',
    web,
    chain('nat-prerouting', () => ({ rules: [] })),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods and external clients are rejected, but should reach 3 endpoints',
  ],
  [
    'base chain at another priority',
    guarded,
    chain('firewall-prerouting', ({ hook }) => ({ ...(hook && { hook: { ...hook, priority: -95 } }) })),
    'wrong-hook : there is no base chain at nat prerouting -110',
  ],
  [
    'base chain of another',
    web,
    addChains({
      name: 'mine',
      hook: { type: 'filter', hook: 'forward', priority: 5 },
      rules: [
        [{ kind: 'match', left: { kind: 'address', field: 'daddr' }, right: '198.51.100.0/24' }, { kind: 'drop' }],
      ],
    }),
    'wrong-verdict 198.51.100.77:9/tcp: connections from pods and external clients are dropped, but should not be translated',
  ],
  [
    'one client shut out of one Service',
    sizes,
    addRule(
      'services',
      { kind: 'match', left: { kind: 'address', field: 'daddr' }, right: '10.96.1.3' },
      { kind: 'match', left: { kind: 'address', field: 'saddr' }, right: '203.0.113.0/29' },
      { kind: 'drop' },
    ),
    'wrong-verdict shop/size-3:http 10.96.1.3:80/tcp: connections from 203.0.113.0 and 203.0.113.7 are dropped, but should reach 3 endpoints',
  ],
  [
    'one client shut out where no Service is',
    web,
    chain('services', ({ rules }) => ({
      rules: [
        ...rules,
        [{ kind: 'match', left: { kind: 'address', field: 'saddr' }, right: '203.0.113.5' }, { kind: 'drop' }],
      ],
    })),
    'wrong-verdict 10.96.0.10:9/tcp: connections from 203.0.113.5 are dropped, but should be rejected (the cluster IP does not have this port)',
  ],
  [
    'dangling chain',
    web,
    addChains({ name: 'tcp-cluster-99', rules: [[{ kind: 'drop' }]] }),
    'dangling-chain : no rule leads to chain tcp-cluster-99',
  ],
  [
    'unknown rule',
    web,
    addRule('services', { kind: 'goto', chain: 'nowhere' }),
    'not-understood : chain services, rule 1: there is no chain nowhere',
  ],
  [
    'pins forgotten',
    affinity,
    chain('pin-prerouting', () => ({ rules: [] })),
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods and external clients do not keep 10.244.1.10:8080, but should for 10,800 s',
  ],
  [
    'pins for another time',
    affinity,
    statements('pin-tcp', 'update', (each) => [{ ...each, timeoutSeconds: 60 } as typeof each]),
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods, the node and external clients keep 10.244.1.10:8080 for 60 s, but should for 10,800 s',
  ],
  [
    'pins that no rule uses',
    affinity,
    removeRule('tcp-sticky-cluster-2', 0),
    'wrong-affinity shop/cart:http 10.96.0.11:80/tcp: pods, the node and external clients do not keep 10.244.1.10:8080, but should for 600 s',
  ],
  [
    'pins that never expire, as no time is set',
    affinity,
    statements('pin-tcp', 'update', (each) => [withoutTimeout(each)]),
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods, the node and external clients keep 10.244.1.10:8080 forever, but should for 10,800 s',
  ],
  [
    'pins of one Service that never expire',
    affinity,
    statements('pin-tcp', 'update', (each) => [
      'timeoutSeconds' in each && each.timeoutSeconds === 600 ? withoutTimeout(each) : each,
    ]),
    'wrong-affinity shop/cart:http 10.96.0.11:80/tcp: pods, the node and external clients keep 10.244.1.10:8080 forever, but should for 600 s',
  ],
  [
    'pins that never expire over IPv6',
    affinity6,
    withoutTimeoutOf('pinned/shop/dns/udp/dns__fd00.10.244.1..10/5353'),
    'wrong-affinity shop/dns:dns [fd00:10:96::53]:53/udp: pods, the node and external clients keep [fd00:10:244:1::10]:5353 forever, but should for 60 s',
  ],
  [
    'clients of another time over IPv6',
    affinity6,
    set('pinned/shop/dns/udp/dns__fd00.10.244.1..10/5353', () => ({ timeoutSeconds: 61 })),
    'wrong-affinity shop/dns:dns [fd00:10:96::53]:53/udp: pods, the node and external clients keep [fd00:10:244:1::10]:5353 for 61 s, but should for 60 s',
  ],
  [
    'unequal shares over IPv6',
    affinity6,
    statements('sticky-cluster/shop/web/tcp/http', 'random-goto', (each) =>
      'chains' in each ? [{ ...each, chains: [...each.chains, ...each.chains.slice(0, 1)] }] : [each],
    ),
    'unequal-shares shop/web:http [fd00:10:96::10]:80/tcp: [fd00:10:244:1::10]:8080 gets 1/2 of the connections from pods, the node and external clients, but should get 1/3',
  ],
];

describe('planted faults are found', () => {
  test.each([...inEndpointMaps, ...inOtherSets, ...inRules])('%s (%s)', (_what, fixture, plant, line) => {
    expect(faultsOf(fixture, plant)).toContain(line);
  });
});

test('rules with too many random branches to walk are refused, and do not exhaust memory', () => {
  const draw = { kind: 'match', left: { kind: 'numgen', modulus: 1_000 }, right: 1, negated: true } as const;
  expect(faultsOf(web, addRule('services', draw, draw))).toContain(
    'not-understood : chain nat-prerouting: too many branches to walk',
  );
  const wild = { ...draw, left: { ...draw.left, modulus: 4_000_000_000 } };
  expect(faultsOf(web, addRule('services', wild))).toContain(
    'not-understood : chain services, rule 1: modulus out of range',
  );
});
