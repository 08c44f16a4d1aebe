import { appendAll, pushTo } from '../../lib/lists.ts';
import { escapeControls } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import type { Deviation, DynamicElement, KnownNames, ListedTable, TableFlag, TableName } from '../listed-table.ts';
import type { Chain, FilledSet } from '../ruleset.ts';
import type { NftJson, NftOther, NftRule, NftSet, NftTable } from './nft-json.ts';
import { readChain } from './read-chain.ts';
import { readSet, type SetReader } from './read-set.ts';

/**
 * A table as a ruleset, the way the compiler would have written it. Whatever it never writes is a deviation; nothing is
 * thrown. Sets, chains and the elements of a set keep nft's order, and rules the order of their chain.
 *
 * @param readers of the sets whose elements have been read already.
 */
export function readListedTable(
  json: NftJson,
  name: TableName,
  knownNames: KnownNames,
  readers: ReadonlyMap<NftSet, SetReader> = new Map(),
): ListedTable {
  const { family, table } = name;
  const isKubeProxy = isKubeProxys(json, knownNames);
  // kube-proxy's counters are named in the rules that count.
  const others = json.others.filter(({ kind }) => !isKubeProxy || kind !== 'counter');
  const deviations = [...describeTable(json.table, name), ...others.map(unknownObject)];
  const { sets, dynamic } = readSets(json, { family, knownNames, readers, deviations });
  const chains = readChains(json, { family, isKubeProxy }, deviations);
  const { flags = [], comment = isKubeProxy ? '' : knownNames.tableComment } = json.table ?? {};
  const own = flags.filter(isTableFlag);
  return {
    isDormant: own.length < flags.length,
    ...(own.length > 0 && { flags: own }),
    ruleset: { family, table, comment, sets, chains },
    dynamic,
    // Names and types may be anyone's.
    deviations: deviations.map((deviation) => ({ ...deviation, message: escapeControls(deviation.message) })),
  };
}

function isKubeProxys({ table, chains }: NftJson, { isKubeProxyTable }: KnownNames): boolean {
  const marks = { comment: table?.comment, chains: chains.flatMap(({ name }) => name ?? []) };
  return isKubeProxyTable?.(marks) ?? false;
}

function describeTable(json: NftTable | undefined, { family, table }: TableName): Deviation[] {
  if (!json) {
    return [{ message: `table ${family} ${table} is missing from the listing`, needsRebuild: true }];
  }
  return json.flags
    .filter((flag) => !isTableFlag(flag))
    .map(() => ({
      message: `table ${family} ${table} is dormant: none of its rules are in force`,
      needsRebuild: true,
    }));
}

/** Any other flag is `dormant`, or what nft 1.0.6 prints in its place: whatever is in memory that it has freed. */
function isTableFlag(flag: string): flag is TableFlag {
  return flag === 'owner' || flag === 'persist';
}

/** An object of a kind, or with a name, that the compiler never gives. */
function unknownObject({ kind, name }: NftOther): Deviation {
  return { message: `unknown ${kind} ${name ?? 'without a name'}`, needsRebuild: true };
}

/** Whether the compiler could have given the name; nft has no quotes for names, so commands can use no other. */
function isUsable(name: string | undefined): name is string {
  return name !== undefined && /^[A-Za-z][A-Za-z0-9/._-]{0,254}$/.test(name);
}

interface SetContext {
  readonly family: Family;
  readonly knownNames: KnownNames;
  readonly readers: ReadonlyMap<NftSet, SetReader>;
  /** Is added to. */
  readonly deviations: Deviation[];
}

function readSets(
  json: NftJson,
  { family, knownNames, readers, deviations }: SetContext,
): { sets: FilledSet[]; dynamic: Map<string, readonly DynamicElement[]> } {
  const sets: FilledSet[] = [];
  const dynamic = new Map<string, readonly DynamicElement[]>();
  for (const listed of json.sets) {
    const { kind, name } = listed;
    if (!isUsable(name)) {
      deviations.push(unknownObject({ kind, name }));
      continue;
    }
    const named = { ...listed, name };
    const found = readers.get(listed)?.end(named) ?? readSet(named, family, knownNames);
    appendAll(deviations, found.deviations);
    if (found.set) {
      sets.push(found.set);
    }
    if (found.dynamic) {
      dynamic.set(name, found.dynamic);
    }
  }
  return { sets, dynamic };
}

function readChains(json: NftJson, context: Parameters<typeof readChain>[2], deviations: Deviation[]): Chain[] {
  const rules = rulesByChain(json.rules);
  const chains: Chain[] = [];
  for (const listed of json.chains) {
    const { name } = listed;
    if (!isUsable(name)) {
      deviations.push(unknownObject({ kind: 'chain', name }));
      continue;
    }
    const found = readChain({ ...listed, name }, rules.get(name) ?? [], context);
    appendAll(deviations, found.deviations);
    chains.push(found.chain);
  }
  const names = new Set(json.chains.map(({ name }) => name));
  for (const chain of rules.keys()) {
    if (!names.has(chain)) {
      const place = chain === undefined ? 'a chain without a name' : `chain ${chain}`;
      deviations.push({
        message: `${place} has rules but is not listed`,
        ...(chain !== undefined && { chain }),
        needsRebuild: true,
      });
    }
  }
  return chains;
}

function rulesByChain(rules: readonly NftRule[]): Map<string | undefined, NftRule[]> {
  const found = new Map<string | undefined, NftRule[]>();
  for (const rule of rules) {
    pushTo(found, rule.chain, rule);
  }
  return found;
}
