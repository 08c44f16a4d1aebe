import { parseKey } from './parse-expression.ts';
import { accept, acceptWord } from './take-tokens.ts';
import type { Tokens } from './token.ts';

/**
 * What follows `type` or `typeof` in a set or map, as nft's JSON has it: `type` for keys, `map` for values. Types that are
 * not understood come as a text that names no type.
 */
export function parseTypes(keyword: 'type' | 'typeof', tokens: Tokens): Record<string, unknown> {
  const parse = keyword === 'type' ? parseNames : parseExamples;
  const type = parse(tokens);
  const map = accept(tokens, ':') ? parseData(tokens, parse) : undefined;
  const isWhole = tokens.peek().kind === 'end';
  return { type: isWhole ? type : [keyword], ...(map !== undefined && { map }) };
}

function parseData(tokens: Tokens, parse: (tokens: Tokens) => unknown): unknown {
  return accept(tokens, 'verdict') ? 'verdict' : parse(tokens);
}

/** `ipv4_addr . inet_service` as a list. */
function parseNames(tokens: Tokens): readonly unknown[] {
  const names: unknown[] = [];
  do {
    names.push(acceptWord(tokens));
  } while (accept(tokens, '.'));
  return names;
}

/** `ip daddr . tcp dport` as expressions, whose types are meant. */
function parseExamples(tokens: Tokens): unknown {
  return { typeof: parseKey(tokens) ?? null };
}
