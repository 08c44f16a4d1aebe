import { describe, expect, test } from 'vitest';
import { type Backlog, createBacklog } from '../../src/health/backlog.ts';
import type { Family } from '../../src/net/network.ts';

function settle(backlog: Backlog, request: number, at: number, results: Partial<Record<Family, boolean>>): void {
  const families = Object.entries(results) as [Family, boolean][];
  backlog.settle(request, at, new Map(families.map(([family, isInSync]) => [family, { isInSync }])));
}

describe('a backlog', () => {
  test('is empty at first, and after everything was carried out', () => {
    const backlog = createBacklog();
    expect(backlog.oldest('ip')).toBeUndefined();
    backlog.add(1, 100);
    backlog.add(2, 200);
    expect(backlog.oldest('ip')).toBe(100);
    settle(backlog, 1, 250, { ip: true, ip6: true });
    expect([backlog.oldest('ip'), backlog.oldest('ip6')]).toEqual([200, 200]);
    settle(backlog, 2, 300, { ip: true, ip6: true });
    expect([backlog.oldest('ip'), backlog.oldest('ip6')]).toEqual([undefined, undefined]);
  });

  test('is as old as the first change that failed, until a family is in sync again', () => {
    const backlog = createBacklog();
    backlog.add(1, 100);
    settle(backlog, 1, 150, { ip: true, ip6: false });
    backlog.add(2, 200);
    settle(backlog, 2, 250, { ip: true, ip6: false });
    expect([backlog.oldest('ip'), backlog.oldest('ip6')]).toEqual([undefined, 100]);
    backlog.add(3, 300);
    expect([backlog.oldest('ip'), backlog.oldest('ip6')]).toEqual([300, 100]);
    settle(backlog, 3, 350, { ip: true, ip6: true });
    expect(backlog.oldest('ip6')).toBeUndefined();
  });

  test('takes a comparison that fails for a change at its end', () => {
    const backlog = createBacklog();
    settle(backlog, 1, 150, { ip: false });
    expect(backlog.oldest('ip')).toBe(150);
  });

  test('forgets what nothing has to be done for', () => {
    const backlog = createBacklog();
    backlog.add(1, 100);
    settle(backlog, 1, 150, {});
    expect(backlog.oldest('ip')).toBeUndefined();
  });
});
