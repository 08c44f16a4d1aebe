import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileIptables } from '../../../src/compile.ts';
import type { Document } from '../../../src/diagnostics/document.ts';
import { deriveExpectations } from '../../../src/inspect/verify/derive-expectations.ts';
import type { Verification } from '../../../src/inspect/verify/verification.ts';
import { verifyRuleset } from '../../../src/inspect/verify/verify-ruleset.ts';
import { type CompileOptions, iptablesOptions, withDefaults } from '../../../src/options.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryOddestCluster, nodeName } from '../../support/arbitrary-cluster.ts';
import { listFixtures, loadFixture } from '../../support/fixture.ts';
import { readBack } from '../../support/iptables-fixture.ts';
import { filesOf, recordedTables, verifySaved } from '../../support/kube-proxy-table.ts';

const ofMany = [
  'any-hairpin',
  'cluster-ip-ports-untouched',
  'icmp-rejection',
  'localhost-served',
  'loopback-guard',
  'node-untouched',
  'refused-at-all-addresses',
  'unallocated-untouched',
];

/** What kube-proxy's iptables mode does otherwise in the tables. */
const behaviors: Readonly<Record<string, readonly string[]>> = {
  'addresses-of-the-node': [
    'any-hairpin',
    'cluster-ip-ports-untouched',
    'localhost-served',
    'loopback-guard',
    'refused-at-all-addresses',
  ],
  'every-kind-of-frontend': ofMany,
  'node-ports-everywhere': ofMany,
  'localhost-node-ports': [
    'any-hairpin',
    'cluster-ip-ports-untouched',
    'icmp-rejection',
    'refused-at-all-addresses',
    'unallocated-untouched',
  ],
  'among-other-programs': ['cluster-ip-ports-untouched', 'refused-at-all-addresses', 'unallocated-untouched'],
};

describe.each(recordedTables)('%s', (name) => {
  const verifications = verifySaved(name, readFileSync(filesOf(name).iptables, 'utf8'));

  test('does what kube-proxy does', () => {
    expect(verifications.map(({ family }) => family)).toEqual(['ip', 'ip6']);
    expect(verifications.flatMap(({ faults }) => faults)).toEqual([]);
    expect([...new Set(verifications.flatMap(({ notes = [] }) => notes.map(({ code }) => code)))].sort()).toEqual(
      behaviors[name],
    );
  });
});

describe('rules of other programs', () => {
  const saved = readFileSync(filesOf('node-ports-everywhere').iptables, 'utf8');
  const web = 'shop/web:http 10.96.0.10:80/tcp';
  const own = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n';
  const forward = '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall"';
  test.each<[what: string, code: string, from: string, to: string]>([
    ['drop', 'others-refuse', forward, `-A FORWARD -d 10.244.0.0/16 -j DROP\n${forward}`],
    [
      'translate',
      'others-translate',
      own,
      `-A PREROUTING -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 10.6.6.6\n${own}`,
    ],
    ['leave alone', 'others-translate', own, `-A PREROUTING -d 10.96.0.10/32 -j ACCEPT\n${own}`],
    ['depend on the time', 'others-unclear', forward, `-A FORWARD -m time --timestart 09:00:00 -j DROP\n${forward}`],
  ])('%s: a note, and no fault', (_what, code, from, to) => {
    const [found] = verifySaved('node-ports-everywhere', saved.replace(from, to));
    expect(found?.faults).toEqual([]);
    const notes = (found?.notes ?? []).filter((note) => note.code.startsWith('others-'));
    expect(notes.map((note) => note.code)).toEqual([code]);
    expect(notes[0]?.frontends).toContain(web);
  });

  test('before a chain of kube-proxy are not taken for its rules', () => {
    const planted = saved.replace(own, `-A PREROUTING -i docker0 -j KUBE-ROUTER-INPUT\n${own}`);
    const declared = planted.replace('*nat\n', '*nat\n:KUBE-ROUTER-INPUT - [0:0]\n');
    expect(verifySaved('node-ports-everywhere', declared)[0]?.faults).toEqual([]);
  });

  test('are all that there is: that is a fault', () => {
    const text = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 203.0.113.0/24 -j DROP\nCOMMIT\n';
    const [found] = verifySaved('node-ports-everywhere', text);
    expect(found?.faults.map(({ message }) => message)).toEqual(['there are no rules of kube-proxy or svc2nft']);
  });
});

function verifyCompiled(documents: readonly Document[], given: Partial<CompileOptions>): Verification[] {
  const options = withDefaults(given);
  const { rulesets = [], views, snapshot } = compileIptables(documents, options);
  const { masqueradeAll, masqueradeBit } = iptablesOptions(options);
  return readBack(rulesets).flatMap((ruleset) => {
    const node = views.find(({ family }) => family === ruleset.family);
    const expectations = snapshot && node && deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    return expectations ? [verifyRuleset(ruleset, expectations, { isActual: true })] : [];
  });
}

test.each(listFixtures())('rules of svc2nft for iptables do what they should: %s', (name) => {
  const { snapshotFile, options } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const verifications = verifyCompiled(documents, options);
  expect(verifications.flatMap(({ faults }) => faults)).toEqual([]);
});

const arbitraryOptions: fc.Arbitrary<Partial<CompileOptions>> = fc.record({
  nodeName: fc.constant(nodeName),
  nodeAddresses: fc.constantFrom(['192.0.2.11', '2001:db8:a::11'], ['192.0.2.11', '198.51.100.11', '2001:db8:a::11']),
  clusterCIDRs: fc.constantFrom([], ['10.244.0.0/16', 'fd00:10:244::/48']),
  masqueradeAll: fc.boolean(),
  masqueradeBit: fc.constantFrom(0, 14, 31),
  nodePortAddresses: fc.constantFrom([], ['primary'], ['198.51.100.0/24']),
});

test('random clusters: rules of svc2nft for iptables do what they should', () => {
  fc.assert(
    fc.property(arbitraryOddestCluster, arbitraryOptions, (cluster, options) => {
      expect(verifyCompiled(documentsOf(cluster), options).flatMap(({ faults }) => faults)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
