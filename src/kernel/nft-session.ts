import { closeSync, readlinkSync } from 'node:fs';
import type { TableName } from '../nft/listed-table.ts';
import { identifier } from '../nft/print.ts';
import { classifyNftError, type NftError } from './nft-error.ts';
import {
  type ProgramResult,
  type RunningProgram,
  type RunOptions,
  type RunProgram,
  writeNameless,
} from './run-program.ts';

/** One nft that stays, and loads one transaction after another: starting nft for each takes much longer than the change. */
export interface NftSession extends TableOwner {
  /**
   * Runs programs as the runner does that the session was created with, but hands short transactions (`nft -f -`) to the nft
   * that stays. Should it die or hang, the result is that of an nft that was ended: the transaction may have been loaded.
   */
  readonly run: RunProgram;
  /** Ends the nft that stays, after the transactions so far. */
  close(): Promise<void>;
}

/** An nft that owns tables: nobody else can change them. */
export interface TableOwner {
  /**
   * Makes a table the owner's own, and keeps it so when its nft is replaced: one that it has created with `flags owner, persist`,
   * or one with `flags persist` whose owner has ended. The error `no-permission` means that another process owns it.
   */
  own(table: TableName): Promise<NftError | undefined>;
}

/** Limits of a session. */
export interface NftSessionOptions {
  /** After how many transactions nft is replaced: its history takes half a kilobyte for each. */
  readonly transactions?: number;
  /** After how many milliseconds without an answer nft is ended. */
  readonly longest?: number;
  /** After how many transactions nft is started again, when one that should replace another could not be. */
  readonly retryAfter?: number;
  /**
   * Whether tables are the session's own. Then the nft that stays loads every transaction, because no other nft can; long ones
   * as a file. Needs nft 1.1 and Linux 6.9.
   */
  readonly owns?: boolean;
  /** Called when another nft takes the place of one that stayed: because that had ended, or because it was old or large. */
  readonly onReplace?: (reason: 'ended' | 'old') => void;
}

/**
 * In characters. A line that fits into the pipe at once arrives whole even if this process is killed, and nft would carry out
 * the beginning of one. Longer ones also stay in the memory of nft.
 */
const longestLine = 32_000;

/** In characters. nft keeps the memory that it took for a transaction, about 20 bytes for a character. */
const longestKept = 1_000_000;

