import { describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import type { Expression, Statement } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { faultsOf } from './faults-of.ts';
import {
  addElement,
  addRule,
  appendRule,
  chain,
  changeElements,
  type Plant,
  removeRule,
  set,
  statements,
} from './plant.ts';
import { linesOf, sidesOf } from './verify-objects.ts';

/** What is done to the ruleset of a fixture, and a line that must be among the faults. */
type Planted = readonly [what: string, fixture: string, plant: Plant, line: string];

const web = 'cluster-ip-spreads-over-all-ready-endpoints';
const sizes = 'services-of-many-sizes-share-nothing-but-rules';
const affinity = 'client-affinity-holds-at-cluster-ips';
const affinity6 = 'client-affinity-over-ipv6';
const nodePorts = 'node-ports-answer-at-the-primary-addresses';
const allNodePorts = 'node-ports-on-all-addresses-leave-out-loopback';
const guarded = 'source-ranges-and-external-policy-local-hold-together';
const dead = 'service-without-endpoints-rejects-everywhere';

const saddr: Expression = { kind: 'address', field: 'saddr' };
const daddr: Expression = { kind: 'address', field: 'daddr' };
const isNew: Statement = { kind: 'match', left: { kind: 'ct-state' }, right: 'new' };
const drop: Statement = { kind: 'drop' };
const portKey: Expression[] = [{ kind: 'l4proto' }, { kind: 'dport', protocol: 'th' }];

function is(left: Expression, right: string): Statement {
  return { kind: 'match', left, right };
}

/** Replaces what rules of a chain compare destinations with. */
function loopbackAs(name: string, right: string): Plant {
  return statements(name, 'match', (each) =>
    'left' in each && each.left.kind === 'address' && each.left.field === 'daddr'
      ? [{ ...each, right } as Statement]
      : [each],
  );
}

const withoutFib: Plant = statements('services', 'match', (each) =>
  'left' in each && each.left.kind === 'fib-type' ? [] : [each],
);

const refusedAt: Plant = (ruleset) =>
  addElement('no-endpoint-services', {
    key: '198.18.0.10 . tcp . 80',
    value: { kind: 'drop' },
    comment: 'shop/web:http',
  })(ruleset);

/** Replaces the client in all keys of rules, by the address that it asked for. */
const pinsOfAddresses: Plant = everywhere((statement) => {
  const original: Expression = { kind: 'ct-original-daddr' };
  const isClient = (one: Expression): boolean => one.kind === 'address' && one.field === 'saddr';
  return 'key' in statement && /pin/.test('set' in statement ? statement.set : statement.map)
    ? { ...statement, key: statement.key.map((one) => (isClient(one) ? original : one)) }
    : statement;
});

const otherBit: Plant = everywhere((statement) => ('mark' in statement ? { ...statement, mark: 0x8000 } : statement));

function everywhere(change: (statement: Statement) => Statement): Plant {
  return (ruleset) => ({
    ...ruleset,
    chains: ruleset.chains.map((one) => ({ ...one, rules: one.rules.map((rule) => rule.map(change)) })),
  });
}

const matchSetAs = (name: string, from: string, to: readonly string[]): Plant =>
  statements(name, 'match-set', (each) =>
    'set' in each && each.set === from ? to.map((one) => ({ ...each, set: one }) as Statement) : [each],
  );

const deadPorts: Statement = { kind: 'vmap', key: portKey, map: 'no-endpoint-nodeports' };

const atNodePorts: Planted[] = [
  [
    'node ports at all addresses',
    nodePorts,
    matchSetAs('services', 'nodeport-ips', []),
    'wrong-verdict 198.51.100.77:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should not be translated',
  ],
  [
    'node ports at cluster IPs',
    nodePorts,
    matchSetAs('services', 'nodeport-ips', ['cluster-ips']),
    'wrong-verdict 10.96.0.10:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should be rejected (the cluster IP does not have this port)',
  ],
  [
    'node ports at addresses of other hosts',
    allNodePorts,
    withoutFib,
    'wrong-verdict 192.0.2.10:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should not be translated',
  ],
  [
    'node ports at the known addresses alone',
    allNodePorts,
    statements('services', 'match', (each) =>
      'left' in each && each.left.kind === 'fib-type' ? [is(daddr, '192.0.2.0/25')] : [each],
    ),
    'wrong-verdict shop/web:http *:30080/tcp: connections from pods, the node and external clients are not translated, but should reach 2 endpoints',
  ],
  [
    'dead node ports at addresses of other hosts',
    dead,
    appendRule('refusals-prerouting', isNew, deadPorts),
    'wrong-verdict 198.51.100.77:30514/udp: connections from pods and external clients are rejected, but should not be translated',
  ],
  [
    'dead node ports at all addresses',
    dead,
    matchSetAs('incoming-refusals', 'nodeport-ips', []),
    'wrong-verdict 127.0.1.1:30080/tcp: connections from pods and external clients are rejected, but should not be translated',
  ],
  [
    'one loopback address for all',
    allNodePorts,
    loopbackAs('services', '127.0.0.1'),
    'wrong-verdict 127.0.1.1:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should not be translated',
  ],
  [
    'a part of loopback for all',
    allNodePorts,
    loopbackAs('services', '127.0.0.0/9'),
    'wrong-verdict 127.128.0.0:30080/tcp: connections from pods, the node and external clients reach 10.244.1.10:8080 and 1 more, but should not be translated',
  ],
];

const byAddress: Planted[] = [
  [
    'traffic between a client and an external host',
    web,
    appendRule('refusals-prerouting', isNew, is(saddr, '10.9.0.0/16'), is(daddr, '203.0.113.5'), drop),
    'wrong-verdict 203.0.113.5:9/tcp: connections from 10.9.0.0 and 10.9.255.255 are dropped, but should not be translated',
  ],
  [
    'masquerading between external hosts',
    web,
    appendRule('nat-postrouting', is(saddr, '10.244.1.9'), is(daddr, '172.16.0.0/12'), { kind: 'masquerade' }),
    'wrong-source 172.16.0.0:9/tcp: connections from 10.244.1.9 are masqueraded, but should keep their source',
  ],
  [
    'a refusal that no client can meet',
    guarded,
    refusedAt,
    'extra-element shop/web:http 198.18.0.10:80/tcp: no-endpoint-services has 198.18.0.10 . tcp . 80, which no client of this frontend should match',
  ],
];

const ofPins: Planted[] = [
  [
    'pins of an address, not of a client',
    affinity,
    pinsOfAddresses,
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods have a pin that also applies to the node',
  ],
  [
    'pins of an endpoint, not of a client',
    affinity6,
    pinsOfAddresses,
    'wrong-affinity shop/web:http [fd00:10:96::10]:80/tcp: pods have a pin that also applies to the node',
  ],
  [
    'a pin to a removed endpoint stays',
    affinity,
    chain('pin-tcp', ({ rules }) => ({ rules: rules.slice(0, -1) })),
    'wrong-affinity shop/web:http 10.96.0.10:80/tcp: pods stay pinned to 10.244.1.10:8080 after it is removed',
  ],
  [
    'room for one pin',
    affinity,
    set('tcp-pinned', () => ({ size: 1 })),
    'wrong-affinity : tcp-pinned holds at most 1 pins, but should hold 1048576',
  ],
  [
    'room for one pin over IPv6',
    affinity6,
    set('pinned/shop/dns/udp/dns__fd00.10.244.1..10/5353', () => ({ size: 1 })),
    'wrong-affinity : pinned/shop/dns/udp/dns__fd00.10.244.1..10/5353 holds at most 1 pins, but should hold 65535',
  ],
];

const ofMarks: Planted[] = [
  [
    'another bit of the mark',
    web,
    otherBit,
    'wrong-source shop/web:http 10.96.0.10:80/tcp: connections from pods with other mark bits to 10.244.1.10:8080 are masqueraded, but should keep their source',
  ],
  [
    'the mark stays',
    web,
    statements('nat-postrouting', 'set-mark', () => []),
    'wrong-mark shop/web:http 10.96.0.10:80/tcp: connections from the node and external clients arrive with mark 0x00004000, but should have 0x00000000',
  ],
  [
    'mark bits of other programs',
    web,
    addRule('services', { kind: 'match-mark', mark: 1 }, drop),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods with other mark bits, the node with other mark bits and external clients with other mark bits are dropped, but should reach 3 endpoints',
  ],
];

const reject: Statement = { kind: 'reject' };

const ofRejections: Planted[] = [
  [
    'an ICMP error in place of a TCP reset',
    dead,
    removeRule('reject-chain', 0),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are rejected with an ICMP error, but should be with a TCP reset (no endpoints)',
  ],
  [
    'an ICMP error before the TCP reset',
    dead,
    addRule('reject-chain', reject),
    'wrong-verdict shop/web:http *:30080/tcp: connections from pods, the node and external clients are rejected with an ICMP error, but should be with a TCP reset (no endpoints)',
  ],
  [
    'an ICMP error at a wrong port, as an older version wrote it',
    web,
    chain('incoming-refusals', ({ rules }) => ({
      rules: rules.map((rule) => rule.map((each) => (each.kind === 'goto' ? reject : each))),
    })),
    'wrong-verdict 10.96.0.10:9/tcp: connections from pods and external clients are rejected with an ICMP error, but should be with a TCP reset (the cluster IP does not have this port)',
  ],
  [
    'a reset at random',
    dead,
    chain('reject-chain', ({ rules }) => ({
      rules: [[{ kind: 'match', left: { kind: 'numgen', modulus: 2 }, right: 0 }, ...(rules[0] ?? [])], [reject]],
    })),
    'wrong-verdict shop/web:http 10.96.0.10:80/tcp: connections from pods, the node and external clients are rejected with a TCP reset or an ICMP error at random, but should be with a TCP reset (no endpoints)',
  ],
  [
    'no answer to UDP',
    dead,
    removeRule('reject-chain', 1),
    'wrong-verdict shop/idle:log 10.96.0.11:514/udp: connections from pods, the node and external clients are not translated, but should be rejected (no endpoints)',
  ],
  [
    'no answer to UDP at a wrong port',
    web,
    removeRule('reject-chain', 1),
    'wrong-verdict 10.96.0.10:9/udp: connections from pods, the node and external clients are not translated, but should be rejected (the cluster IP does not have this port)',
  ],
];

const ofRules: Planted[] = [
  [
    'a rule behind the end',
    web,
    appendRule('reject-chain', drop),
    'unreachable-rule : chain reject-chain ends at rule 2: rule 3 is unreachable',
  ],
  [
    'established connections',
    'endpoint-at-a-refused-address-is-refused-as-well',
    statements('filter-input', 'match', () => []),
    'wrong-state : chain filter-input, rule 1 applies to all connections, but should apply only to new ones (ct state new)',
  ],
  [
    'the name of another Service',
    web,
    changeElements('service-ips', '10.96.0.10 . tcp . 80', (one) => ({ ...one, comment: 'shop/cart:http' })),
    'wrong-comment shop/web:http 10.96.0.10:80/tcp: service-ips has 10.96.0.10 . tcp . 80 with the comment of another Service: shop/cart:http',
  ],
];

test.each([...atNodePorts, ...byAddress, ...ofPins, ...ofMarks, ...ofRejections, ...ofRules])(
  '%s (%s)',
  (_what, fixture, plant, line) => {
    expect(faultsOf(fixture, plant)).toContain(line);
  },
);

const node = { nodeName: 'worker-1', clusterCIDRs: ['10.128.0.0/9', 'fd00:10:244::/48'] };

test('a pin that applies at another port of the Service is found', () => {
  const addresses = { clusterIP: 'fd00:10:96::12', ipFamilies: ['IPv6'] };
  const ports = [
    { name: 'smtp', port: 25 },
    { name: 'imap', port: 143 },
  ];
  const objects = [
    service('mail', { ...addresses, ports, sessionAffinity: 'ClientIP' }),
    { ...slice('mail', ['fd00:10:244:1::10', 'fd00:10:244:2::20'], 'fd00:10:244:1:'), ports },
  ];
  const [side] = sidesOf(documentsOf(objects), { ...node, families: ['ip6'] });
  const plant = addRule(
    'sticky-cluster/shop/mail/tcp/imap',
    { kind: 'match-set', key: [saddr], set: 'pinned/shop/mail/tcp/smtp__fd00.10.244.1..10/25' },
    { kind: 'goto', chain: 'endpoint/shop/mail/tcp/imap__fd00.10.244.2..20/143' },
  );
  expect(side && linesOf({ ...side, ruleset: plant(side.ruleset) })).toEqual([
    'unknown-rule : chain sticky-cluster/shop/mail/tcp/imap, rule 1 is not one that svc2nft writes there; it sends packets to chain endpoint/shop/mail/tcp/imap__fd00.10.244.2..20/143: ip6 saddr @pinned/shop/mail/tcp/smtp__fd00.10.244.1..10/25 goto endpoint/shop/mail/tcp/imap__fd00.10.244.2..20/143',
    'wrong-affinity shop/mail:smtp [fd00:10:96::12]:25/tcp: pods have a pin that also applies at port 143/tcp (shop/mail:imap)',
  ]);
});

describe('one of many Services that are alike', () => {
  const { items } = generateCluster({ services: 50, endpoints: 4, affinity: false });
  // Without a range of pods, svc2nft itself writes no rule that compares a destination.
  const withoutRange = items.map((item) => ('kind' in item && item.kind === 'Node' ? { ...item, spec: {} } : item));

  test.each([
    ['with a range of pods', items],
    ['without', withoutRange],
  ])('is found when a rule names one of its endpoints, and a client: the node is %s', (_, objects) => {
    const [side] = sidesOf(documentsOf(objects), { ...node, families: ['ip'] });
    const plant = addRule('nat-postrouting', is(saddr, '10.9.0.0/16'), is(daddr, '10.179.0.1'), drop);
    expect(side && linesOf({ ...side, ruleset: plant(side.ruleset) })).toContain(
      'wrong-endpoint namespace-37/service-37:http 10.96.0.37:80/tcp: 10.179.0.1:8080 gets none of the connections from 10.9.0.0 and 10.9.255.255, but should get 1/4',
    );
  });
});

test('a consequence of a fault is not reported as a second fault', () => {
  const plant = changeElements('service-ips', '10.96.1.5 ', (one) => ({
    ...one,
    value: { kind: 'goto', chain: 'tcp-cluster-3' },
  }));
  expect(faultsOf(sizes, plant)).toEqual([
    'wrong-endpoint shop/size-5:http 10.96.1.5:80/tcp: 10.244.3.3:8080 and 1 more get none of the connections from pods, the node and external clients, but should get 1/5',
    'dangling-chain : no rule leads to chain tcp-cluster-5',
  ]);
});
