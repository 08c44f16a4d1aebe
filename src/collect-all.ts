import { appendAll } from './append-all.ts';

/**
 * What `flatMap` gives, for lists of ten thousands: the engine's own takes several times as long.
 *
 * @param listOf what an item contributes, in order.
 */
export function collectAll<T, U>(items: readonly T[], listOf: (item: T) => readonly U[]): U[] {
  const collected: U[] = [];
  for (const item of items) {
    appendAll(collected, listOf(item));
  }
  return collected;
}
