import { expect, test } from 'vitest';
import { readApiError, readJson, readLines } from '../../src/cluster/read-answer.ts';

const megabyte = Buffer.alloc(1_000_000, ' ');

/** A body of so many megabytes that counts how many of them were read. */
function bodyOf(megabytes: number) {
  const read = { count: 0 };
  const body = (async function* send(): AsyncGenerator<Uint8Array> {
    for (; read.count < megabytes; ) {
      read.count += 1;
      yield megabyte;
    }
  })();
  return { body, read };
}

test.each([
  ['a list', (body: AsyncIterable<Uint8Array>) => readJson(body), 'longer than 256 MB', 257],
  ['a line', async (body: AsyncIterable<Uint8Array>) => readLines(body).next(), 'longer than 64 MB', 65],
])('%s without an end is not read forever', async (_what, readAll, words, megabytes) => {
  const { body, read } = bodyOf(1_000);
  await expect(readAll(body)).rejects.toThrow(words);
  expect(read.count).toBe(megabytes);
});

test('an error without an end is told by its status, and not read forever', async () => {
  const { body, read } = bodyOf(1_000);
  expect(await readApiError(502, body, 7_000)).toMatchObject({
    message: 'the server answers with status 502',
    status: 502,
    retryAfter: 7_000,
  });
  expect(read.count).toBe(2);
});
