/** Puts items at the end of a list. Not by spreading: a call takes some hundred thousand arguments at most. */
export function appendAll<T>(list: T[], items: readonly T[]): void {
  for (const item of items) {
    list.push(item);
  }
}
