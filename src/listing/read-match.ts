import type { Family } from '../network.ts';
import type { Expression, Scalar, Statement } from '../phases/5-plan/ruleset.ts';
import { fieldsOf } from './json-shapes.ts';
import { printAddress } from './print-key.ts';
import { readExpression, readExpressions } from './read-expression.ts';
import { readMarkMatch } from './read-mark.ts';
import { readProtocol } from './read-protocol.ts';

/** A comparison, given the body of `match`; undefined for one that no rule of ours has. */
export function readMatch(json: unknown, family: Family): Statement | undefined {
  const { op, left, right } = fieldsOf(json, ['op', 'left', 'right']) ?? {};
  const expression = readExpression(left, family);
  // The name of an interface may begin with @ as well.
  if (typeof right === 'string' && right.startsWith('@') && expression?.kind !== 'iifname') {
    const key = readExpressions(left, family);
    return key && negate({ kind: 'match-set', key, set: right.slice(1) }, op);
  }
  if (!expression) {
    return readMarkMatch(op, left, right);
  }
  const scalar = readScalar(expression, right);
  if (scalar === undefined) {
    return undefined;
  }
  const match = { kind: 'match', left: expression, right: scalar } as const;
  if (expression.kind === 'ct-state' || expression.kind === 'ct-status') {
    // `in` asks whether the bit is set, `==` whether it is the only one.
    return op === 'in' ? match : undefined;
  }
  return negate(match, op);
}

function negate(match: Extract<Statement, { negated?: boolean }>, op: unknown): Statement | undefined {
  if (op === '==') {
    return match;
  }
  return op === '!=' ? { ...match, negated: true } : undefined;
}

/** What is compared with. Symbols are the kernel's numbers when nft is asked for numbers (`-n`). */
function readScalar({ kind }: Expression, json: unknown): Scalar | undefined {
  switch (kind) {
    case 'address':
      return printAddress(json);
    case 'l4proto':
      return readProtocol(json);
    case 'iifname':
      return typeof json === 'string' ? json : undefined;
    case 'ct-state':
      return json === 'new' || json === 8 ? 'new' : undefined;
    case 'ct-status':
      return json === 'dnat' || json === 32 ? 'dnat' : undefined;
    case 'fib-type':
      return json === 'local' || json === 2 ? 'local' : undefined;
    default:
      return undefined;
  }
}
