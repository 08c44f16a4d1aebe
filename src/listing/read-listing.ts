import { appendAll } from '../append-all.ts';
import { escapeControls } from '../escape-controls.ts';
import type { Mapping } from '../mapping.ts';
import type { Family } from '../network.ts';
import { tableComment } from '../phases/5-plan/names.ts';
import type { Chain, FilledSet } from '../phases/5-plan/ruleset.ts';
import { collectObjects, type ListedObjects, type TableName } from './collect-objects.ts';
import { listOf, wordFor } from './json-shapes.ts';
import type { DynamicElement, Listing, Oddity } from './listing.ts';
import { readChain } from './read-chain.ts';
import { readSet } from './read-set.ts';

/**
 * Reads what `nft -j list table FAMILY TABLE` printed, parsed, as the ruleset that a compiler would have made for it.
 * Whatever no compiler makes is an oddity; nothing is thrown. Other tables are not looked at.
 *
 * Sets, chains and the elements of a set come in the order of the listing, rules in their own. nft 1.0.6 does not print
 * the table's comment; the compiler's stands in for it.
 */
export function readListing(json: unknown, { family, table }: TableName): Listing {
  const objects = collectObjects(json, { family, table });
  const oddities = [...tableOddities(objects.table, { family, table }), ...objects.others.map(foreignObject)];
  const { sets, dynamic } = readSets(objects, family, oddities);
  const chains = readChains(objects, family, oddities);
  const comment = objects.table?.['comment'];
  return {
    isDormant: listOf(objects.table?.['flags']).some(saysDormant),
    ruleset: { family, table, comment: typeof comment === 'string' ? comment : tableComment, sets, chains },
    dynamic,
    // Names and types are those of whoever made them.
    oddities: oddities.map((oddity) => ({ ...oddity, message: escapeControls(oddity.message) })),
  };
}

function readSets(
  { sets: listed }: ListedObjects,
  family: Family,
  oddities: Oddity[],
): { sets: FilledSet[]; dynamic: Map<string, readonly DynamicElement[]> } {
  const sets: FilledSet[] = [];
  const dynamic = new Map<string, readonly DynamicElement[]>();
  for (const { kind, body } of listed) {
    const name = nameOf(body);
    if (name === undefined) {
      oddities.push(foreignObject({ kind, body }));
      continue;
    }
    const found = readSet({ kind, name, body }, family);
    appendAll(oddities, found.oddities);
    if (found.set) {
      sets.push(found.set);
    }
    if (found.dynamic) {
      dynamic.set(name, found.dynamic);
    }
  }
  return { sets, dynamic };
}

function readChains({ chains: listed, rules }: ListedObjects, family: Family, oddities: Oddity[]): Chain[] {
  const chains: Chain[] = [];
  for (const body of listed) {
    const name = nameOf(body);
    if (name === undefined) {
      oddities.push(foreignObject({ kind: 'chain', body }));
      continue;
    }
    const found = readChain({ name, body, rules: rules.get(name) ?? [] }, family);
    appendAll(oddities, found.oddities);
    chains.push(found.chain);
  }
  const names = new Set(listed.map((body) => body['name']));
  for (const chain of rules.keys()) {
    if (!names.has(chain)) {
      const who = typeof chain === 'string' ? `chain ${chain}` : 'a chain without a name';
      oddities.push({ message: `${who}: it has rules but is not listed`, needsRebuild: true });
    }
  }
  return chains;
}

/** A name that we would give as well; nft quotes no names, so commands can speak of no other. */
function nameOf({ name }: Mapping): string | undefined {
  return typeof name === 'string' && /^[A-Za-z][A-Za-z0-9/._-]{0,254}$/.test(name) ? name : undefined;
}

function tableOddities(body: Mapping | undefined, { family, table }: TableName): Oddity[] {
  if (!body) {
    return [{ message: `table ${family} ${table} is not in the listing`, needsRebuild: true }];
  }
  return listOf(body['flags']).map((flag) => ({
    message: saysDormant(flag)
      ? `table ${family} ${table} is dormant: none of its rules is in force`
      : `table ${family} ${table}: no table of ours has flag ${wordFor(flag)}`,
    needsRebuild: true,
  }));
}

/** `dormant`, or what nft 1.0.6 prints in its place: whatever lies in memory that it has freed. */
function saysDormant(flag: unknown): boolean {
  return flag !== 'owner' && flag !== 'persist';
}

/** An object of a kind, or with a name, that we do not make. */
function foreignObject({ kind, body }: { kind: string; body: Mapping }): Oddity {
  const { name } = body;
  const what = typeof name === 'string' ? `${kind} ${name}` : `${kind} without a name`;
  return { message: `${what}: no table of ours has such a thing`, needsRebuild: true };
}
