import { TextError } from '../../lib/text.ts';
import type {
  NftAnonymousSet,
  NftDnat,
  NftKey,
  NftMasked,
  NftMatch,
  NftSetChange,
  NftStatement,
  NftVerdictMap,
} from '../objects/nft-json.ts';
import { parseKey, portByName, readDuration, scalarOf } from './parse-expression.ts';
import { parseElements } from './parse-set.ts';
import { accept, acceptWord, isWordOrMark } from './take-tokens.ts';
import { readTokens, type Tokens } from './tokens.ts';

/**
 * The change of a set or map that is all of a text, `update @pins { ip saddr : ip daddr }`; undefined for any other text.
 */
export function parseSetChangeText(text: string): NftStatement | undefined {
  try {
    const tokens = readTokens(text);
    const op = acceptWord(tokens);
    const change = op === 'update' || op === 'delete' ? parseSetChange(tokens, op) : undefined;
    return tokens.peek().kind === 'end' ? change : undefined;
  } catch (error) {
    if (error instanceof TextError) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Takes one statement of a rule; undefined for one that svc2nft never writes.
 *
 * @throws TextError for a port that is given by name (`nft -S`), and for elements in braces that are not a list.
 */
export function parseStatement(tokens: Tokens): NftStatement | undefined {
  const { kind, text } = tokens.peek();
  const parse = kind === 'word' ? parsers.get(text) : undefined;
  if (!parse) {
    return parseLookup(tokens);
  }
  tokens.take();
  return parse(tokens);
}

type Parse = (tokens: Tokens) => NftStatement | undefined;

const parsers: ReadonlyMap<string, Parse> = new Map<string, Parse>([
  ['drop', () => ({ drop: null })],
  ['return', () => ({ return: null })],
  ['jump', (tokens) => withTarget(tokens, (target) => ({ jump: { target } }))],
  ['goto', (tokens) => withTarget(tokens, (target) => ({ goto: { target } }))],
  ['masquerade', (tokens) => ({ masquerade: accept(tokens, 'fully-random') ? { flags: 'fully-random' } : null })],
  ['reject', parseReject],
  ['counter', parseCounter],
  ['dnat', parseDnat],
  ['update', (tokens) => parseSetChange(tokens, 'update')],
  ['delete', (tokens) => parseSetChange(tokens, 'delete')],
]);

function withTarget(tokens: Tokens, statementOf: (target: string) => NftStatement): NftStatement | undefined {
  const target = acceptWord(tokens);
  return target === undefined ? undefined : statementOf(target);
}

/**
 * `reject`, `reject with icmp port-unreachable`, in older versions `with icmp type port-unreachable`, and
 * `reject with tcp reset`.
 */
function parseReject(tokens: Tokens): NftStatement | undefined {
  if (!accept(tokens, 'with')) {
    return { reject: null };
  }
  const type = acceptWord(tokens);
  if (type === 'tcp') {
    return accept(tokens, 'reset') ? { reject: { type: 'tcp reset' } } : undefined;
  }
  accept(tokens, 'type');
  const expr = scalarOf(acceptWord(tokens) ?? '');
  return type === undefined || typeof expr === 'object' ? undefined : { reject: { type, expr } };
}

/** `counter name "rejected"`, without quotes in later versions, or `counter packets 0 bytes 0`. */
function parseCounter(tokens: Tokens): NftStatement | undefined {
  if (accept(tokens, 'name')) {
    const { kind, text } = tokens.take();
    return kind === 'string' || kind === 'word' ? { counter: text } : undefined;
  }
  for (const unit of ['packets', 'bytes']) {
    if (accept(tokens, unit)) {
      acceptWord(tokens);
    }
  }
  return { counter: { packets: 0, bytes: 0 } };
}

/** `update @pins { ip saddr timeout 2m : ip daddr . tcp dport }` */
function parseSetChange(tokens: Tokens, op: string): NftStatement | undefined {
  const set = acceptWord(tokens);
  const elem = accept(tokens, '{') ? parseChangedElement(tokens) : undefined;
  const isMap = accept(tokens, ':');
  const data = isMap ? parseKey(tokens) : undefined;
  if (set === undefined || elem === undefined || (isMap && data === undefined) || !accept(tokens, '}')) {
    return undefined;
  }
  return { set: { op, elem, set, ...(data && { data }) } };
}

function parseChangedElement(tokens: Tokens): NftSetChange['elem'] | undefined {
  const val = parseKey(tokens);
  if (val === undefined || !accept(tokens, 'timeout')) {
    return val;
  }
  const timeout = readDuration(acceptWord(tokens) ?? '');
  return timeout === undefined ? undefined : { elem: { val, timeout } };
}

/** A statement that begins with an expression: a comparison, a lookup in a set or verdict map, a new mark. */
function parseLookup(tokens: Tokens): NftStatement | undefined {
  const left = parseKey(tokens);
  if (left === undefined) {
    return undefined;
  }
  if (accept(tokens, 'vmap')) {
    const data = parseMapData(tokens);
    return data === undefined ? undefined : { vmap: { key: left, data } };
  }
  return accept(tokens, 'set') ? parseMarkChange(left, tokens) : parseMatch(left, tokens);
}

/** `@service-ips` or `{ 0 : goto a, 1 : goto b }` */
function parseMapData(tokens: Tokens): NftVerdictMap['data'] | undefined {
  return parseAnonymousSet(tokens) ?? acceptWord(tokens);
}

function parseAnonymousSet(tokens: Tokens): NftAnonymousSet | undefined {
  return isWordOrMark(tokens.peek(), '{') ? { set: parseElements(tokens) } : undefined;
}

function parseMarkChange(key: NftKey, tokens: Tokens): NftStatement | undefined {
  const operand = parseKey(tokens);
  const value = operand && parseOperand(operand, tokens);
  return 'concat' in key || value === undefined || !isMasked(value) ? undefined : { mangle: { key, value } };
}

function parseMatch(key: NftKey, tokens: Tokens): NftStatement | undefined {
  const left = parseOperand(key, tokens);
  const op = parseOperator(key, tokens);
  const right = parseRight(key, tokens);
  return left === undefined || right === undefined ? undefined : { match: { op, left, right } };
}

/** A field joined to a number, `meta mark & 0x00004000`; the key itself where nothing is joined to it. */
function parseOperand(key: NftKey, tokens: Tokens): NftKey | NftMasked | undefined {
  const { kind, text } = tokens.peek();
  const operator = kind === 'string' ? undefined : operators.get(text);
  if (operator === undefined) {
    return key;
  }
  tokens.take();
  const bits = scalarOf(acceptWord(tokens) ?? '');
  return 'concat' in key || typeof bits !== 'number' ? undefined : operator(key, bits);
}

function isMasked(operand: NftKey | NftMasked): operand is NftMasked {
  return '&' in operand || '|' in operand || '^' in operand;
}

type Mask = (...operands: Extract<NftMasked, { '&': unknown }>['&']) => NftMasked;

const and: Mask = (...operands) => ({ '&': operands });
const or: Mask = (...operands) => ({ '|': operands });
const xor: Mask = (...operands) => ({ '^': operands });

/** nft prints marks, and reads words as well. */
const operators: ReadonlyMap<string, Mask> = new Map([
  ['&', and],
  ['and', and],
  ['|', or],
  ['or', or],
  ['^', xor],
  ['xor', xor],
]);

/** `!` asks whether a bit is not set. Without an operator, states and statuses of connections are looked for among several (`in`), and all else is equal. */
function parseOperator(left: NftKey, tokens: Tokens): string {
  for (const operator of ['!=', '!']) {
    if (accept(tokens, operator)) {
      return operator;
    }
  }
  return accept(tokens, '==') || !isBits(left) ? '==' : 'in';
}

/** Names of interfaces stand in quotes, and nothing else does. */
function parseRight(left: NftKey, tokens: Tokens): NftMatch['right'] | undefined {
  const list = parseAnonymousSet(tokens);
  if (list) {
    return list;
  }
  if ('meta' in left && left.meta.key === 'iifname') {
    return tokens.peek().kind === 'string' ? tokens.take().text : undefined;
  }
  const word = acceptWord(tokens);
  return word === undefined ? undefined : scalarOf(word);
}

/** `ct state` or `ct status`: each value is a bit. */
function isBits(key: NftKey): boolean {
  return 'ct' in key && (key.ct.key === 'state' || key.ct.key === 'status');
}

/** `dnat ip to ip daddr . tcp dport map @endpoints`, `dnat to 10.0.0.1:80`, `dnat to [fd00::1]:80`. */
function parseDnat(tokens: Tokens): NftStatement | undefined {
  const family = accept(tokens, 'to') ? undefined : acceptWord(tokens);
  if (family !== undefined && !accept(tokens, 'to')) {
    return undefined;
  }
  const target = accept(tokens, '[') ? parseBracketed(tokens) : parseUnbracketed(tokens);
  return target && { dnat: { ...(family !== undefined && { family }), ...target } };
}

function parseBracketed(tokens: Tokens): NftDnat | undefined {
  const addr = acceptWord(tokens);
  return accept(tokens, ']') ? destinationOf(addr, acceptWord(tokens), tokens) : undefined;
}

function parseUnbracketed(tokens: Tokens): NftDnat | undefined {
  const [, addr, port] = /^([0-9.]+)(:.*)$/.exec(tokens.peek().text) ?? [];
  if (addr !== undefined) {
    tokens.take();
    return destinationOf(addr, port, tokens);
  }
  const key = parseKey(tokens);
  const data = key !== undefined && accept(tokens, 'map') ? parseMapData(tokens) : undefined;
  return key === undefined || data === undefined ? undefined : { addr: { map: { key, data } } };
}

/** @param port with the colon before it. */
function destinationOf(addr: string | undefined, port: string | undefined, tokens: Tokens): NftDnat | undefined {
  if (port === ':' && tokens.peek().kind === 'string') {
    throw portByName(tokens, tokens.peek());
  }
  return addr === undefined || port === undefined ? undefined : { addr, port: scalarOf(port.slice(1)) };
}
