import { describe, expect, test } from 'vitest';
import { checkShapes } from '../../../src/inspect/verify/check-shapes.ts';
import { printRulesets } from '../../../src/nft/print.ts';
import type { Chain, Hook, Rule, Statement } from '../../../src/nft/ruleset.ts';
import { parseNftText } from '../../../src/nft/text/parse-nft-text.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { chain, type Plant, set } from './plant.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const web = {
  clusterIP: '10.96.0.10',
  type: 'LoadBalancer',
  ports: [{ port: 80, nodePort: 30080 }],
  sessionAffinity: 'ClientIP',
  loadBalancerSourceRanges: ['203.0.113.0/24'],
};
const api = {
  clusterIP: '10.96.0.20',
  type: 'NodePort',
  externalTrafficPolicy: 'Local',
  ports: [{ port: 443, nodePort: 30443 }],
};
const objects = [
  service('web', web, { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } }),
  slice('web', ['10.244.1.10', '10.244.2.20']),
  service('api', api),
  slice('api', ['10.244.1.11', '10.244.2.21', '10.244.2.22']),
  service('dead', { clusterIP: '10.96.0.30' }),
];
const [side] = sidesOf(documentsOf(objects), {
  nodeName: 'worker-1',
  nodeAddresses: ['192.0.2.11'],
  clusterCIDRs: ['10.244.0.0/16'],
  families: ['ip'],
}) as [Side];
const text = printRulesets([side.ruleset], { lines: [] });

/** Puts a rule first in a chain. */
function insertRule(chain: string, rule: string): string {
  const head = new RegExp(`(chain ${chain} \\{\n(?:\t\ttype [^\n]*\n)?)`);
  expect(text).toMatch(head);
  return text.replace(head, `$1\t\t${rule}\n`);
}

function linesAfter(changed: string): string[] {
  const [table] = parseNftText(changed, [{ family: 'ip', table: 'svc2nft' }], knownNames).tables;
  const { ruleset, deviations = [] } = table ?? expect.fail('no table');
  return linesOf({ ...side, ruleset }, { isActual: true, deviations });
}

test('nothing is foreign before', () => {
  expect(linesAfter(text)).toEqual([]);
});

describe('a rule of somebody else', () => {
  const conjunctions: readonly [chain: string, rule: string, effect: string][] = [
    [
      'services',
      'iifname "veth9" ip saddr 10.244.7.0/24 meta l4proto tcp dnat to 10.6.6.6:80',
      'translates packets to 10.6.6.6:80',
    ],
    [
      'services',
      'meta mark and 0x00010000 != 0 ip saddr 10.244.7.0/24 meta l4proto tcp dnat to 10.6.6.6:80',
      'translates packets to 10.6.6.6:80',
    ],
    ['services', 'meta mark and 0x00010000 != 0 ip saddr 10.244.7.7 drop', 'drops packets'],
    ['services', 'meta mark and 0x00010000 != 0 ip saddr 10.244.7.7 return', 'ends the chain'],
    [
      'nat-postrouting',
      'meta mark and 0x00010000 != 0 ip saddr 10.244.7.7 masquerade fully-random',
      'masquerades packets',
    ],
    ['services', 'meta mark and 0x00010000 != 0 iifname "veth9" drop', 'drops packets'],
    ['refusals-output', 'ct state new meta mark and 0x00004000 != 0 drop', 'drops packets'],
    ['refusals-prerouting', 'ct state new ip saddr @cluster-ips drop', 'drops packets'],
    ['tcp-cluster-2', 'ip saddr @nodeport-ips meta mark set meta mark or 0x00004000', 'changes marks'],
    ['reject-chain', 'ip saddr 192.0.2.1 iifname "eth*" goto tcp-cluster-2', 'sends packets to chain tcp-cluster-2'],
    ['pin', 'ip saddr 192.0.2.1 iifname "eth7" return', 'ends the chain'],
  ];
  test.each(conjunctions)('in %s: %s', (chain, rule, effect) => {
    const lines = linesAfter(insertRule(chain, rule));
    expect(lines[0]).toBe(
      `unknown-rule : chain ${chain}, rule 1 is not one that svc2nft writes there; it ${effect}: ${rule}`,
    );
  });
});

