import { appendAll } from '../../lib/lists.ts';
import { listOf } from '../json/json-values.ts';
import { readDuration } from '../json/read-set.ts';
import { parseKey, parseValue, portByName, scalarOf } from './parse-expression.ts';
import {
  accept,
  acceptWord,
  expectMark,
  expectWord,
  isWordOrMark,
  skipNewlines,
  takeStatement,
  tokensOf,
  unexpected,
} from './take-tokens.ts';
import type { TextTokens, Token, Tokens } from './tokens.ts';

/**
 * Parses the block of a set or map into the fields that nft's JSON has.
 *
 * @throws NftTextError
 */
export function parseSet(tokens: TextTokens): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const elements: unknown[] = [];
  let hasPorts = false;
  expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    if (accept(tokens, 'elements')) {
      expectMark(tokens, '=');
      fields['elem'] = elements;
      appendAll(elements, parseElements(hasPorts ? refusePortNames(tokens) : tokens));
    } else {
      const property = propertyOf(takeStatement(tokens), tokens);
      Object.assign(fields, property);
      hasPorts = 'type' in property ? holdsPorts(property) : hasPorts;
    }
  }
  return withTimeoutFlag(fields);
}

function propertyOf(line: readonly Token[], tokens: TextTokens): Record<string, unknown> {
  const [{ text: name } = { text: '' }, ...rest] = line;
  const [value] = rest;
  switch (name) {
    case 'type':
    case 'typeof':
      return parseTypes(name, tokensOf(rest, tokens));
    case 'flags':
      return { flags: rest.filter(({ kind }) => kind === 'word').map(({ text }) => text) };
    case 'size':
      return { size: scalarOf(value?.text) };
    case 'timeout':
    case 'gc-interval':
      return { [name]: Math.floor(readDuration(value?.text ?? '') ?? 0) };
    case 'policy':
    case 'comment':
      return { [name]: value?.text };
    case 'auto-merge':
      return { 'auto-merge': true };
    default:
      // A statement for each element, such as `counter`.
      return { stmt: [name] };
  }
}

/** nft 1.0.6 does not print `flags timeout` by itself where it prints a timeout. */
function withTimeoutFlag(fields: Record<string, unknown>): Record<string, unknown> {
  const flags = listOf(fields['flags']);
  return 'timeout' in fields && !flags.includes('timeout') ? { ...fields, flags: [...flags, 'timeout'] } : fields;
}

/** Whether keys or values have ports, and nothing that nft would print in quotes for another reason. */
function holdsPorts({ type, map }: Record<string, unknown>): boolean {
  const types = JSON.stringify([type, map]);
  return /"(?:inet_service|dport|proto-dst)"/.test(types) && !/"(?:i?ifname|counter|quota|limit)"/.test(types);
}

/**
 * Parses `{ key : value, key : value }` as nft's JSON has it: keys, and pairs of key and value; a key with details such as
 * a comment is wrapped, `{"elem": {"val": ..., "comment": ...}}`.
 *
 * @throws NftTextError
 */
export function parseElements(tokens: Tokens): unknown[] {
  const elements: unknown[] = [];
  if (!accept(tokens, '{')) {
    throw unexpected(tokens, tokens.peek(), '"{"');
  }
  skipNewlines(tokens);
  while (!accept(tokens, '}')) {
    elements.push(parseElement(tokens));
    skipNewlines(tokens);
    if (accept(tokens, ',')) {
      skipNewlines(tokens);
    } else if (!isWordOrMark(tokens.peek(), '}')) {
      throw unexpected(tokens, tokens.peek(), '"," or "}"');
    }
  }
  return elements;
}

function parseElement(tokens: Tokens): unknown {
  const val = parseValue(tokens);
  const details = parseDetails(tokens);
  const key = details ? { elem: { val, ...details } } : val;
  return accept(tokens, ':') ? [key, parseData(tokens)] : key;
}

/** Comment, times and all else between a key and its value; undefined for the usual nothing. */
function parseDetails(tokens: Tokens): Record<string, unknown> | undefined {
  let details: Record<string, unknown> | undefined;
  while (!endsElement(tokens.peek())) {
    details ??= {};
    const token = tokens.peek();
    const name = expectWord(tokens, '"," or "}"');
    if (!/^[a-z]/.test(name)) {
      throw unexpected(tokens, token, '"," or "}"');
    }
    if (name === 'comment') {
      details['comment'] = parseValue(tokens);
    } else if (name === 'timeout' || name === 'expires') {
      details[name] = wholeSeconds(expectWord(tokens, 'a time'));
    } else {
      // `counter packets 1 bytes 60`: no element of ours has more, so what it says does not matter.
      details[name] = null;
      skipDetail(tokens);
    }
  }
  return details;
}

function skipDetail(tokens: Tokens): void {
  while (!endsElement(tokens.peek()) && !knownDetails.has(tokens.peek().text)) {
    tokens.take();
  }
}

const knownDetails: ReadonlySet<string> = new Set(['comment', 'timeout', 'expires']);

function endsElement({ kind, text }: Token): boolean {
  return kind === 'newline' || kind === 'end' || (kind !== 'string' && elementEnds.has(text));
}

const elementEnds: ReadonlySet<string> = new Set([':', ',', '{', '}']);

/** nft's JSON leaves parts of a second out as well. */
function wholeSeconds(text: string): number | undefined {
  const seconds = readDuration(text);
  return seconds === undefined ? undefined : Math.floor(seconds);
}

/** A verdict, or what {@link parseValue} gives. */
function parseData(tokens: Tokens): unknown {
  const { kind, text } = tokens.peek();
  if (kind !== 'word' || !verdicts.has(text)) {
    return parseValue(tokens);
  }
  tokens.take();
  return { [text]: text === 'goto' || text === 'jump' ? { target: acceptWord(tokens) } : null };
}

const verdicts: ReadonlySet<string> = new Set(['goto', 'jump', 'drop', 'accept', 'return', 'continue']);

/**
 * What follows `type` or `typeof` in a set or map, as nft's JSON has it: `type` for keys, `map` for values. Types that are
 * not understood come as a text that names no type.
 */
function parseTypes(keyword: 'type' | 'typeof', tokens: Tokens): Record<string, unknown> {
  const parse = keyword === 'type' ? parseNames : parseExamples;
  const type = parse(tokens);
  const map = accept(tokens, ':') ? parseDataType(tokens, parse) : undefined;
  const isWhole = tokens.peek().kind === 'end';
  return { type: isWhole ? type : [keyword], ...(map !== undefined && { map }) };
}

function parseDataType(tokens: Tokens, parse: (tokens: Tokens) => unknown): unknown {
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

/** The same tokens, where a string that is no comment is an error: it names a port. */
function refusePortNames(tokens: Tokens): Tokens {
  let last = '';
  const take = () => {
    const token = tokens.take();
    if (token.kind === 'string' && last !== 'comment') {
      throw portByName(tokens, token);
    }
    last = token.text;
    return token;
  };
  return { ...tokens, take };
}
