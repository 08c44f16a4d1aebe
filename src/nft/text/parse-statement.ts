import { isMapping } from '../../lib/unknown-values.ts';
import { onlyField } from '../json/json-values.ts';
import { readDuration } from '../json/read-set.ts';
import { parseKey, portByName, scalarOf } from './parse-expression.ts';
import { parseElements } from './parse-set.ts';
import { accept, acceptWord, isWordOrMark } from './take-tokens.ts';
import type { Tokens } from './tokens.ts';

/** A statement of a rule as nft's JSON has it; undefined for one that no rule of ours has. */
export function parseStatement(tokens: Tokens): unknown {
  const { kind, text } = tokens.peek();
  const parse = kind === 'word' ? parsers.get(text) : undefined;
  if (!parse) {
    return parseLookup(tokens);
  }
  tokens.take();
  return parse(tokens, text);
}

type Parse = (tokens: Tokens, word: string) => unknown;

const parsers: ReadonlyMap<string, Parse> = new Map<string, Parse>([
  ['drop', parseVerdict],
  ['return', parseVerdict],
  ['jump', parseJump],
  ['goto', parseJump],
  ['masquerade', parseMasquerade],
  ['reject', parseReject],
  ['dnat', parseTranslation],
  ['update', parseSetChange],
  ['delete', parseSetChange],
]);

function parseVerdict(_tokens: Tokens, word: string): unknown {
  return { [word]: null };
}

function parseJump(tokens: Tokens, word: string): unknown {
  return { [word]: { target: acceptWord(tokens) } };
}

function parseMasquerade(tokens: Tokens): unknown {
  return { masquerade: accept(tokens, 'fully-random') ? { flags: 'fully-random' } : null };
}

/** `reject`, `reject with icmp port-unreachable`, in older versions `with icmp type port-unreachable`. */
function parseReject(tokens: Tokens): unknown {
  if (!accept(tokens, 'with')) {
    return { reject: null };
  }
  const type = acceptWord(tokens);
  accept(tokens, 'type');
  return { reject: { type, expr: scalarOf(acceptWord(tokens)) } };
}

/** `update @pins { ip saddr timeout 2m : ip daddr . tcp dport }` */
function parseSetChange(tokens: Tokens, op: string): unknown {
  const set = acceptWord(tokens);
  const val = accept(tokens, '{') ? parseKey(tokens) : undefined;
  const timeout = accept(tokens, 'timeout') ? readDuration(acceptWord(tokens) ?? '') : null;
  const data = accept(tokens, ':') ? parseKey(tokens) : null;
  if (val === undefined || timeout === undefined || data === undefined || !accept(tokens, '}')) {
    return undefined;
  }
  const elem = timeout === null ? val : { elem: { val, timeout } };
  return { set: { op, elem, set, ...(data !== null && { data }) } };
}

/**
 * A statement that begins with an expression: a comparison, a lookup in a set or verdict map, a new mark. As nft's JSON has
 * it; undefined for what no rule of ours has.
 */
function parseLookup(tokens: Tokens): unknown {
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

/**
 * `ip to ip daddr . tcp dport map @endpoints`, `to 10.0.0.1:80`, `to [fd00::1]:80`: what follows `dnat`, as nft's JSON has
 * it; undefined for what no rule of ours has.
 *
 * @throws NftTextError for a port that is given by name (`nft -S`).
 */
function parseTranslation(tokens: Tokens): unknown {
  const family = accept(tokens, 'to') ? undefined : acceptWord(tokens);
  if (family !== undefined && !accept(tokens, 'to')) {
    return undefined;
  }
  const target = accept(tokens, '[') ? parseBracketed(tokens) : parseUnbracketed(tokens);
  return target && { dnat: { ...(family && { family }), ...target } };
}

function parseBracketed(tokens: Tokens): object | undefined {
  const addr = acceptWord(tokens);
  return accept(tokens, ']') ? destinationOf(addr, acceptWord(tokens), tokens) : undefined;
}

function parseUnbracketed(tokens: Tokens): object | undefined {
  const [, addr, port] = /^([0-9.]+)(:.*)$/.exec(tokens.peek().text) ?? [];
  if (addr !== undefined) {
    tokens.take();
    return destinationOf(addr, port, tokens);
  }
  const key = parseKey(tokens);
  const data = key !== undefined && accept(tokens, 'map') ? acceptWord(tokens) : undefined;
  return data === undefined ? undefined : { addr: { map: { key, data } } };
}

/** @param port with the colon before it. */
function destinationOf(addr: string | undefined, port: string | undefined, tokens: Tokens): object | undefined {
  if (port === ':' && tokens.peek().kind === 'string') {
    throw portByName(tokens, tokens.peek());
  }
  return addr === undefined || port === undefined ? undefined : { addr, port: scalarOf(port.slice(1)) };
}
