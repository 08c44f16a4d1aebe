import type { Family, Protocol } from '../network.ts';
import { l4proto } from '../phases/5-plan/expressions.ts';
import type { Rule, Statement } from '../phases/5-plan/ruleset.ts';
import { readProtocol } from './read-protocol.ts';
import { readStatement } from './read-statement.ts';
import { protocolOf } from './read-translation.ts';

/** A rule, given its `expr`; undefined when a part of it is not understood. */
export function readRule(json: unknown, family: Family): Rule | undefined {
  const rule: Statement[] = [];
  for (const part of Array.isArray(json) ? json : []) {
    const protocol = protocolAskedBy(rule.at(-1));
    const statement = readStatement(part, { family, protocol });
    if (!statement) {
      return undefined;
    }
    if (statement.kind === 'dnat') {
      // Its protocol is the match before it.
      rule.pop();
    }
    rule.push(statement);
  }
  return rule.length === 0 ? undefined : withProtocol(rule);
}

/**
 * The rule as it was written: nft does not print a match for the protocol where a port of that protocol (`tcp dport`)
 * follows, which the compiler writes in front of all such lookups but those that pick an endpoint at random.
 */
function withProtocol(rule: readonly Statement[]): Rule {
  const asked = protocolAskedBy(rule[0]);
  const rest = asked === undefined ? rule : rule.slice(1);
  const [lookup] = rest;
  if (lookup?.kind !== 'match-set' && lookup?.kind !== 'dnat-map') {
    return rule;
  }
  const protocol = lookup.key.map(protocolOf).find((found) => found !== undefined);
  if (protocol === undefined || (asked !== undefined && asked !== protocol)) {
    return rule;
  }
  const isPick = lookup.key.some(({ kind }) => kind === 'numgen');
  return isPick ? rest : [{ kind: 'match', left: l4proto, right: protocol }, ...rest];
}

/** The protocol of `meta l4proto tcp`; undefined for other statements. */
function protocolAskedBy(statement: Statement | undefined): Protocol | undefined {
  const isQuestion = statement?.kind === 'match' && statement.left.kind === 'l4proto' && !statement.negated;
  return isQuestion ? readProtocol(statement.right) : undefined;
}
