import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLock, keepLock, type Lock, LockError, type LockSettings } from '../../src/apply/with-lock.ts';
import { createRunProgram } from '../../src/kernel/run-program.ts';
import { tryLock } from '../../src/kernel/socket-lock.ts';

const table = 'svc2nft';
let root = '';
let folder = '';
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'svc2nft-lock-'));
});
beforeEach(() => {
  count += 1;
  folder = join(root, `${count}`);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A lock whose notices are kept. */
function lockIn(settings: LockSettings = {}): { lock: Lock; notices: string[] } {
  const lock = createLock({ folders: [folder], ...settings });
  const notices: string[] = [];
  return { lock: (request, work) => lock({ tell: (notice) => notices.push(notice), ...request }, work), notices };
}

/** Runs a shell script under the name of nft. */
function runnerOf(script: string): ReturnType<typeof createRunProgram> {
  const programs = mkdtempSync(join(root, 'bin-'));
  writeFileSync(join(programs, 'nft'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, 'nft'), 0o755);
  return createRunProgram({ env: { PATH: `${programs}:${process.env['PATH']}` } });
}

const run = createRunProgram();

/** Where the only lock is that was taken. */
function folderOfLock(): string {
  return join(folder, readdirSync(folder)[0] ?? '');
}

describe('a lock', () => {
  test('makes those who come later wait until the first is done, even if that fails', async () => {
    const { lock } = lockIn();
    const order: string[] = [];
    const work = (name: string, milliseconds: number) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await wait(milliseconds);
      order.push(`${name} ends`);
      if (name === 'first') {
        throw new Error('first fails');
      }
    };
    const first = lock({ table, run }, work('first', 150)).catch((error: Error) => order.push(error.message));
    await wait(50);
    await Promise.all([
      first,
      lock({ table, run }, work('second', 30)),
      lock({ table: 'other', run }, work('other', 5)),
    ]);
    expect(order.filter((entry) => !entry.startsWith('other'))).toEqual([
      'first begins',
      'first ends',
      'first fails',
      'second begins',
      'second ends',
    ]);
    expect(order.indexOf('other ends')).toBeLessThan(order.indexOf('first ends'));
  });

  test.each([
    ['that succeeds', async () => 'done'],
    ['that fails', () => Promise.reject(new Error('failed'))],
    [
      'that throws',
      () => {
        throw new Error('thrown');
      },
    ],
  ])('is given back after work %s, with every descriptor', async (_, work) => {
    const { lock, notices } = lockIn({ patience: 20_000 });
    const take = (): Promise<unknown> => lock({ table, run }, work).catch(() => undefined);
    await take();
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 20; round++) {
      await take();
    }
    // Nobody had to wait for it.
    expect(notices).toEqual([]);
    // Node closes a socket after the call.
    await wait(50);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  test('belongs to one at a time, whoever is faster', async () => {
    const { lock } = lockIn();
    let inside = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      await wait(Math.random() * 3);
      inside -= 1;
      done += 1;
    };
    const contender = async (): Promise<void> => {
      for (let round = 0; round < 8; round++) {
        await lock({ table, run }, work);
      }
    };
    await Promise.all(Array.from({ length: 12 }, contender));
    expect(done).toBe(96);
    expect(readdirSync(folderOfLock())).toEqual(['96', 'holder']);
  });

  test('lasts as long as a program that was started under it', async () => {
    const { lock } = lockIn({ silence: 200 });
    // The shell ends at once, and its child lives on, as does nft when svc2nft is killed.
    const leaving = runnerOf('sleep 60 > /dev/null 2>&1 & echo $!');
    const { stdout: left } = await lock({ table, run: leaving }, (locked) => locked('nft', []));
    const order: string[] = [];
    const tell = (notice: string): void => {
      order.push(notice);
      process.kill(Number(left));
    };
    await lock({ table, run, tell }, async () => order.push('taken'));
    const holder = `process ${left.trim()} \\(sleep 60\\) for \\d+ s, left by process ${process.pid}`;
    expect(order).toEqual([
      expect.stringMatching(new RegExp(`^waiting: the lock on table svc2nft is held by ${holder}$`)),
      'taken',
    ]);
  });

  test('is held even if nobody answers those who ask any more', async () => {
    const { lock } = lockIn({ patience: 100 });
    const leaving = runnerOf('sleep 60 > /dev/null 2>&1 & echo $!');
    const { stdout: left } = await lock({ table, run: leaving }, (locked) => locked('nft', []));
    // More than the queue of a socket holds.
    for (let asked = 0; asked < 600; asked++) {
      const socket = connect(join(folderOfLock(), '1'));
      await once(socket, 'connect').catch(() => undefined);
      socket.destroy();
    }
    await expect(lock({ table, run }, async () => 'taken')).rejects.toThrow(LockError);
    process.kill(Number(left));
  });

  test('goes to the later number when a slow contender takes one that is long over', async () => {
    const results: string[] = [];
    for (let attempt = 0; attempt < 20; attempt++) {
      const place = mkdtempSync(join(root, 'late-'));
      const other = createServer().listen(join(place, 'other'));
      await once(other, 'listening');
      const slow = tryLock(place);
      while (!readdirSync(place).some((one) => one.startsWith('new-') || one === '1')) {
        await new Promise(setImmediate);
      }
      linkSync(join(place, 'other'), join(place, '3'));
      const lock = await slow;
      results.push(lock ? 'has it' : 'waits');
      lock?.release();
      expect(await tryLock(place)).toBeUndefined();
      other.close();
    }
    expect(results).toContain('waits');
  });

  test('is not kept by programs that were started without it, or that have ended', async () => {
    const { lock } = lockIn({ patience: 5_000 });
    const leaving = runnerOf('sleep 60 > /dev/null 2>&1 & echo $!');
    const left = [await leaving('nft', [])];
    await lock({ table, run: runnerOf('exit 0') }, async (locked) => {
      left.push(await leaving('nft', []));
      await locked('nft', []);
    });
    expect(await lock({ table, run }, async () => 'taken')).toBe('taken');
    for (const { stdout: pid } of left) {
      expect(process.kill(Number(pid))).toBe(true);
    }
  });

  test('that is never given back ends in an error that names who has it', async () => {
    const { lock } = lockIn({ patience: 300 });
    await lock({ table, run }, async () => {
      const late = lock({ table, run }, async () => 'never');
      await expect(late).rejects.toThrow(LockError);
      await expect(late).rejects.toThrow(
        new RegExp(
          `^the lock on table svc2nft is held by process ${process.pid} \\(.*\\) for \\d s; end it if it hangs$`,
        ),
      );
    });
    expect(await lock({ table, run }, async () => 'free')).toBe('free');
  });

  test('that a killed process left is taken at once, with what else lies around', async () => {
    const { lock, notices } = lockIn({ patience: 20_000 });
    await lock({ table, run }, async () => undefined);
    const place = folderOfLock();
    // A socket that does not listen, and files that are none.
    const server = createServer().listen(join(place, '5-new'));
    await once(server, 'listening');
    symlinkSync(join(place, 'nothing'), join(place, '3'));
    writeFileSync(join(place, '7'), '');
    writeFileSync(join(place, 'holder'), '{"pid":"\u001b[2J');
    expect(await lock({ table, run }, async () => 'taken')).toBe('taken');
    expect(notices).toEqual([]);
    server.close();
    expect(readdirSync(place).sort()).toEqual(['8', 'holder']);
  });
});

describe('the folder', () => {
  /** Takes a lock with these folders; what was told, and in which of them it was. */
  async function place(...folders: readonly string[]): Promise<{ notices: string[]; used: string | undefined }> {
    const { lock, notices } = lockIn({ folders });
    await lock({ table, run }, async () => undefined);
    return { notices, used: folders.find((one) => isUsed(one)) };
  }

  function isUsed(path: string): boolean {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
    return isFolder === true && readdirSync(path).some((name) => readdirSync(join(path, name)).includes('holder'));
  }

  test('is made for this user only, without a word', async () => {
    expect(await place(folder)).toEqual({ notices: [], used: folder });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  const notOnlyOurs = 'it is not a folder that only its owner may write to';

  test.each<[string, string, (path: string) => void]>([
    [
      'others may write to',
      notOnlyOurs,
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
    ],
    ['leads elsewhere', notOnlyOurs, (path) => symlinkSync(mkdtempSync(join(root, 'else-')), path)],
    ['is a file', notOnlyOurs, (path) => writeFileSync(path, '')],
    ['cannot be made', 'ENOENT: no such file or directory', () => undefined],
  ])('that %s is not used, which is said', async (name, reason, prepare) => {
    const wrong = join(root, name === 'cannot be made' ? 'no/folder' : `wrong-${count}`);
    prepare(wrong);
    expect(await place(wrong, folder)).toEqual({
      notices: [`the lock is in ${folder}, so it keeps away only those who use this folder, too: ${wrong}: ${reason}`],
      used: folder,
    });
    expect(await place(wrong)).toEqual({
      notices: [`no lock keeps another svc2nft away: ${wrong}: ${reason}`],
      used: undefined,
    });
  });

  test.skipIf(process.geteuid?.() !== 0)('of another user is left to that user', async () => {
    const foreign = join(root, `foreign-${count}`);
    mkdirSync(foreign);
    chownSync(foreign, 65_534, 65_534);
    expect(await place(foreign, folder)).toEqual({ notices: [], used: folder });
    expect(await place(foreign)).toEqual({
      notices: [`no lock keeps another svc2nft away: ${foreign}: it belongs to another user`],
      used: undefined,
    });
  });
});

describe('a lock that is kept', () => {
  test('is not given back between two pieces of work', async () => {
    const { lock } = lockIn({ patience: 50 });
    const kept = keepLock(lock);
    expect(await kept.lock({ table, run }, async () => 'first')).toBe('first');
    await expect(lock({ table, run }, async () => 'other')).rejects.toThrow(LockError);
    expect(await kept.lock({ table, run }, async () => 'second')).toBe('second');
    await expect(kept.lock({ table, run }, () => Promise.reject(new Error('odd')))).rejects.toThrow('odd');
    await expect(lock({ table, run }, async () => 'other')).rejects.toThrow(LockError);
    await kept.release();
    expect(await lock({ table, run }, async () => 'other')).toBe('other');
  });

  test('is asked for again after others kept it for too long', async () => {
    const { lock } = lockIn({ patience: 50 });
    const kept = keepLock(lock);
    await lock({ table, run }, async () => {
      await expect(kept.lock({ table, run }, async () => 'first')).rejects.toThrow(LockError);
    });
    expect(await kept.lock({ table, run }, async () => 'second')).toBe('second');
    await kept.release();
    expect(await lock({ table, run }, async () => 'other')).toBe('other');
  });

  test('that nobody took is released at once', async () => {
    await keepLock(lockIn().lock).release();
  });
});
