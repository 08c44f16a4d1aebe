import { expect, test } from 'vitest';
import { withLock } from '../../src/apply/with-lock.ts';

/** A name that no other process uses. */
const table = `lock-test-${process.pid}`;

test('who comes later waits until the first is done, even if that fails', async () => {
  const order: string[] = [];
  const work = (name: string, milliseconds: number) => async (): Promise<void> => {
    order.push(`${name} begins`);
    await new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    });
    order.push(`${name} ends`);
    if (name === 'first') {
      throw new Error('first fails');
    }
  };
  const first = withLock(table, work('first', 60)).catch((error: Error) => order.push(error.message));
  await Promise.all([first, withLock(table, work('second', 30)), withLock(`${table}-2`, work('other', 5))]);
  expect(order.filter((entry) => !entry.startsWith('other'))).toEqual([
    'first begins',
    'first ends',
    'first fails',
    'second begins',
    'second ends',
  ]);
  expect(order.indexOf('other ends')).toBeLessThan(order.indexOf('first ends'));
});
