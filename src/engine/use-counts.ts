import type { Use } from './family-state.ts';

/** One more, or one less, that holds something; none left is no entry. */
export function changeUse<T>(uses: Map<string, Use<T>>, name: string, what: T, change: 1 | -1): void {
  const use = uses.get(name);
  if (!use) {
    uses.set(name, { what, count: change });
    return;
  }
  use.count += change;
  if (use.count === 0) {
    uses.delete(name);
  }
}
