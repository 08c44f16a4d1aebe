// @ts-check

/** @param {number[]} values */
export function median(values) {
  return percentile(values, 50);
}

/**
 * @param {number[]} values at least one
 * @param {number} percent of the values that are at most as large as the result; 100 is the largest
 */
export function percentile(values, percent) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
