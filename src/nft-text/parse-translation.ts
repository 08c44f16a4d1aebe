import { parseKey } from './parse-expression.ts';
import { scalarOf } from './parse-value.ts';
import { portByName } from './port-by-name.ts';
import { accept, acceptWord } from './take-tokens.ts';
import type { Tokens } from './token.ts';

/**
 * `ip to ip daddr . tcp dport map @endpoints`, `to 10.0.0.1:80`, `to [fd00::1]:80`: what follows `dnat`, as nft's JSON has
 * it; undefined for what no rule of ours has.
 *
 * @throws NftTextError for a port that is given by name (`nft -S`).
 */
export function parseTranslation(tokens: Tokens): unknown {
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
