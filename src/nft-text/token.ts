/** The words that nft text is made of. Types only. */

/** A word, a quoted string (its text without the quotes), a mark such as `{` or `!=`, or an end. */
export interface Token {
  readonly kind: 'word' | 'string' | 'mark' | 'newline' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** Tokens in order, of which one can be seen ahead. Behind the last one there are only ends. */
export interface Tokens {
  readonly peek: () => Token;
  readonly take: () => Token;
  /** An error at the token's place. */
  readonly fail: (message: string, token: Token) => Error;
}

/** All tokens of a text. */
export interface TextTokens extends Tokens {
  /** Goes behind the `}` that belongs to this `{`, which was the last token taken. */
  readonly skipBlock: (open: Token) => void;
}
