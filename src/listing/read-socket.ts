import type { Socket } from '../network.ts';
import type { KeyType } from '../phases/5-plan/ruleset.ts';
import type { IndexedSocket } from './collect-lists.ts';
import { isCount, partsOf } from './json-shapes.ts';
import { printParts } from './print-key.ts';

/** The value of a map to sockets, `{"concat": ["10.1.2.3", 8080]}`; undefined for all else. */
export function readSocket(json: unknown): Socket | undefined {
  const parts = partsOf(json);
  const address = parts?.[0];
  const port = parts?.[1];
  return typeof address === 'string' && isCount(port) && parts?.length === 2 ? { address, port } : undefined;
}

/**
 * An element of an endpoint map that is an index and nothing but that, `[{"concat": ["10.96.0.1", 80, 0]}, {...}]`;
 * undefined for all else.
 *
 * @param frontend the types of the key's parts before the index.
 */
export function readIndexedSocket(json: unknown, frontend: readonly KeyType[]): IndexedSocket | undefined {
  const [keyJson, value]: unknown[] = Array.isArray(json) ? json : [];
  const parts = partsOf(keyJson);
  const index = parts?.[frontend.length];
  if (parts?.length !== frontend.length + 1 || !isCount(index)) {
    return undefined;
  }
  const key = printParts(parts, frontend);
  const socket = readSocket(value);
  return key !== undefined && socket ? { key, index, socket } : undefined;
}
