import { compileIptables, compileRulesets } from '../../compile.ts';
import type { MigrationSide } from '../../inspect/migrate/causes.ts';
import { makeSide, type SideSettings } from '../../inspect/migrate/make-side.ts';
import type { MigrationEnd } from '../../inspect/migrate/migration.ts';
import { withoutProxy } from '../../inspect/migrate/other-rules.ts';
import { loopbackNodePorts, type ProxyKind, proxyKinds } from '../../inspect/verify/proxy-model.ts';
import { printIptables } from '../../iptables/print-iptables.ts';
import { readIptables } from '../../iptables/read-iptables.ts';
import { escapeControls } from '../../lib/text.ts';
import { specialRangeOf } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { defaultOptions, iptablesOptions, withDefaults } from '../../options.ts';
import { isKubeProxys } from '../../phases/5-plan/kube-proxy-names.ts';
import { iptablesOwners } from '../../phases/5-plan-iptables/iptables-names.ts';
import type { Context } from '../context.ts';
import type { SnapshotFlags } from '../flags/compile-flags.ts';
import {
  type Cluster,
  chooseInput,
  chooseOwnNode,
  compileSource,
  isOfIptablesMode,
  loadSettings,
} from './load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from './load-tables.ts';
import { openRules, type RulesMachine, type RulesSource } from './open-rules.ts';

/** A cluster, and the mode of kube-proxy that its configuration is for; undefined without one. */
export interface MigratedCluster extends Cluster {
  readonly mode: string | undefined;
}

/**
 * Reads the snapshot and the settings of all modes of kube-proxy, so that none of them is without effect.
 *
 * @param machine the one whose rules are compared: it says which Node is meant, all of its addresses, and what its
 * kube-proxy was told.
 * @returns the exit code, after a message, where there is nothing to read or the input is refused.
 */
