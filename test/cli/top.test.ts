import { PassThrough } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { countedEndpoint, countedFrontend, listCountedMap } from '../support/counted-maps.ts';

/** A kernel whose counters grow with each reading: by 1 for shop/web, by 10 for shop/cart. */
function kernel({ isCounted = true } = {}) {
  const asked: string[] = [];
  const readings = new Map<string, number>();
  const run: RunProgram = async (_, args) => {
    const [, , , family, , map = ''] = args;
    asked.push(args.slice(1).join(' '));
    const count = readings.get(map) ?? 0;
    readings.set(map, count + (family === 'ip' ? 1 : 0));
    const maps: Readonly<Record<string, readonly unknown[]>> = {
      'service-ips': [
        countedFrontend('10.96.0.1', 'shop/web:http', count + 100),
        countedFrontend('10.96.0.2', 'shop/cart', 10 * count + 7),
      ],
      'tcp-endpoints': [
        countedEndpoint('10.96.0.1', '10.244.1.1', count),
        countedEndpoint('10.96.0.2', '10.244.1.2', 10 * count),
      ],
    };
    const elements = family === 'ip' ? maps[map] : undefined;
    return {
      exitCode: elements ? 0 : 1,
      signal: undefined,
      stdout: elements ? listCountedMap(map, elements, isCounted) : '',
      stderr: elements ? '' : 'Error: No such file or directory',
      missing: false,
      denied: false,
    };
  };
  return { run, asked };
}

async function top(args: readonly string[], run: RunProgram, terminal?: { columns: number; rows: number }) {
  const stdout = Object.assign(new PassThrough(), terminal && { isTTY: true, ...terminal });
  const stderr = new PassThrough();
  const outputs = Promise.all([readText(stdout), readText(stderr)]);
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  let time = 0;
  const now = (): number => {
    time += 1;
    return time;
  };
  const exitCode = await main(['top', '--family', 'ip', '--interval', '0.1', ...args], {
    stdin,
    stdout,
    stderr,
    env: {},
    now,
    run,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return { exitCode, out, err };
}

describe('svc2nft top', () => {
  test('prints once what was counted from one reading to the next, the busiest first', async () => {
    const { run, asked } = kernel();
    const { exitCode, out, err } = await top([], run);
    expect([exitCode, err]).toEqual([0, '']);
    const rows = out.split('\n').map((line) => line.split(/ +/));
    expect(rows.map(([, name, port]) => [name, port])).toEqual([
      ['NAME', 'PORT'],
      ['cart', '<none>'],
      ['web', 'http'],
      [undefined, undefined],
    ]);
    expect(rows[1]?.at(-1)).toBe('17');
    expect(asked).toEqual([
      'list map ip svc2nft service-ips',
      'list map ip svc2nft service-nodeports',
      'list map ip svc2nft service-ips',
      'list map ip svc2nft service-nodeports',
    ]);
  });

  test('reads endpoints only where they are shown, and only the maps that hold them', async () => {
    const { run, asked } = kernel();
    const { out } = await top(['shop/web', '-o', 'json', '--count', '2'], run);
    const [first, second, ...rest] = out.split('\n').map((line) => (line === '' ? undefined : JSON.parse(line)));
    expect(rest).toEqual([undefined]);
    expect(first.services).toMatchObject([
      { service: 'web', connections: 101, endpoints: [{ endpoint: '10.244.1.1:8080', connections: 1 }] },
    ]);
    expect(first.services[0].perSecond).toBeGreaterThan(0);
    expect(second.services).toMatchObject([{ connections: 102 }]);
    expect(second.seconds).toBeGreaterThan(first.seconds);
    expect(asked.filter((command) => command.endsWith('endpoints'))).toEqual(
      Array.from({ length: 3 }, () => 'list map ip svc2nft tcp-endpoints'),
    );
  });

  test.each([
    { sort: 'rate', names: ['cart', 'web'] },
    { sort: 'total', names: ['web', 'cart'] },
    { sort: 'name', names: ['cart', 'web'] },
  ])('sorts by $sort', async ({ sort, names }) => {
    const { out } = await top(['--sort', sort, '-o', 'wide', 'shop'], kernel().run);
    const rows = out
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/ +/));
    expect(rows.map(([, name]) => name)).toEqual(names.flatMap((name) => [name, name]));
    const endpoints = { web: '10.244.1.1:8080', cart: '10.244.1.2:8080' } as Readonly<Record<string, string>>;
    expect(rows.map((row) => row[4])).toEqual(names.flatMap((name) => ['<all>', endpoints[name]]));
  });

  test('draws over the table on a terminal, and leaves out what does not fit', async () => {
    const { out } = await top(['--count', '1'], kernel().run, { columns: 30, rows: 4 });
    const frames = out.split('\u001b[H');
    expect(frames).toHaveLength(3);
    expect(frames[0]).toBe('\u001b[2J');
    const lines = (frames[2] ?? '').replaceAll('\u001b[K', '').replaceAll('\u001b[J', '').split('\n');
    expect(lines[1]).toMatch(/^shop {8}cart/);
    expect(lines).toHaveLength(4);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(30);
    const { out: small } = await top(['--count', '1'], kernel().run, { columns: 80, rows: 3 });
    expect(small).toContain('... and 1 row more');
  });

  test('says how to turn counters on', async () => {
    const { exitCode, out, err } = await top([], kernel({ isCounted: false }).run);
    expect([exitCode, out, err]).toEqual([
      1,
      '',
      'error: table ip svc2nft has no counters; to count connections, run svc2nft apply or svc2nft agent with --counters\n',
    ]);
  });

  test('says what is not there', async () => {
    const { err } = await top(['--table', 'other'], async () => ({
      exitCode: 1,
      signal: undefined,
      stdout: '',
      stderr: 'Error: No such file or directory',
      missing: false,
      denied: false,
    }));
    expect(err).toBe('error: the kernel has no table ip other\n');
    const named = await top(['shop/card'], kernel().run);
    expect([named.exitCode, named.err]).toEqual([
      1,
      'error: no Service with endpoints, and no namespace of one, is named "shop/card" (did you mean shop/cart?)\n',
    ]);
  });

  test.each([
    ['--interval', '0.05'],
    ['--interval', 'soon'],
    ['--count', '0'],
    ['--sort', 'size'],
  ])('refuses %s %s', async (flag, value) => {
    expect((await top([flag, value], kernel().run)).exitCode).toBe(2);
  });
});
