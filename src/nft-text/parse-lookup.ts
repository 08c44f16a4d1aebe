import { onlyField } from '../listing/json-shapes.ts';
import { isMapping } from '../mapping.ts';
import { parseElements } from './parse-elements.ts';
import { parseKey } from './parse-expression.ts';
import { scalarOf } from './parse-value.ts';
import { accept, acceptWord, isWordOrMark } from './take-tokens.ts';
import type { Tokens } from './token.ts';

/**
 * A statement that begins with an expression: a comparison, a lookup in a set or verdict map, a new mark. As nft's JSON has
 * it; undefined for what no rule of ours has.
 */
export function parseLookup(tokens: Tokens): unknown {
  const left = parseKey(tokens);
  if (left === undefined) {
    return undefined;
  }
  if (accept(tokens, 'vmap')) {
    return { vmap: { key: left, data: parseVerdictMap(tokens) } };
  }
  if (accept(tokens, 'set')) {
    return { mangle: { key: left, value: parseMasked(parseKey(tokens), tokens) } };
  }
  return {
    match: { left: parseMasked(left, tokens), op: parseOperator(left, tokens), right: parseRight(left, tokens) },
  };
}

/** `@service-ips` or `{ 0 : goto a, 1 : goto b }` */
function parseVerdictMap(tokens: Tokens): unknown {
  return isWordOrMark(tokens.peek(), '{') ? { set: parseElements(tokens) } : acceptWord(tokens);
}

/** The expression joined to a number, as in `meta mark & 0x00004000`; the expression itself where none is joined. */
function parseMasked(expression: unknown, tokens: Tokens): unknown {
  const operator = tokens.peek().kind === 'string' ? undefined : operators.get(tokens.peek().text);
  if (operator === undefined) {
    return expression;
  }
  tokens.take();
  return { [operator]: [expression, scalarOf(acceptWord(tokens))] };
}

/** nft prints marks, and reads words as well. */
const operators: ReadonlyMap<string, string> = new Map([
  ['&', '&'],
  ['and', '&'],
  ['|', '|'],
  ['or', '|'],
  ['^', '^'],
  ['xor', '^'],
]);

/** Where nothing is said, states and statuses of connections are looked for among several (`in`), and all else is equal. */
function parseOperator(left: unknown, tokens: Tokens): string {
  if (accept(tokens, '!=')) {
    return '!=';
  }
  return accept(tokens, '==') || !isBits(left) ? '==' : 'in';
}

/** Names of interfaces stand in quotes, and nothing else does. */
function parseRight(left: unknown, tokens: Tokens): unknown {
  if (isInterface(left)) {
    return tokens.peek().kind === 'string' ? tokens.take().text : undefined;
  }
  return scalarOf(acceptWord(tokens));
}

/** `ct state` or `ct status`: each value is a bit. */
function isBits(expression: unknown): boolean {
  const [kind, body] = onlyField(expression) ?? [];
  return kind === 'ct' && isMapping(body) && (body['key'] === 'state' || body['key'] === 'status');
}

function isInterface(expression: unknown): boolean {
  const [kind, body] = onlyField(expression) ?? [];
  return kind === 'meta' && isMapping(body) && body['key'] === 'iifname';
}
