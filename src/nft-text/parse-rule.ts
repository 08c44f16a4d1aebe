import { parseStatement } from './parse-statement.ts';
import { isWordOrMark, tokensOf } from './take-tokens.ts';
import type { Token, Tokens } from './token.ts';

/** A rule as nft's JSON has it. */
export interface RuleBody {
  /** The statements; none for a rule of which a part is not understood. */
  readonly expr: readonly unknown[];
  readonly comment?: string;
}

/** Parses the tokens of a rule. Nothing is an error in it but the name of a port, which nft can be kept from printing. */
export function parseRule(taken: readonly Token[], text: Tokens): RuleBody {
  const [word, comment] = taken.slice(-2);
  return word && isWordOrMark(word, 'comment') && comment?.kind === 'string'
    ? { expr: parseStatements(taken.slice(0, -2), text), comment: comment.text }
    : { expr: parseStatements(taken, text) };
}

function parseStatements(taken: readonly Token[], text: Tokens): unknown[] {
  const tokens = tokensOf(taken, text);
  const statements: unknown[] = [];
  while (tokens.peek().kind !== 'end') {
    const statement = parseStatement(tokens);
    if (statement === undefined) {
      return [];
    }
    statements.push(statement);
  }
  return statements;
}
