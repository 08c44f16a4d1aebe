import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileIptables, compileRulesets } from '../../src/compile.ts';
import type { Frontend } from '../../src/frontends/frontend.ts';
import { readFrontends } from '../../src/frontends/read-frontends.ts';
import { readNodeSettings } from '../../src/frontends/read-node-settings.ts';
import { readRulesetFacts } from '../../src/frontends/read-ruleset-facts.ts';
import { readIptables } from '../../src/iptables/read-iptables.ts';
import { endpointText } from '../../src/net/network.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { withDefaults } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryCluster, nodeName } from '../support/arbitrary-cluster.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';
import { iptablesOfFixture, readBack } from '../support/iptables-fixture.ts';
import { filesOf, readTables, recordedTables, rulesOf } from '../support/kube-proxy-table.ts';
import { manyServices } from '../support/many-services.ts';

/** What rules say of each frontend that clients notice, by its key. */
function served(ruleset: Ruleset | undefined): Readonly<Record<string, object>> {
  return Object.fromEntries([...readFrontends(ruleset)].sort().map(([key, frontend]) => [key, summarize(frontend)]));
}

/** Source ranges without endpoints are in rules of nft alone (docs/iptables.md). */
function summarize({ name, frontend, policy, refusal, affinitySeconds, sourceRanges, all, local }: Frontend): object {
  return {
    ...{ name, frontend, policy, refusal, affinitySeconds },
    sourceRanges: refusal === 'rejected' ? null : sourceRanges,
    all: all?.map(endpointText).sort(),
    local: local?.map(endpointText).sort(),
  };
}

function rulesetsIn(text: string): Ruleset[] {
  return readIptables(text).map(({ ruleset }) => ruleset);
}

describe.each(recordedTables)('the rules of kube-proxy for %s', (name) => {
  const nft = readTables(rulesOf(name)).map(({ ruleset }) => ruleset);
  const iptables = rulesetsIn(readFileSync(filesOf(name).iptables, 'utf8'));

  test.each(['ip', 'ip6'] as const)('serve the same in both modes: %s', (family) => {
    const [expected, found] = [nft, iptables].map((all) => served(all.find((one) => one.family === family)));
    expect(found).toEqual(expected);
  });
});

test('settings of the node are read from the rules of kube-proxy', () => {
  const settingsIn = (name: string): object[] =>
    rulesetsIn(readFileSync(filesOf(name).iptables, 'utf8')).map(readNodeSettings);
  const known = { localhostNodePorts: undefined, serviceCIDRs: [], counters: undefined };
  expect(settingsIn('every-kind-of-frontend')).toEqual([
    {
      ...known,
      masqueradeMarks: [0x4000],
      masqueraded: 'traffic not from pods',
      detector: { kind: 'source', cidr: '10.244.0.0/16' },
      nodePortAddresses: { kind: 'all' },
    },
    {
      ...known,
      masqueradeMarks: [0x4000],
      masqueraded: 'traffic not from pods',
      detector: { kind: 'source', cidr: 'fd00:10:244::/48' },
      nodePortAddresses: { kind: 'all' },
    },
  ]);
  expect(settingsIn('addresses-of-the-node')).toMatchObject([
    { nodePortAddresses: { kind: 'listed', addresses: ['127.0.0.1', '198.51.100.11'] } },
    {},
  ]);
});

describe.each(listFixtures())('%s', (name) => {
  test('rules of svc2nft for iptables serve what those of nft do', () => {
    const iptables = readBack(iptablesOfFixture(name).rulesets);
    for (const ruleset of compileFixture(name).rulesets) {
      const found = iptables.find(({ family }) => family === ruleset.family);
      expect(served(found)).toEqual(served(ruleset));
      expect(found && settingsOf(found)).toEqual(settingsOf(ruleset));
    }
  });
});

/** Those that do not depend on the target, as far as rules for iptables show them. */
function settingsOf(ruleset: Ruleset): object {
  const { masqueradeMarks, serviceCIDRs } = readNodeSettings(ruleset);
  return { masqueradeMarks, serviceCIDRs };
}

test('rules of svc2nft for iptables serve what those of nft do, for random clusters', () => {
  fc.assert(
    fc.property(arbitraryCluster, (objects) => {
      const documents = documentsOf(objects);
      const options = withDefaults({ nodeName, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], keepGoing: true });
      const { rulesets = [] } = compileRulesets(documents, options);
      const iptables = readBack(compileIptables(documents, options).rulesets ?? []);
      for (const ruleset of rulesets) {
        expect(served(iptables.find(({ family }) => family === ruleset.family))).toEqual(served(ruleset));
      }
    }),
    { numRuns: 30 },
  );
});

