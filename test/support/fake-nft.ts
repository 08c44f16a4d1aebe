import type { ProgramResult, RunProgram } from '../../src/kernel/run-program.ts';

/** A call of a program: `nft -f -`, and what it got on its stdin. */
interface Call {
  readonly command: string;
  readonly input: string | undefined;
}

/** What a call gets: how its result differs from a silent success; undefined leaves it to the next one. */
export type Answer = (call: Call) => Partial<ProgramResult> | undefined;

/** An nft and a conntrack that only remember what they are asked. */
export interface FakeNft {
  readonly run: RunProgram;
  readonly calls: Call[];
  /** The first that has an answer gives it. Without any there is no table, and everything else is a silent success. */
  readonly answers: Answer[];
  /** The commands since the last call. */
  commandsSince(): string[];
  /** Texts that nft was to load, whether it did or not. */
  texts(): string[];
}

/** Makes one; answers may be added and taken away while it runs. */
export function createFakeNft(...answers: readonly Answer[]): FakeNft {
  const calls: Call[] = [];
  const all = [...answers];
  let seen = 0;
  return {
    calls,
    answers: all,
    run: async (program, args, input) => {
      const call = { command: [program, ...args].join(' '), input };
      calls.push(call);
      return { ...success, ...answerOf(call, all) };
    },
    commandsSince: () => {
      const commands = calls.slice(seen).map(({ command }) => command);
      seen = calls.length;
      return commands;
    },
    texts: () => calls.flatMap(({ command, input = '' }) => (command === 'nft -f -' ? [input] : [])),
  };
}

/** How nft is asked for a table. */
export const listTable = { ip: 'nft -nj list table ip svc2nft', ip6: 'nft -nj list table ip6 svc2nft' } as const;

/** How nft is asked for the chains of all tables. */
export const listChains = 'nft -j list chains';

/** What nft and the kernel say, with the exit code that goes with it. */
export const says: Readonly<
  Record<
    'fileExists' | 'noSuchFile' | 'busy' | 'notPermitted' | 'noMemory' | 'refused' | 'killed' | 'missing',
    Partial<ProgramResult>
  >
> = {
  fileExists: failure('/dev/stdin:1:22-28: Error: Could not process rule: File exists\n'),
  noSuchFile: failure('Error: No such file or directory\nlist table ip svc2nft\n              ^^^^^^^\n'),
  busy: failure('/dev/stdin:1:1-9: Error: Could not process rule: Device or resource busy\n'),
  notPermitted: failure('netlink: Error: cache initialization failed: Operation not permitted\n'),
  noMemory: failure('netlink: Error: Could not process rule: Cannot allocate memory\n'),
  /** The kernel does not say more when a set is full. */
  refused: failure('/dev/stdin:1:1-9: Error: Could not process rule: Too many open files in system\n'),
  killed: { exitCode: undefined, signal: 'SIGKILL' },
  missing: { exitCode: undefined, missing: true, stderr: 'spawn nft ENOENT' },
};

/** Answers one command, whatever its input. */
export function answering(command: string, result: Partial<ProgramResult>): Answer {
  return (call) => (call.command === command ? result : undefined);
}

/** Refuses every text with a word in it, to be loaded or checked. */
export function refusing(word: string, result: Partial<ProgramResult> = says.refused): Answer {
  return ({ input }) => (input?.includes(word) ? result : undefined);
}

/** An answer for so many calls, and no more. */
export function times(count: number, answer: Answer): Answer {
  let left = count;
  return (call) => {
    const result = left > 0 ? answer(call) : undefined;
    left -= result ? 1 : 0;
    return result;
  };
}

/** What nft prints for a table: objects as in `{ map: { name: ... } }`, of the table. */
export function printed(
  family: 'ip' | 'ip6',
  objects: readonly Readonly<Record<string, object>>[],
): Partial<ProgramResult> {
  const placed = objects.map((object) =>
    Object.fromEntries(Object.entries(object).map(([kind, body]) => [kind, { family, table: 'svc2nft', ...body }])),
  );
  return { stdout: JSON.stringify({ nftables: [{ table: { family, name: 'svc2nft' } }, ...placed] }) };
}

const success: ProgramResult = {
  exitCode: 0,
  signal: undefined,
  stdout: '',
  stderr: '',
  missing: false,
  denied: false,
};

function failure(stderr: string): Partial<ProgramResult> {
  return { exitCode: 1, stderr };
}

function answerOf(call: Call, answers: readonly Answer[]): Partial<ProgramResult> | undefined {
  for (const answer of answers) {
    const result = answer(call);
    if (result) {
      return result;
    }
  }
  return call.command.startsWith('nft -nj list ') ? says.noSuchFile : undefined;
}
