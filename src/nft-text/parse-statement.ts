import { readDuration } from '../listing/read-duration.ts';
import { parseKey } from './parse-expression.ts';
import { parseLookup } from './parse-lookup.ts';
import { parseTranslation } from './parse-translation.ts';
import { scalarOf } from './parse-value.ts';
import { accept, acceptWord } from './take-tokens.ts';
import type { Tokens } from './token.ts';

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
