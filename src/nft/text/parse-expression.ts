import { describeValue } from '../../lib/unknown-values.ts';
import { accept, acceptWord, isWordOrMark, unexpected } from './take-tokens.ts';
import type { Token, Tokens } from './tokens.ts';

/**
 * The expressions of a lookup, `ip daddr . tcp dport`, as nft's JSON has them: one, or a `concat`. Undefined where one is
 * none that a ruleset of ours can have.
 */
export function parseKey(tokens: Tokens): unknown {
  const parts: unknown[] = [];
  do {
    const part = parseExpression(tokens);
    if (part === undefined) {
      return undefined;
    }
    parts.push(part);
  } while (accept(tokens, '.'));
  return parts.length === 1 ? parts[0] : { concat: parts };
}

function parseExpression(tokens: Tokens): unknown {
  const word = acceptWord(tokens);
  switch (word) {
    case 'ip':
    case 'ip6':
    case 'tcp':
    case 'udp':
    case 'sctp':
    case 'th':
      return { payload: { protocol: word, field: acceptWord(tokens) } };
    case 'meta':
      return { meta: { key: acceptWord(tokens) } };
    case 'iifname':
      return { meta: { key: word } };
    case 'ct':
      return parseConnection(tokens);
    case 'fib':
      return parseRoute(tokens);
    case 'numgen':
      return parseNumber(tokens);
    default:
      return undefined;
  }
}

/** `ct state`, `ct original ip daddr`, `ct original proto-dst` */
function parseConnection(tokens: Tokens): unknown {
  const key = acceptWord(tokens);
  if (key !== 'original') {
    return { ct: { key } };
  }
  const field = acceptWord(tokens);
  const isAddress = field === 'ip' || field === 'ip6';
  return { ct: { key: isAddress ? `${field} ${acceptWord(tokens)}` : field, dir: 'original' } };
}

/** `fib daddr type`; several flags, `fib daddr . iif type`, are nobody's of ours. */
function parseRoute(tokens: Tokens): unknown {
  const flag = acceptWord(tokens);
  const result = acceptWord(tokens);
  return { fib: { result, flags: [flag] } };
}

/** `numgen random mod 3`; nft prints no offset of 0. */
function parseNumber(tokens: Tokens): unknown {
  const mode = acceptWord(tokens);
  const mod = accept(tokens, 'mod') ? scalarOf(acceptWord(tokens)) : undefined;
  const offset = accept(tokens, 'offset') ? scalarOf(acceptWord(tokens)) : 0;
  return { numgen: { mode, mod, offset } };
}

/**
 * The key or the value of an element, `10.96.0.1 . tcp . 80`, as nft's JSON has it: one value, or a `concat`.
 *
 * @throws NftTextError where there is none.
 */
export function parseValue(tokens: Tokens): unknown {
  const first = parsePart(tokens);
  if (!isWordOrMark(tokens.peek(), '.')) {
    return first;
  }
  const parts = [first];
  while (accept(tokens, '.')) {
    parts.push(parsePart(tokens));
  }
  return { concat: parts };
}

/** Decimal and hexadecimal numbers, prefixes and ranges as nft's JSON has them; other words, addresses among them, as they are. */
export function scalarOf(word: string | undefined): unknown {
  if (word === undefined) {
    return undefined;
  }
  if (plainNumber.test(word)) {
    return Number(word);
  }
  const [, addr, len] = prefixPattern.exec(word) ?? [];
  if (addr !== undefined) {
    return { prefix: { addr: numberOr(addr), len: Number(len) } };
  }
  const [, from, to] = rangePattern.exec(word) ?? [];
  return from !== undefined && to !== undefined ? { range: [numberOr(from), numberOr(to)] } : word;
}

const plainNumber = /^(?:[0-9]+|0x[0-9a-fA-F]+)$/;
/** Of addresses, and nft 1.0.6 prints masks of numbers like that, `0x00000000/1`. */
const prefixPattern = /^([0-9a-fx.:]+)\/([0-9]+)$/;
const rangePattern = /^([0-9a-fx.:]+)-([0-9a-fx.:]+)$/;

function numberOr(word: string): string | number {
  return plainNumber.test(word) ? Number(word) : word;
}

function parsePart(tokens: Tokens): unknown {
  const token = tokens.take();
  switch (token.kind) {
    case 'string':
      return token.text;
    case 'word':
      return scalarOf(token.text);
    default:
      throw unexpected(tokens, token, 'a value');
  }
}

/**
 * The error for a quoted text where a port is expected: a port by name, `"http"`, as nft prints it when it is called with -S
 * (1.0.6 and 1.1.3), or what stands between two strings of which the first is not closed.
 */
export function portByName(tokens: Tokens, token: Token): Error {
  if (!/^[A-Za-z0-9_.+/*-]+$/.test(token.text)) {
    return tokens.fail('no quoted text is expected here', token);
  }
  return tokens.fail(`the port ${describeValue(token.text)} is given by name; call nft without -S`, token);
}
