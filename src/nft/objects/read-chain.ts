import type { Family, Protocol } from '../../net/network.ts';
import { l4proto, protocolOf } from '../expressions.ts';
import type { Deviation } from '../listed-table.ts';
import type { Chain, Hook, Rule, Statement } from '../ruleset.ts';
import type { NftChain, NftRule } from './nft-json.ts';
import { readProtocol } from './read-expression.ts';
import { readStatement } from './read-statement.ts';

/** A chain, and how it deviates. */
interface ReadChain {
  readonly chain: Chain;
  readonly deviations: readonly Deviation[];
}

/**
 * Reads a chain and its rules. A base chain that is not understood comes without a hook; a rule that is not understood or
 * has a comment, as an empty list. A policy other than accept stands for such a rule at the end.
 *
 * @param options.isKubeProxy whether the table is kube-proxy's: then comments are understood.
 */
export function readChain(
  listed: NftChain & { readonly name: string },
  listedRules: readonly NftRule[],
  options: RuleContext,
): ReadChain {
  const { name, policy = 'accept', comment } = listed;
  const deviations = unexpectedParts(listed, options).map(
    (part): Deviation => ({ message: `chain ${name}: unexpected ${part}`, chain: name, needsRebuild: true }),
  );
  const hook = readHook(listed);
  const rules = listedRules.map((listedRule, index): Rule => {
    const hasComment = listedRule.comment !== undefined && !options.isKubeProxy;
    const rule = hasComment ? undefined : readRule(listedRule, options);
    if (!rule) {
      const problem = hasComment ? 'has a comment' : 'is not understood';
      deviations.push({ message: `chain ${name}: rule ${index + 1} ${problem}`, chain: name, needsRebuild: false });
    }
    return rule ?? [];
  });
  return {
    chain: {
      name,
      ...(hook && { hook }),
      ...(options.isKubeProxy && comment !== undefined && { comment }),
      rules: policy === 'accept' ? rules : [...rules, []],
    },
    deviations,
  };
}

/** What the meaning of rules depends on besides themselves. */
interface RuleContext {
  readonly family: Family;
  readonly isKubeProxy: boolean;
}

/** What the writer of the table never gives a chain. */
function unexpectedParts(listed: NftChain, { isKubeProxy }: RuleContext): string[] {
  const { policy = 'accept' } = listed;
  const isBase = 'type' in listed || 'hook' in listed || 'prio' in listed;
  return [
    ...(isBase && !readHook(listed) ? [describeHook(listed)] : []),
    ...(policy === 'accept' ? [] : [`policy ${policy}`]),
    ...[...(isKubeProxy ? [] : ['comment']), 'dev', 'flags'].filter((field) => field in listed),
  ];
}

/** `type route hook output priority 0`, `type filter without hook and priority`. */
function describeHook({ type = '', hook = '', prio = '' }: NftChain): string {
  const parts = Object.entries({ type, hook, priority: prio });
  const known = parts.flatMap(([name, value]) => (value === '' ? [] : [`${name} ${value}`]));
  const missing = parts.flatMap(([name, value]) => (value === '' ? [name] : []));
  if (known.length === 0) {
    return 'empty type';
  }
  return missing.length === 0 ? known.join(' ') : `${known.join(' ')} without ${missing.join(' and ')}`;
}

function readHook({ type, hook, prio }: NftChain): Hook | undefined {
  const knownType = types.find((known) => known === type);
  const knownHook = hooks.find((known) => known === hook);
  return knownType && knownHook && typeof prio === 'number'
    ? { type: knownType, hook: knownHook, priority: prio }
    : undefined;
}

const types: readonly Hook['type'][] = ['filter', 'nat'];
const hooks: readonly Hook['hook'][] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** A rule; undefined when a part of it is not understood. */
function readRule({ comment, expr }: Pick<NftRule, 'comment' | 'expr'>, context: RuleContext): Rule | undefined {
  const rule: Statement[] = [];
  for (const part of expr) {
    const protocol = matchedProtocol(rule.at(-1));
    const statement = readStatement(part, { ...context, protocol });
    if (!statement) {
      return undefined;
    }
    if (
      statement.kind === 'dnat' ||
      statement.kind === 'random-dnat' ||
      (statement.kind === 'tcp-reset' && protocol === 'tcp')
    ) {
      // The match before it is its protocol.
      rule.pop();
    }
    rule.push(statement);
  }
  if (rule.length === 0) {
    return undefined;
  }
  const read = withProtocol(rule);
  return comment === undefined ? read : [...read, { kind: 'comment', text: comment }];
}

/**
 * The rule as it was written. nft does not print a match for the protocol before a port of that protocol (`tcp dport`); the
 * compiler writes one before every such lookup except those that pick an endpoint at random.
 */
function withProtocol(rule: readonly Statement[]): Rule {
  const matched = matchedProtocol(rule[0]);
  const rest = matched === undefined ? rule : rule.slice(1);
  const [lookup] = rest;
  if (lookup?.kind !== 'match-set' && lookup?.kind !== 'dnat-map') {
    return rule;
  }
  const protocol = lookup.key.map(protocolOf).find((found) => found !== undefined);
  if (protocol === undefined || (matched !== undefined && matched !== protocol)) {
    return rule;
  }
  const isPick = lookup.key.some(({ kind }) => kind === 'numgen');
  return isPick ? rest : [{ kind: 'match', left: l4proto, right: protocol }, ...rest];
}

/** The protocol of `meta l4proto tcp`; undefined for any other statement. */
function matchedProtocol(statement: Statement | undefined): Protocol | undefined {
  const isMatch = statement?.kind === 'match' && statement.left.kind === 'l4proto' && !statement.negated;
  return isMatch ? readProtocol(statement.right) : undefined;
}
