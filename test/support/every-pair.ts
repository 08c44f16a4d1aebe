/**
 * Whether a distance is tried. All pairs of the more than 100 states take minutes; `npm run test:every-pair` tries them
 * all. By default every state comes after itself and after seven others.
 */
export function isDistanceTried(distance: number): boolean {
  return process.env['EVERY_PAIR'] === '1' || [0, 1, 2, 5, 12, 29, 53, 88].includes(distance);
}

/**
 * Orders that together bring every item directly after every other one, and after itself: for each distance, steps of
 * that distance around the ring.
 */
export function everyPairInTurn<T>(items: readonly T[]): T[][] {
  return items.map((_, distance) => {
    const visited = new Set<number>();
    const order: T[] = [];
    for (let start = 0; start < items.length; start++) {
      for (let index = start; !visited.has(index); index = (index + distance) % items.length) {
        visited.add(index);
        // The first of a round comes twice, so that the step that closes the round is taken as well.
        order.push(...items.slice(index, index + 1));
      }
      order.push(...items.slice(start, start + 1));
    }
    return order;
  });
}
