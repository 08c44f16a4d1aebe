import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { compileRulesets } from '../../src/compile.ts';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';
import type { Document } from '../../src/diagnostics/document.ts';
import { deriveExpectations } from '../../src/inspect/verify/derive-expectations.ts';
import type { Verification } from '../../src/inspect/verify/verification.ts';
import { verifyRuleset } from '../../src/inspect/verify/verify-ruleset.ts';
import { readIptables } from '../../src/iptables/read-iptables.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import { parseNftText } from '../../src/nft/text/parse-nft-text.ts';
import { type CompileOptions, iptablesOptions, withDefaults } from '../../src/options.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { inspectedNames, kubeProxyTable, nameElements } from '../../src/phases/5-plan/kube-proxy-names.ts';

/*
 * Tables of kube-proxy, as `nft list table` prints them, with the snapshot and configuration that they were made from: those of
 * the newest layout by kube-proxy 1.37 itself, with nft 1.0.6; those of earlier layouts by hand. Some have what iptables-save and
 * ip6tables-save (1.8.9) print after kube-proxy ran in iptables mode for the same snapshot and configuration; before and after
 * it, in among-other-programs, the rules of kubelet, flannel, ufw, the CNI plugin portmap and Docker were added.
 */
const folder = new URL('../behavior/kube-proxy-tables/', import.meta.url).pathname;

/** The names of all tables. */
export const kubeProxyTables: readonly string[] = readdirSync(folder).sort();

/** The paths of one; rules for iptables and fates of packets (recorded-fates.ts) are not there for each. */
export function filesOf(name: string): Record<'snapshot' | 'config' | 'rules' | 'iptables', string> & {
  readonly fates: Record<'nftables' | 'iptables', string>;
} {
  const file = (base: string): string => `${folder}${name}/${base}`;
  return {
    snapshot: file('snapshot.yaml'),
    config: file('config.yaml'),
    rules: file('kube-proxy.nft'),
    iptables: file('iptables-save.txt'),
    fates: { nftables: file('fates-nftables.txt'), iptables: file('fates-iptables.txt') },
  };
}

/** Those with rules for iptables as well, and with fates of packets in both modes. */
export const recordedTables: readonly string[] = kubeProxyTables.filter((name) => existsSync(filesOf(name).iptables));

/** The text of one. */
export function rulesOf(name: string): string {
  return readFileSync(filesOf(name).rules, 'utf8');
}

/** The tables of both families in a text, as commands that look at them read it. */
export function readTables(text: string): readonly ListedTable[] {
  const names = (['ip', 'ip6'] as const).map((family) => ({ family, table: kubeProxyTable.name }));
  return parseNftText(text, names, inspectedNames).tables.map((table) => ({
    ...table,
    ruleset: nameElements(table.ruleset),
  }));
}

type Compiled = ReturnType<typeof compileRulesets> & {
  readonly options: ReturnType<typeof withDefaults>;
  readonly documents: readonly Document[];
};
const compiled = new Map<string, Compiled>();

/** What svc2nft makes of the same snapshot; once per worker. */
export function compileTable(name: string): Compiled {
  const known = compiled.get(name) ?? compileOnce(name);
  compiled.set(name, known);
  return known;
}

function compileOnce(name: string, adapt = (options: CompileOptions): CompileOptions => options): Compiled {
  const { snapshot, config } = filesOf(name);
  const { documents } = readDocuments([{ file: snapshot, content: readFileSync(snapshot) }]);
  const settings = readKubeProxyConfig({ file: config, content: readFileSync(config) });
  const options = adapt(withDefaults({ ...settings.options, nodeName: 'worker-1' }));
  return { ...compileRulesets(documents, options), options, documents };
}

/** What verify says of a text in place of the rules of this table. */
export function verifyText(name: string, text: string): readonly Verification[] {
  return verifyTables(name, readTables(text), compileTable(name));
}

const settingsForIptables = new Map<string, Compiled>();

/** What verify says of a text in place of the rules for iptables. */
export function verifySaved(name: string, text: string): readonly Verification[] {
  const settings = settingsForIptables.get(name) ?? compileOnce(name, iptablesOptions);
  settingsForIptables.set(name, settings);
  return verifyTables(name, readIptables(text), settings);
}

function verifyTables(
  name: string,
  tables: readonly ListedTable[],
  { snapshot, views, options }: Compiled,
): readonly Verification[] {
  if (!snapshot) {
    throw new Error(`${name} does not compile`);
  }
  const { masqueradeAll, masqueradeBit } = options;
  return tables.map(({ ruleset, dynamic, deviations }) => {
    const node = views.find(({ family }) => family === ruleset.family);
    if (!node) {
      throw new Error(`${name} has no view of ${ruleset.family}`);
    }
    const expectations = deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    return verifyRuleset(ruleset, expectations, {
      isActual: true,
      deviations,
      configured: options.iptables ?? {},
      pins: dynamic,
    });
  });
}
