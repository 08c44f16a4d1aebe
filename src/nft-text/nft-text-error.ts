/** Thrown for a text that is no nft ruleset, with the place, counted from 1, at which it stops being one. */
export class NftTextError extends Error {
  override readonly name = 'NftTextError';
  readonly line: number;
  /** In UTF-16 units. */
  readonly column: number;
  /** The whole line of that place, without its line feed. */
  readonly lineText: string;

  constructor(message: string, text: string, offset: number) {
    super(message);
    const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
    const feed = text.indexOf('\n', offset);
    this.line = countLineFeeds(text, start) + 1;
    this.column = offset - start + 1;
    this.lineText = text.slice(start, feed < 0 ? text.length : feed);
  }
}

function countLineFeeds(text: string, end: number): number {
  let count = 0;
  for (let feed = text.indexOf('\n'); feed >= 0 && feed < end; feed = text.indexOf('\n', feed + 1)) {
    count++;
  }
  return count;
}
