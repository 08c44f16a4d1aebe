import { readFileSync } from 'node:fs';
import { findSides, type MigratedCluster, predictSides } from '../../../src/cli/input/load-sides.ts';
import { compileRulesets } from '../../../src/compile.ts';
import type { MigrationSide } from '../../../src/inspect/migrate/causes.ts';
import { compareSides, type SidePair } from '../../../src/inspect/migrate/compare-sides.ts';
import type { Migration } from '../../../src/inspect/migrate/migration.ts';
import type { ProxyFate } from '../../../src/inspect/migrate/proxy-fate.ts';
import type { ProxyKind } from '../../../src/inspect/verify/proxy-model.ts';
import { readIptables } from '../../../src/iptables/read-iptables.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import type { Packet } from '../../../src/walk/fate.ts';
import type { Manifest } from '../../support/arbitrary-cluster.ts';
import { compileTable, filesOf, readTables, rulesOf } from '../../support/kube-proxy-table.ts';

/** A cluster that the command line would have read. */
export function clusterOf(objects: readonly Manifest[], options: Partial<CompileOptions> = {}): MigratedCluster {
  const settings = withDefaults({ nodeName: 'worker-1', ...options });
  const documents = documentsOf(objects);
  const { snapshot, rulesets, ...compiled } = compileRulesets(documents, settings);
  if (!snapshot || !rulesets) {
    throw new Error('the cluster does not compile');
  }
  return { ...compiled, snapshot, rulesets, documents, options: settings, mode: undefined };
}

/** What changes between two proxies, in the families that both have. */
export function changesBetween(
  from: readonly MigrationSide[],
  to: readonly MigrationSide[],
): Pick<Migration, 'connections' | 'services' | 'changes'> {
  return compareSides(pairsOf(from, to));
}

/** The sides of each family together, with health check node ports. */
export function pairsOf(from: readonly MigrationSide[], to: readonly MigrationSide[]): SidePair[] {
  return from.flatMap((before) => {
    const after = to.find(({ node }) => node.family === before.node.family);
    const healthChecks = [...before.expectations.healthCheckPorts].map(([port, service]) => ({ port, service }));
    return after ? [{ from: before, to: after, healthChecks }] : [];
  });
}

/** A mode of kube-proxy, by the rules that it wrote and by prediction, also alone without the rules of others. */
export interface RecordedSides extends Record<'found' | 'predicted' | 'alone', readonly MigrationSide[]> {}

/** Both modes for one of the recorded tables, the second one among the rules of others that the first was found with. */
export function recordedSides(name: string): Readonly<Record<'iptables' | 'nftables', RecordedSides>> {
  const { snapshot, rulesets, ...compiled } = compileTable(name);
  if (!snapshot || !rulesets) {
    throw new Error(`${name} does not compile`);
  }
  const cluster = { ...compiled, snapshot, rulesets, documents: compiled.documents, mode: undefined };
  const saved = readIptables(readFileSync(filesOf(name).iptables, 'utf8')).map(({ ruleset }) => ruleset);
  const { otherRules } = findSides(saved, cluster);
  const sidesOf = (proxy: ProxyKind, rules: readonly Ruleset[]): RecordedSides => ({
    found: findSides(rules, cluster, otherRules).sides,
    predicted: predictSides(proxy, cluster, otherRules),
    alone: predictSides(proxy, cluster),
  });
  return {
    iptables: sidesOf('kube-proxy-iptables', saved),
    nftables: sidesOf(
      'kube-proxy-nftables',
      readTables(rulesOf(name)).map(({ ruleset }) => ruleset),
    ),
  };
}

/** The fates of a packet in the words of recorded ones (test/support/recorded-fates.ts). */
export function predictedWords(packet: Packet, sides: readonly MigrationSide[]): string[] {
  const family = packet.destination.includes(':') ? 'ip6' : 'ip';
  const side = sides.find(({ node }) => node.family === family);
  return side?.fatesOf(packet).map(wordsOf) ?? [];
}

function wordsOf({ verdict, answer, endpoints, masqueraded }: ProxyFate): string {
  switch (verdict) {
    case 'translated':
      return endpoints
        .map((one) => `${one.endpoint}${starOf(one.masqueraded)}`)
        .sort()
        .join(' ');
    case 'rejected':
      return `rejected${answer === 'tcp-reset' ? ' with tcp-reset' : ''}`;
    default:
      return `${verdict}${verdict === 'untouched' ? starOf(masqueraded) : ''}`;
  }
}

function starOf(masqueraded: boolean | 'mixed'): string {
  return { true: '*', false: '', mixed: '?' }[String(masqueraded) as 'true' | 'false' | 'mixed'];
}
