import { scalarOf } from './parse-value.ts';
import { accept, acceptWord } from './take-tokens.ts';
import type { Tokens } from './token.ts';

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
