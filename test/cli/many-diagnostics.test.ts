import { describe, expect, test } from 'vitest';
import type { CommandResult } from '../support/run-main.ts';
import { runMain } from '../support/run-main.ts';

function service(name: string, spec: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'd' },
    spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }], ...spec },
  };
}

function services(count: number, name: string, spec: object): object[] {
  return Array.from({ length: count }, (_, index) => service(`${name}-${index}`, spec));
}

const badPort = { ports: [{ port: 70_000 }] };
const badType = { type: 'clusterip' };
const noAddress = { clusterIP: '' };

function compile(items: readonly object[], ...flags: readonly string[]): Promise<CommandResult> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  return runMain(['compile', '-', '--node', 'a', '--node-ip', '192.0.2.1', ...flags], { input });
}

/** How many diagnostics of each code are printed, and the lines that are not part of one. */
function read(stderr: string): { shown: Record<string, number>; rest: string[] } {
  const shown: Record<string, number> = {};
  const rest: string[] = [];
  for (const line of stderr.split('\n').filter((one) => one !== '' && !one.startsWith('  '))) {
    const [, code] = /^<stdin>\S* (?:error|warning) ([a-z-]+): /.exec(line) ?? [];
    if (code === undefined) {
      rest.push(line);
    } else {
      shown[code] = (shown[code] ?? 0) + 1;
    }
  }
  return { shown, rest };
}

describe('of many diagnostics the first 100 are printed, and the others counted', () => {
  test('100 are printed', async () => {
    const { stderr } = await compile(services(100, 'a', badPort));
    expect(read(stderr)).toEqual({ shown: { 'invalid-port': 100 }, rest: ['100 errors: no ruleset'] });
  });

  test('of 101 one is not', async () => {
    const { stderr } = await compile(services(101, 'a', badPort));
    expect(read(stderr)).toEqual({
      shown: { 'invalid-port': 100 },
      rest: ['not shown: 1 invalid-port; --all-errors prints them', '101 errors: no ruleset'],
    });
  });

  test('errors come before warnings, each in the order of the input', async () => {
    const items = [
      ...services(2000, 'w', noAddress),
      ...services(40, 'p', badPort),
      ...services(30, 't', badType),
      ...services(5, 'v', noAddress),
    ];
    const { stderr } = await compile(items);
    expect(read(stderr)).toEqual({
      shown: { 'no-cluster-ip': 30, 'invalid-port': 40, 'unknown-value': 30 },
      rest: ['not shown: 1,975 no-cluster-ip; --all-errors prints them', '70 errors, 2,005 warnings: no ruleset'],
    });
    const names = [...stderr.matchAll(/: Service d\/(\S+?): /g)].map(([, name]) => name);
    expect(names.slice(0, 31)).toEqual([...Array.from({ length: 30 }, (_, index) => `w-${index}`), 'p-0']);
  });

  test('the codes are sorted by their numbers, and the objects that are left out are capped as well', async () => {
    const items = [...services(150, 'a', badPort), ...services(250, 'b', badType), ...services(1, 'c', noAddress)];
    const { stderr, stdout } = await compile(items, '--keep-going');
    const { shown, rest } = read(stderr);
    expect(shown).toEqual({ 'invalid-port': 100 });
    expect(rest[0]).toBe(
      'not shown: 250 unknown-value, 50 invalid-port, 1 no-cluster-ip, 1 no-endpoint-slices; --all-errors prints them',
    );
    expect(rest[1]).toMatch(/^400 errors, 2 warnings; left out: Service d\/a-0, Service d\/a-1, .*, and 300 more$/);
    expect(rest[1]?.split(', Service ')).toHaveLength(100);
    expect(stdout).toContain('table ip svc2nft');
  });

  test.each([['--all-errors'], ['--all-errors=true']])('%s prints all', async (flag) => {
    const { stderr } = await compile([...services(150, 'a', badPort), ...services(9, 'b', noAddress)], flag);
    expect(read(stderr)).toEqual({
      shown: { 'invalid-port': 150, 'no-cluster-ip': 9 },
      rest: ['150 errors, 9 warnings: no ruleset'],
    });
    const kept = await compile(services(150, 'a', badPort), flag, '--keep-going');
    expect(kept.stderr.split(', Service ')).toHaveLength(150);
  });

  test('JSON has all of them', async () => {
    const { stderr } = await compile(services(150, 'a', badPort), '--diagnostics', 'json');
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(151);
    expect(stderr).not.toContain('not shown');
  });

  test('100,000 bad objects print little', async () => {
    const { stderr } = await compile(services(100_000, 'a', badPort), '--keep-going');
    expect(stderr.length).toBeLessThan(40_000);
    expect(stderr).toContain('not shown: 99,900 invalid-port, 1 no-endpoint-slices; --all-errors prints them\n');
  }, 60_000);
});