test('chains for ranges of addresses and ports, of large clusters, are followed', () => {
  const documents = documentsOf(manyServices(200));
  const options = withDefaults({ nodeName, clusterCIDRs: ['10.244.0.0/16'], families: ['ip'] });
  const [expected] = compileRulesets(documents, options).rulesets ?? [];
  const [found] = readBack(compileIptables(documents, options).rulesets ?? []);
  expect(found?.chains.some((chain) => chain.name.startsWith('nat SVC2NFT-TO-'))).toBe(true);
  expect(served(found)).toEqual(served(expected));
});

const head = `*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
`;
const fixed = `-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE
`;

/** Rules of the table nat, beside those that are always there. */
function natRules(chains: string, rules: string): Ruleset {
  const declared = chains.split(' ').map((chain) => `:KUBE-${chain} - [0:0]\n`);
  const text = `${head}${declared.join('')}${fixed}${rules.trim().replace(/^ +/gm, '')}\nCOMMIT\n`;
  // The names of chains end in hashes.
  const [ruleset] = rulesetsIn(
    text.replace(/KUBE-(SVC|SEP|XLB|FW)-([A-Z])/g, (_, kind, letter) => `KUBE-${kind}-${letter.repeat(16)}`),
  );
  if (!ruleset) {
    throw new Error('no rules of IPv4');
  }
  return ruleset;
}

const clusterIP =
  '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-A';

describe('chains of kube-proxy', () => {
  test('have no comments on endpoints in large clusters', () => {
    const ruleset = natRules(
      'SVC-A SEP-X SEP-Y',
      `${clusterIP}
      -A KUBE-SVC-A -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-X
      -A KUBE-SVC-A -j KUBE-SEP-Y
      -A KUBE-SEP-X -s 10.244.1.5/32 -j KUBE-MARK-MASQ
      -A KUBE-SEP-X -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
      -A KUBE-SEP-Y -s 10.244.1.6/32 -j KUBE-MARK-MASQ
      -A KUBE-SEP-Y -p tcp -m tcp -j DNAT --to-destination 10.244.1.6:8080`,
    );
    expect([...readFrontends(ruleset).values()]).toMatchObject([
      { name: 'shop/web:http', kind: 'ClusterIP', policy: 'all endpoints', all: [{ port: 8080 }, { port: 8080 }] },
    ]);
    const { isLocal } = readRulesetFacts(ruleset);
    expect(isLocal({ address: '10.244.1.5', port: 8080 })).toBeUndefined();
  });

  test('of older releases: a chain KUBE-XLB for policy Local, and a mark for what is dropped', () => {
    const rules = (end: string): Ruleset =>
      natRules(
        'SVC-A SEP-X XLB-A FW-A MARK-DROP',
        `${clusterIP}
        -A KUBE-SERVICES -d 198.51.100.1/32 -p tcp -m comment --comment "shop/web:http loadbalancer IP" -m tcp --dport 80 -j KUBE-FW-A
        -A KUBE-NODEPORTS -s 127.0.0.0/8 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-MARK-MASQ
        -A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-XLB-A
        -A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
        -A KUBE-FW-A -s 203.0.113.0/24 -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-XLB-A
        -A KUBE-FW-A -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-MARK-DROP
        -A KUBE-XLB-A -s 10.244.0.0/16 -m comment --comment "Redirect pods trying to reach external loadbalancer VIP to clusterIP" -j KUBE-SVC-A
        -A KUBE-XLB-A -m comment --comment "masquerade LOCAL traffic for shop/web:http LB IP" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
        -A KUBE-XLB-A -m comment --comment "route LOCAL traffic for shop/web:http LB IP to service chain" -m addrtype --src-type LOCAL -j KUBE-SVC-A
        ${end}
        -A KUBE-SVC-A -m comment --comment "shop/web:http" -j KUBE-SEP-X
        -A KUBE-SEP-X -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080`,
      );
    const served = rules('-A KUBE-XLB-A -m comment --comment "Balancing rule 0 for shop/web:http" -j KUBE-SEP-X');
    const one = [{ address: '10.244.1.5', port: 8080 }];
    const external = { policy: 'local endpoints, source kept', all: one, local: one, refusal: null };
    expect(readFrontends(served).get('tcp . 30080')).toMatchObject({ ...external, sourceRanges: null });
    expect(readFrontends(served).get('198.51.100.1 . tcp . 80')).toMatchObject({
      ...external,
      kind: 'LoadBalancer',
      sourceRanges: ['203.0.113.0/24'],
    });
    const none = rules('-A KUBE-XLB-A -m comment --comment "shop/web:http has no local endpoints" -j KUBE-MARK-DROP');
    expect(readFrontends(none).get('tcp . 30080')).toMatchObject({
      policy: 'local endpoints, source kept',
      all: one,
      local: undefined,
      refusal: 'dropped-for-external',
    });
  });

  test('that somebody changed are not understood', () => {
    const policyOf = (rules: string): unknown =>
      readFrontends(
        natRules(
          'SVC-A SEP-X SEP-Y',
          `${clusterIP}
          ${rules}
          -A KUBE-SEP-X -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
          -A KUBE-SEP-Y -p tcp -m tcp -j DNAT --to-destination 10.244.1.6:8080`,
        ),
      ).get('10.96.0.10 . tcp . 80')?.policy;
    const picked = '-A KUBE-SVC-A -j KUBE-SEP-X';
    expect(policyOf(picked)).toBe('all endpoints');
    expect(policyOf('')).toBe('not understood');
    // What is left goes nowhere.
    expect(policyOf('-A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-X')).toBe('not understood');
    expect(policyOf(`-A KUBE-SVC-A -m limit --limit 5/min -j KUBE-SEP-Y\n${picked}`)).toBe('not understood');
    expect(policyOf(`-A KUBE-SVC-A -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SEP-Y\n${picked}`)).toBe(
      'not understood',
    );
    expect(policyOf(`-A KUBE-SVC-A -s 10.0.0.0/8 -j KUBE-SEP-Y\n${picked}`)).toBe('not understood');
    expect(policyOf(`-A KUBE-SVC-A -j KUBE-SVC-A\n${picked}`)).toBe('not understood');
  });

  test('without a name in a comment belong to an unknown service port', () => {
    const ruleset = natRules('SVC-A', '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A');
    expect([...readFrontends(ruleset).values()]).toMatchObject([
      { name: '(unknown)', frontend: '10.96.0.10:80/tcp', policy: 'not understood' },
    ]);
  });
});

