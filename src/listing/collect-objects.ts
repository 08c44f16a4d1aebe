import { isMapping, type Mapping } from '../mapping.ts';
import type { Family } from '../network.ts';
import { onlyField } from './json-shapes.ts';

/** A table's name and family. */
export interface TableName {
  readonly family: Family;
  readonly table: string;
}

/** The objects of one table, as nft prints them, each kind in the order in which they come. */
export interface ListedObjects {
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
