import type { ErrorPlaces } from './place-errors.ts';

/**
 * The offset behind the `}` that closes the block which opens at `open`; braces in strings and comments do not count.
 *
 * @throws NftTextError where the block or a string in it has no end.
 */
export function findBlockEnd(text: string, open: number, places: ErrorPlaces): number {
  const next = /[{}"#]/g;
  next.lastIndex = open;
  let depth = 0;
  while (next.test(text)) {
    const at = next.lastIndex - 1;
    switch (text[at]) {
      case '{':
        depth++;
        break;
      case '}':
        depth--;
        break;
      case '"':
        next.lastIndex = findStringEnd(text, at, places) + 1;
        break;
      default:
        next.lastIndex = endOfComment(text, at);
    }
    if (depth === 0) {
      return at + 1;
    }
  }
  throw places.errorAt('this brace is never closed', open);
}

/**
 * The offset of the quote that closes the one at `open`. nft has no escapes inside quotes, and a string may go over lines.
 *
 * @throws NftTextError where there is none.
 */
export function findStringEnd(text: string, open: number, { sawString, errorAt }: ErrorPlaces): number {
  const close = text.indexOf('"', open + 1);
  if (close < 0) {
    throw errorAt('this quote is never closed', open);
  }
  sawString(open, close);
  return close;
}

function endOfComment(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}
