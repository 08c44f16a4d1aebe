import { networkInterfaces } from 'node:os';
import type { Table } from '../../inspect/explain/make-question.ts';
import { canonicalAddress, isLoopback } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import { defaultOptions } from '../../options.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import type { MemoryEntry } from '../../walk/fate.ts';
import type { Context } from '../context.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import type { Cluster } from './load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from './load-tables.ts';

/** The rules that a question is about. */
export interface LoadedRules {
  readonly byFamily: ReadonlyMap<Family, Table>;
  /** Addresses of the node, as far as the rules or the machine show them. */
  readonly ownAddresses: readonly string[];
}

/**
 * Loads the rules of the kernel or of a file if `--ruleset` asks for them, else takes those of the snapshot. Warns on
 * stderr about parts that svc2nft never writes.
 *
 * @returns the exit code where there are none.
 */
export async function loadRules(
  flags: CompileFlags & { readonly ruleset?: string },
  cluster: Cluster | undefined,
  context: Context,
): Promise<LoadedRules | number> {
  if (flags.ruleset === undefined) {
    const rulesets = cluster?.rulesets ?? [];
    return { byFamily: new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }])), ownAddresses: [] };
  }
  const { families, table } = cluster?.options ?? {
    families: flags.family === undefined ? defaultOptions.families : [flags.family],
    table: flags.table ?? defaultOptions.table,
  };
  const tables = await loadListedTables(flags.ruleset, { families, table }, context);
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  const addresses = [
    ...(flags.nodeIp ?? []),
    ...(flags.ruleset === 'kernel' ? ownAddresses() : []),
    ...nodePortIps(tables),
  ].flatMap((address) => canonicalAddress(address) ?? []);
  if (!cluster && addresses.length === 0) {
    context.stderr.write(
      "note: these rules do not show the node's addresses, so no address counts as the node's own; use --node-ip\n",
    );
  }
  return {
    byFamily: new Map(tables.map((table) => [table.ruleset.family, tableOf(table)])),
    ownAddresses: addresses,
  };
}

function tableOf({ ruleset, dynamic, isDormant }: ListedTable): Table {
  const memory = [...dynamic].map(([set, elements]): [string, ReadonlyMap<string, MemoryEntry>] => [
    set,
    new Map(elements.map(({ key, value }) => [key, { key, ...(value && { value }) }])),
  ]);
  return { ruleset, memory: new Map(memory), ...(isDormant && { isDormant }) };
}

/** The addresses that accept node ports: all of them are the node's own. */
function nodePortIps(tables: readonly ListedTable[]): string[] {
  const sets = tables.flatMap(({ ruleset }) => ruleset.sets);
  return sets
    .filter(({ name }) => name === setNames.nodePortIps)
    .flatMap(({ elements }) => elements.map(({ key }) => key));
}

/** The canonical addresses of this machine in this network namespace, without 127.0.0.0/8 and ::1. */
function ownAddresses(): string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = entries.flatMap(({ address }) => canonicalAddress(address) ?? []);
  return addresses.filter((address) => !isLoopback(address));
}