/** The shape of a ruleset, as lines. */
function shapesAfter(plant: Plant): string[] {
  return checkShapes(plant(side.ruleset)).map(({ code, message }) => `${code}: ${message}`);
}

/** Changes the rules of a chain. */
function rulesOf(name: string, change: (rules: readonly Rule[]) => readonly Rule[]): Plant {
  return chain(name, ({ rules }) => ({ rules: change(rules) }));
}

const isUdp: Statement = { kind: 'match', left: { kind: 'l4proto' }, right: 'udp' };
const toNodePorts = 'ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports';
const asNodePorts = `sends packets where service-nodeports says: ${toNodePorts}`;

describe('a rule of svc2nft that is', () => {
  const [jump = []] = side.ruleset.chains.find(({ name }) => name === 'nat-prerouting')?.rules ?? [];
  test.each<[what: string, plant: Plant, line: string]>([
    [
      'in another chain',
      rulesOf('reject-chain', (rules) => [...rules, jump]),
      'unknown-rule: chain reject-chain, rule 3 is not one that svc2nft writes there (it belongs to chain nat-prerouting); it sends packets to chain services: jump services',
    ],
    [
      'there twice',
      rulesOf('services', (rules) => [...rules, ...rules.slice(-1)]),
      `misplaced-rule: chain services, rule 4 is there twice; it ${asNodePorts}`,
    ],
    [
      'there twice, first',
      rulesOf('nat-prerouting', (rules) => [...rules, ...rules]),
      'misplaced-rule: chain nat-prerouting, rule 2 is there twice; it sends packets to chain services: jump services',
    ],
    [
      'in the wrong order',
      rulesOf('services', ([mark = [], ...rules]) => [mark, ...rules.reverse()]),
      'misplaced-rule: chain services, rule 3 should come earlier; it sends packets where service-ips says: ip daddr . meta l4proto . th dport vmap @service-ips',
    ],
    [
      'gone',
      rulesOf('services', (rules) => rules.slice(0, 2)),
      `missing-rule: chain services lacks the rule that ${asNodePorts}`,
    ],
    [
      'narrowed',
      rulesOf('services', (rules) => rules.map((rule, index) => (index === 2 ? [isUdp, ...rule] : rule))),
      `unknown-rule: chain services, rule 3 is not one that svc2nft writes there; it sends packets where service-nodeports says: meta l4proto udp ${toNodePorts}, in place of: ${toNodePorts}`,
    ],
    [
      'widened',
      rulesOf('services', (rules) => rules.map((rule, index) => (index === 2 ? rule.slice(1) : rule))),
      `unknown-rule: chain services, rule 3 is not one that svc2nft writes there; it sends packets where service-nodeports says: meta l4proto . th dport vmap @service-nodeports, in place of: ${toNodePorts}`,
    ],
    [
      'without effect',
      rulesOf('services', (rules) => [[isUdp], ...rules]),
      'unknown-rule: chain services, rule 1 is not one that svc2nft writes there; it does nothing: meta l4proto udp',
    ],
  ])('%s', (_what, plant, line) => {
    expect(shapesAfter(plant)).toEqual([line]);
  });
});

