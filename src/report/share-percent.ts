/**
 * What each of `count` endpoints gets of the connections, in percent: a whole number, below 1 with one decimal; null
 * for no endpoints.
 */
export function sharePercent(count: number): number | null {
  if (count === 0) {
    return null;
  }
  const share = 100 / count;
  return share >= 1 ? Math.round(share) : Math.round(share * 10) / 10;
}
