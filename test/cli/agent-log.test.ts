import { expect, test } from 'vitest';
import { createLog } from '../../src/cli/output/agent-log.ts';

const noon = new Date(2026, 0, 2, 12, 34, 56, 789);

/** What a log writes to stderr. */
async function startLog(isTTY: boolean, env: Record<string, string> = {}, diagnostics: 'text' | 'json' = 'text') {
  const written: string[] = [];
  const output = { isTTY, write: (text: string) => written.push(text) > 0 };
  const context = { stdout: output as unknown as NodeJS.WritableStream, stderr: output, env, diagnostics };
  return { log: await createLog(context, () => noon), written };
}

test('a line for a person has the time, the level, the message and its details', async () => {
  const { log, written } = await startLog(true, { NO_COLOR: '1' });
  log('info', 'synced', { tables: 'ip changed, ip6 unchanged', commands: 3, ageMs: 1.5 });
  log('warn', 'Service: no answer', { reason: 'timeout', pid: undefined, services: ['shop/cart', 'shop/mail'] });
  log('error', 'bug in svc2nft');
  expect(written).toEqual([
    '12:34:56 info  synced  tables="ip changed, ip6 unchanged"  commands=3  ageMs=1.5\n',
    '12:34:56 warn  Service: no answer  reason=timeout  services=["shop/cart","shop/mail"]\n',
    '12:34:56 error bug in svc2nft\n',
  ]);
});

test('texts of several lines stand below it', async () => {
  const { log, written } = await startLog(true, { NO_COLOR: '1' });
  log('warn', 'table ip: nft refused a change', { kind: 'busy', said: 'Error: busy\nadd table\n\t^^^\n' });
  expect(written.join('')).toBe(
    [
      '12:34:56 warn  table ip: nft refused a change  kind=busy',
      '    said:',
      '      Error: busy',
      '      add table',
      '      \\t^^^',
      '',
    ].join('\n'),
  );
});

test('nothing can break out of a line', async () => {
  const { log, written } = await startLog(true, { NO_COLOR: '1' });
  log('warn', 'a\u001b[2J\nb', { one: '\u001b[31mred', two: 'x\n\u001b[31mred\r' });
  expect(written.join('')).toBe(
    '12:34:56 warn  a\\u001b[2J\\nb  one=\\u001b[31mred\n    two:\n      x\n      \\u001b[31mred\n',
  );
});

test('levels have colors where these are wanted', async () => {
  const { log, written } = await startLog(true);
  log('warn', 'a');
  log('error', 'b');
  expect(written).toEqual(['12:34:56 \u001b[33mwarn \u001b[0m a\n', '12:34:56 \u001b[31merror\u001b[0m b\n']);
});

test.each([
  ['a pipe', false, 'text'],
  ['a terminal with --diagnostics json', true, 'json'],
] as const)('%s gets JSON', async (_, isTTY, diagnostics) => {
  const { log, written } = await startLog(isTTY, {}, diagnostics);
  log('warn', 'a\nb', { said: 'c\nd', count: 2 });
  expect(written).toEqual([`{"level":40,"time":"${noon.toISOString()}","said":"c\\nd","count":2,"msg":"a\\nb"}\n`]);
});
