import type { Statement } from './phases/5-plan/ruleset.ts';

/** Names of the chains that a statement itself sends packets to; a verdict map has its own in its elements. */
export function targetsOf(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return [statement.chain];
    case 'random-goto':
      return statement.chains;
    default:
      return [];
  }
}
