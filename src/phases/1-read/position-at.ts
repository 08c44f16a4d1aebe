import type { Position } from './document.ts';

/**
 * Where an offset of `text` is, with its line. `lineStarts` comes from {@link findLineStarts} of the same text; an
 * offset beyond the end is the end.
 */
export function positionAt(text: string, lineStarts: readonly number[], offset: number): Position {
  const place = Math.min(offset, text.length);
  const line = lastAtMost(lineStarts, place);
  const start = lineStarts[line] ?? 0;
  const end = lineStarts[line + 1] ?? text.length + 1;
  const lineText = text.slice(start, end - 1);
  return {
    line: line + 1,
    column: place - start + 1,
    lineText: lineText.endsWith('\r') ? lineText.slice(0, -1) : lineText,
  };
}

/** The offsets that lines begin at; a line ends with a line feed. */
export function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let feed = text.indexOf('\n'); feed >= 0; feed = text.indexOf('\n', feed + 1)) {
    starts.push(feed + 1);
  }
  return starts;
}

/** The index of the last of the sorted `numbers` that is not above `limit`; the first number never is. */
function lastAtMost(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}
