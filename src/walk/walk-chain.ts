import type { Chain } from '../phases/5-plan/ruleset.ts';
import type { Connection } from './connection.ts';
import type { Step } from './fate.ts';
import type { BaseChain } from './indexed-ruleset.ts';
import { type Effect, runStatement } from './run-statement.ts';
import { chainOf, type WalkContext } from './walk-context.ts';

/** The steps of a branch, the last one first, so that branches share what they have in common. */
export interface Trail {
  readonly step: Step;
  readonly before: Trail | undefined;
}

/** A branch of the walk between two base chains. */
export interface Branch {
  readonly connection: Connection;
  readonly verdict: 'accept' | 'drop' | 'reject';
  readonly trail: Trail | undefined;
}

/** A place in a base chain or in one that it led to. */
interface Position {
  readonly chain: Chain;
  readonly rule: number;
  readonly statement: number;
  /** The rule after the last jump; undefined in the base chain and where only gotos led. */
  readonly returnTo: Position | undefined;
}

/** A branch that has not come to the end of the base chain. */
interface Cursor {
  readonly connection: Connection;
  readonly trail: Trail | undefined;
  readonly verdict: undefined;
  readonly position: Position;
}

/** Walks through one base chain: all the branches in which it ends, in the order of the numbers drawn. */
export function walkChain(base: BaseChain, { connection, trail }: Branch, context: WalkContext): Branch[] {
  const ended: Branch[] = [];
  const position = { chain: base, rule: 0, statement: 0, returnTo: undefined };
  const pending: (Cursor | Branch)[] = [{ connection, trail, verdict: undefined, position }];
  for (let cursor = pending.pop(); cursor; cursor = pending.pop()) {
    if (cursor.verdict) {
      ended.push(cursor);
      continue;
    }
    const statement = cursor.position.chain.rules[cursor.position.rule]?.[cursor.position.statement];
    if (!statement) {
      pending.push(leaveRule(cursor));
      continue;
    }
    const effects = runStatement(statement, cursor.connection, context);
    // The last one in is the first one out.
    for (const effect of effects.reverse()) {
      pending.push(follow(effect, { cursor, base, context }));
    }
  }
  return ended;
}

function follow(
  { connection, control, key, element }: Effect,
  { cursor, base, context }: { cursor: Cursor; base: BaseChain; context: WalkContext },
): Cursor | Branch {
  const { chain, rule, statement, returnTo } = cursor.position;
  const passed = control.kind !== 'end-rule';
  const step = { hook: base.hook.hook, chain: chain.name, rule, statement, passed, key, element };
  const trail = { step, before: cursor.trail };
  switch (control.kind) {
    case 'next':
      return { connection, trail, verdict: undefined, position: { chain, rule, statement: statement + 1, returnTo } };
    case 'end-rule':
      return { connection, trail, verdict: undefined, position: nextRule(cursor.position) };
    case 'jump':
    case 'goto': {
      const comeBack = control.kind === 'jump' ? nextRule(cursor.position) : returnTo;
      const position = { chain: chainOf(control.chain, context), rule: 0, statement: 0, returnTo: comeBack };
      return { connection, trail, verdict: undefined, position };
    }
    case 'return':
      return leaveChain(connection, trail, returnTo);
    case 'accept':
    case 'drop':
    case 'reject':
      return { connection, trail, verdict: control.kind };
  }
}

/** From behind the last statement of a rule, or the last rule of a chain. */
function leaveRule({ connection, trail, position }: Cursor): Cursor | Branch {
  const { chain, rule, returnTo } = position;
  return rule < chain.rules.length
    ? { connection, trail, verdict: undefined, position: nextRule(position) }
    : leaveChain(connection, trail, returnTo);
}

/** Goes on after the last jump; a base chain that ends accepts, as every policy here does. */
function leaveChain(connection: Connection, trail: Trail | undefined, returnTo: Position | undefined): Cursor | Branch {
  return returnTo
    ? { connection, trail, verdict: undefined, position: returnTo }
    : { connection, trail, verdict: 'accept' };
}

function nextRule({ chain, rule, returnTo }: Position): Position {
  return { chain, rule: rule + 1, statement: 0, returnTo };
}
