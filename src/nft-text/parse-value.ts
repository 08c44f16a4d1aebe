import { accept, isWordOrMark, unexpected } from './take-tokens.ts';
import type { Tokens } from './token.ts';

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
