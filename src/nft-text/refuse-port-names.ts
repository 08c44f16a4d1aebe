import { portByName } from './port-by-name.ts';
import type { Tokens } from './token.ts';

/** The same tokens, where a string that is no comment is an error: it names a port. */
export function refusePortNames(tokens: Tokens): Tokens {
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
