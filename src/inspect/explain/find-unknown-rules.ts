import type { Chain, Ruleset, Statement } from '../../nft/ruleset.ts';
import type { Fate, Step } from '../../walk/fate.ts';

/** A rule that nobody understands, in a chain that the packet comes through. */
export interface UnknownRuleMet {
  readonly chain: string;
  /** Position in the chain, from 0. */
  readonly rule: number;
}

/**
 * The rules that the packet may meet and that nobody understands (they are empty in a listing): those in chains which it
 * enters, unless an earlier rule of the chain decided. What they do to it is not known.
 */
export function findUnknownRules({ chains }: Ruleset, { outcomes }: Fate): UnknownRuleMet[] {
  const unknown = chains.filter(({ rules }) => rules.some((rule) => rule.length === 0));
  if (unknown.length === 0) {
    return [];
  }
  const index = new Map(chains.map((chain) => [chain.name, chain]));
  const ways = outcomes.map(({ steps }) => steps);
  return unknown.flatMap((chain) =>
    [...chain.rules.entries()].flatMap(([rule, statements]) =>
      statements.length === 0 && ways.some((steps) => comesTo(steps, { chain, rule, index }))
        ? [{ chain: chain.name, rule }]
        : [],
    ),
  );
}

interface Place {
  readonly chain: Chain;
  readonly rule: number;
  readonly index: ReadonlyMap<string, Chain>;
}

/** Chains of hooks that a packet does not pass are counted as well: it is said too often rather than not at all. */
function comesTo(steps: readonly Step[], { chain: { name, hook }, rule, index }: Place): boolean {
  const own = steps.filter(({ chain }) => chain === name);
  const isCalled = hook !== undefined && (steps.length === 0 || steps.some((step) => step.hook === hook.hook));
  const isEntered = own.length > 0 || isCalled || steps.some((step) => leadsTo(step, name, index));
  return isEntered && !own.some((step) => step.rule < rule && step.passed && endsChain(statementOf(step, index)));
}

function statementOf({ chain, rule, statement }: Step, index: Place['index']): Statement | undefined {
  return index.get(chain)?.rules[rule]?.[statement];
}

function leadsTo(step: Step, name: string, index: Place['index']): boolean {
  const value = step.element?.value;
  const statement = statementOf(step, index);
  return (
    (value !== undefined && 'kind' in value && value.kind === 'goto' && value.chain === name) ||
    ((statement?.kind === 'jump' || statement?.kind === 'goto') && step.passed && statement.chain === name)
  );
}

const ends: readonly Statement['kind'][] = [
  'goto',
  'drop',
  'reject',
  'return',
  'masquerade',
  'dnat',
  'dnat-map',
  'random-goto',
  'vmap',
];

function endsChain(statement: Statement | undefined): boolean {
  return statement !== undefined && ends.includes(statement.kind);
}
