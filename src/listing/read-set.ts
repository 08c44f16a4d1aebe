import type { Family } from '../network.ts';
import type { FilledSet, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { collectLists, type IndexedSocket } from './collect-lists.ts';
import { describeProblems, type ElementProblems } from './element-problems.ts';
import type { DynamicElement, Oddity } from './listing.ts';
import { readDeclaration, type SetObject } from './read-declaration.ts';
import { readDynamicElement, readElement } from './read-element.ts';
import { readIndexedSocket } from './read-socket.ts';

/** A set or map with its elements. */
export interface ListedSet {
  /** Undefined when it holds what no set of ours does. */
  readonly set: FilledSet | undefined;
  /** Only where traffic writes the elements; the set itself has none then. */
  readonly dynamic: readonly DynamicElement[] | undefined;
  readonly oddities: readonly Oddity[];
}

/** Reads a set or map. Elements are in the order of the listing, endpoints by frontend. */
export function readSet(object: SetObject, family: Family): ListedSet {
  const { declaration, foreign } = readDeclaration(object, family);
  const { kind, name, body } = object;
  const place = `${kind} ${name}`;
  const oddities = foreign.map(
    (part): Oddity => ({ message: `${place}: no set of ours has ${part}`, needsRebuild: true }),
  );
  if (!declaration) {
    return { set: undefined, dynamic: undefined, oddities };
  }
  const listed: readonly unknown[] = Array.isArray(body['elem']) ? body['elem'] : [];
  const problems: ElementProblems = new Map();
  const dynamic = declaration.flags?.includes('dynamic')
    ? readEach(listed, (json) => readDynamicElement(json, declaration, problems))
    : undefined;
  const set = dynamic ? { ...declaration, elements: [] } : fillSet(listed, declaration, problems);
  return { set, dynamic, oddities: [...oddities, ...describeProblems(place, problems)] };
}

function fillSet(listed: readonly unknown[], declaration: SetDeclaration, problems: ElementProblems): FilledSet {
  const { key, value } = declaration;
  const read = (json: unknown) => readElement(json, declaration, problems);
  if (value !== 'socket' || key.at(-1) !== 'index') {
    return { ...declaration, elements: readEach(listed, read) };
  }
  const frontend = key.slice(0, -1);
  const sockets: IndexedSocket[] = [];
  const others = listed.filter((json) => {
    const socket = readIndexedSocket(json, frontend);
    if (socket) {
      sockets.push(socket);
    }
    return !socket;
  });
  const { lists, rest } = collectLists(sockets);
  const elements = [...readEach(others, read), ...rest];
  return lists.length > 0 ? { ...declaration, elements, lists } : { ...declaration, elements };
}

/** What is understood of each item. */
function readEach<T>(items: readonly unknown[], read: (item: unknown) => T | undefined): T[] {
  const results: T[] = [];
  for (const item of items) {
    const result = read(item);
    if (result !== undefined) {
      results.push(result);
    }
  }
  return results;
}
