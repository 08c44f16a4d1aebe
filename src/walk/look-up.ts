import type { Element, Expression } from '../phases/5-plan/ruleset.ts';
import { branchOf, type Connection } from './connection.ts';
import { findElement } from './find-element.ts';
import type { IndexedSet } from './indexed-ruleset.ts';
import { readCertainKey, readKey } from './read-key.ts';
import { setOf, type WalkContext } from './walk-context.ts';

/** What one branch asked a set, and the answer. */
export interface Finding {
  readonly connection: Connection;
  /** Undefined where the packet has not all fields of the key: then the rule ends, whatever the set holds. */
  readonly key: string | undefined;
  readonly element: Element | undefined;
}

/** Asks a set: one finding, or one for each key that chance may make. */
export function lookUp(
  name: string,
  {
    key: expressions,
    connection,
    context,
  }: { key: readonly Expression[]; connection: Connection; context: WalkContext },
): Finding[] {
  const set = setOf(name, context);
  const certain = readCertainKey(expressions, connection, context);
  if (certain !== undefined) {
    return [{ connection, key: certain, element: find(set, certain, connection, context) }];
  }
  const readings = readKey(expressions, connection, context);
  if (readings.length === 0) {
    return [{ connection, key: undefined, element: undefined }];
  }
  return readings.map(({ key, oneIn }) => ({
    connection: branchOf(connection, oneIn),
    key,
    element: find(set, key, connection, context),
  }));
}

function find(set: IndexedSet, key: string, { memory }: Connection, { onElement }: WalkContext): Element | undefined {
  const element = findElement(set, key, memory);
  if (element) {
    onElement?.(element);
  }
  return element;
}
