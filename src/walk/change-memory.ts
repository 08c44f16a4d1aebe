import type { Socket } from '../network.ts';
import type { Statement } from '../phases/5-plan/ruleset.ts';
import { type Connection, copyConnection } from './connection.ts';
import type { MemoryEntry } from './fate.ts';
import { entriesOf } from './find-element.ts';
import type { IndexedSet } from './indexed-ruleset.ts';

// What nft declares where a dynamic set has no size.
const defaultSize = 65_535;

/** A statement that changes a dynamic set, with the set and what was read from the packet. */
export interface MemoryChange {
  readonly statement: Extract<Statement, { kind: 'update' | 'delete' }>;
  readonly set: IndexedSet;
  readonly key: string;
  /** Present for a map. */
  readonly value?: Socket;
}

/** The connection after an `update` or `delete` of one key, or undefined where the set is full, which ends the rule. */
export function changeMemory(connection: Connection, change: MemoryChange): Connection | undefined {
  const { statement, set, key, value } = change;
  const entries = entriesOf(set, connection.memory);
  const known = entries.get(key);
  if (statement.kind === 'delete') {
    return known ? withEntry(connection, change, undefined) : connection;
  }
  if (!known && entries.size >= (set.declaration.size ?? defaultSize)) {
    return undefined;
  }
  // An update of what is there refreshes its timeout and nothing else: a map keeps the old value.
  const timeoutSeconds = statement.timeoutSeconds ?? set.declaration.timeoutSeconds;
  return withEntry(connection, change, {
    ...(known ?? { key, ...(value && { value }) }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
}

function withEntry(connection: Connection, { set, key }: MemoryChange, entry: MemoryEntry | undefined): Connection {
  const { name } = set.declaration;
  const entries = new Map<string, MemoryEntry>(entriesOf(set, connection.memory));
  if (entry) {
    entries.set(key, entry);
  } else {
    entries.delete(key);
  }
  const changed = copyConnection(connection);
  changed.memory = new Map(connection.memory).set(name, entries);
  changed.changes += JSON.stringify([name, key, entry ?? null]);
  return changed;
}
