import { describeValue } from '../describe-value.ts';
import type { Token, Tokens } from './token.ts';

/** The error for a port that is given by name, `"http"`, as nft does when it is called with -S (1.0.6 and 1.1.3). */
export function portByName(tokens: Tokens, token: Token): Error {
  return tokens.fail(`the port ${describeValue(token.text)} is given by name; call nft without -S`, token);
}
