import { describeValue } from '../../lib/unknown-values.ts';
import type { NftField, NftKey, NftPart, NftValue } from '../objects/nft-json.ts';
import { accept, acceptWord, isWordOrMark, unexpected } from './take-tokens.ts';
import type { Token, Tokens } from './tokens.ts';

/** The fields of a lookup, `ip daddr . tcp dport`; undefined when one of them is not a field that svc2nft uses. */
export function parseKey(tokens: Tokens): NftKey | undefined {
  const parts: NftField[] = [];
  do {
    const part = parseField(tokens);
    if (part === undefined) {
      return undefined;
    }
    parts.push(part);
  } while (accept(tokens, '.'));
  const [first] = parts;
  return parts.length === 1 ? first : { concat: parts };
}

function parseField(tokens: Tokens): NftField | undefined {
  const word = acceptWord(tokens);
  switch (word) {
    case 'ip':
    case 'ip6':
    case 'tcp':
    case 'udp':
    case 'sctp':
    case 'th': {
      const field = acceptWord(tokens);
      return field === undefined ? undefined : { payload: { protocol: word, field } };
    }
    case 'meta': {
      const key = acceptWord(tokens);
      return key === undefined ? undefined : { meta: { key } };
    }
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
function parseConnection(tokens: Tokens): NftField | undefined {
  const key = acceptWord(tokens);
  const original = key === 'original' ? acceptWord(tokens) : undefined;
  if (key !== 'original' || original === undefined) {
    return key === undefined || key === 'original' ? undefined : { ct: { key } };
  }
  const isAddress = original === 'ip' || original === 'ip6';
  return { ct: { key: isAddress ? `${original} ${acceptWord(tokens) ?? ''}` : original, dir: 'original' } };
}

/** `fib daddr type`; the compiler never writes several flags, `fib daddr . iif type`. */
function parseRoute(tokens: Tokens): NftField | undefined {
  const flag = acceptWord(tokens);
  const result = acceptWord(tokens);
  return flag === undefined || result === undefined ? undefined : { fib: { result, flags: [flag] } };
}

/** `numgen random mod 3`; nft does not print an offset of 0. */
function parseNumber(tokens: Tokens): NftField | undefined {
  const mode = acceptWord(tokens);
  const mod = accept(tokens, 'mod') ? scalarOf(acceptWord(tokens) ?? '') : undefined;
  const offset = accept(tokens, 'offset') ? scalarOf(acceptWord(tokens) ?? '') : 0;
  return mode === undefined || typeof mod !== 'number' || typeof offset !== 'number'
    ? undefined
    : { numgen: { mode, mod, offset } };
}

/**
 * The key or the value of an element, `10.96.0.1 . tcp . 80`.
 *
 * @throws TextError where there is none.
 */
export function parseValue(tokens: Tokens): NftValue {
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

function parsePart(tokens: Tokens): NftPart {
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

/** Decimal and hexadecimal numbers, prefixes and ranges; other words, addresses among them, as they are. */
export function scalarOf(word: string): NftPart {
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
/** Of addresses; nft 1.0.6 also prints masks of numbers like that, `0x00000000/1`. */
const prefixPattern = /^([0-9a-fx.:]+)\/([0-9]+)$/;
const rangePattern = /^([0-9a-fx.:]+)-([0-9a-fx.:]+)$/;

function numberOr(word: string): string | number {
  return plainNumber.test(word) ? Number(word) : word;
}

/** `1d2h3m4s500ms`, as nft prints times, in seconds, which need not be whole; undefined for any other text. */
export function readDuration(text: string): number | undefined {
  const match = /^(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/.exec(text);
  const [days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0] =
    match?.slice(1).map((part) => Number(part ?? 0)) ?? [];
  return match ? ((days * 24 + hours) * 60 + minutes) * 60 + seconds + milliseconds / 1000 : undefined;
}

/**
 * The error for a quoted text where a port is expected: a port by name, `"http"`, as nft prints it when it is called with -S
 * (1.0.6 and 1.1.3), or the text between two strings of which the first is not closed.
 */
export function portByName(tokens: Tokens, token: Token): Error {
  if (!/^[A-Za-z0-9_.+/*-]+$/.test(token.text)) {
    return tokens.fail('unexpected quoted text', token);
  }
  return tokens.fail(`the port ${describeValue(token.text)} is given by name; call nft without -S`, token);
}
