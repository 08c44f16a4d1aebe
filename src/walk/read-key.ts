import type { Socket } from '../network.ts';
import type { Expression, Scalar } from '../phases/5-plan/ruleset.ts';
import { type Connection, hasNewDestination } from './connection.ts';
import { isLocal, type WalkContext } from './walk-context.ts';

/** A key, as nft writes it, in one branch, which is taken once in `oneIn` times. */
export interface Reading {
  readonly key: string;
  readonly oneIn: number;
}

/**
 * Reads a key from the packet: one reading, or one for each number that a `numgen` in it may draw, all equally likely.
 * Empty where the packet has no such field, which ends the rule.
 */
export function readKey(expressions: readonly Expression[], connection: Connection, context: WalkContext): Reading[] {
  let readings: Reading[] = [{ key: '', oneIn: 1 }];
  for (const [index, expression] of expressions.entries()) {
    const values = readExpression(expression, connection, context);
    const separator = index === 0 ? '' : ' . ';
    const longer: Reading[] = [];
    for (const { key, oneIn } of readings) {
      for (const value of values) {
        longer.push({ key: key + separator + value, oneIn: oneIn * values.length });
      }
    }
    readings = longer;
  }
  return readings;
}

/** The key of most packets at once: undefined where chance has a say, or a field is missing. */
export function readCertainKey(
  expressions: readonly Expression[],
  connection: Connection,
  context: WalkContext,
): string | undefined {
  let key = '';
  for (const expression of expressions) {
    const value = readCertain(expression, connection, context);
    if (value === undefined) {
      return undefined;
    }
    key = key === '' ? `${value}` : `${key} . ${value}`;
  }
  return key;
}

/** Reads the value that a rule puts into a map to sockets, or undefined where the packet has no such field. */
export function readSocket(
  expressions: readonly Expression[],
  connection: Connection,
  context: WalkContext,
): Socket | undefined {
  const [address, port] = expressions.map((expression) => readExpression(expression, connection, context)[0]);
  return typeof address === 'string' && typeof port === 'number' ? { address, port } : undefined;
}

/** What an expression may read: usually one value, all the numbers of a `numgen`, nothing where the packet has no such field. */
export function readExpression(expression: Expression, connection: Connection, context: WalkContext): Scalar[] {
  if (expression.kind === 'numgen') {
    return Array.from({ length: expression.modulus }, (_, index) => index);
  }
  const value = readCertain(expression, connection, context);
  return value === undefined ? [] : [value];
}

/** The one value that an expression reads; undefined where chance has a say, or the packet has no such field. */
export function readCertain(expression: Expression, connection: Connection, context: WalkContext): Scalar | undefined {
  switch (expression.kind) {
    case 'address':
      return expression.field === 'saddr' ? connection.source : connection.destination;
    case 'l4proto':
      return connection.protocol;
    case 'dport':
      // `tcp dport` brings a check of the protocol with it.
      return expression.protocol === 'th' || expression.protocol === connection.protocol ? connection.port : undefined;
    case 'iifname':
      return connection.inputInterface;
    case 'ct-state':
      // A packet that comes back over the loopback interface keeps its connection, which nobody has answered yet.
      return 'new';
    case 'ct-status':
      return hasNewDestination(connection) ? 'dnat' : '';
    case 'fib-type':
      return isLocal(expression.field === 'saddr' ? connection.source : connection.destination, context) ? 'local' : '';
    case 'ct-original-daddr':
      return connection.originalDestination;
    case 'ct-original-dport':
      return connection.originalPort;
    case 'numgen':
      return undefined;
  }
}
