import { canonicalAddress, cidrContains, parseCidr } from '../address.ts';
import type { Scalar, Statement } from '../phases/5-plan/ruleset.ts';
import type { Connection } from './connection.ts';
import { readCertain, readExpression } from './read-key.ts';
import type { WalkContext } from './walk-context.ts';

type Match = Extract<Statement, { kind: 'match' }>;

/** Whether a match holds: once, or for each number that a `numgen` may draw. Never where the packet has no such field. */
export function matchStatement(statement: Match, connection: Connection, context: WalkContext): readonly boolean[] {
  const { left, right, negated = false } = statement;
  const certain = readCertain(left, connection, context);
  if (certain !== undefined) {
    return isEqual(left, certain, right) === negated ? fails : holds;
  }
  const values = readExpression(left, connection, context);
  return values.length === 0 ? fails : values.map((value) => isEqual(left, value, right) !== negated);
}

const holds: readonly boolean[] = [true];
const fails: readonly boolean[] = [false];

function isEqual(left: Match['left'], value: Scalar, right: Scalar): boolean {
  if (typeof right === 'number' || typeof value === 'number') {
    return value === right;
  }
  switch (left.kind) {
    case 'address':
    case 'ct-original-daddr':
      return isInRange(value, right);
    case 'iifname':
      // In nft a trailing `*` makes a prefix of a name.
      return right.endsWith('*') ? value.startsWith(right.slice(0, -1)) : value === right;
    default:
      return value === right;
  }
}

function isInRange(address: string, range: string): boolean {
  if (!range.includes('/')) {
    return address === canonicalAddress(range);
  }
  const cidr = parseCidr(range);
  return cidr !== undefined && cidrContains(cidr, address);
}
