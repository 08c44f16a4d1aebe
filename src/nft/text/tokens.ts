/** nft text as words, strings and marks. */

import { TextError } from '../../lib/text.ts';

/** A word, a quoted string (its text without the quotes), a mark such as `{` or `!=`, or an end. */
export interface Token {
  readonly kind: 'word' | 'string' | 'mark' | 'newline' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** Tokens in order, with one token of lookahead. After the last one every token is an end. */
export interface Tokens {
  readonly peek: () => Token;
  readonly take: () => Token;
  /** An error at the token's place. */
  readonly fail: (message: string, token: Token) => Error;
}

/** All tokens of a text. */
export interface TextTokens extends Tokens {
  /** Continues after the `}` that belongs to this `{`, which must be the last token taken. */
  readonly skipBlock: (open: Token) => void;
}

/**
 * The tokens of an nft text, read one by one in linear time. Comments are left out; `;` and line feeds both end a statement,
 * so both are `newline`. `take` and `peek` throw a {@link TextError} for a string without an end.
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

/** A word ends at a blank, mark, quote or comment. Dots and colons are part of words, and words when they stand alone. */
function wordEnd(text: string, start: number): number {
  wordBreak.lastIndex = start;
  return wordBreak.test(text) ? wordBreak.lastIndex - 1 : text.length;
}

/** Other blanks, such as `\f`, are part of words, so that every character belongs to a token or separates two. */
const wordBreak = /[ \t\r\n;"#{}[\](),=!<>&|^]/g;

/**
 * The offset behind the `}` that closes the block which opens at `open`; braces in strings and comments do not count.
 *
 * @throws TextError if the block or a string in it has no end.
 */
function findBlockEnd(text: string, open: number, places: ErrorPlaces): number {
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
 * The offset of the quote that closes the one at `open`. nft has no escapes inside quotes, and a string may span lines.
 *
 * @throws TextError if there is none.
 */
function findStringEnd(text: string, open: number, { sawString, errorAt }: ErrorPlaces): number {
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

/** Creates the errors of one text. */
interface ErrorPlaces {
  /** Notes a quoted text by the offsets of its quotes. */
  readonly sawString: (open: number, close: number) => void;
  readonly errorAt: (message: string, offset: number) => TextError;
}

/**
 * The errors of a text, each at its place. A missing quote is noticed only after the next quote, some lines later. So an
 * error after a quoted text that spans lines, which nft allows but hardly ever occurs, is placed at the start of that text.
 */
function placeErrors(text: string): ErrorPlaces {
  let overLines: number | undefined;
  return {
    sawString: (open, close) => {
      if (overLines === undefined && text.slice(open, close).includes('\n')) {
        overLines = open;
      }
    },
    errorAt: (message, offset) => {
      const error = new TextError(message, text, offset);
      return overLines === undefined || overLines > offset
        ? error
        : new TextError(
            `this quoted text is not closed on its line, or line ${error.line} is wrong: ${message}`,
            text,
            overLines,
          );
    },
  };
}
