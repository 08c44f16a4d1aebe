import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import type { Document } from '../../../src/diagnostics/document.ts';
import { explainPacket } from '../../../src/inspect/explain/explain-packet.ts';
import type { Explanation } from '../../../src/inspect/explain/explanation.ts';
import { makeQuestions, type Table } from '../../../src/inspect/explain/make-question.ts';
import { parseClient, parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { renderAnswer } from '../../../src/inspect/explain/render-explanation.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import type { Element, Rule, Ruleset } from '../../../src/nft/ruleset.ts';
import { withDefaults } from '../../../src/options.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';

const content = readFileSync(new URL('../../../docs/shop.yaml', import.meta.url), 'utf8');
const given = { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] };

function read(text: string) {
  return readDocuments([{ file: 'shop.yaml', content: Buffer.from(text) }]).documents;
}

function compiled(text: string, options: object = {}): Ruleset {
  const [ruleset] = compileRulesets(read(text), { ...given, ...options }).rulesets ?? [];
  if (!ruleset) {
    throw new Error('no ruleset');
  }
  return ruleset;
}

/** The explanation of a packet, with the shop as snapshot and any rules. */
function ask(
  from: string,
  to: string,
  table: Table | undefined,
  options: object = {},
  documents: readonly Document[] = read(content),
): Explanation {
  const settings = withDefaults({ ...given, ...options });
  const { views } = compileRulesets(documents, settings);
  const [client, target] = [parseClient(from), parseTarget(to)];
  if (typeof client === 'string' || typeof target === 'string') {
    throw new Error(`${from} ${to}`);
  }
  const made = makeQuestions({
    client,
    target,
    inputInterface: undefined,
    tables: new Map(table ? [['ip', table]] : []),
    ownAddresses: [],
    snapshot: {
      views,
      options: settings,
      locations: readLocations(documents),
      notes: readServiceNotes(documents),
      sources: readEndpointSources(documents),
    },
  });
  if (typeof made === 'string' || 'unserved' in made) {
    throw new Error(String(made));
  }
  return explainPacket(made.questions[0]);
}

function textsOf({ steps }: Explanation): string {
  return steps.map(({ topic, text }) => `${topic}: ${text}`).join('\n');
}

/** The ruleset with other elements in one set. */
function withElements(
  ruleset: Ruleset,
  set: string,
  change: (elements: readonly Element[]) => readonly Element[],
): Ruleset {
  const sets = ruleset.sets.map((one) => (one.name === set ? { ...one, elements: change(one.elements) } : one));
  return { ...ruleset, sets };
}

/** The ruleset with other rules in one chain. */
function withRules(ruleset: Ruleset, chain: string, change: (rules: readonly Rule[]) => readonly Rule[]): Ruleset {
  const chains = ruleset.chains.map((one) => (one.name === chain ? { ...one, rules: change(one.rules) } : one));
  return { ...ruleset, chains };
}

const shop = compiled(content);

