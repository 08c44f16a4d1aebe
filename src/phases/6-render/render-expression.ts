import type { Family } from '../../network.ts';
import type { Expression, Scalar } from '../5-plan/ruleset.ts';
import { concat, quote, word } from './render-text.ts';

/** An expression in nft's words; the family chooses `ip` or `ip6`. */
export function renderExpression(expression: Expression, family: Family): string {
  switch (expression.kind) {
    case 'address':
      return `${family} ${expression.field}`;
    case 'l4proto':
      return 'meta l4proto';
    case 'dport':
      return `${expression.protocol} dport`;
    case 'iifname':
      return 'iifname';
    case 'ct-state':
      return 'ct state';
    case 'ct-status':
      return 'ct status';
    case 'fib-type':
      return `fib ${expression.field} type`;
    case 'ct-original-daddr':
      return `ct original ${family} daddr`;
    case 'ct-original-dport':
      return 'ct original proto-dst';
    case 'numgen':
      return `numgen random mod ${expression.modulus}`;
  }
}

/** Expressions as the key of a lookup. */
export function renderKey(key: readonly Expression[], family: Family): string {
  return concat(key.map((expression) => renderExpression(expression, family)));
}

/** What a match compares with: interface names are strings, all else are words. */
export function renderScalar(value: Scalar, comparedWith: Expression): string {
  return comparedWith.kind === 'iifname' ? quote(String(value)) : word(value);
}
