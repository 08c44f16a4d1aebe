import type { Expression, FilledSet, KeyType } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import { isWithin } from './key-text.ts';
import { type RulesetPlace, UnknownRule } from './unknown-rule.ts';

/** Throws {@link UnknownRule} unless the expressions make a key of the set. */
export function checkKey(key: readonly Expression[], set: FilledSet, place: RulesetPlace): void {
  checkTypes(key, { name: `the key of ${set.name}`, types: set.key, place });
  const foreign = key.find(
    (expression) => expression.kind === 'dport' && set.protocol !== undefined && expression.protocol !== set.protocol,
  );
  if (foreign) {
    // nft would take such a set, and then refuse the rule or silently narrow it to the set's protocol.
    throw new UnknownRule(place, `${set.name} holds ports of ${set.protocol}`);
  }
}

/** Throws {@link UnknownRule} unless the expressions read these types; `name` is what they are for. */
export function checkTypes(
  expressions: readonly Expression[],
  { name, types, place }: { name: string; types: readonly KeyType[]; place: RulesetPlace },
): void {
  const found = expressions.map((expression) => checkExpression(expression, place));
  refuseUnless(found.join() === types.join(), place, `${found.join(' . ')} is not ${name}: ${types.join(' . ')}`);
}

/**
 * What an expression reads: the type of a part of a key, or `other` for what cannot be one. Throws {@link UnknownRule}
 * for one that is not understood.
 */
export function checkExpression(expression: Expression, place: RulesetPlace): KeyType | 'other' {
  const { kind } = expression;
  switch (expression.kind) {
    case 'address':
      refuseUnless(expression.field === 'saddr' || expression.field === 'daddr', place, 'unknown field');
      return 'address';
    case 'ct-original-daddr':
      return 'address';
    case 'l4proto':
      return 'protocol';
    case 'dport':
      refuseUnless(['th', ...protocols].includes(expression.protocol), place, `unknown ${expression.protocol} dport`);
      return 'port';
    case 'ct-original-dport':
      return 'port';
    case 'numgen':
      // A walk tries every number.
      refuseUnless(isWithin(expression.modulus, 262_144) && expression.modulus > 0, place, 'modulus out of range');
      return 'index';
    case 'fib-type':
      refuseUnless(expression.field === 'saddr' || expression.field === 'daddr', place, 'unknown field');
      return 'other';
    case 'iifname':
    case 'ct-state':
    case 'ct-status':
      return 'other';
    default:
      expression satisfies never;
      throw new UnknownRule(place, `unknown expression ${kind}`);
  }
}

/** Throws {@link UnknownRule} with the reason if the condition is false. */
export function refuseUnless(condition: boolean, place: RulesetPlace, reason: string): void {
  if (!condition) {
    throw new UnknownRule(place, reason);
  }
}
