import { canonicalAddress } from '../address.ts';
import type { Table } from '../explain/make-question.ts';
import type { Listing } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import { defaultOptions } from '../options.ts';
import { setNames } from '../phases/5-plan/names.ts';
import type { MemoryEntry } from '../walk/fate.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import type { Cluster } from './load-cluster.ts';
import { loadListings } from './load-listings.ts';
import { ownAddresses } from './own-addresses.ts';
import type { Streams } from './streams.ts';
import { warnOfOddities } from './warn-of-oddities.ts';

/** The rules that a question is about. */
export interface Rules {
  readonly byFamily: ReadonlyMap<Family, Table>;
  /** Addresses of the node, as far as the rules or the machine tell. */
  readonly ownAddresses: readonly string[];
}

/**
 * The rules of the kernel or of a file, where `--ruleset` asks for them, else those of the snapshot. What in them no
 * compiler makes is told on stderr.
 *
 * @returns the exit code where there are none.
 */
export async function loadRules(
  flags: CompileFlags & { readonly ruleset?: string },
  cluster: Cluster | undefined,
  streams: Streams,
): Promise<Rules | number> {
  if (flags.ruleset === undefined) {
    const rulesets = cluster?.rulesets ?? [];
    return { byFamily: new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }])), ownAddresses: [] };
  }
  const { families, table } = cluster?.options ?? {
    families: flags.family === undefined ? defaultOptions.families : [flags.family],
    table: flags.table ?? defaultOptions.table,
  };
  const listings = await loadListings(flags.ruleset, { families, table }, streams);
  if (typeof listings === 'number') {
    return listings;
  }
  warnOfOddities(listings, streams);
  const addresses = [
    ...(flags.nodeIp ?? []),
    ...(flags.ruleset === 'kernel' ? ownAddresses() : []),
    ...nodePortIps(listings),
  ].flatMap((address) => canonicalAddress(address) ?? []);
  if (!cluster && addresses.length === 0) {
    streams.stderr.write('note: these rules name no address of the node, so none counts as its own; give --node-ip\n');
  }
  return {
    byFamily: new Map(listings.map((listing) => [listing.ruleset.family, tableOf(listing)])),
    ownAddresses: addresses,
  };
}

function tableOf({ ruleset, dynamic, isDormant }: Listing): Table {
  const memory = [...dynamic].map(([set, elements]): [string, ReadonlyMap<string, MemoryEntry>] => [
    set,
    new Map(elements.map(({ key, value }) => [key, { key, ...(value && { value }) }])),
  ]);
  return { ruleset, memory: new Map(memory), ...(isDormant && { isDormant }) };
}

/** Addresses that accept node ports are the node's own. */
function nodePortIps(listings: readonly Listing[]): string[] {
  const sets = listings.flatMap(({ ruleset }) => ruleset.sets);
  return sets
    .filter(({ name }) => name === setNames.nodePortIps)
    .flatMap(({ elements }) => elements.map(({ key }) => key));
}
