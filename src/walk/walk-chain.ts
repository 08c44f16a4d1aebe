import type { Mutable } from '../lib/mutable.ts';
import type { Chain } from '../nft/ruleset.ts';
import { refuseUnless } from './check-ruleset.ts';
import { groupForStatement } from './choices.ts';
import { type Connection, chainOf, type WalkContext } from './connection.ts';
import type { Control } from './effect.ts';
import type { Step } from './fate.ts';
import type { Found } from './look-up.ts';
import type { HookedChain } from './lookup-tables.ts';
import { decide, runStatement } from './run-statement.ts';

/** The steps of a branch, last one first, so that branches can share their beginning. */
export interface Trail {
  readonly step: Step;
  readonly before: Trail | undefined;
}

/** One possible course of the walk, between two base chains. */
export interface Branch {
  readonly connection: Connection;
  readonly verdict: 'accept' | 'drop' | 'reject' | 'tcp-reset';
  readonly trail: Trail | undefined;
}

/** A rule of a chain. */
interface Position {
  readonly chain: Chain;
  readonly rule: number;
  /** The rule after the last jump; undefined in the base chain and where only gotos led here. */
  readonly returnTo: Position | undefined;
}

/** A branch inside a base chain, moving from statement to statement. */
interface Cursor extends Mutable<Position> {
  connection: Connection;
  trail: Trail | undefined;
  /** Undefined until the base chain ends. */
  verdict: Branch['verdict'] | undefined;
  statement: number;
}

/**
 * Walks one branch through a base chain and appends every branch in which that ends to `ended`, in the order of the numbers
 * drawn.
 *
 * @throws UnknownRule for too many branches.
 */
export function walkChain(
  base: HookedChain,
  { connection, trail }: Branch,
  { context, ended }: { readonly context: WalkContext; readonly ended: Branch[] },
): void {
  const pending: Cursor[] = [
    { chain: base, rule: 0, returnTo: undefined, connection, trail, verdict: undefined, statement: 0 },
  ];
  for (let cursor = pending.pop(); cursor; cursor = pending.pop()) {
    // Last in, first out.
    for (const branch of walkOn(cursor, base, context).reverse()) {
      pending.push(branch);
    }
    refuseUnless(pending.length + ended.length <= mostBranches, { chain: base.name }, 'too many branches to walk');
    if (cursor.verdict) {
      ended.push({ connection: cursor.connection, verdict: cursor.verdict, trail: cursor.trail });
    }
  }
}

/** More than a cluster has pods, and as many as fit into memory: the ruleset may be anyone's. */
const mostBranches = 262_144;

/** Moves a cursor to the end of the base chain, or to where chance splits it; returns the branches of that split. */
function walkOn(cursor: Cursor, base: HookedChain, context: WalkContext): Cursor[] {
  const found: Mutable<Found> = { key: undefined, element: undefined };
  while (!cursor.verdict) {
    skipRules(cursor, context);
    const statement = cursor.chain.rules[cursor.rule]?.[cursor.statement];
    if (!statement) {
      leaveRule(cursor);
      continue;
    }
    const groups = cursor.connection.choices ? groupForStatement(statement, cursor.connection, context) : [];
    if (groups.length > 1) {
      return groups.map((connection) => copyCursor(cursor, connection));
    }
    found.key = undefined;
    found.element = undefined;
    const control = decide(statement, cursor.connection, context, found);
    if (control) {
      follow(control, found, cursor, { base, context });
      continue;
    }
    const effects = runStatement(statement, cursor.connection, context);
    const [effect] = effects;
    if (effects.length !== 1 || !effect) {
      return effects.map((each) => {
        const branch = copyCursor(cursor, each.connection);
        follow(each.control, each, branch, { base, context });
        return branch;
      });
    }
    cursor.connection = effect.connection;
    follow(effect.control, effect, cursor, { base, context });
  }
  return [];
}

/** Moves on to the next rule that the packet may match, unless each that it fails counts as a step. */
function skipRules(cursor: Cursor, { keepsSteps, ruleset: { nextRules } }: WalkContext): void {
  const { chain, rule, statement, connection } = cursor;
  const next = statement > 0 || keepsSteps || connection.choices ? undefined : nextRules.get(chain);
  cursor.rule = next ? next(rule, connection) : rule;
}

/** A cursor at the same place. It names all fields because a spread takes several times as long. */
function copyCursor({ chain, rule, returnTo, trail, verdict, statement }: Cursor, connection: Connection): Cursor {
  return { chain, rule, returnTo, connection, trail, verdict, statement };
}

function follow(
  control: Control,
  { key, element }: Found,
  cursor: Cursor,
  { base, context }: { base: HookedChain; context: WalkContext },
): void {
  const { chain, rule, returnTo, statement } = cursor;
  if (context.keepsSteps) {
    const passed = control.kind !== 'end-rule';
    const step = { hook: base.hook.hook, chain: chain.name, rule, statement, passed, key, element };
    cursor.trail = { step, before: cursor.trail };
  }
  switch (control.kind) {
    case 'next':
      cursor.statement++;
      break;
    case 'end-rule':
      startRule(cursor, rule + 1);
      break;
    case 'jump':
      cursor.returnTo = { chain, rule: rule + 1, returnTo };
      cursor.chain = chainOf(control.chain, context);
      startRule(cursor, 0);
      break;
    case 'goto':
      cursor.chain = chainOf(control.chain, context);
      startRule(cursor, 0);
      break;
    case 'return':
      leaveChain(cursor);
      break;
    case 'accept':
    case 'drop':
    case 'reject':
    case 'tcp-reset':
      cursor.verdict = control.kind;
  }
}

/** After the last statement of a rule, or the last rule of a chain. */
function leaveRule(cursor: Cursor): void {
  if (cursor.rule < cursor.chain.rules.length) {
    startRule(cursor, cursor.rule + 1);
  } else {
    leaveChain(cursor);
  }
}

/** Continues after the last jump; a base chain that ends accepts, as every policy is accept. */
function leaveChain(cursor: Cursor): void {
  const { returnTo } = cursor;
  if (returnTo) {
    cursor.chain = returnTo.chain;
    cursor.returnTo = returnTo.returnTo;
    startRule(cursor, returnTo.rule);
  } else {
    cursor.verdict = 'accept';
  }
}

function startRule(cursor: Cursor, rule: number): void {
  cursor.rule = rule;
  cursor.statement = 0;
}