describe('rules that are older than the snapshot', () => {
  const missing = 'shop/web:http has it in the snapshot, but not in these rules: they are older or newer';
  const older = compiled(content.replaceAll('10.96.0.10', '10.96.0.99').replaceAll('30080', '30099'));
  test.each([
    ['10.244.1.5', '10.96.0.10:80', 'dropped', missing],
    ['203.0.113.9', '192.0.2.11:30080', 'untouched', missing],
  ])('%s to %s', (from, to, verdict, text) => {
    expect(ask(from, to, { ruleset: older })).toMatchObject({ verdict, reason: { code: 'not-in-rules', text } });
  });

  test('a port that the rules do not have yet', () => {
    const other = compiled(
      content.replace('port: 80, targetPort: 8080, nodePort', 'port: 81, targetPort: 8080, nodePort'),
    );
    const { reason } = ask('10.244.1.5', '10.96.0.10:80', { ruleset: other });
    expect(reason).toEqual({ code: 'not-in-rules', text: missing });
  });

  test('endpoints that the rules do not have yet', () => {
    const text = content.replace('endpoints: []', 'endpoints: []').replace('ready: false', 'ready: true');
    const before = compiled(content.replaceAll(/^ {6}- \{ addresses: \[10\.244\.(1\.5|2\.6)\].*$/gm, ''));
    expect(text).not.toBe(content);
    const { reason, leftOut } = ask('10.244.1.5', '10.96.0.10:80', { ruleset: before });
    expect(reason.text).toMatch(
      /^these rules have no endpoint for shop\/web:http, but the snapshot has 2 that could receive it/,
    );
    expect(leftOut.map(({ code }) => code)).toEqual(['not-in-rules', 'not-ready', 'not-in-rules']);
  });

  test('another policy: the one in the rules counts', () => {
    const local = compiled(content.replace('type: NodePort', 'type: NodePort\n      externalTrafficPolicy: Local'));
    const texts = textsOf(ask('203.0.113.9', '192.0.2.11:30080', { ruleset: local }));
    expect(texts).toContain(
      'policy: externalTrafficPolicy is Local: only endpoints on worker-1 can receive it, and its source is preserved (in these rules; in the snapshot it is Cluster)',
    );
    expect(texts).toContain('externalTrafficPolicy is Local, which preserves the source');
  });

  test('other settings of the node: those in the rules count', () => {
    const all = compiled(content, { masqueradeAll: true, nodePortAddresses: ['all'] });
    expect(textsOf(ask('10.244.1.5', '10.96.0.10:80', { ruleset: all }))).toContain(
      'masqueradeAll applies to all traffic to cluster IPs',
    );
    expect(textsOf(ask('203.0.113.9', '198.51.100.11:30080', { ruleset: all }))).toContain(
      'these rules open node ports on all addresses of the node except loopback',
    );
    // Without --cluster-cidr, the range in the rules still identifies pods.
    expect(textsOf(ask('10.244.1.5', '10.96.0.10:80', { ruleset: shop }, { clusterCIDRs: [] }))).toContain(
      'client: 10.244.1.5 (pod shop/web-1 on worker-1) is treated as a pod: it is in 10.244.0.0/16',
    );
  });
});

describe('how a packet is rejected', () => {
  const icmpOnly = withRules(shop, 'reject-chain', (rules) => rules.slice(1));
  const reset = 'REFUSED (the client gets a TCP reset at once): ';
  const icmp = 'REFUSED (the client gets an ICMP error): ';
  test.each([
    ['tcp', shop, 'tcp-reset', reset],
    ['udp', shop, 'port-unreachable', icmp],
    ['sctp', shop, 'port-unreachable', icmp],
    // As an older version did.
    ['tcp', icmpOnly, 'port-unreachable', 'REFUSED (the client gets an ICMP error, after a few attempts late): '],
    ['udp', icmpOnly, 'port-unreachable', icmp],
  ])('%s', (protocol, ruleset, rejectedWith, start) => {
    const explanation = ask('10.244.1.5', `10.96.0.10:9/${protocol}`, { ruleset });
    expect(explanation).toMatchObject({ verdict: 'rejected', rejectedWith, reason: { code: 'unknown-port' } });
    expect(explanation.headline).toBe(`${start}${explanation.reason.text}`);
  });

  test('what is not rejected has no answer', () => {
    expect(ask('10.244.1.5', '10.96.0.10:80', { ruleset: shop })).toMatchObject({
      verdict: 'translated',
      rejectedWith: null,
    });
    const dropping = withRules(shop, 'services', () => [[{ kind: 'drop' }]]);
    expect(ask('10.244.1.5', '10.96.0.10:80', { ruleset: dropping })).toMatchObject({
      verdict: 'dropped',
      rejectedWith: null,
    });
    expect(ask('10.244.1.5', '10.96.0.10:80', { ruleset: shop, isDormant: true }).rejectedWith).toBeNull();
  });
});

describe('rules that another program changed', () => {
  test('a dormant table', () => {
    expect(ask('10.244.1.5', '10.96.0.10:80', { ruleset: shop, isDormant: true })).toMatchObject({
      verdict: 'untouched',
      reason: { code: 'dormant', text: 'the table is dormant: none of its rules apply' },
    });
  });

  test('an element without a Service that drops', () => {
    const element: Element = { key: '1.2.3.4 . tcp . 80', value: { kind: 'drop' } };
    const { verdict, reason, steps } = ask('10.244.1.5', '1.2.3.4:80', {
      ruleset: withElements(shop, 'service-ips', (elements) => [...elements, element]),
    });
    expect({ verdict, reason }).toEqual({
      verdict: 'dropped',
      reason: { code: 'foreign-rule', text: 'dropped by a rule or element that svc2nft did not create' },
    });
    expect(steps.at(-1)?.rules[0]?.element).toBe('service-ips { 1.2.3.4 . tcp . 80 : drop }');
  });

  test('an element with a comment that the compiler never writes', () => {
    const comment = 'a<b>"\u001b[31m';
    const element: Element = { key: '1.2.3.4 . tcp . 80', value: { kind: 'goto', chain: 'tcp-cluster-2' }, comment };
    const { reason, service, steps } = ask('10.244.1.5', '1.2.3.4:80', {
      ruleset: withElements(shop, 'service-ips', (elements) => [...elements, element]),
    });
    expect(reason).toEqual({
      code: 'missing-entry',
      text: 'these rules have the frontend, but chain tcp-cluster-2 finds no endpoint for it: an element or a rule is missing',
    });
    expect(service?.name).toBe('a<b>"\\u001b[31m');
    expect(JSON.stringify(steps)).not.toContain('\u001b');
  });

  test('an endpoint map that lacks an index', () => {
    const lists = (ruleset: Ruleset): Ruleset => ({
      ...ruleset,
      sets: ruleset.sets.map((set) =>
        set.name === 'tcp-endpoints'
          ? {
              ...set,
              lists:
                set.lists?.map((list) =>
                  list.key === '10.96.0.10 . 80'
                    ? { ...list, endpointAddresses: list.endpointAddresses.slice(0, 1) }
                    : list,
                ) ?? [],
            }
          : set,
      ),
    });
    const { verdict, reason, endpoints } = ask('10.244.1.5', '10.96.0.10:80', { ruleset: lists(shop) });
    expect(verdict).toBe('mixed');
    expect(reason.text).toBe(
      "the outcome is random, which never happens with svc2nft's rules: of new connections, 1 of 2 are sent to endpoints, 1 of 2 are rejected",
    );
    expect(endpoints).toHaveLength(1);
  });

  test.each([
    ['services', 0, true],
    // The rule before it takes the packet.
    ['services', 2, false],
    // The kernel calls no NAT chain after the one that translated, and no rule behind it.
    ['refusals-prerouting', 0, false],
    ['nat-prerouting', 1, false],
    ['firewall-prerouting', 0, true],
    ['firewall-prerouting', 1, true],
    ['pin-prerouting', 0, true],
    ['incoming-refusals', 0, false],
    ['nat-postrouting', 0, true],
    ['nat-prerouting', 0, true],
    ['tcp-cluster-2', 0, true],
    ['tcp-cluster-1', 0, false],
  ])('a rule that is not understood, in chain %s at %i, is met: %j', (chain, place, isMet) => {
    const ruleset = withRules(shop, chain, (rules) => [...rules.slice(0, place), [], ...rules.slice(place)]);
    const explanation = ask('10.244.1.5', '10.96.0.10:80', { ruleset });
    expect(explanation.notUnderstood).toEqual(isMet ? [{ chain, rule: place }] : []);
    const format = { color: false, limit: 5, width: 80, keepsHeadline: true, allRules: false };
    const lines = renderAnswer({ ...explanation, summary: null, frontends: [] }, format);
    const doubt = isMet ? 'NOT CERTAIN (some rules are not understood): ' : '';
    expect(lines[0]).toBe(`${doubt}SENT to one of 2 endpoints of shop/web:http, masqueraded to some of them`);
    expect(lines.includes(`  not understood chain ${chain}, rule ${place + 1}`)).toBe(isMet);
  });
});

test.each<[chain: string, place: number, to: string, isMet: boolean]>([
  ['refusals-prerouting', 0, '10.96.0.20:80', true],
  ['refusals-prerouting', 1, '10.96.0.20:80', false],
  ['refusals-prerouting', 1, '10.96.0.99:80', false],
  ['refusals-prerouting', 1, '8.8.8.8:80', true],
  ['incoming-refusals', 4, '10.96.0.99:80', false],
  ['nat-prerouting', 1, '10.96.0.20:80', true],
  ['nat-postrouting', 0, '10.96.0.20:80', false],
  ['pin-prerouting', 0, '10.96.0.20:80', true],
])('a rule that is not understood, in chain %s at %i, of a packet to %s is met: %j', (chain, place, to, isMet) => {
  const ruleset = withRules(shop, chain, (rules) => [...rules.slice(0, place), [], ...rules.slice(place)]);
  expect(ask('10.244.1.5', to, { ruleset }).notUnderstood).toEqual(isMet ? [{ chain, rule: place }] : []);
});

test('a rule that is not understood is met in a chain for filters behind a translation', () => {
  const hook = { type: 'filter', hook: 'prerouting', priority: 0 } as const;
  for (const [type, isMet] of [
    ['filter', true],
    ['nat', false],
  ] as const) {
    const ruleset = { ...shop, chains: [...shop.chains, { name: 'mine', hook: { ...hook, type }, rules: [[]] }] };
    expect(ask('10.244.1.5', '10.96.0.10:80', { ruleset }).notUnderstood).toHaveLength(isMet ? 1 : 0);
  }
});

describe('endpoints with hints, which a policy or the client leaves out', () => {
  const metadata = { name: 'db', namespace: 'shop' };
  const endpoint = (address: string, zone: string, nodeName = 'worker-1') => ({
    addresses: [address],
    nodeName,
    hints: { forZones: [{ name: zone }] },
  });
  /** Two endpoints here, hinted for the zone of the node and for another one; one elsewhere. */
  const objects = (spec: object) => [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1', labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.70',
        loadBalancerSourceRanges: ['198.51.100.0/24'],
        sessionAffinity: 'ClientIP',
        ports: [{ port: 80 }],
        ...spec,
      },
      status: { loadBalancer: { ingress: [{ ip: '198.51.100.9' }] } },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080 }],
      endpoints: [
        endpoint('10.244.1.11', 'zone-a'),
        endpoint('10.244.1.12', 'zone-b'),
        endpoint('10.244.2.13', 'zone-b', 'worker-2'),
      ],
    },
  ];
  const internal = { internalTrafficPolicy: 'Local' };
  const external = { externalTrafficPolicy: 'Local' };
  const elsewhere = '10.244.2.13:8080 not-local: not on this node, but on worker-2';
  const hinted = (address: string): string => `${address}:8080 other-zone: hinted for other zones: zone-b`;
  const refused = (address: string): string => `${address}:8080 refused: the packet is dropped earlier`;
  const otherPin = '10.244.1.12:8080 other-pin: the client keeps another endpoint';

  test.each<[string, object, string, string, readonly string[]]>([
    ['a pinned client, policy Local', internal, '10.244.1.5', '10.96.0.70', [otherPin, elsewhere]],
    ['a pinned client, policy Cluster', {}, '10.244.1.5', '10.96.0.70', [hinted('10.244.1.12'), hinted('10.244.2.13')]],
    ['another client, policy Local', internal, '10.244.1.6', '10.96.0.70', [elsewhere]],
    ['another client, policy Cluster', {}, '10.244.1.6', '10.96.0.70', [hinted('10.244.1.12'), hinted('10.244.2.13')]],
    [
      'a refused client, policy Local',
      external,
      '203.0.113.9',
      '198.51.100.9',
      [refused('10.244.1.11'), refused('10.244.1.12'), elsewhere],
    ],
    [
      'a refused client, policy Cluster',
      {},
      '203.0.113.9',
      '198.51.100.9',
      [refused('10.244.1.11'), hinted('10.244.1.12'), hinted('10.244.2.13')],
    ],
    ['an admitted client, policy Local', external, '198.51.100.50', '198.51.100.9', [elsewhere]],
  ])('%s', (_, spec, from, address, expected) => {
    const documents = documentsOf(objects(spec));
    const [ruleset] = compileRulesets(documents, withDefaults(given)).rulesets ?? [];
    const endpointAddress = { address: '10.244.1.11', port: 8080 };
    const pins = [{ key: '10.244.1.5 . 10.96.0.70 . 80', value: endpointAddress }];
    const pinned = [{ key: '10.244.1.5 . 10.96.0.70 . 80 . 10.244.1.11 . 8080' }];
    const held =
      ruleset &&
      withElements(
        withElements(ruleset, 'tcp-pins', () => pins),
        'tcp-pinned',
        () => pinned,
      );
    const { leftOut } = ask(from, `${address}:80`, held && { ruleset: held }, {}, documents);
    expect(leftOut.map(({ endpoint: text, code, reason }) => `${text} ${code}: ${reason}`)).toEqual(expected);
  });
});
