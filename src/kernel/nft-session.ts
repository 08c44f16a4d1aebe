import type { ProgramResult, RunningProgram, RunOptions, RunProgram } from './run-program.ts';

/** One nft that stays, and loads one transaction after another: starting nft for each takes much longer than the change. */
export interface NftSession {
  /**
   * Runs programs as the runner does that the session was created with, but hands short transactions (`nft -f -`) to the nft
   * that stays. Should it die or hang, the result is that of an nft that was ended: the transaction may have been loaded.
   */
  readonly run: RunProgram;
  /** Ends the nft that stays, after the transactions so far. */
  close(): Promise<void>;
}

/** Limits of a session. */
export interface NftSessionOptions {
  /** After how many transactions nft is replaced: its history takes half a kilobyte for each. */
  readonly transactions?: number;
  /** After how many milliseconds without an answer nft is ended. */
  readonly longest?: number;
}

/**
 * In characters. A line that fits into the pipe at once arrives whole even if this process is killed, and nft would carry out
 * the beginning of one. Longer ones also stay in the memory of nft.
 */
const longestLine = 32_000;

/** A session for the nft that a runner starts. Nothing is started before the first transaction. */
export function createNftSession(run: RunProgram, options: NftSessionOptions = {}): NftSession {
  const { transactions = 2_000, longest = 30_000 } = options;
  let nft: StayingNft | undefined;
  let isPossible = true;
  let last: Promise<unknown> = Promise.resolve();

  const load = async (line: string, { inherit, onStart }: RunOptions): Promise<ProgramResult | undefined> => {
    if (nft === undefined || nft.hasEnded() || nft.lines() >= transactions || nft.inherit !== inherit) {
      await nft?.end();
      nft = await startNft(run, { inherit, longest });
      isPossible = nft !== undefined;
    }
    if (nft) {
      onStart?.();
    }
    return nft?.load(line);
  };
  return {
    run: (program, args, input, runOptions) => {
      const line = program === 'nft' && args.join(' ') === '-f -' ? toLine(input ?? '') : undefined;
      if (line === undefined || !isPossible) {
        return run(program, args, input, runOptions);
      }
      const result = last.then(
        async () => (await load(line, runOptions ?? {})) ?? run(program, args, input, runOptions),
      );
      last = result;
      return result;
    },
    close: async () => {
      await last;
      await nft?.end();
      nft = undefined;
    },
  };
}

/**
 * A transaction on one line; undefined for one that is too long. No name and no comment has a line feed. Lines of a command after
 * its first one are indented, or close a brace.
 */
function toLine(text: string): string | undefined {
  return text.length > longestLine
    ? undefined
    : text
        .trimEnd()
        .replaceAll(/\n(?=[\t }])/g, ' ')
        .replaceAll('\n', '; ');
}

/** An nft that reads commands from its stdin, `nft -i`. */
interface StayingNft {
  readonly inherit: number | undefined;
  load(line: string): Promise<ProgramResult>;
  /** How many transactions it was given. */
  lines(): number;
  hasEnded(): boolean;
  end(): Promise<void>;
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
  const ask = askWith(program, { ended, longest });
  // Before any transaction, so that nothing is lost if it ends here.
  const first = await ask('');
  if (first.exitCode !== 0) {
    program.kill();
    await ended;
    return undefined;
  }
  let lines = 0;
  return {
    inherit,
    load: async (line) => {
      lines += 1;
      const answer = await ask(line);
      if (answer.exitCode === undefined) {
        program.kill();
        await ended;
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

interface AskOptions {
  readonly ended: Promise<ProgramResult>;
  readonly longest: number;
}

/**
 * nft answers a transaction on a pipe only if it fails. So each is followed by a command that always fails, and whose error
 * nft writes once it is done with everything before it: listing a table that does not exist.
 */
function askWith(program: RunningProgram, { ended, longest }: AskOptions): (line: string) => Promise<ProgramResult> {
  let said = '';
  let hear = (): void => undefined;
  let questions = 0;
  const name = `svc2nft-${crypto.randomUUID()}`;
  program.onStderr((text) => {
    said += text;
    hear();
  });
  return async (line) => {
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
