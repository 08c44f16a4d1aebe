import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { withoutLock } from '../../src/apply/with-lock.ts';
import { withProgress } from '../../src/cli/output/progress.ts';
import { createFakeNft, listChains, listTable } from '../support/fake-nft.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const args = ['apply', '-', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];

/** A clock that advances by so many milliseconds each time it is read. */
function clockOf(milliseconds: number): () => number {
  let time = 0;
  return () => {
    time += milliseconds;
    return time;
  };
}

test('after a second, each step is shown on its own line', async () => {
  const { run } = createFakeNft();
  const { stderr, exitCode } = await runCommand(args, { run, input: shop(), now: clockOf(400) });
  expect(stderr.split('\n')).toEqual([
    'reading stdin ...',
    `running ${listChains} ...`,
    // nft lists while this process compiles.
    `running ${listTable.ip} ...`,
    'compiling ...',
    'running nft -f - ...',
    'running conntrack -L -p udp -f ipv4 ...',
    '',
  ]);
  expect(exitCode).toBe(0);
});

test('within the first second, nothing is shown', async () => {
  const { run } = createFakeNft();
  const { stderr } = await runCommand(args, { run, input: shop(), now: clockOf(10) });
  expect(stderr).toBe('');
});

test('a step that is running when the second ends is shown', async () => {
  vi.useFakeTimers();
  try {
    const stderr = new PassThrough();
    const shown = (): string => String(stderr.read() ?? '');
    const { run } = createFakeNft();
    const context = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {}, run, lock: withoutLock };
    await withProgress({ ...context, hostName: 'worker-1', now: () => Date.now() }, async ({ step }) => {
      step('waiting');
      vi.advanceTimersByTime(900);
      step('waiting more');
      vi.advanceTimersByTime(99);
      expect(shown()).toBe('');
      vi.advanceTimersByTime(1);
      expect(shown()).toBe('waiting more ...\n');
      step('waiting still');
      expect(shown()).toBe('waiting still ...\n');
    });
    await withProgress({ ...context, hostName: 'worker-1', now: () => Date.now() }, async ({ step }) =>
      step('done at once'),
    );
    vi.advanceTimersByTime(10_000);
    expect(shown()).toBe('');
  } finally {
    vi.useRealTimers();
  }
});

test('a large text is shown with its size', async () => {
  const { run } = createFakeNft();
  const many = Array.from({ length: 1_500 }, (_, index) => `10.244.${index >> 8}.${index & 255}`);
  const { stderr } = await runCommand(args, { run, input: shop({ cart: many }), now: clockOf(2_000) });
  expect(stderr).toMatch(/^running nft -f - \(0\.[1-9] MB\) \.\.\.$/m);
});
