/** The basic steps of the parsers of nft text. */

import { describeValue } from '../../lib/unknown-values.ts';
import type { TextTokens, Token, Tokens } from './tokens.ts';

/** Whether the next token is this word or mark, not a string; if so, it is taken. */
export function accept(tokens: Tokens, text: string): boolean {
  const isIt = isWordOrMark(tokens.peek(), text);
  if (isIt) {
    tokens.take();
  }
  return isIt;
}

/** Whether a token is this word or mark, not a string. */
export function isWordOrMark({ kind, text: found }: Token, text: string): boolean {
  return found === text && kind !== 'string';
}

/** Takes the next token if it is a word; otherwise undefined, and nothing is taken. */
export function acceptWord(tokens: Tokens): string | undefined {
  return tokens.peek().kind === 'word' ? tokens.take().text : undefined;
}

/**
 * Takes a word.
 *
 * @param expected what the error calls the missing word.
 * @throws TextError for any other token.
 */
export function expectWord(tokens: Tokens, expected: string): string {
  const token = tokens.take();
  if (token.kind !== 'word') {
    throw unexpected(tokens, token, expected);
  }
  return token.text;
}

/**
 * Takes this mark.
 *
 * @throws TextError for any other token.
 */
export function expectMark(tokens: Tokens, mark: string): Token {
  const token = tokens.take();
  if (token.kind !== 'mark' || token.text !== mark) {
    throw unexpected(tokens, token, `"${mark}"`);
  }
  return token;
}

/** Skips ends of lines. */
export function skipNewlines(tokens: Tokens): void {
  while (tokens.peek().kind === 'newline') {
    tokens.take();
  }
}

/** The error for a token that nft does not print at this place. */
export function unexpected(tokens: Tokens, token: Token, expected: string): Error {
  return tokens.fail(`expected ${expected}, found ${describeToken(token)}`, token);
}

/**
 * Takes the tokens of one statement: up to the end of the line or to the `}` of the block around it. Anything in braces
 * belongs to it, even over several lines.
 */
export function takeStatement(tokens: TextTokens): Token[] {
  const taken: Token[] = [];
  let depth = 0;
  for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
    if (depth === 0 && (token.kind === 'newline' || isWordOrMark(token, '}'))) {
      return taken;
    }
    if (token.kind === 'mark') {
      depth += nesting.get(token.text) ?? 0;
    }
    taken.push(tokens.take());
  }
  throw unexpected(tokens, tokens.peek(), '"}"');
}

/** The tokens of a statement as a sequence of their own, with errors at their places in the text. */
export function tokensOf(taken: readonly Token[], { fail }: Tokens): Tokens {
  let index = 0;
  const end: Token = { kind: 'end', text: '', offset: taken.at(-1)?.offset ?? 0 };
  return { peek: () => taken[index] ?? end, take: () => taken[index++] ?? end, fail };
}

const nesting: ReadonlyMap<string, number> = new Map([
  ['{', 1],
  ['}', -1],
]);

function describeToken({ kind, text }: Token): string {
  switch (kind) {
    case 'end':
      return 'the end of the text';
    case 'newline':
      return text === ';' ? '";"' : 'the end of the line';
    default:
      return describeValue(text);
  }
}
