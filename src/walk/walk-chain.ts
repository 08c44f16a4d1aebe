import { invariant } from '../lib/invariant.ts';
import type { Chain } from '../nft/ruleset.ts';
import { refuseUnless } from './check-ruleset.ts';
import { type Connection, chainOf, type WalkContext } from './connection.ts';
import type { Outcome, Share, Step } from './fate.ts';
import type { BaseChain } from './index-ruleset.ts';
import { type Effect, runStatement } from './run-statement.ts';

/** The steps of a branch, the last one first, so that branches share what they have in common. */
interface Trail {
  readonly step: Step;
  readonly before: Trail | undefined;
}

/** A branch of the walk between two base chains. */
export interface Branch {
  readonly connection: Connection;
  readonly verdict: 'accept' | 'drop' | 'reject';
  readonly trail: Trail | undefined;
}

/** A rule of a chain. */
interface Position {
  readonly chain: Chain;
  readonly rule: number;
  /** The rule after the last jump; undefined in the base chain and where only gotos led. */
  readonly returnTo: Position | undefined;
}

/** A branch on its way through a base chain; it moves from statement to statement. */
interface Cursor {
  connection: Connection;
  trail: Trail | undefined;
  /** Undefined as long as there is more to come. */
  verdict: Branch['verdict'] | undefined;
  position: Position;
  statement: number;
}

/** Walks through one base chain; adds all the branches in which it ends to `ended`, in the order of the numbers drawn. */
export function walkChain(
  base: BaseChain,
  { connection, trail }: Branch,
  { context, ended }: { readonly context: WalkContext; readonly ended: Branch[] },
): void {
  const position = { chain: base, rule: 0, returnTo: undefined };
  const pending: Cursor[] = [{ connection, trail, verdict: undefined, position, statement: 0 }];
  for (let cursor = pending.pop(); cursor; cursor = pending.pop()) {
    // The last one in is the first one out.
    for (const branch of walkOn(cursor, base, context).reverse()) {
      pending.push(branch);
    }
    refuseUnless(pending.length + ended.length <= mostBranches, { chain: base.name }, 'too many branches to walk');
    if (cursor.verdict) {
      ended.push({ connection: cursor.connection, verdict: cursor.verdict, trail: cursor.trail });
    }
  }
}

/** More than a cluster has pods, and as many as fit into memory: a ruleset may be anybody's. */
const mostBranches = 262_144;

/** Moves a cursor to the end of the base chain, or to where chance makes several of it: then gives these. */
function walkOn(cursor: Cursor, base: BaseChain, context: WalkContext): Cursor[] {
  while (!cursor.verdict) {
    const { chain, rule } = cursor.position;
    const statement = chain.rules[rule]?.[cursor.statement];
    if (!statement) {
      leaveRule(cursor);
      continue;
    }
    const effects = runStatement(statement, cursor.connection, context);
    const [effect] = effects;
    if (effects.length !== 1 || !effect) {
      return effects.map((each) => {
        const branch = { ...cursor };
        follow(each, branch, { base, context });
        return branch;
      });
    }
    follow(effect, cursor, { base, context });
  }
  return [];
}

function follow(
  { connection, control, key, element }: Effect,
  cursor: Cursor,
  { base, context }: { base: BaseChain; context: WalkContext },
): void {
  const { chain, rule, returnTo } = cursor.position;
  if (context.keepsSteps) {
    const passed = control.kind !== 'end-rule';
    const { statement } = cursor;
    const step = { hook: base.hook.hook, chain: chain.name, rule, statement, passed, key, element };
    cursor.trail = { step, before: cursor.trail };
  }
  cursor.connection = connection;
  switch (control.kind) {
    case 'next':
      cursor.statement++;
      break;
    case 'end-rule':
      moveTo(cursor, nextRule(cursor.position));
      break;
    case 'jump':
    case 'goto': {
      const comeBack = control.kind === 'jump' ? nextRule(cursor.position) : returnTo;
      moveTo(cursor, { chain: chainOf(control.chain, context), rule: 0, returnTo: comeBack });
      break;
    }
    case 'return':
      leaveChain(cursor);
      break;
    case 'accept':
    case 'drop':
    case 'reject':
      cursor.verdict = control.kind;
  }
}

/** From behind the last statement of a rule, or the last rule of a chain. */
function leaveRule(cursor: Cursor): void {
  const { chain, rule } = cursor.position;
  if (rule < chain.rules.length) {
    moveTo(cursor, nextRule(cursor.position));
  } else {
    leaveChain(cursor);
  }
}

/** Goes on after the last jump; a base chain that ends accepts, as every policy here does. */
function leaveChain(cursor: Cursor): void {
  const { returnTo } = cursor.position;
  if (returnTo) {
    moveTo(cursor, returnTo);
  } else {
    cursor.verdict = 'accept';
  }
}

function moveTo(cursor: Cursor, position: Position): void {
  cursor.position = position;
  cursor.statement = 0;
}

function nextRule({ chain, rule, returnTo }: Position): Position {
  return { chain, rule: rule + 1, returnTo };
}

/** The different outcomes of the branches, in the order of their first branch, with the chances of equal ones added up. */
export function mergeBranches(branches: readonly Branch[]): Outcome[] {
  const groups = new Map<string, { readonly branch: Branch; share: Share }>();
  for (const branch of branches) {
    const text = identityOf(branch);
    const group = groups.get(text);
    const share = { numerator: 1, denominator: branch.connection.oneIn };
    if (group) {
      group.share = addShares(group.share, share);
    } else {
      groups.set(text, { branch, share });
    }
  }
  return [...groups.values()].map(({ branch, share }) => outcomeOf(branch, share));
}

function identityOf({ verdict, connection }: Branch): string {
  const { destination, port, translated, masqueraded, mark, changes } = connection;
  return `${verdict} ${destination} ${port} ${translated} ${masqueraded} ${mark} ${changes}`;
}

function outcomeOf({ verdict, connection, trail }: Branch, share: Share): Outcome {
  const { destination, port, masqueraded, mark, memory } = connection;
  return {
    verdict: verdictOf(verdict, connection.translated),
    address: destination,
    port,
    endpoint: destination.includes(':') ? `[${destination}]:${port}` : `${destination}:${port}`,
    masqueraded,
    mark,
    share,
    probability: share.numerator / share.denominator,
    memory,
    steps: stepsOf(trail),
  };
}

function verdictOf(verdict: Branch['verdict'], translated: boolean): Outcome['verdict'] {
  switch (verdict) {
    case 'accept':
      return translated ? 'translated' : 'untouched';
    case 'drop':
      return 'dropped';
    case 'reject':
      return 'rejected';
  }
}

/** The exact sum of two shares, in lowest terms. Throws where the numbers are too large to be exact. */
export function addShares(a: Share, b: Share): Share {
  const common = greatestCommonDivisor(a.denominator, b.denominator);
  const denominator = (a.denominator / common) * b.denominator;
  const numerator = a.numerator * (b.denominator / common) + b.numerator * (a.denominator / common);
  invariant(Number.isSafeInteger(denominator), 'too many branches to count');
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function stepsOf(trail: Trail | undefined): Step[] {
  const steps: Step[] = [];
  for (let at = trail; at; at = at.before) {
    steps.push(at.step);
  }
  return steps.reverse();
}