/** The frontends whose service ports no rule in a text names, nor one that a change may name. */
function untouched(frontends: Readonly<Record<string, object>>, text: string): Readonly<Record<string, object>> {
  const entries = Object.entries(frontends).filter(([, frontend]) => {
    const { name = '' } = frontend as { readonly name?: string };
    return name !== 'a/b' && !text.includes(`${name} `) && !text.includes(`${name}"`);
  });
  return Object.fromEntries(entries);
}

test('whatever somebody does to rules, the frontends that they do not concern stay', () => {
  const text = readFileSync(filesOf('every-kind-of-frontend').iptables, 'utf8');
  const lines = text.split('\n');
  const rules = lines.flatMap((line, index) => (line.startsWith('-A ') ? [index] : []));
  const before = rulesetsIn(text).map(served);
  const change = fc.record({
    at: fc.constantFrom(...rules),
    how: fc.constantFrom<(line: string, other: string) => string>(
      () => '',
      (line) => `${line}\n${line}`,
      (line, other) => `${other}\n${line}`,
      (line) => line.replace(/ -j \S+/, ' -j RETURN'),
      (line) => line.replace(/ -j (\S+)/, ' -g $1'),
      (line) => line.replace(/--dport \d+/, '--dport 1:9'),
      (line) => line.replace(/-p \S+/, ''),
      (line) => line.replace(/--comment ("[^"]*"|\S+)/, '--comment "a/b c"'),
    ),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = [...lines];
      for (const { at, how } of changes) {
        // Rules of one chain and table stay together, so that the text is one that iptables-save may print.
        changed[at] = how(lines[at] ?? '', lines[at - 1]?.startsWith('-A ') ? (lines[at - 1] ?? '') : '');
      }
      const touched = changes.flatMap(({ at }) => [lines[at] ?? '', lines[at - 1] ?? '']).join(' ');
      const isFixed = /-[AI] (PREROUTING|OUTPUT|KUBE-(MARK-MASQ|POSTROUTING))/.test(touched);
      const after = rulesetsIn(changed.join('\n')).map((ruleset) => untouched(served(ruleset), touched));
      expect(isFixed ? before.length : after).toEqual(
        isFixed ? after.length : before.map((frontends) => untouched(frontends, touched)),
      );
    }),
    { numRuns: 30 },
  );
});

test('rules of other programs are no frontends', () => {
  const [ruleset] = rulesetsIn(
    `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "shop/web" -m tcp --dport 8080 -j DNAT --to-destination 10.244.1.5:80
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.5:80
COMMIT
`,
  );
  expect([...readFrontends(ruleset)]).toEqual([]);
});
