import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { followContent } from '../../../src/cli/input/watch-files.ts';
import { placeConfig } from '../../support/place-config.ts';

let folder = '';
let end = new AbortController();
let ended: Promise<void> = Promise.resolve();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
  end = new AbortController();
});

afterEach(async () => {
  end.abort();
  await ended;
  await rm(folder, { recursive: true });
});

/** The contents that a file has each time that it is told to have changed. */
async function follow(file: string): Promise<string[]> {
  const seen: string[] = [];
  ({ ended } = await followContent(file, end.signal, async () => {
    seen.push(await readFile(file, 'utf8'));
  }));
  return seen;
}

async function expectSeen(seen: readonly string[], expected: readonly string[]): Promise<void> {
  // Where the system tells nothing, files are looked at every ten seconds.
  await vi.waitFor(() => expect(seen).toEqual(expected), { timeout: 30_000, interval: 20 });
}

describe('another content is told', () => {
  test.each(['writes', 'replaces', 'mounts'] as const)('of a file that somebody %s, again and again', async (how) => {
    const { file, update } = await placeConfig(join(folder, how), how);
    await update('one');
    const seen = await follow(file);
    for (const text of ['two', 'three', 'four']) {
      await update(text);
      await vi.waitFor(() => expect(seen.at(-1)).toBe(text), { timeout: 30_000, interval: 20 });
    }
    expect(seen).toEqual(['two', 'three', 'four']);
  });

  test('of a file behind a link, which is replaced where it is', async () => {
    await mkdir(join(folder, 'elsewhere'));
    const target = join(folder, 'elsewhere', 'kube-proxy.yaml');
    await writeFile(target, 'one');
    await symlink(target, join(folder, 'config.yaml'));
    const seen = await follow(join(folder, 'config.yaml'));
    await writeFile(join(folder, 'elsewhere', 'new'), 'two');
    await rename(join(folder, 'elsewhere', 'new'), target);
    await expectSeen(seen, ['two']);
  });

  test('of a file that was gone for a while, and nothing while it is', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'one');
    const seen = await follow(file);
    await unlink(file);
    await writeFile(file, 'one');
    await unlink(file);
    await writeFile(join(folder, 'other'), 'news');
    await writeFile(file, 'two');
    await expectSeen(seen, ['two']);
  });
});

test('the same content is not told', async () => {
  const file = join(folder, 'config.yaml');
  await writeFile(file, 'one');
  const seen = await follow(file);
  await writeFile(file, 'one');
  await writeFile(join(folder, 'new'), 'one');
  await rename(join(folder, 'new'), file);
  await writeFile(file, 'two');
  await expectSeen(seen, ['two']);
});

test('what is changed while it is told is told afterward', async () => {
  const file = join(folder, 'config.yaml');
  await writeFile(file, 'one');
  const seen: string[] = [];
  ({ ended } = await followContent(file, end.signal, async () => {
    seen.push(await readFile(file, 'utf8'));
    if (seen.length === 1) {
      await writeFile(file, 'three');
    }
  }));
  await writeFile(file, 'two');
  await expectSeen(seen, ['two', 'three']);
});

test('a pipe is left alone, and following it has ended', async () => {
  const pipe = join(folder, 'pipe');
  await execa('mkfifo', [pipe]);
  const seen = await follow(pipe);
  await ended;
  expect(seen).toEqual([]);
});
