import { beforeEach, expect, test } from 'vitest';
import { createRetry } from '../../src/agent/create-syncer.ts';

let time: number;
let waits: { readonly end: number; readonly resolve: () => void }[];
let retries: number[];
let retryAfter: (delay: number) => void;

beforeEach(() => {
  time = 0;
  waits = [];
  retries = [];
  retryAfter = createRetry(() => retries.push(time), {
    wait: (milliseconds) => new Promise((resolve) => waits.push({ end: time + milliseconds, resolve })),
    random: () => 0.5,
    now: () => time,
    signal: new AbortController().signal,
  });
});

async function pass(until: number): Promise<void> {
  for (const wait of waits.filter(({ end }) => end <= until).sort((one, other) => one.end - other.end)) {
    time = wait.end;
    wait.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
  waits = waits.filter(({ end }) => end > until);
  time = until;
}

test('several requests are one retry, after the first time', async () => {
  retryAfter(500);
  retryAfter(1_000);
  retryAfter(500);
  await pass(10_000);
  expect(retries).toEqual([500]);
});

test('a failure does not wait for the retry of rejected Services, which is put off', async () => {
  retryAfter(300_000);
  await pass(1_000);
  retryAfter(500);
  await pass(2_000);
  expect(retries).toEqual([1_500]);
  // The Services are rejected again.
  retryAfter(300_000);
  await pass(310_000);
  expect(retries).toEqual([1_500, 302_000]);
});
