import { appendAll } from '../../lib/lists.ts';
import type { NftDetails, NftElement, NftKey, NftSet, NftTypes, NftValue, NftVerdict } from '../objects/nft-json.ts';
import { parseKey, parseValue, portByName, readDuration, scalarOf } from './parse-expression.ts';
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
 * Parses the block of a set or map.
 *
 * @throws TextError
 */
export function parseSet({ kind, name }: Pick<NftSet, 'kind' | 'name'>, tokens: TextTokens): NftSet {
  const elem: NftElement[] = [];
  let set: NftSet = { kind, name, type: [], flags: [], elem };
  let hasPorts = false;
  expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    if (accept(tokens, 'elements')) {
      expectMark(tokens, '=');
      appendAll(elem, parseElements(hasPorts ? refusePortNames(tokens) : tokens));
    } else {
      const property = propertyOf(takeStatement(tokens), tokens);
      set = { ...set, ...property };
      hasPorts = 'type' in property ? holdsPorts(set) : hasPorts;
    }
  }
  return withTimeoutFlag(set);
}

function propertyOf(line: readonly Token[], tokens: TextTokens): Partial<NftSet> {
  const [{ text: name } = { text: '' }, ...rest] = line;
  const value = rest[0]?.text ?? '';
  switch (name) {
    case 'type':
    case 'typeof':
      return parseTypes(name, tokensOf(rest, tokens));
    case 'flags':
      return { flags: rest.filter(({ kind }) => kind === 'word').map(({ text }) => text) };
    case 'size': {
      const size = scalarOf(value);
      return typeof size === 'number' ? { size } : {};
    }
    case 'timeout':
      return { timeout: wholeSeconds(value) ?? 0 };
    case 'gc-interval':
    case 'auto-merge':
    case 'policy':
      return { [name]: value };
    case 'comment':
      return { comment: value };
    default:
      // A statement for each element.
      return { stmt: [name === 'counter' && rest.length === 0 ? { counter: null } : name] };
  }
}

/** nft 1.0.6 does not print `flags timeout` by itself where it prints a timeout. */
function withTimeoutFlag(set: NftSet): NftSet {
  const { flags } = set;
  return 'timeout' in set && !flags.includes('timeout') ? { ...set, flags: [...flags, 'timeout'] } : set;
}

/** Whether keys or values have ports, and nothing else that nft would print in quotes. */
function holdsPorts({ type, map }: NftSet): boolean {
  const types = JSON.stringify([type, map]);
  return /"(?:inet_service|dport|proto-dst)"/.test(types) && !/"(?:i?ifname|counter|quota|limit)"/.test(types);
}

/**
 * Parses `{ key : value, key : value }`.
 *
 * @throws TextError
 */
export function parseElements(tokens: Tokens): NftElement[] {
  const elements: NftElement[] = [];
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

function parseElement(tokens: Tokens): NftElement {
  const val = parseValue(tokens);
  const key = endsElement(tokens.peek()) ? val : { elem: parseDetails(val, tokens) };
  return accept(tokens, ':') ? [key, parseData(tokens)] : key;
}

/** Comment, times and all else between a key and its value. */
function parseDetails(val: NftValue, tokens: Tokens): NftDetails {
  let details: NftDetails = { val };
  while (!endsElement(tokens.peek())) {
    const token = tokens.peek();
    const name = expectWord(tokens, '"," or "}"');
    if (!/^[a-z]/.test(name) || name === 'val') {
      throw unexpected(tokens, token, '"," or "}"');
    }
    if (name === 'comment') {
      details = { ...details, comment: parseComment(tokens) };
    } else if (name === 'timeout' || name === 'expires') {
      details = { ...details, [name]: parseTime(tokens) };
    } else {
      // `counter packets 1 bytes 60`: whatever it counted is no part of a ruleset.
      details = { ...details, [name]: null };
      skipDetail(tokens);
    }
  }
  return details;
}

function parseComment(tokens: Tokens): string {
  const token = tokens.take();
  if (token.kind !== 'string' && token.kind !== 'word') {
    throw unexpected(tokens, token, 'a comment');
  }
  return token.text;
}

/** nft's JSON leaves parts of a second out as well. */
function parseTime(tokens: Tokens): number {
  const token = tokens.peek();
  const seconds = wholeSeconds(expectWord(tokens, 'a time'));
  if (seconds === undefined) {
    throw unexpected(tokens, token, 'a time');
  }
  return seconds;
}

function wholeSeconds(text: string): number | undefined {
  const seconds = readDuration(text);
  return seconds === undefined ? undefined : Math.floor(seconds);
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

/** The value of an element: a verdict, or what {@link parseValue} gives. */
function parseData(tokens: Tokens): Extract<NftElement, readonly unknown[]>[1] {
  const { kind, text } = tokens.peek();
  if (kind !== 'word' || !verdicts.has(text)) {
    return parseValue(tokens);
  }
  tokens.take();
  return parseVerdict(text, tokens) ?? { unknown: text };
}

const verdicts: ReadonlySet<string> = new Set(['goto', 'jump', 'drop', 'accept', 'return', 'continue']);

function parseVerdict(word: string, tokens: Tokens): NftVerdict | undefined {
  const target = word === 'goto' || word === 'jump' ? acceptWord(tokens) : undefined;
  if (word === 'drop') {
    return { drop: null };
  }
  return word === 'goto' && target !== undefined ? { goto: { target } } : undefined;
}

/**
 * What follows `type` or `typeof` in a set or map: `type` for keys, `map` for values. Types that are not understood come as
 * a text that names no type.
 */
function parseTypes(keyword: 'type' | 'typeof', tokens: Tokens): Pick<NftSet, 'type' | 'map'> {
  const parse = keyword === 'type' ? parseNames : parseExamples;
  const type = parse(tokens);
  const map = accept(tokens, ':') ? parseDataType(tokens, parse) : undefined;
  const isWhole = tokens.peek().kind === 'end';
  return { type: isWhole ? type : [keyword], ...(map !== undefined && { map }) };
}

function parseDataType(tokens: Tokens, parse: (tokens: Tokens) => NftTypes): NftTypes {
  return accept(tokens, 'verdict') ? ['verdict'] : parse(tokens);
}

/** `ipv4_addr . inet_service` as a list. */
function parseNames(tokens: Tokens): NftTypes {
  const names: string[] = [];
  do {
    names.push(acceptWord(tokens) ?? '');
  } while (accept(tokens, '.'));
  return names;
}

/** `ip daddr . tcp dport` as expressions, of which only the types count. */
function parseExamples(tokens: Tokens): NftTypes {
  const key: NftKey | undefined = parseKey(tokens);
  return key ? { typeof: key } : ['typeof'];
}

/** The same tokens, where any string but a comment is an error: it names a port. */
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
