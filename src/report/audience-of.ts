import type { FilledSet, Rule, Statement } from '../phases/5-plan/ruleset.ts';

/** Whom a rule is for: everybody, pods and the node, or clients that one endpoint keeps in a set of its own. */
export type Audience = 'everybody' | 'insiders' | 'pinned';

/** Whom the matches of a rule let through; undefined for a rule that no chain of a frontend has. */
export function audienceOf(rule: Rule, sets: ReadonlyMap<string, FilledSet>): Audience | undefined {
  let audience: Audience = 'everybody';
  for (const statement of rule) {
    if (statement.kind === 'match' && isInsider(statement)) {
      audience = 'insiders';
    } else if (statement.kind === 'match-set' && isKeptClient(statement, sets)) {
      audience = 'pinned';
    } else if (statement.kind === 'match-set' || (statement.kind === 'match' && statement.left.kind !== 'l4proto')) {
      return undefined;
    }
  }
  // A rule that could not be read from the kernel is empty.
  return rule.length > 0 ? audience : undefined;
}

/** Whether rules write to a set or map, so that it holds clients. */
export function isDynamic(set: FilledSet | undefined): boolean {
  return set?.flags?.includes('dynamic') ?? false;
}

/** A pod, by address or interface, or the node itself. */
function isInsider({ left, negated }: Extract<Statement, { kind: 'match' }>): boolean {
  const isSource = (left.kind === 'address' || left.kind === 'fib-type') && left.field === 'saddr';
  return !negated && (isSource || left.kind === 'iifname');
}

function isKeptClient(
  { key, negated, set }: Extract<Statement, { kind: 'match-set' }>,
  sets: ReadonlyMap<string, FilledSet>,
): boolean {
  const [field] = key;
  const isSource = key.length === 1 && field?.kind === 'address' && field.field === 'saddr';
  return !negated && isSource && isDynamic(sets.get(set));
}
