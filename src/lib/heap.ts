/**
 * Items of which only the first counts, in an order that every call must be given alike. Adding and deleting one takes
 * logarithmic time.
 */
export interface Heap<T> {
  /** A binary heap: the children of the item at n are at 2n + 1 and 2n + 2. */
  readonly items: T[];
  /** Where each item is. Undefined for a few, which most heaps have: searching is as fast, and takes less memory. */
  positions: Map<T, number> | undefined;
}

type Compare<T> = (a: T, b: T) => number;

/** A heap of one item. */
export function heapOf<T>(item: T): Heap<T> {
  return { items: [item], positions: undefined };
}

/** The first item; undefined if there is none. */
export function firstOf<T>(heap: Heap<T> | undefined): T | undefined {
  return heap?.items[0];
}

const fewItems = 16;

/** Adds an item that the heap does not have yet. */
export function addToHeap<T>(heap: Heap<T>, item: T, compare: Compare<T>): void {
  const { items } = heap;
  items.push(item);
  if (items.length > fewItems) {
    heap.positions ??= new Map(items.map((each, position) => [each, position]));
  }
  moveUp(heap, item, { from: items.length - 1, compare });
}

/** Deletes an item; nothing happens if the heap does not have it. */
export function deleteFromHeap<T>(heap: Heap<T>, item: T, compare: Compare<T>): void {
  const { items, positions } = heap;
  const position = positions ? (positions.get(item) ?? -1) : items.indexOf(item);
  const last = position === -1 ? undefined : items.pop();
  positions?.delete(item);
  if (last === undefined || last === item) {
    return;
  }
  moveDown(heap, last, { from: position, compare });
}

interface Move<T> {
  /** A free position, or that of the item. */
  readonly from: number;
  readonly compare: Compare<T>;
}

/** Puts an item where it is not before its parent. */
function moveUp<T>(heap: Heap<T>, item: T, { from, compare }: Move<T>): void {
  let position = from;
  while (position > 0) {
    const above = (position - 1) >> 1;
    const parent = heap.items[above];
    if (parent === undefined || compare(parent, item) <= 0) {
      break;
    }
    put(heap, parent, position);
    position = above;
  }
  put(heap, item, position);
}

/** Puts an item below the smaller of its children, down to a leaf, and then up to where it belongs. */
function moveDown<T>(heap: Heap<T>, item: T, { from, compare }: Move<T>): void {
  const { items } = heap;
  let position = from;
  for (let below = 2 * position + 1; below < items.length; below = 2 * position + 1) {
    const left = items[below];
    const right = items[below + 1];
    const isRight = left !== undefined && right !== undefined && compare(right, left) < 0;
    const child = isRight ? right : left;
    if (child === undefined) {
      break;
    }
    put(heap, child, position);
    position = isRight ? below + 1 : below;
  }
  moveUp(heap, item, { from: position, compare });
}

function put<T>(heap: Heap<T>, item: T, position: number): void {
  heap.items[position] = item;
  heap.positions?.set(item, position);
}
