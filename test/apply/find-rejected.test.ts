import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findRejected } from '../../src/apply/sync-table.ts';

/** Accepts lists without rejected items, and remembers what was checked. */
function judge(rejected: ReadonlySet<string>) {
  const asked: string[][] = [];
  const accepts = async (items: readonly string[]): Promise<boolean> => {
    asked.push([...items]);
    return !items.some((item) => rejected.has(item));
  };
  return { asked, accepts };
}

const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `shop/service-${index}`);

describe('the rejected items in a list', () => {
  test('are exactly those that are never accepted, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string(), { maxLength: 40 }),
        fc.infiniteStream(fc.boolean()),
        async (all, dice) => {
          const rejected = new Set(all.filter(() => dice.next().value));
          const { accepts } = judge(rejected);
          expect(await findRejected(all, accepts)).toEqual(all.filter((item) => rejected.has(item)));
        },
      ),
    );
  });

  test('are found with few questions when they are few', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2_000 }),
        fc.uniqueArray(fc.nat(1_999), { minLength: 1, maxLength: 3 }),
        async (count, places) => {
          const rejected = new Set(places.map((place) => `shop/service-${place % count}`));
          const { accepts, asked } = judge(rejected);
          expect(new Set(await findRejected(items(count), accepts))).toEqual(rejected);
          expect(asked.length).toBeLessThanOrEqual(2 + rejected.size * 2 * Math.ceil(Math.log2(count + 1)));
        },
      ),
    );
  });

  test('are asked for in the order given', async () => {
    const { accepts, asked } = judge(new Set(['c']));
    expect(await findRejected(['a', 'b', 'c', 'd'], accepts)).toEqual(['c']);
    expect(asked).toEqual([
      [],
      ['a', 'b', 'c', 'd'],
      ['a', 'b'],
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'c'],
      ['a', 'b', 'd'],
    ]);
  });

  test('are none when all are accepted, for instance because the cause is gone', async () => {
    expect(await findRejected(items(40), async () => true)).toEqual([]);
  });

  test('are none in an empty list', async () => {
    expect(await findRejected([], async () => true)).toEqual([]);
  });

  test('are unknown when not even the empty list is accepted, and nothing more is checked', async () => {
    let questions = 0;
    const refuses = async (): Promise<boolean> => {
      questions += 1;
      return false;
    };
    expect(await findRejected(items(40), refuses)).toBeUndefined();
    expect(questions).toBe(1);
  });

  test('who are accepted alone but not together: the later one is left out', async () => {
    const accepts = async (some: readonly string[]) => !(some.includes('b') && some.includes('d'));
    expect(await findRejected(['a', 'b', 'c', 'd'], accepts)).toEqual(['d']);
  });

  test('include everything unchecked when there are too many', async () => {
    let questions = 0;
    const accepts = async (some: readonly string[]) => {
      questions += 1;
      return !some.some((item) => Number(item) % 3 === 0);
    };
    const many = Array.from({ length: 3_000 }, (_, index) => `${index + 1}`);
    const rejected = await findRejected(many, accepts);
    expect(questions).toBe(200);
    expect(rejected?.length).toBeLessThan(3_000);
    expect(rejected).toEqual(expect.arrayContaining(many.filter((item) => Number(item) % 3 === 0)));
  });
});