export async function loadMigrated(
  paths: readonly string[],
  flags: SnapshotFlags,
  { machine, context }: { readonly machine: RulesMachine | undefined; readonly context: Context },
): Promise<MigratedCluster | number> {
  const input = chooseInput(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const { options, mode, diagnostics } = await loadSettings(flags, machine?.configuration);
  if (machine?.configuration && flags.config === undefined) {
    const name = escapeControls(machine.hostName);
    context.stderr.write(`note: the settings are those of kube-proxy on ${name}; --config takes their place\n`);
  }
  const cluster = await compileSource(input, {
    options: withDefaults(options),
    configDiagnostics: diagnostics.filter((diagnostic) => !isOfIptablesMode(diagnostic)),
    usesPods: true,
    withoutAdvice: true,
    compile: compileRulesets,
    ...(machine && chooseOwnNode(machine)),
    needs: {},
    context,
  });
  if (typeof cluster === 'number') {
    return cluster;
  }
  return { ...(flags.nodeIp || !machine ? cluster : withAddresses(cluster, machine)), mode };
}

/** The cluster with all addresses of the node: its object has few of them, and rules may be for all. */
function withAddresses(cluster: Cluster, { addresses }: RulesMachine): Cluster {
  const { documents, views } = cluster;
  const known = views.flatMap((view) => view.addresses);
  const others = addresses.filter((address) => !known.includes(address) && specialRangeOf(address) === undefined);
  if (known.length === 0 || others.length === 0) {
    return cluster;
  }
  const options = { ...cluster.options, nodeAddresses: [...new Set([...known, ...others])] };
  const { rulesets, snapshot, ...compiled } = compileRulesets(documents, options);
  return rulesets && snapshot ? { ...compiled, rulesets, snapshot, documents, options } : cluster;
}

/** One end of a migration, in the families that it has. */
export interface LoadedEnd extends MigrationEnd {
  readonly sides: readonly MigrationSide[];
  /** The rules of other programs that were found beside those of the proxy, one ruleset for each family that has some. */
  readonly otherRules: readonly Ruleset[];
}

/** What a flag names: a proxy, or rules. */
export type EndSource = ProxyKind | RulesSource;

/** Opens what a flag names; the exit code, after a message, where there are no such rules. */
export async function openEnd(name: string, context: Context): Promise<EndSource | number> {
  return proxyKinds.find((kind) => kind === name) ?? openRules(name, context);
}

/** What {@link loadEnd} needs besides the end. */
interface LoadMeans {
  readonly cluster: MigratedCluster;
  readonly table: string | undefined;
  readonly context: Context;
}

/**
 * One end of a migration: what a named proxy would do for the cluster, or what rules do that are loaded or in a file.
 *
 * @param name what messages call the rules.
 * @param otherRules those of other programs, which packets meet beside a proxy that is not found with some itself.
 * @returns the exit code, after a message, where there are no such rules.
 */
export async function loadEnd(
  { end, name }: { readonly end: EndSource; readonly name: string },
  { cluster, table, context }: LoadMeans,
  otherRules: readonly Ruleset[] = [],
): Promise<LoadedEnd | number> {
  if (typeof end === 'string') {
    return { proxy: end, source: 'prediction', sides: predictSides(end, cluster, otherRules), otherRules: [] };
  }
  const tables = await loadListedTables(
    end,
    { families: cluster.options.families, table, takesIptables: true },
    context,
  );
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  const rulesets = tables.map(({ ruleset }) => ruleset);
  return { source: name, ...findSides(rulesets, cluster, otherRules) };
}

/** What rules do that were found, by whoever wrote them. */
export function findSides(
  rulesets: readonly Ruleset[],
  cluster: MigratedCluster,
  otherRules: readonly Ruleset[] = [],
): Omit<LoadedEnd, 'source'> {
  const proxy = authorOf(rulesets);
  const found = rulesets.flatMap((ruleset) => withoutProxy(ruleset) ?? []);
  const others = found.length > 0 ? found : otherRules;
  const sides = settingsFor(proxy, cluster).flatMap((own) => {
    const ruleset = rulesets.find(({ family }) => family === own.node.family);
    const source = { proxy, ruleset, isFound: true, otherRules: ofFamily(others, own) };
    return ruleset ? [makeSide(cluster.snapshot, source, own)] : [];
  });
  return { proxy, sides, otherRules: found };
}

function ofFamily(rulesets: readonly Ruleset[], { node }: SideSettings): Ruleset | undefined {
  return rulesets.find(({ family }) => family === node.family);
}

/** Null for rules of neither. */
function authorOf(rulesets: readonly Ruleset[]): ProxyKind | null {
  if (rulesets.some(({ language }) => language === 'iptables')) {
    const [owner] = rulesets.flatMap(iptablesOwners);
    return owner === undefined ? null : kindOfOwner[owner];
  }
  return rulesets.some(isKubeProxys) ? 'kube-proxy-nftables' : 'svc2nft';
}

const kindOfOwner = { 'kube-proxy': 'kube-proxy-iptables', svc2nft: 'svc2nft-iptables' } as const;

/** What a proxy would do, in each family. */
export function predictSides(
  proxy: ProxyKind,
  cluster: MigratedCluster,
  otherRules: readonly Ruleset[] = [],
): MigrationSide[] {
  const { snapshot } = cluster;
  const compiled = compileFor(proxy, cluster);
  return settingsFor(proxy, cluster).map((settings) => {
    const [ruleset, others] = [compiled, otherRules].map((rulesets) => ofFamily(rulesets, settings));
    return makeSide(snapshot, { proxy, ruleset, isFound: false, otherRules: others }, settings);
  });
}

/** The rules of svc2nft; what kube-proxy would do is predicted without any. */
function compileFor(proxy: ProxyKind, { rulesets, documents, options }: MigratedCluster): readonly Ruleset[] {
  switch (proxy) {
    case 'svc2nft':
      return rulesets;
    case 'svc2nft-iptables':
      return (compileIptables(documents, options).rulesets ?? []).flatMap((ruleset) =>
        readIptables(printIptables(ruleset, { heading: [], jumps: true })).map((table) => table.ruleset),
      );
    default:
      return [];
  }
}

/** The settings of a proxy in each family: each mode of kube-proxy has defaults, and a section, of its own. */
function settingsFor(proxy: ProxyKind | null, cluster: MigratedCluster): SideSettings[] {
  const { documents, options, views } = cluster;
  if (proxy === 'svc2nft' || proxy === 'kube-proxy-nftables') {
    const { masqueradeAll, masqueradeBit } = options;
    return views.map((node) => ({ node, masqueradeAll, masqueradeBit, loopbackNodePorts: undefined }));
  }
  const { iptables = {}, nodePortAddresses } = options;
  const isOn = iptables.localhostNodePorts ?? true;
  const own = iptablesOptions(options);
  const ofKubeProxy = { ...defaultOptions, ...iptables };
  const { masqueradeAll, masqueradeBit } = proxy === 'svc2nft-iptables' ? own : ofKubeProxy;
  return compileRulesets(documents, own).views.map((node) => ({
    ...{ node, masqueradeAll, masqueradeBit },
    loopbackNodePorts: loopbackNodePorts(node.family, { nodePortAddresses, isOn }),
  }));
}

/** The families that both ends have, and those that only one has. */
export function commonFamilies(
  from: LoadedEnd,
  to: LoadedEnd,
): { readonly common: readonly Family[]; readonly missing: readonly Family[] } {
  const [before, after] = [from, to].map(({ sides }) => sides.map(({ expectations }) => expectations.family));
  const all = [...new Set([...(before ?? []), ...(after ?? [])])];
  const isCommon = (family: Family): boolean => before?.includes(family) === true && after?.includes(family) === true;
  return { common: all.filter(isCommon), missing: all.filter((family) => !isCommon(family)) };
}
