import { describe, expect, test } from 'vitest';
import { planTable, type TablePlan } from '../../src/diff/plan-table.ts';
import { printTransaction } from '../../src/nft/command.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import { rulesetOf, service } from '../inspect/changes/shop.ts';

const affinity = { spec: { sessionAffinity: 'ClientIP' } };
const desired = rulesetOf({ services: [service('cart', ['2.5', '2.6'], affinity)] });

/** A table with one endpoint less, and a client at each of these endpoints. */
function listed(endpoints: readonly string[] = [], changes: Partial<ListedTable> = {}): ListedTable {
  const ruleset = rulesetOf({ services: [service('cart', ['2.5'], affinity)] });
  const pins = endpoints.map((address, index) => ({
    key: `10.0.0.${index} . 10.96.0.10 . 80`,
    value: { address, port: 8080 },
    timeoutSeconds: 10800,
    expiresSeconds: 600,
  }));
  const dynamic = new Map(pins.length > 0 ? [['tcp-pins', pins]] : []);
  return { isDormant: false, ruleset, dynamic, deviations: [], ...changes };
}

const linesOf = (plan: TablePlan): string[] => printTransaction(plan).split('\n').slice(0, -1);

describe('a table', () => {
  test('that does not exist is created', () => {
    const plan = planTable(desired, undefined);
    expect(plan).toMatchObject({ family: 'ip', table: 'svc2nft', result: 'created', before: undefined, findings: [] });
    expect(linesOf(plan).slice(0, 2)).toEqual(['add table ip svc2nft', 'delete table ip svc2nft']);
    expect(planTable(desired, { ...listed(), ruleset: plan.after })).toMatchObject({
      result: 'unchanged',
      commands: [],
    });
  });

  test('that differs takes the difference', () => {
    const actual = listed();
    const plan = planTable(desired, actual);
    expect([plan.result, plan.before, plan.findings]).toEqual(['changed', actual, []]);
    expect(linesOf(plan)).not.toContain('delete table ip svc2nft');
    expect(linesOf(plan).at(-1)).toBe(
      'add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 1 : 10.244.2.6 . 8080 }',
    );
  });

  test.each<[string, Partial<ListedTable>, string]>([
    ['has deviations that no command repairs', { deviations: [{ message: 'odd', needsRebuild: true }] }, 'odd'],
    [
      'has a different hook',
      {
        ruleset: {
          ...desired,
          chains: [{ name: 'services', hook: { type: 'nat', hook: 'input', priority: 5 }, rules: [] }],
        },
      },
      'chain services has a different hook',
    ],
  ])('that %s is rebuilt', (_, changes, finding) => {
    const plan = planTable(desired, listed([], changes));
    expect(plan.result).toBe('rebuilt');
    expect(plan.findings.map(({ message }) => message)).toContain(finding);
    expect(linesOf(plan).slice(0, 2)).toEqual(['add table ip svc2nft', 'delete table ip svc2nft']);
  });

  test.each([
    ['created to be', undefined, 'created', ['add table ip svc2nft', 'delete table ip svc2nft']],
    ['rebuilt to be', listed(), 'rebuilt', ['add table ip svc2nft', 'delete table ip svc2nft']],
    [
      'rebuilt to be, with the flags that it has',
      listed([], { flags: ['owner'] }),
      'rebuilt',
      ['add table ip svc2nft { flags owner; }', 'delete table ip svc2nft'],
    ],
  ] as const)('is %s owned', (_, actual, result, first) => {
    const plan = planTable(desired, actual, { owns: true });
    expect(plan.result).toBe(result);
    expect(linesOf(plan).slice(0, 3)).toEqual([
      ...first,
      'add table ip svc2nft { flags owner, persist; comment "Kubernetes Services, by svc2nft"; }',
    ]);
  });

  test('that can be adopted only takes the difference, and is not owned by those who do not ask for it', () => {
    const actual = listed([], { flags: ['persist'] });
    expect(planTable(desired, actual, { owns: true })).toMatchObject({ result: 'changed' });
    expect(linesOf(planTable(desired, actual, { rebuild: true })).slice(0, 3)).toEqual([
      'add table ip svc2nft { flags persist; }',
      'delete table ip svc2nft',
      'add table ip svc2nft { comment "Kubernetes Services, by svc2nft"; }',
    ]);
  });

  test.each([undefined, listed()])('is rebuilt on request, whether it could be read or not', (actual) => {
    expect(planTable(desired, actual, { rebuild: true })).toMatchObject({ result: 'rebuilt', before: actual });
  });
});

describe('pins', () => {
  test('to unknown endpoints are deleted by the last commands, which can be left out', () => {
    const { commands, pinCommands } = planTable(desired, listed(['10.244.2.5', '10.244.9.9']));
    expect(pinCommands).toHaveLength(2);
    expect(commands.slice(-2)).toEqual(pinCommands);
    const { family, table } = desired;
    expect(printTransaction({ family, table, commands: pinCommands })).toBe(`\
add element ip svc2nft tcp-pins { 10.0.0.1 . 10.96.0.10 . 80 : 10.244.9.9 . 8080 }
delete element ip svc2nft tcp-pins { 10.0.0.1 . 10.96.0.10 . 80 }
`);
  });

  test('to endpoints are written into a new table, for as long as they had left', () => {
    const plan = planTable(desired, listed(['10.244.2.5', '10.244.9.9']), { rebuild: true });
    expect(plan.pinCommands).toEqual([]);
    expect(linesOf(plan).at(-1)).toBe(
      'add element ip svc2nft tcp-pins { 10.0.0.0 . 10.96.0.10 . 80 timeout 10800s expires 600s : 10.244.2.5 . 8080 }',
    );
  });
});
