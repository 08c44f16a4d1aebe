import { expect, test } from 'vitest';
import { createStateLog } from '../../src/agent/state-log.ts';

/** A log with a clock, in seconds, that only goes on when it is told to. */
function startLog() {
  let time = 0;
  const lines: string[] = [];
  const report = createStateLog(
    (level, message, details) => lines.push(`${level} ${message} ${JSON.stringify(details ?? {})}`),
    () => time * 1_000,
  );
  return {
    lines,
    after: (seconds: number) => {
      time += seconds;
    },
    fail: (kind: string, reason: string) => report(kind, { state: 'retrying', reason, delay: 100.4 }),
    report,
  };
}

const first = 'warn the API server cannot be followed; rules stay as they are';
const still = 'warn the API server still cannot be followed; rules stay as they are';
const over = 'info the API server is followed again';

test('trouble is logged once, then with a count, less and less often, and its end', () => {
  const { lines, after, fail, report } = startLog();
  for (let second = 0; second < 7_200; second += 2) {
    fail('Node', `connect ECONNREFUSED 127.0.0.1:${30_000 + second}`);
    fail('Service', 'connect ECONNREFUSED 127.0.0.1:29999');
    after(2);
  }
  expect(lines).toEqual([
    `${first} {"kind":"Node","reason":"connect ECONNREFUSED 127.0.0.1:30000","retryInMs":100}`,
    ...[60, 180, 420, 900, 1_860, 3_780].map(
      (since) =>
        `${still} {"kinds":"Node, Service","reason":"connect ECONNREFUSED 127.0.0.1:${30_000 + since}","attempts":${since + 1},"sinceS":${since}}`,
    ),
  ]);
  lines.splice(0);
  report('Node', { state: 'watching' });
  expect(lines).toEqual(['info Node: watching {}']);
  report('Service', { state: 'watching' });
  expect(lines.slice(1)).toEqual(['info Service: watching {}', `${over} {"failedAttempts":7200}`]);
});

test('trouble that comes and goes is not logged each time', () => {
  const { lines, after, fail, report } = startLog();
  for (let second = 0; second < 50; second += 1) {
    fail('Service', 'other side closed');
    report('Service', { state: 'listing' });
    report('Service', { state: 'watching' });
    after(1);
  }
  expect(lines).toEqual([
    `${first} {"kind":"Service","reason":"other side closed","retryInMs":100}`,
    'info Service: listing {}',
    'info Service: watching {}',
    `${over} {"failedAttempts":1}`,
  ]);
  after(60);
  fail('Service', 'other side closed');
  report('Service', { state: 'watching' });
  expect(lines.slice(4)).toEqual([
    `${first} {"kind":"Service","reason":"other side closed","retryInMs":100}`,
    `${over} {"failedAttempts":50}`,
  ]);
});

test('another reason is logged at once, and trouble is over when nothing is left of it', () => {
  const { lines, fail, report } = startLog();
  fail('Service', 'certificate has expired');
  fail('Service', 'no answer');
  fail('Node', 'no answer');
  report('Service', { state: 'watching' });
  report('Node', { state: 'listing' });
  expect(lines.filter((line) => line.startsWith(over))).toEqual([]);
  report('Node', { state: 'watching' });
  report('ServiceCIDR', { state: 'absent' });
  expect(lines).toEqual([
    `${first} {"kind":"Service","reason":"certificate has expired","retryInMs":100}`,
    `${first} {"kind":"Service","reason":"no answer","retryInMs":100}`,
    'info Service: watching {}',
    'info Node: listing {}',
    'info Node: watching {}',
    `${over} {"failedAttempts":3}`,
    'info ServiceCIDR: the API server has no such objects {}',
  ]);
});

test('any number of reasons is remembered, but not for ever', () => {
  const { lines, fail } = startLog();
  for (let index = 0; index < 250; index += 1) {
    fail('Service', `reason ${'x'.repeat(index)}`);
  }
  expect(lines).toHaveLength(250);
});
