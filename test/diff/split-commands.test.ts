import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { isUnusedTable, planTable, splitCommands } from '../../src/diff/plan-table.ts';
import type { Command } from '../../src/nft/command.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { rulesetOf, service } from '../inspect/changes/shop.ts';
import { arbitraryWalk } from '../support/arbitrary-walk.ts';
import { carryOut } from '../support/fake-kernel.ts';
import { partsOfRuleset } from '../support/parts-of-ruleset.ts';

/** More for a long look: RUNS=5000 npx vitest run test/diff/split-commands.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 200);

describe('the commands for a table that no packet passes', () => {
  test('create the same table in parts of any size, the base chains last', { timeout: 300 * numRuns }, () => {
    fc.assert(
      fc.property(arbitraryWalk({ min: 1, max: 1 }), fc.integer({ min: 1, max: 200 }), ([snapshot], size) => {
        const { rulesets = [] } = compile(documentsOf(snapshot?.objects ?? []), snapshot?.options);
        expect(rulesets).toHaveLength(2);
        rulesets.forEach((ruleset) => {
          expectParts(ruleset, size);
        });
      }),
      { numRuns },
    );
  });

  test.each([
    ['a table that is created', planTable(shopWith(3), undefined).commands],
    ['a table that is rebuilt with pins', planTable(shopWith(3), listed(shopWith(2)), { rebuild: true }).commands],
    ['an element', planTable(shopWith(3), listed(shopWith(2))).commands],
  ])('are one transaction where they fit into one: %s', (_, commands) => {
    expect(splitCommands(commands, sizeOf(commands))).toBeUndefined();
    expect(transactionsOf(commands, sizeOf(commands) - 1).length).toBeGreaterThan(1);
  });

  test('are none where nothing differs', () => {
    expect(splitCommands([], 10)).toBeUndefined();
  });

  test('cut pins and deletions, too', () => {
    const commands = planTable(shopWith(1), listed(shopWith(9))).commands;
    const parts = transactionsOf(commands, 2);
    expect(
      parts
        .slice(0, -1)
        .map(sizeOf)
        .every((size) => size <= 2),
    ).toBe(true);
    const deleted = parts.flat().flatMap((one) => (one.kind === 'delete-elements' ? one.elements : []));
    expect(deleted).toEqual(commands.flatMap((one) => (one.kind === 'delete-elements' ? one.elements : [])));
    expect(deleted.length).toBeGreaterThan(7);
    const pins = Array.from({ length: 5 }, (_, index) => ({ key: `10.0.0.${index} . 10.96.0.10 . 80` }));
    expect(splitCommands([{ kind: 'add-pins', set: 'tcp-pinned', pins }], 3)?.elements).toEqual([
      [{ kind: 'add-pins', set: 'tcp-pinned', pins: pins.slice(0, 3) }],
      [{ kind: 'add-pins', set: 'tcp-pinned', pins: pins.slice(3) }],
    ]);
  });
});

describe('a table is unused', () => {
  const { chains, ...rest } = shopWith(2);
  const plain = { ...rest, chains: chains.filter(({ hook }) => !hook) };
  const odd = { message: 'unknown flowtable f', needsRebuild: true };

  test.each<[string, ListedTable | undefined, boolean]>([
    ['that does not exist', undefined, true],
    ['without any chain', listed({ ...rest, chains: [] }), true],
    ['without base chains', listed(plain), true],
    ['without base chains, but with a foreign rule', listed(plain, [{ ...odd, needsRebuild: false }]), true],
    ['without known base chains, but with something foreign', listed(plain, [odd]), false],
    ['with one base chain', listed({ ...plain, chains: chains.filter(({ hook }) => hook).slice(0, 1) }), false],
    ['with all', listed({ ...rest, chains }), false],
  ])('%s', (_, actual, expected) => {
    expect(isUnusedTable(actual)).toBe(expected);
    expect(planTable(shopWith(2), actual).isUnused).toBe(expected);
    // What cannot be read may be in use.
    expect(planTable(shopWith(2), actual, { rebuild: true }).isUnused).toBe(expected && actual !== undefined);
  });
});

function shopWith(endpoints: number): Ruleset {
  const addresses = Array.from({ length: endpoints }, (_, index) => `2.${index + 5}`);
  return rulesetOf({ services: [service('cart', addresses, { spec: { sessionAffinity: 'ClientIP' } })] });
}

function listed(ruleset: Ruleset, deviations: ListedTable['deviations'] = []): ListedTable {
  return { isDormant: false, ruleset, dynamic: new Map(), deviations };
}

function expectParts(desired: Ruleset, size: number): void {
  const { commands } = planTable(desired, undefined);
  const parts = transactionsOf(commands, size);
  let held: Ruleset | undefined;
  for (const [index, part] of parts.entries()) {
    held = carryOut(held, { ...desired, commands: part });
    const isLast = index === parts.length - 1;
    expect(held?.chains.some(({ hook }) => hook !== undefined) ?? false).toBe(isLast);
    expect(isLast || sizeOf(part) <= size).toBe(true);
  }
  const whole = carryOut(undefined, { ...desired, commands });
  expect(held && partsOfRuleset(held)).toEqual(whole && partsOfRuleset(whole));
}

/** In an order in which they may be loaded, though not the only one: that of the elements is turned around. */
function transactionsOf(commands: readonly Command[], size: number): (readonly Command[])[] {
  const split = splitCommands(commands, size);
  return split ? [...split.first, ...split.elements.toReversed(), split.last] : [commands];
}

function sizeOf(commands: readonly Command[]): number {
  return commands.reduce((sum, command) => sum + ('elements' in command ? command.elements.length : 1), 0);
}
