import { findBlockEnd, findStringEnd } from './find-block-end.ts';
import { type ErrorPlaces, placeErrors } from './place-errors.ts';
import type { TextTokens, Token } from './token.ts';

/**
 * Reads nft text token by token, in time that grows with its length alone. Comments are left out; `;` and line feeds
 * both end a statement, so both are `newline`.
 *
 * @throws NftTextError from `take` and `peek` for a string that has no end.
 */
export function readTokens(text: string): TextTokens {
  const places = placeErrors(text);
  let offset = 0;
  let ahead: Token | undefined;
  const read = (): Token => {
    const token = tokenAt(text, skipBlanks(text, offset), places);
    offset = token.offset + token.text.length + (token.kind === 'string' ? 2 : 0);
    return token;
  };
  return {
    peek: () => {
      ahead ??= read();
      return ahead;
    },
    take: () => {
      const token = ahead ?? read();
      ahead = undefined;
      return token;
    },
    fail: (message, token) => places.errorAt(message, token.offset),
    skipBlock: (open) => {
      ahead = undefined;
      offset = findBlockEnd(text, open.offset, places);
    },
  };
}

function skipBlanks(text: string, start: number): number {
  let offset = start;
  while (offset < text.length) {
    const character = text[offset];
    if (character === '#') {
      const feed = text.indexOf('\n', offset);
      return feed < 0 ? text.length : feed;
    }
    if (character !== ' ' && character !== '\t' && character !== '\r') {
      break;
    }
    offset++;
  }
  return offset;
}

function tokenAt(text: string, offset: number, places: ErrorPlaces): Token {
  const character = text[offset];
  switch (character) {
    case undefined:
      return { kind: 'end', text: '', offset };
    case '\n':
    case ';':
      return { kind: 'newline', text: character, offset };
    case '"':
      return { kind: 'string', text: text.slice(offset + 1, findStringEnd(text, offset, places)), offset };
    default:
      return marks.has(character)
        ? { kind: 'mark', text: markAt(text, offset), offset }
        : { kind: 'word', text: text.slice(offset, wordEnd(text, offset)), offset };
  }
}

const marks: ReadonlySet<string> = new Set('{}[](),=!<>&|^');

function markAt(text: string, offset: number): string {
  const pair = text.slice(offset, offset + 2);
  return pair === '!=' || pair === '==' ? pair : pair.charAt(0);
}

/** A word goes on to a blank, a mark, a quote or a comment. Dots and colons are part of it, and words by themselves. */
function wordEnd(text: string, start: number): number {
  wordBreak.lastIndex = start;
  return wordBreak.test(text) ? wordBreak.lastIndex - 1 : text.length;
}

/** Other blanks than these, `\f` for one, are part of words: nothing may be a break and no token. */
const wordBreak = /[ \t\r\n;"#{}[\](),=!<>&|^]/g;