/** A session for the nft that a runner starts. Nothing is started before the first transaction. */
export function createNftSession(run: RunProgram, options: NftSessionOptions = {}): NftSession {
  const { owns = false, retryAfter = 100 } = options;
  let hasStayed = false;
  /** How many transactions get an nft of their own before one is asked to stay. */
  let others = 0;
  let last: Promise<unknown> = Promise.resolve();
  const enqueue: Enqueue = (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const keeper = keepNft(run, options, enqueue);
  const loadOrRun = async (line: string, [program, args, input, runOptions = {}]: Parameters<RunProgram>) => {
    const result = await keeper.load(line, { ...runOptions, longest: undefined });
    hasStayed ||= result !== undefined;
    if (result === undefined) {
      others = hasStayed ? retryAfter : Number.POSITIVE_INFINITY;
    }
    return result ?? run(program, args, input, runOptions);
  };
  return {
    run: (program, args, input, runOptions = {}) => {
      const text = program === 'nft' && args.join(' ') === '-f -' ? (input ?? '') : undefined;
      const line = text === undefined ? undefined : toLine(text);
      if (owns && text !== undefined) {
        const load = (one: string) => loadAsOwner(keeper, one, runOptions);
        return enqueue(async () => {
          const result = await (line === undefined ? withFile(text, load) : load(line));
          if (text.length > longestKept) {
            await keeper.replace(runOptions.inherit);
          }
          return result;
        });
      }
      if (line === undefined) {
        return run(program, args, input, runOptions);
      }
      if (others > 0) {
        others -= 1;
        return run(program, args, input, runOptions);
      }
      return enqueue(() => loadOrRun(line, [program, args, input, runOptions]));
    },
    own: async ({ family, table }) => {
      const name = `${family} ${identifier(table)}`;
      const adoption = `add table ${name} { flags owner, persist; }`;
      const result = await enqueue(() => loadAsOwner(keeper, adoption, { inherit: keeper.inherit() }));
      if (result.exitCode !== 0) {
        return classifyNftError(result);
      }
      keeper.keepOwned(name, adoption);
      return undefined;
    },
    close: async () => {
      keeper.stop();
      await last;
      await keeper.end();
    },
  };
}

/** Carries out work after all that was asked for before. */
type Enqueue = <T>(work: () => Promise<T>) => Promise<T>;

interface LoadOptions extends Pick<RunOptions, 'onStart'> {
  readonly inherit?: number | undefined;
  readonly longest?: number | undefined;
}

/** An nft that stays, whichever process that is. */
interface NftKeeper {
  /** Undefined where no nft can stay. */
  load(line: string, options: LoadOptions): Promise<ProgramResult | undefined>;
  /** Takes another process. */
  replace(inherit: number | undefined): Promise<unknown>;
  /** Adopts a table, which is owned now, whenever the process is another one. */
  keepOwned(name: string, adoption: string): void;
  isOwner(): boolean;
  /** What the process was given to keep a lock. */
  inherit(): number | undefined;
  /** Starts no other process when this one ends. */
  stop(): void;
  end(): Promise<void>;
}

function keepNft(
  run: RunProgram,
  { transactions = 2_000, longest = 30_000, onReplace }: NftSessionOptions,
  enqueue: Enqueue,
): NftKeeper {
  /** How tables are adopted, by their names. */
  const owned = new Map<string, string>();
  let nft: StayingNft | undefined;
  let isStopped = false;

  const replace = async (inherit: number | undefined): Promise<void> => {
    if (nft) {
      onReplace?.(nft.hasEnded() ? 'ended' : 'old');
    }
    // Tables are everybody's until the new nft has adopted them, so it has to be ready before the old one ends.
    const next = owned.size > 0 ? await startNft(run, { inherit, longest }) : undefined;
    await (owned.size > 0 ? nft?.kill() : nft?.end());
    nft = next ?? (await startNft(run, { inherit, longest }));
    for (const adoption of owned.values()) {
      await nft?.load(adoption, longest);
    }
    adoptAfter(nft);
  };
  /** When an nft that owns tables ends by itself, another one adopts them, unless it has done nothing else yet. */
  const adoptAfter = (owner: StayingNft | undefined): void => {
    if (!owner || owned.size === 0) {
      return;
    }
    void owner.ended.then(() =>
      enqueue(async () => {
        if (nft === owner && !isStopped && owner.lines() > owned.size) {
          await replace(owner.inherit);
        }
      }),
    );
  };
  return {
    load: async (line, { inherit, onStart, longest: patience = longest }) => {
      if (nft === undefined || nft.hasEnded() || nft.lines() >= transactions || nft.inherit !== inherit) {
        await replace(inherit);
      }
      if (nft) {
        onStart?.();
      }
      return nft?.load(line, patience);
    },
    replace,
    keepOwned: (name, adoption) => {
      const isFirst = owned.size === 0;
      owned.set(name, adoption);
      if (isFirst) {
        adoptAfter(nft);
      }
    },
    isOwner: () => owned.size > 0,
    inherit: () => nft?.inherit,
    stop: () => {
      isStopped = true;
    },
    end: async () => {
      await nft?.end();
      nft = undefined;
    },
  };
}

/** Loads a line; another nft cannot take the place of one that owns tables. */
async function loadAsOwner(keeper: NftKeeper, line: string, options: LoadOptions): Promise<ProgramResult> {
  const result = (await keeper.load(line, options)) ?? cannotStay;
  // Its socket makes an nft the owner. Should it have opened another one, or come too late to adopt a table, a new nft helps.
  if (keeper.isOwner() && /: Operation not permitted$/m.test(result.stderr)) {
    await keeper.replace(options.inherit);
    return (await keeper.load(line, options)) ?? cannotStay;
  }
  return result;
}

/** The result where nft was built without a command line. */
const cannotStay: ProgramResult = {
  exitCode: 1,
  signal: undefined,
  stdout: '',
  stderr: 'nft -i ends at once, so it cannot own a table',
  missing: false,
  denied: false,
};

/**
 * Hands a text to nft as a file that it includes: one transaction, as a line is. The file has no name, so it is found among those
 * that this process has open. Where no file can be written, the text is one long line.
 */
async function withFile(text: string, load: (line: string) => Promise<ProgramResult>): Promise<ProgramResult> {
  const descriptor = writeNameless(Buffer.from(text));
  if (descriptor === undefined) {
    return load(joinLines(text));
  }
  try {
    // The number of this process as those see it who share its /proc.
    return await load(`include "/proc/${readlinkSync('/proc/self')}/fd/${descriptor}"`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A transaction on one line; undefined for one that is too long. No name and no comment has a line feed. Lines of a command after
 * its first one are indented, or close a brace.
 */
function toLine(text: string): string | undefined {
  return text.length > longestLine ? undefined : joinLines(text);
}

function joinLines(text: string): string {
  return text
    .trimEnd()
    .replaceAll(/\n(?=[\t }])/g, ' ')
    .replaceAll('\n', '; ');
}

/** An nft that reads commands from its stdin, `nft -i`. */
interface StayingNft {
  readonly inherit: number | undefined;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
  /** @param longest how long it may take, in milliseconds. */
  load(line: string, longest: number): Promise<ProgramResult>;
  /** How many transactions it was given. */
  lines(): number;
  hasEnded(): boolean;
  /** Ends it after what it was given. */
  end(): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

interface StartOptions {
  readonly inherit: number | undefined;
  readonly longest: number;
}

/** Undefined when this nft cannot stay, because it was built without a command line. */
async function startNft(run: RunProgram, { inherit, longest }: StartOptions): Promise<StayingNft | undefined> {
  let result: ProgramResult | undefined;
  let started: (program: RunningProgram) => void;
  const start = new Promise<RunningProgram>((resolve) => {
    started = resolve;
  });
  const ended = run('nft', ['-i'], undefined, {
    ...(inherit !== undefined && { inherit }),
    interact: (program) => started(program),
  }).then((ending) => {
    result = ending;
    return ending;
  });
  const program = await Promise.race([start, ended.then(() => undefined)]);
  if (program === undefined) {
    return undefined;
  }
  const ask = askWith(program, ended);
  const kill = async (): Promise<void> => {
    program.kill();
    await ended;
  };
  // Before any transaction, so that nothing is lost if it ends here. Its library for lines first complains of a terminal that it
  // does not know, and in small containers it knows none.
  const first = await ask('', longest);
  const hasComplained = first.exitCode === undefined && first.timedOut === undefined;
  const { exitCode } = hasComplained ? await ask('', longest) : first;
  if (exitCode !== 0) {
    await kill();
    return undefined;
  }
  let lines = 0;
  return {
    inherit,
    ended,
    kill,
    load: async (line, patience) => {
      lines += 1;
      const answer = await ask(line, patience);
      if (answer.exitCode === undefined) {
        await kill();
      }
      return answer;
    },
    lines: () => lines,
    hasEnded: () => result !== undefined,
    end: async () => {
      program.end();
      const timer = setTimeout(program.kill, longest);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * nft answers a transaction on a pipe only if it fails. So each is followed by a command that always fails, and whose error
 * nft writes once it is done with everything before it: listing a table that does not exist.
 */
function askWith(
  program: RunningProgram,
  ended: Promise<ProgramResult>,
): (line: string, longest: number) => Promise<ProgramResult> {
  let said = '';
  let hear = (): void => undefined;
  let questions = 0;
  const name = `svc2nft-${crypto.randomUUID()}`;
  program.onStderr((text) => {
    said += text;
    hear();
  });
  return async (line, longest) => {
    questions += 1;
    const question = `list table ip ${name}-${questions}`;
    said = '';
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<ProgramResult>((resolve) => {
      hear = () => {
        const complaint = complaintBefore(question, said);
        if (complaint !== undefined) {
          resolve(resultOf(complaint));
        }
      };
      timer = setTimeout(() => resolve({ ...endedBy('SIGKILL', said), timedOut: longest }), longest);
    });
    program.write(`${line}\n${question}\n`);
    const dead = ended.then(({ signal }) => endedBy(signal ?? 'SIGKILL', said));
    const result = await Promise.race([answered, dead]);
    clearTimeout(timer);
    return result;
  };
}

/** What nft wrote before it came to the question; undefined before its answer to that is complete. */
function complaintBefore(question: string, said: string): string | undefined {
  const quoted = said.indexOf(`\n${question}\n`);
  if (quoted < 0 || !/\^\n/.test(said.slice(quoted))) {
    return undefined;
  }
  // Its message is the line before the quoted one.
  return said.slice(0, said.lastIndexOf('\n', quoted - 1) + 1);
}

function resultOf(complaint: string): ProgramResult {
  if (/\bError: /.test(complaint)) {
    return { exitCode: 1, signal: undefined, stdout: '', stderr: complaint, missing: false, denied: false };
  }
  const others = complaint.split('\n').filter((line) => line.trim() !== '' && !/^(?:# )?warning/i.test(line));
  return others.length === 0
    ? { exitCode: 0, signal: undefined, stdout: '', stderr: '', missing: false, denied: false }
    : endedBy('SIGKILL', complaint);
}

/** The result of an nft of which it is not known what it has done. */
function endedBy(signal: string, stderr: string): ProgramResult {
  return { exitCode: undefined, signal, stdout: '', stderr, missing: false, denied: false };
}
