import type { Rule } from './phases/5-plan/ruleset.ts';

/** Names of the sets and maps that a rule uses. */
export function setsOf(rule: Rule): string[] {
  return rule.flatMap((statement) => {
    switch (statement.kind) {
      case 'match-set':
      case 'update':
      case 'delete':
        return [statement.set];
      case 'vmap':
      case 'dnat-map':
        return [statement.map];
      default:
        return [];
    }
  });
}
