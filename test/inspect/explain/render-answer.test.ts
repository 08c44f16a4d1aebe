import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { answerInquiry } from '../../../src/inspect/explain/answer-inquiry.ts';
import type { Answer } from '../../../src/inspect/explain/explanation.ts';
import { parseClient, parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { renderAnswer } from '../../../src/inspect/explain/render-explanation.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import { withDefaults } from '../../../src/options.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

/** Two Services that claim one external IP; the younger one has endpoints over IPv4 only. */
const manifests = `---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.0.2.11}, {type: InternalIP, address: "2001:db8::11"}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: old, namespace: d, creationTimestamp: "2020-01-01T00:00:00Z"}, spec: {clusterIP: 10.43.0.2, externalIPs: [203.0.113.50], ports: [{name: a, port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: old-1, namespace: d, labels: {kubernetes.io/service-name: old}}, addressType: IPv4, ports: [{name: a, port: 8080}], endpoints: [{addresses: [10.42.0.6]}]}
---
{apiVersion: v1, kind: Service, metadata: {name: dual, namespace: d, creationTimestamp: "2021-01-01T00:00:00Z"}, spec: {clusterIP: 10.43.0.3, clusterIPs: [10.43.0.3, "fd00::3"], ipFamilies: [IPv4, IPv6], externalIPs: [203.0.113.50], ports: [{name: a, port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: dual-1, namespace: d, labels: {kubernetes.io/service-name: dual}}, addressType: IPv4, ports: [{name: a, port: 8080}], endpoints: [{addresses: [10.42.0.7], targetRef: {kind: Pod, namespace: d, name: p7}}]}
`;

const { documents } = readDocuments([{ file: 'a.yaml', content: Buffer.from(manifests) }]);
const options = withDefaults({ clusterCIDRs: ['10.42.0.0/16', 'fd42::/64'] });
const { views, rulesets = [] } = compileRulesets(documents, options);

function answer(from: string, to: string): Answer {
  const [client, target] = [parseClient(from), parseTarget(to)];
  if (typeof client === 'string' || typeof target === 'string') {
    throw new Error(`${from} ${to}`);
  }
  const reply = answerInquiry({
    client,
    target,
    inputInterface: undefined,
    tables: new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }])),
    ownAddresses: [],
    snapshot: {
      views,
      options,
      locations: readLocations(documents),
      notes: readServiceNotes(documents),
      sources: readEndpointSources(documents),
    },
  });
  if (typeof reply === 'string') {
    throw new Error(reply);
  }
  return reply.answer;
}

const plain = { color: false, limit: 20, width: 80, keepsHeadline: true, allRules: false };

test('each family of a Service is answered, and a frontend that another Service has', () => {
  const { frontends, summary } = answer('world', 'd/dual');
  expect(frontends.map(({ headline }) => headline)).toEqual([
    'REFUSED (the client gets a TCP reset at once): d/dual:a has no IPv6 endpoints: its only endpoint has only an IPv4 address',
    'WRONG SERVICE: 203.0.113.50:80 belongs to d/old:a, which claims it as well as d/dual:a and wins: it is older',
    'SENT to 10.42.0.7:8080, the only possible endpoint of d/dual:a, masqueraded',
  ]);
  expect(summary).toBe('2 of 3 frontends of d/dual fail; the worst is cluster IP [fd00::3]:80/tcp');
});

test('a client with one family is answered in that family', () => {
  expect(answer('d/p7', 'd/dual').frontends.map(({ packet }) => packet?.destination)).toEqual([
    '203.0.113.50',
    '10.43.0.3',
  ]);
  expect(answer('2001:db8::9', 'd/dual').frontends.map(({ packet }) => packet?.destination)).toEqual(['fd00::3']);
});

test('an address without a port stands for all frontends there', () => {
  expect(answer('world', 'fd00::3').headline).toMatch(/^REFUSED \(the client gets a TCP reset at once\): d\/dual:a/);
  expect(answer('host', '203.0.113.50').headline).toMatch(
    /^SENT to 10\.42\.0\.6:8080, .* of d\/old:a, masqueraded; d\/dual:a also claims 203\.0\.113\.50:80, but d\/old:a wins: it is older$/,
  );
});

describe('what endpoints hint at is beside them unless the first line has said it', () => {
  const one = answer('host', '203.0.113.50');
  const [endpoint] = one.endpoints;
  const hints = ['its pod does not declare port 8080', 'its pod does not declare port 8081'];
  const endpoints = endpoint ? hints.map((hint) => ({ ...endpoint, hint })) : [];
  const steps = [{ topic: 'endpoints', text: 'one of 2 endpoints receives it', rules: [] }] as const;
  test.each([
    ['WRONG SERVICE', { code: 'other-service', text: 'other' }, endpoints, hints],
    ['RANDOM', { code: 'mixed', text: 'random', hint: 'd/dual:a also claims it' }, endpoints, hints],
    [
      'another number',
      { code: 'external-ip', text: 'sent', hint: 'its 2 pods do not declare port 8080, but 1' },
      endpoints,
      hints,
    ],
    [
      'said of all',
      { code: 'external-ip', text: 'sent', hint: 'its 2 pods do not declare port 8080, but 1' },
      endpoints.slice(0, 1),
      [],
    ],
  ] as const)('%s', (_, reason, given, shown) => {
    const lines = renderAnswer({ ...one, reason, endpoints: given, steps }, { ...plain, width: 200 }).slice(1);
    expect(lines.flatMap((line) => /its pod does .*/.exec(line) ?? [])).toEqual(shown);
  });
});

describe('lines', () => {
  test.each([40, 60, 80, 120])('fit %i columns, and break between words', (width) => {
    for (const [from, to] of [
      ['world', 'd/dual'],
      ['d/p7', 'd/old'],
      ['world', '10.43.0.9:80'],
    ] as const) {
      const one = answer(from, to);
      const lines = renderAnswer(one, { ...plain, width, keepsHeadline: false });
      const tooLong = lines.filter((line) => line.length > width && line.trim().includes(' '));
      expect(tooLong.filter((line) => !/^ {2}[A-Z ]+ {2}/.test(line))).toEqual([]);
      const words = lines.join(' ').replace(/\s+/g, ' ');
      expect(words.startsWith(one.headline)).toBe(true);
    }
  });

  test('the first one stays whole for programs', () => {
    const one = answer('world', 'd/dual');
    expect(renderAnswer(one, { ...plain, width: 40 })[0]).toBe(one.headline);
  });

  test('are red for failures, green for success, and dim for rules', () => {
    const painted = (to: string): string[] => renderAnswer(answer('world', to), { ...plain, color: true });
    const bad = painted('[fd00::3]:80');
    expect(bad[0]?.startsWith('\u001b[1;31mREFUSED ') && bad[0].endsWith('\u001b[0m')).toBe(true);
    expect(bad.filter((line) => line.startsWith('\u001b[2m')).join(' ')).toContain('chain incoming-refusals');
    expect(painted('10.43.0.3:80')[0]?.startsWith('\u001b[1;32mSENT ')).toBe(true);
    expect(painted('10.42.0.7:8080')[0]?.startsWith('\u001b[1mDIRECT ')).toBe(true);
  });
});