describe('a chain or set of svc2nft', () => {
  const hookAs =
    (changed: Partial<Hook>) =>
    ({ hook }: Chain): Partial<Chain> =>
      hook ? { hook: { ...hook, ...changed } } : {};
  test.each<[what: string, plant: Plant, line: string]>([
    [
      'at another priority',
      chain('nat-prerouting', hookAs({ priority: -101 })),
      'wrong-hook: chain nat-prerouting is at nat prerouting -101, but should be at nat prerouting -100',
    ],
    [
      'at another hook',
      chain('refusals-prerouting', hookAs({ hook: 'output', priority: -89 })),
      'wrong-hook: chain refusals-prerouting is at nat output -89, but should be at nat prerouting -90',
    ],
    [
      'of another type',
      chain('refusals-output', hookAs({ type: 'filter' })),
      'wrong-hook: chain refusals-output is at filter output -90, but should be at nat output -90',
    ],
    [
      'with a hook',
      chain('services', () => ({ hook: { type: 'nat', hook: 'output', priority: -90 } })),
      'wrong-hook: chain services is at nat output -90, but should be without a hook',
    ],
    [
      'that is missing',
      (ruleset) => ({ ...ruleset, chains: ruleset.chains.filter(({ name }) => name !== 'pin-output') }),
      'missing-rule: chain pin-output is missing',
    ],
    [
      'with other flags',
      set('cluster-ips', () => ({ flags: ['dynamic'], size: 65_535 })),
      'wrong-declaration: set cluster-ips has flags dynamic, but should have none',
    ],
    [
      'with a timeout',
      set('tcp-pins', () => ({ timeoutSeconds: 5 })),
      'wrong-declaration: map tcp-pins has timeout 5 s, but should have none',
    ],
    [
      'with a size',
      set('service-ips', () => ({ size: 10 })),
      'wrong-declaration: map service-ips has size 10, but should have unlimited',
    ],
    [
      'of another type of key',
      set('service-nodeports', () => ({ key: ['port', 'protocol'] })),
      'wrong-declaration: map service-nodeports has type port . protocol : verdict, but should have protocol . port : verdict',
    ],
  ])('%s is found', (_what, plant, line) => {
    expect(shapesAfter(plant)).toEqual([line]);
  });

  test("that is somebody else's is found", () => {
    const foreign: Plant = (ruleset) => ({
      ...ruleset,
      sets: [...ruleset.sets, { name: 'mine', key: ['address'], comment: '', elements: [] }],
      chains: [
        ...ruleset.chains,
        { name: 'evil', hook: { type: 'filter', hook: 'input', priority: 5 }, rules: [[{ kind: 'drop' }]] },
      ],
    });
    expect(shapesAfter(foreign)).toEqual([
      'unknown-chain: svc2nft writes no chain evil; it drops packets',
      'unknown-set: svc2nft declares no set mine',
    ]);
  });
});

describe('of any options', () => {
  const many: Partial<CompileOptions>[] = [
    { masqueradeBit: 0 },
    { masqueradeBit: 31, masqueradeAll: true },
    { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'cali' },
    { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'fifteen-letters' },
    { detectLocalMode: 'BridgeInterface', detectLocalInterface: 'cni0' },
    { nodePortAddresses: ['all'], table: 'other' },
    { clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], targetNft: '1.1.3' },
    { clusterCIDRs: ['10.0.0.0/8'], masqueradeAll: true },
  ];
  const v6 = [
    service('web', { ...web, clusterIP: 'fd00:10:96::10', ipFamilies: ['IPv6'], externalTrafficPolicy: 'Local' }),
    slice('web', ['fd00:10:244:1::10', 'fd00:10:244:2::20'], 'fd00:10:244:1:'),
    service('api', {
      ...api,
      clusterIP: 'fd00:10:96::20',
      ipFamilies: ['IPv6'],
      sessionAffinity: 'ClientIP',
      internalTrafficPolicy: 'Local',
    }),
    slice('api', ['fd00:10:244:1::11', 'fd00:10:244:2::21'], 'fd00:10:244:1:'),
  ];
  test.each(many)('%j', (given) => {
    const sides = sidesOf(documentsOf([...objects.slice(2), ...v6.slice(0, 2)]), { nodeName: 'worker-1', ...given });
    const others = sidesOf(documentsOf([...objects.slice(0, 2), ...v6.slice(2)]), { nodeName: 'worker-1', ...given });
    expect([...sides, ...others].flatMap(({ ruleset }) => checkShapes(ruleset))).toEqual([]);
  });
});
