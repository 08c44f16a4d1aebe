import { beforeAll, describe, expect, test } from 'vitest';
import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import { rulesetOfTable } from '../../src/diff/table-state.ts';
import { printTransaction } from '../../src/nft/command.ts';
import { printRulesets } from '../../src/nft/print.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { compareParts } from '../support/compare-parts.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { everyPairInTurn, isDistanceTried } from '../support/every-pair.ts';
import { listFixtures } from '../support/fixture.ts';
import { inParallel } from '../support/in-parallel.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { loadTransactions } from '../support/load-transactions.ts';
import { type Parts, readParts } from '../support/read-parts.ts';

/** Loading mostly waits for the kernel, so several at a time do not disturb each other. */
const atOnce = 4;

/** What a table may hold, and the first fixture that asks for it. */
interface State {
  readonly name: string;
  readonly ruleset: Ruleset;
}

const everyRuleset = listFixtures().flatMap((name) =>
  compileFixture(name).rulesets.map((ruleset): State => ({ name, ruleset })),
);

describe.skipIf(!kernelTestsRun).each(['ip', 'ip6'] as const)('table of family %s', (family) => {
  const states = distinctStates(everyRuleset.filter(({ ruleset }) => ruleset.family === family));
  const partsOf = new Map<State, Parts>();

  beforeAll(async () => {
    await inParallel(states, atOnce, async (state) => {
      const [listing = ''] = await loadTransactions([[fullText(state)]]);
      partsOf.set(state, readParts(listing));
    });
  });

  test('all states differ', () => {
    const alike = states.flatMap((state) =>
      states.filter((other) => differencesOf(state, partsOf.get(other)).length === 0).map((other) => [state, other]),
    );
    expect(alike).toEqual(states.map((state) => [state, state]));
  });

  function differencesOf(wanted: State, found: Parts = new Map()): string[] {
    return compareParts(found, partsOf.get(wanted) ?? new Map());
  }

  /** After every transaction the table must be what the state's own text makes of an empty kernel. */
  async function problemsOf(transactions: readonly Transaction[]): Promise<string[]> {
    const seen = await loadTransactions(transactions.map(({ texts }) => texts));
    // A refusal is the last that is seen.
    return transactions.slice(0, seen.length).flatMap(({ from, to }, index) => {
      const listing = seen[index] ?? '';
      const problems = listing.startsWith('refused') ? [listing] : differencesOf(to, readParts(listing));
      return problems.map((problem) => `${from?.name ?? 'nothing'} -> ${to.name}: ${problem}`);
    });
  }

  test('comes from any state to any other, whatever is left of the states before', { timeout: 1_000_000 }, async () => {
    const problems: string[] = [];
    const orders = everyPairInTurn(states).filter((_, distance) => isDistanceTried(distance));
    await inParallel(orders, atOnce, async (order) => {
      problems.push(...(await problemsOf(transactionsAlong(order))));
    });
    expect(problems.slice(0, 10)).toEqual([]);
  });

  test('comes from any state as it was loaded to any other', { timeout: 1_000_000 }, async () => {
    const problems: string[] = [];
    await inParallel([...states.keys()], atOnce, async (index) => {
      const ring = [...states.slice(index), ...states.slice(0, index)];
      const pairs = ring
        .filter((_, distance) => isDistanceTried(distance))
        .map((to) => freshTransaction(ring[0] ?? to, to));
      problems.push(...(await problemsOf(pairs)));
    });
    expect(problems.slice(0, 10)).toEqual([]);
  });
});

interface Transaction {
  readonly from: State | undefined;
  readonly to: State;
  /** What leads from what is there to `to`. */
  readonly texts: readonly string[];
}

/** Each step starts from what the one before has left, idle chains and the order of endpoints included. */
function transactionsAlong(order: readonly State[]): Transaction[] {
  let from: State | undefined;
  let before: Ruleset | undefined;
  return order.map((to) => {
    const { commands, after } = diffRulesets(before, to.ruleset);
    before = rulesetOfTable(after);
    expect(diffRulesets(before, to.ruleset).commands).toEqual([]);
    const transaction = { from, to, texts: [printTransaction({ ...to.ruleset, commands })] };
    from = to;
    return transaction;
  });
}

function freshTransaction(from: State, to: State): Transaction {
  const { commands } = diffRulesets(from.ruleset, to.ruleset);
  expect(commands.length === 0).toBe(from === to);
  return { from, to, texts: [fullText(from), printTransaction({ ...to.ruleset, commands })] };
}

function fullText({ ruleset }: State): string {
  return printRulesets([ruleset], { lines: [] });
}

function distinctStates(states: readonly State[]): State[] {
  const byText = new Map<string, State>();
  for (const state of states) {
    const text = fullText(state);
    byText.set(text, byText.get(text) ?? state);
  }
  return [...byText.values()];
}
