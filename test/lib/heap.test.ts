import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addToHeap, deleteFromHeap, firstOf, type Heap, heapOf } from '../../src/lib/heap.ts';

interface Item {
  readonly rank: number;
}

function byRank(a: Item, b: Item): number {
  return a.rank - b.rank;
}

/** The first rank after each step, of a heap and of a list: numbers from 0 add an item of that rank, others delete one. */
function firstRanks(steps: readonly number[]): [(number | undefined)[], (number | undefined)[]] {
  const start = { rank: 50 };
  const heap = heapOf<Item>(start);
  const list: Item[] = [start];
  const ofHeap: (number | undefined)[] = [];
  const ofList: (number | undefined)[] = [];
  for (const step of steps) {
    if (step >= 0) {
      const item = { rank: step };
      addToHeap(heap, item, byRank);
      list.push(item);
    } else {
      const [item = { rank: 0 }] = list.splice(-step % (list.length + 1), 1);
      deleteFromHeap(heap, item, byRank);
    }
    ofHeap.push(firstOf(heap)?.rank);
    ofList.push([...list].sort(byRank)[0]?.rank);
  }
  return [ofHeap, ofList];
}

describe('a heap', () => {
  test.each([
    ['of few items', fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 60 })],
    ['that grows', fc.array(fc.integer({ min: -100, max: 1_000 }), { minLength: 100, maxLength: 300 })],
    ['that grows and becomes empty', fc.nat(200).map((size) => [...Array(size).keys(), ...Array(size + 5).fill(-1)])],
  ])('%s has the first of them at any time', (_, arbitrarySteps) => {
    fc.assert(
      fc.property(arbitrarySteps, (steps) => {
        const [ofHeap, ofList] = firstRanks(steps);
        expect(ofHeap).toEqual(ofList);
      }),
    );
  });

  test.each([
    ['ascending', (index: number) => index],
    ['descending', (index: number) => -index],
    ['mixed', (index: number) => (index * 7_919) % 100_003],
  ])('of 100,000 items compares few of them, in %s order', (_, rankOf) => {
    let compared = 0;
    const counting = (a: Item, b: Item): number => {
      compared += 1;
      return byRank(a, b);
    };
    const items = Array.from({ length: 100_000 }, (__, index) => ({ rank: rankOf(index) }));
    const heap: Heap<Item> = heapOf({ rank: 0.5 });
    let most = 0;
    const step = (change: typeof addToHeap<Item>, item: Item): void => {
      compared = 0;
      change(heap, item, counting);
      most = Math.max(most, compared);
    };
    items.forEach((item) => {
      step(addToHeap, item);
    });
    items.forEach((item) => {
      step(deleteFromHeap, item);
    });
    // Twice the height of the heap.
    expect(most).toBeLessThanOrEqual(2 * 17);
    expect(heap.items).toEqual([{ rank: 0.5 }]);
  });
});
