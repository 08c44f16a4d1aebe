import { appendAll } from '../../lib/lists.ts';
import { escapeControls } from '../../lib/text.ts';
import { isMapping, type Mapping } from '../../lib/unknown-values.ts';
import type { EndpointAddress, Family } from '../../net/network.ts';
import { isDispatchChainName } from '../../phases/5-plan/dispatch-chains.ts';
import { setNames, tableComment } from '../../phases/5-plan/names.ts';
import type { Deviation, DynamicElement, ListedTable, TableName } from '../listed-table.ts';
import type { Chain, Element, EndpointList, FilledSet } from '../ruleset.ts';
import { listOf, onlyField, wordFor } from './json-values.ts';
import { readChain } from './read-chain.ts';
import { readSet } from './read-set.ts';

/**
 * Reads the text that `nft -j list table FAMILY TABLE` printed; see readNftJson. Throws {@link NftJsonError} when it is no
 * JSON: nft was ended half way, or it is 1.0.6 and the table has flags, where it stops in the middle and reports success.
 */
export function parseNftJson(text: string, name: TableName): ListedTable {
  return readNftJson(parseJson(text, name), name);
}

/** Thrown for a listing that cannot be read at all. */
export class NftJsonError extends Error {
  override readonly name = 'NftJsonError';
}

function parseJson(text: string, { family, table }: TableName): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = text === '' ? 'printed nothing' : 'did not print whole JSON';
    throw new NftJsonError(`nft ${reason} for table ${family} ${table}`, { cause: error });
  }
}

/**
 * Reads what `nft -j list table FAMILY TABLE` printed, parsed, as the ruleset that a compiler would have made for it.
 * Whatever no compiler makes is a deviation; nothing is thrown. Other tables are not looked at.
 *
 * Sets, chains and the elements of a set come in the order of the listing, rules in their own. nft 1.0.6 does not print
 * the table's comment; the compiler's stands in for it.
 */
export function readNftJson(json: unknown, { family, table }: TableName): ListedTable {
  const objects = collectObjects(json, { family, table });
  const deviations = [...tableDeviations(objects.table, { family, table }), ...objects.others.map(foreignObject)];
  const { sets, dynamic } = readSets(objects, family, deviations);
  const chains = readChains(objects, family, deviations);
  const comment = objects.table?.['comment'];
  return {
    isDormant: listOf(objects.table?.['flags']).some(saysDormant),
    ruleset: { family, table, comment: typeof comment === 'string' ? comment : tableComment, sets, chains },
    dynamic,
    // Names and types are those of whoever made them.
    deviations: deviations.map((deviation) => ({ ...deviation, message: escapeControls(deviation.message) })),
  };
}

