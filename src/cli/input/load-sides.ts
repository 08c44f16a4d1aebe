import { compileRulesets } from '../../compile.ts';
import type { MigrationSide } from '../../inspect/migrate/causes.ts';
import { makeSide, type SideSettings } from '../../inspect/migrate/make-side.ts';
import { type MigrationEnd, type ProxyName, predictedProxies } from '../../inspect/migrate/migration.ts';
import type { Family } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { type CompileOptions, iptablesOptions } from '../../options.ts';
import { isKubeProxys } from '../../phases/5-plan/kube-proxy-names.ts';
import type { Context } from '../context.ts';
import type { Cluster } from './load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from './load-tables.ts';
import { openRules, type RulesSource } from './open-rules.ts';

/** One end of a migration, in the families that it has. */
export interface LoadedEnd extends MigrationEnd {
  readonly sides: readonly MigrationSide[];
}

/** Whether a flag names a proxy; else it names a file or `kernel`. */
function isProxyName(text: string): text is (typeof predictedProxies)[number] {
  return predictedProxies.some((name) => name === text);
}

/** What a flag names as one end of a migration; without rules, a proxy. */
export interface EndSource {
  readonly name: string;
  readonly rules?: RulesSource;
}

/** Opens the rules that a flag names; the exit code, after a message, where they cannot be read. */
export async function openEnd(name: string, context: Context): Promise<EndSource | number> {
  const rules = isProxyName(name) ? undefined : await openRules(name, context);
  return typeof rules === 'number' ? rules : { name, ...(rules && { rules }) };
}

/**
 * One end of a migration: what a named proxy would do for the cluster, or what rules do that are loaded or in a file.
 *
 * @returns the exit code, after a message, where there are no such rules.
 */
export async function loadEnd(
  { name, rules }: EndSource,
  cluster: Cluster,
  { table, context }: { readonly table: string | undefined; readonly context: Context },
): Promise<LoadedEnd | number> {
  if (isProxyName(name)) {
    return { proxy: name, source: 'prediction', sides: predictSides(name, cluster) };
  }
  const tables = await loadListedTables(rules ?? name, { families: cluster.options.families, table }, context);
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  const rulesets = tables.map(({ ruleset }) => ruleset);
  const proxy = proxyOf(rulesets);
  const settings = settingsFor(proxy, cluster);
  const sides = rulesets.flatMap((ruleset) => {
    const own = settings.find(({ node }) => node.family === ruleset.family);
    return own ? [makeSide(cluster.snapshot, { proxy, ruleset, isFound: true }, own)] : [];
  });
  return { proxy, source: name, sides };
}

function proxyOf(rulesets: readonly Ruleset[]): ProxyName {
  return rulesets.some(isKubeProxys) ? 'kube-proxy-nftables' : 'svc2nft';
}

function predictSides(proxy: ProxyName, cluster: Cluster): MigrationSide[] {
  const { snapshot, documents, options } = cluster;
  const rulesets = proxy === 'svc2nft' ? compileRulesets(documents, options).rulesets : undefined;
  return settingsFor(proxy, cluster).map((settings) => {
    const ruleset = rulesets?.find(({ family }) => family === settings.node.family);
    return makeSide(snapshot, { proxy, ruleset, isFound: false }, settings);
  });
}

/** The settings of a proxy in each family: each mode of kube-proxy has defaults of its own. */
function settingsFor(proxy: ProxyName | null, { documents, options }: Cluster): SideSettings[] {
  const own: CompileOptions =
    proxy === 'kube-proxy-iptables' || proxy === 'svc2nft-iptables' ? iptablesOptions(options) : options;
  const { masqueradeAll, masqueradeBit } = own;
  return compileRulesets(documents, own).views.map((node) => ({ node, masqueradeAll, masqueradeBit }));
}

/** The families that both ends have, or what a message calls the others. */
export function commonFamilies(
  from: LoadedEnd,
  to: LoadedEnd,
): { readonly common: readonly Family[]; readonly missing: readonly Family[] } {
  const [before, after] = [from, to].map(({ sides }) => sides.map(({ expectations }) => expectations.family));
  const all = [...new Set([...(before ?? []), ...(after ?? [])])];
  const isCommon = (family: Family): boolean => before?.includes(family) === true && after?.includes(family) === true;
  return { common: all.filter(isCommon), missing: all.filter((family) => !isCommon(family)) };
}
