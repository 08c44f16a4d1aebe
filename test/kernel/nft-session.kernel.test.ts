import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classifyNftError } from '../../src/kernel/nft-error.ts';
import { createNftSession, type NftSession } from '../../src/kernel/nft-session.ts';
import { loadTransaction } from '../../src/kernel/run-nft.ts';
import { createRunProgram, type RunningProgram, type RunProgram } from '../../src/kernel/run-program.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';

describe.skipIf(!kernelTestsRun)('a session of nft', () => {
  let node: TestNode;
  let started: RunningProgram[];
  let starts: string[];
  let run: RunProgram;
  const sessions: NftSession[] = [];

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    await node.close();
  });

  async function open(options?: Parameters<typeof createNftSession>[1]): Promise<NftSession> {
    await node.nft('flush ruleset\nadd table ip t { comment "ours"; }\nadd set ip t s { type ipv4_addr; }');
    started = [];
    starts = [];
    run = (program, args, input, runOptions) => {
      starts.push([program, ...args].join(' '));
      const { interact } = runOptions ?? {};
      return node.run(program, args, input, {
        ...runOptions,
        ...(interact && {
          interact: (child) => {
            started.push(child);
            interact(child);
          },
        }),
      });
    };
    const session = createNftSession(run, options);
    sessions.push(session);
    return session;
  }

  async function elements(): Promise<string[]> {
    return [...(await node.print('list', 'set', 'ip', 't', 's')).matchAll(/\d+\.\d+\.\d+\.\d+/g)].map(
      ([address]) => address,
    );
  }

  test('loads transactions one after the other with one nft, comments with separators included', async () => {
    const session = await open();
    const add = 'add element ip t s { 192.0.2.1 comment "a; b # c" }\nadd element ip t s { 192.0.2.2 }\n';
    expect(await loadTransaction(session.run, add)).toBeUndefined();
    expect(await loadTransaction(session.run, 'delete element ip t s { 192.0.2.1 }\n')).toBeUndefined();
    expect(await elements()).toEqual(['192.0.2.2']);
    expect(starts).toEqual(['nft -i']);
  });

  test('stays where no terminal is known, as in a container without terminfo', async () => {
    await open();
    const PATH = `${node.folder}:${process.env['PATH']}`;
    const runWithoutTerminal = createRunProgram({ env: { PATH, TERM: 'no-such-terminal' } });
    const programs: string[] = [];
    const session = createNftSession((program, args, ...others) => {
      programs.push([program, ...args].join(' '));
      return runWithoutTerminal(program, args, ...others);
    });
    sessions.push(session);
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.1 }\n')).toBeUndefined();
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.2 }\n')).toBeUndefined();
    expect(await elements()).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(programs).toEqual(['nft -i']);
  });

  test('loads commands that have several lines', async () => {
    const session = await open();
    const add =
      'add element ip t s {\n\t192.0.2.1 comment "x",\n\t192.0.2.2,\n}\nadd chain ip t c\nadd rule ip t c drop\n';
    expect(await loadTransaction(session.run, add)).toBeUndefined();
    expect(await elements()).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await node.print('list', 'chain', 'ip', 't', 'c')).toContain('drop');
  });

  test('carries out calls that overlap in their order', async () => {
    const session = await open();
    const changes = Array.from(
      { length: 40 },
      (_, index) => `${index % 2 ? 'delete' : 'add'} element ip t s { 192.0.2.7 }\n`,
    );
    const errors = await Promise.all(changes.map((change) => loadTransaction(session.run, change)));
    expect(errors.filter((error) => error !== undefined)).toEqual([]);
    expect(await elements()).toEqual([]);
  });

  test.each([
    ['no-such-file', 'add element ip t s { 192.0.2.3 }\ndelete element ip t s { 192.0.2.99 }\n'],
    ['no-such-file', 'add element ip t s { 192.0.2.3 }\nadd element ip t other { 192.0.2.3 }\n'],
    ['syntax', 'add element ip t s { 192.0.2.3 }\nadd nonsense\n'],
    ['syntax', 'add element ip t s { 192.0.2.3 }\nadd element ip t s { 2001:db8::1 }\n'],
  ])('leaves nothing of a transaction that ends with the error %s', async (kind, text) => {
    const session = await open();
    const error = await loadTransaction(session.run, text);
    expect(error?.kind).toBe(kind);
    expect(classifyNftError(await node.run('nft', ['-f', '-'], text)).kind).toBe(kind);
    expect(await elements()).toEqual([]);
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.4 }\n')).toBeUndefined();
    expect(await elements()).toEqual(['192.0.2.4']);
    expect(starts).toEqual(['nft -i']);
  });

  test('leaves long transactions and other programs to the runner', async () => {
    const session = await open();
    const many = Array.from(
      { length: 2_000 },
      (_, index) => `add element ip t s { 10.0.${index >> 8}.${index & 255} }\n`,
    );
    expect(await loadTransaction(session.run, many.join(''))).toBeUndefined();
    expect((await session.run('nft', ['--version'])).stdout).toContain('nftables');
    expect(await elements()).toHaveLength(2_000);
    expect(starts).toEqual(['nft -f -', 'nft --version']);
  });

  test('replaces nft after a number of transactions, and when it was killed', async () => {
    const reasons: string[] = [];
    const session = await open({ transactions: 3, onReplace: (reason) => reasons.push(reason) });
    for (let last = 1; last <= 8; last += 1) {
      expect(await loadTransaction(session.run, `add element ip t s { 192.0.2.${last} }\n`)).toBeUndefined();
    }
    expect(starts).toEqual(['nft -i', 'nft -i', 'nft -i']);
    expect(reasons).toEqual(['old', 'old']);
    started.at(-1)?.kill();
    const errors = [];
    for (let last = 11; last <= 13; last += 1) {
      errors.push(await loadTransaction(session.run, `add element ip t s { 192.0.2.${last} }\n`));
    }
    // Either it is known that it has ended, or the transaction is lost, which is said.
    expect(errors.filter((error) => error !== undefined && error.kind !== 'interrupted')).toEqual([]);
    expect(errors.slice(1)).toEqual([undefined, undefined]);
    expect(reasons[2]).toBe('ended');
    expect(await elements()).toEqual(expect.arrayContaining(['192.0.2.12', '192.0.2.13']));
  });

  test('leaves no history of its transactions', async () => {
    await open();
    const home = join(node.folder, 'home');
    await mkdir(home);
    const inNode = createRunProgram({ env: { PATH: node.folder, HOME: home } });
    const session = createNftSession(inNode);
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.1 }\n')).toBeUndefined();
    await session.close();
    expect(await elements()).toEqual(['192.0.2.1']);
    expect(await readdir(home)).toEqual([]);
  });

  test('ends an nft that hangs, and says so', async () => {
    const session = await open({ longest: 500 });
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.1 }\n')).toBeUndefined();
    const { pid } = started[0] ?? {};
    process.kill(pid ?? 0, 'SIGSTOP');
    expect((await loadTransaction(session.run, 'add element ip t s { 192.0.2.2 }\n'))?.kind).toBe('timed-out');
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.3 }\n')).toBeUndefined();
    expect(await elements()).toEqual(expect.arrayContaining(['192.0.2.1', '192.0.2.3']));
  });

  test('does without where nft has no command line', async () => {
    await open();
    const poor: RunProgram = (program, args, input, options) =>
      args[0] === '-i' ? node.run(program, ['--no-such-option'], input, options) : run(program, args, input, options);
    const session = createNftSession(poor);
    sessions.push(session);
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.1 }\n')).toBeUndefined();
    expect(await loadTransaction(session.run, 'add element ip t s { 192.0.2.2 }\n')).toBeUndefined();
    expect(await elements()).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(starts).toEqual(['nft -f -', 'nft -f -']);
  });

  test('does without for a while where one nft could not take the place of another', async () => {
    await open();
    let failures = 1;
    const poor: RunProgram = (program, args, input, options) => {
      if (args[0] === '-i' && starts.includes('nft -i') && failures > 0) {
        failures -= 1;
        return node.run(program, ['--no-such-option'], input, options);
      }
      return run(program, args, input, options);
    };
    const session = createNftSession(poor, { transactions: 1, retryAfter: 2 });
    sessions.push(session);
    for (let last = 1; last <= 5; last += 1) {
      expect(await loadTransaction(session.run, `add element ip t s { 192.0.2.${last} }\n`)).toBeUndefined();
    }
    expect(await elements()).toHaveLength(5);
    expect(starts).toEqual(['nft -i', 'nft -f -', 'nft -f -', 'nft -f -', 'nft -i']);
  });
});