function readSets(
  { sets: listed }: ListedObjects,
  family: Family,
  deviations: Deviation[],
): { sets: FilledSet[]; dynamic: Map<string, readonly DynamicElement[]> } {
  const sets: FilledSet[] = [];
  const dynamic = new Map<string, readonly DynamicElement[]>();
  for (const { kind, body } of listed) {
    const name = nameOf(body);
    if (name === undefined) {
      deviations.push(foreignObject({ kind, body }));
      continue;
    }
    const found = readSet({ kind, name, body }, family);
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

function readChains({ chains: listed, rules }: ListedObjects, family: Family, deviations: Deviation[]): Chain[] {
  const chains: Chain[] = [];
  for (const body of listed) {
    const name = nameOf(body);
    if (name === undefined) {
      deviations.push(foreignObject({ kind: 'chain', body }));
      continue;
    }
    const found = readChain({ name, body, rules: rules.get(name) ?? [] }, family);
    appendAll(deviations, found.deviations);
    chains.push(found.chain);
  }
  const names = new Set(listed.map((body) => body['name']));
  for (const chain of rules.keys()) {
    if (!names.has(chain)) {
      const who = typeof chain === 'string' ? `chain ${chain}` : 'a chain without a name';
      deviations.push({ message: `${who} has rules but is not listed`, needsRebuild: true });
    }
  }
  return chains;
}

/** A name that we would give as well; nft quotes no names, so commands can speak of no other. */
function nameOf({ name }: Mapping): string | undefined {
  return typeof name === 'string' && /^[A-Za-z][A-Za-z0-9/._-]{0,254}$/.test(name) ? name : undefined;
}

function tableDeviations(body: Mapping | undefined, { family, table }: TableName): Deviation[] {
  if (!body) {
    return [{ message: `table ${family} ${table} is missing from the listing`, needsRebuild: true }];
  }
  return listOf(body['flags']).map((flag) => ({
    message: saysDormant(flag)
      ? `table ${family} ${table} is dormant: none of its rules are in force`
      : `table ${family} ${table}: unexpected flag ${wordFor(flag)}`,
    needsRebuild: true,
  }));
}

/** `dormant`, or what nft 1.0.6 prints in its place: whatever lies in memory that it has freed. */
function saysDormant(flag: unknown): boolean {
  return flag !== 'owner' && flag !== 'persist';
}

/** An object of a kind, or with a name, that we do not make. */
function foreignObject({ kind, body }: { kind: string; body: Mapping }): Deviation {
  const { name } = body;
  const what = typeof name === 'string' ? `${kind} ${name}` : `${kind} without a name`;
  return { message: `unknown ${what}`, needsRebuild: true };
}

/** The objects of one table, as nft prints them, each kind in the order in which they come. */
interface ListedObjects {
  readonly table: Mapping | undefined;
  readonly sets: readonly { readonly kind: 'set' | 'map'; readonly body: Mapping }[];
  readonly chains: readonly Mapping[];
  /** By the name of the chain. */
  readonly rules: ReadonlyMap<unknown, readonly Mapping[]>;
  /** What is none of these. */
  readonly others: readonly { readonly kind: string; readonly body: Mapping }[];
}

/** Takes a listing apart. Objects of other tables are left out, and so is what has no form that is known. */
export function collectObjects(json: unknown, name: TableName): ListedObjects {
  const objects = isMapping(json) ? json['nftables'] : undefined;
  const found: Collecting = { table: undefined, sets: [], chains: [], rules: new Map(), others: [] };
  for (const object of Array.isArray(objects) ? objects : []) {
    const [kind, body] = onlyField(object) ?? [];
    if (kind !== undefined && isMapping(body) && isPartOf(kind, body, name)) {
      addObject(kind, body, found);
    }
  }
  return found;
}

interface Collecting {
  table: Mapping | undefined;
  readonly sets: { kind: 'set' | 'map'; body: Mapping }[];
  readonly chains: Mapping[];
  readonly rules: Map<unknown, Mapping[]>;
  readonly others: { kind: string; body: Mapping }[];
}

function isPartOf(kind: string, body: Mapping, { family, table }: TableName): boolean {
  return body['family'] === family && body[kind === 'table' ? 'name' : 'table'] === table;
}

function addObject(kind: string, body: Mapping, found: Collecting): void {
  switch (kind) {
    case 'table':
      found.table = body;
      break;
    case 'set':
    case 'map':
      found.sets.push({ kind, body });
      break;
    case 'chain':
      found.chains.push(body);
      break;
    case 'rule':
      addRule(body, found.rules);
      break;
    default:
      found.others.push({ kind, body });
  }
}

function addRule(body: Mapping, rules: Map<unknown, Mapping[]>): void {
  const known = rules.get(body['chain']);
  if (known) {
    known.push(body);
  } else {
    rules.set(body['chain'], [body]);
  }
}

/** An element of an endpoint map, its key taken apart: the frontend's, and the index of the endpoint address. */
export interface IndexedAddress {
  readonly key: string;
  readonly index: number;
  readonly endpointAddress: EndpointAddress;
}

/**
 * The endpoint lists that these elements make: those with the indices from 0 on, without a gap. Lists come in the order of
 * their first element.
 *
 * @param entries in any order; no key has an index twice.
 * @returns as `rest` the elements behind a gap, whose index no list could give them.
 */
export function collectLists(entries: readonly IndexedAddress[]): { lists: EndpointList[]; rest: Element[] } {
  const endpointAddresses = new Map<string, EndpointAddress[]>();
  const late = entries.filter((entry) => !append(entry, endpointAddresses));
  const rest = late.sort((a, b) => a.index - b.index).filter((entry) => !append(entry, endpointAddresses));
  return {
    lists: [...endpointAddresses].map(([key, found]) => ({ key, endpointAddresses: found })),
    rest: rest.map(({ key, index, endpointAddress }) => ({ key: `${key} . ${index}`, value: endpointAddress })),
  };
}

/** Whether it was its turn. nft 1.0.6 and 1.1.3 list the indices of a frontend in order, so that it mostly is. */
function append(
  { key, index, endpointAddress }: IndexedAddress,
  endpointAddresses: Map<string, EndpointAddress[]>,
): boolean {
  const list = endpointAddresses.get(key);
  if (index !== (list?.length ?? 0)) {
    return false;
  }
  if (list) {
    list.push(endpointAddress);
  } else {
    endpointAddresses.set(key, [endpointAddress]);
  }
  return true;
}

/**
 * What is odd about a listing in which chains wait for packets that no set sends them: `nft -t` leaves out all elements.
 * A table that was emptied may keep such chains for a while, so this is a question.
 */
export function findTerse({ ruleset }: ListedTable): Deviation[] {
  const { family, table, sets, chains } = ruleset;
  const frontends = sets.filter(({ name }) => frontendSets.has(name));
  const isTerse =
    chains.some(({ name }) => isDispatchChainName(name)) &&
    frontends.some(({ name }) => name === setNames.serviceIps) &&
    frontends.every(({ elements }) => elements.length === 0);
  return isTerse
    ? [
        {
          message: `table ${family} ${table}: the sets have no elements; was it listed with -t?`,
          needsRebuild: false,
        },
      ]
    : [];
}

/** One of them has an element wherever a Service is. */
const frontendSets: ReadonlySet<string> = new Set([
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.clusterIps,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
]);

/** What a text has of the tables that were asked for. */
export interface RulesetTables {
  readonly listings: readonly ListedTable[];
  /** What all tables of the text are called, `ip6 kube-proxy`. */
  readonly found: readonly string[];
}
