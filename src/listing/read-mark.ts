import type { Statement } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, isCount, onlyField } from './json-shapes.ts';

/** `meta mark and 0x4000 != 0`, given both sides of the comparison; undefined for all else. */
export function readMarkMatch(op: unknown, left: unknown, right: unknown): Statement | undefined {
  const mark = right === 0 ? readOperand(left, '&') : readHighestBit(left, right);
  return op === '!=' && mark !== undefined ? { kind: 'match-mark', mark } : undefined;
}

/** `meta mark set meta mark or 0x4000`, given the body of `mangle`; undefined for all else. */
export function readMarkChange(json: unknown): Statement | undefined {
  const { key, value } = fieldsOf(json, ['key', 'value']) ?? {};
  const or = readOperand(value, '|');
  const mark = or ?? readOperand(value, '^');
  return isMark(key) && mark !== undefined
    ? { kind: 'set-mark', operator: or === undefined ? 'xor' : 'or', mark }
    : undefined;
}

/** nft 1.0.6 prints `and 0x80000000 != 0` as `!= 0/1`, as if the mark were an address. */
function readHighestBit(left: unknown, right: unknown): number | undefined {
  const [kind, range] = onlyField(right) ?? [];
  const { addr, len } = fieldsOf(range, ['addr', 'len']) ?? {};
  return isMark(left) && kind === 'prefix' && addr === 0 && len === 1 ? 2 ** 31 : undefined;
}

/** The number that an operator joins to the mark, `{"|": [{"meta": {"key": "mark"}}, 16384]}`. */
function readOperand(json: unknown, operator: '&' | '|' | '^'): number | undefined {
  const [found, operands] = onlyField(json) ?? [];
  if (found !== operator || !Array.isArray(operands)) {
    return undefined;
  }
  const [mark, bits, ...others]: unknown[] = operands;
  return isMark(mark) && isCount(bits) && bits < 2 ** 32 && others.length === 0 ? bits : undefined;
}

function isMark(json: unknown): boolean {
  const [kind, body] = onlyField(json) ?? [];
  return kind === 'meta' && fieldsOf(body, ['key'])?.['key'] === 'mark';
}
