/** The small steps that parsers of nft text take. */

import { describeValue } from '../../lib/unknown-values.ts';
import type { TextTokens, Token, Tokens } from './tokens.ts';

/** Whether the next token is this word or mark (no string); if so, it is taken. */
export function accept(tokens: Tokens, text: string): boolean {
  const isIt = isWordOrMark(tokens.peek(), text);
  if (isIt) {
    tokens.take();
  }
  return isIt;
}

/** Whether a token is this word or mark, and no string. */
export function isWordOrMark({ kind, text: found }: Token, text: string): boolean {
  return found === text && kind !== 'string';
}

/** The next token, if it is a word, taken; else undefined, and nothing is taken. */
export function acceptWord(tokens: Tokens): string | undefined {
  return tokens.peek().kind === 'word' ? tokens.take().text : undefined;
}

/** Takes a word or throws the error of the text, which names what was expected. */
export function expectWord(tokens: Tokens, expected: string): string {
  const token = tokens.take();
  if (token.kind !== 'word') {
    throw unexpected(tokens, token, expected);
  }
  return token.text;
}

/** Takes this mark or throws the error of the text. */
export function expectMark(tokens: Tokens, mark: string): Token {
  const token = tokens.take();
  if (token.kind !== 'mark' || token.text !== mark) {
    throw unexpected(tokens, token, `"${mark}"`);
  }
  return token;
}

/** Goes over ends of lines. */
export function skipNewlines(tokens: Tokens): void {
  while (tokens.peek().kind === 'newline') {
    tokens.take();
  }
}

/** The error for a token that nft does not print there. */
export function unexpected(tokens: Tokens, token: Token, expected: string): Error {
  return tokens.fail(`expected ${expected}, found ${describeToken(token)}`, token);
}

/**
 * Takes the tokens of one statement: up to the end of the line, or up to the `}` of the block around it. What stands in
 * braces belongs to it, over however many lines.
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

/** The tokens of a statement as a sequence of their own. Its errors have the places of the text. */
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
