import { describeValue } from '../describe-value.ts';
import type { Token, Tokens } from './token.ts';

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
