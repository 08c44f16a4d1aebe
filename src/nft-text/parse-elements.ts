import { readDuration } from '../listing/read-duration.ts';
import { parseValue } from './parse-value.ts';
import { accept, acceptWord, expectWord, isWordOrMark, skipNewlines, unexpected } from './take-tokens.ts';
import type { Token, Tokens } from './token.ts';

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
