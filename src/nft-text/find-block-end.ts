import { NftTextError } from './nft-text-error.ts';

/**
 * The offset behind the `}` that closes the block which opens at `open`; braces in strings and comments do not count.
 *
 * @throws NftTextError where the block or a string in it has no end.
 */
export function findBlockEnd(text: string, open: number): number {
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
      default:
        next.lastIndex = endOfOpaque(text, at);
    }
    if (depth === 0) {
      return at + 1;
    }
  }
  throw new NftTextError('this brace is never closed', text, open);
}

/** Behind the string or the comment that begins here. */
function endOfOpaque(text: string, start: number): number {
  const isString = text[start] === '"';
  const end = text.indexOf(isString ? '"' : '\n', start + 1);
  if (end < 0 && isString) {
    throw new NftTextError('this quote is never closed', text, start);
  }
  return end < 0 ? text.length : end + 1;
}
