import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { getHeapStatistics } from 'node:v8';

/** The result of running a program. */
export interface ProgramResult {
  /** Undefined if it did not start, if a signal ended it, or if not all of its output could be read. */
  readonly exitCode: number | undefined;
  /** The name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | undefined;
  readonly stdout: string;
  /** Its first 65,536 bytes; if it is empty and there is no exit code, the reason, if known. */
  readonly stderr: string;
  /** The program is not installed. */
  readonly missing: boolean;
  /** It may not be executed. */
  readonly denied: boolean;
  /** It was ended because it ran longer than this, in milliseconds. */
  readonly timedOut?: number;
}

/** All programs that are ever run. Those after the first three, other than restoring, change nothing. */
export type Program =
  | 'nft'
  | 'conntrack'
  | 'uname'
  | 'unshare'
  | 'ip'
  | `${'iptables' | 'ip6tables'}${'' | '-nft' | '-legacy'}-${'save' | 'restore'}`;

/**
 * Runs a program with the input on its stdin, which is empty without input. Any behavior of the program is a result; the
 * promise is never rejected.
 */
export type RunProgram = (
  program: Program,
  args: readonly string[],
  input?: string,
  options?: RunOptions,
) => Promise<ProgramResult>;

/** What differs from one run to another. */
export interface RunOptions {
  /** After how many milliseconds to send SIGTERM, and SIGKILL 5 seconds later; default: one minute. */
  readonly longest?: number;
  /** How much it may print, in characters; it fails if it prints more. Default: what fits into memory. */
  readonly largest?: number;
  /** A file descriptor of this process that the program gets, too, as number 3: it keeps a lock until the program ends. */
  readonly inherit?: number;
  /** Called once the program has been started, if it could be. */
  readonly onStart?: () => void;
  /** Receives what the program prints as it comes; the result then has no stdout. Runners for tests may leave that out. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  /** Ends the program like {@link RunProgramOptions.signal}. */
  readonly signal?: AbortSignal;
  /**
   * Receives the running program. It is for programs that go on until they are ended: `longest` has no default, there is no
   * input but what is written to it, and the result has no output.
   */
  readonly interact?: (program: RunningProgram) => void;
}

/** A program that runs. */
export interface RunningProgram {
  /** Undefined if it did not start. */
  readonly pid: number | undefined;
  /** Writes to its stdin. A program that has ended is none the wiser. */
  write(text: string): void;
  /** Closes its stdin. */
  end(): void;
  /** Ends it at once. */
  kill(): void;
  onStdout(listener: (text: string) => void): void;
  onStderr(listener: (text: string) => void): void;
}

/** Where to find programs, and what ends them early. */
export interface RunProgramOptions {
  /** The environment, whose PATH says where the programs are; by default, that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends programs with SIGTERM. nft still loads a transaction whole or not at all. */
  readonly signal?: AbortSignal;
}

/**
 * In characters: a little less than the longest string of V8, and what fits into the memory that V8 may use together with
 * what is read from it, which takes about six times as much.
 */
const longestStdout = Math.min(500_000_000, Math.floor(getHeapStatistics().heap_size_limit / 7));

/** In bytes. nft quotes every line that it refuses, and one line may be the whole input. */
const longestStderr = 65_536;

/** In milliseconds. Callers give more time for what depends on the size of tables. */
const longestRun = 60_000;

/** Creates a {@link RunProgram} for the programs of this machine. No other code starts processes. */
export function createRunProgram({ env = process.env, signal }: RunProgramOptions = {}): RunProgram {
  return async (program, args, input, options = {}) => {
    const { longest = longestRun, inherit, interact, onStart, onOutput, signal: ending } = options;
    const largest = Math.min(options.largest ?? longestStdout, longestStdout);
    // Most callers only compile, and start no program.
    const { execa } = await import('execa');
    if (!canStart()) {
      return { ...notStarted, stderr: `spawn ${program} EMFILE` };
    }
    const signals = [signal, ending].filter((one) => one !== undefined);
    const common = {
      env: { ...childEnvironment(env), ...(interact && noHome) },
      extendEnv: false,
      // The current folder may be gone by now.
      cwd: '/',
      reject: false,
      ...(signals.length > 0 && { cancelSignal: AbortSignal.any(signals) }),
    } as const;
    // execa takes any descriptor; its types know those up to 9.
    const inherited = inherit === undefined ? [] : [inherit as 3];
    if (interact) {
      const staying = execa(program, args, { ...common, stdio: ['pipe', 'pipe', 'pipe', ...inherited], buffer: false });
      return runUntilItEnds(staying, interact);
    }
    const stdin = openStdin(input);
    const child = execa(program, args, {
      ...common,
      ...(stdin.source === 'pipe' && input !== undefined && { input }),
      stdio: [
        stdin.source as 3 | 'ignore' | 'pipe',
        'pipe',
        { transform: takeFirst(longestStderr), binary: true },
        ...inherited,
      ],
      maxBuffer: largest,
      ...(onOutput && { buffer: { stdout: false } }),
      stripFinalNewline: false,
    });
    const limit = startLimit(child.pid, longest);
    const output = onOutput && passOutput(child.stdout, onOutput, largest);
    onStart?.();
    const ended = await child;
    const isMaxBuffer = ended.isMaxBuffer || output?.isExceeded() === true;
    const result = toProgramResult({ ...ended, isMaxBuffer }, largest);
    limit.clear();
    stdin.close();
    return limit.isExceeded() ? { ...result, timedOut: longest } : result;
  };
}

/** What a process takes for its pipes, and a file for its input. */
const descriptors = 12;

/** Without pipes execa throws, and Node then ends this process because nothing listens to the error of the other one. */
function canStart(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < descriptors) {
      opened.push(openSync('/dev/null', 'r'));
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of opened) {
      closeSync(descriptor);
    }
  }
}

/** The result where the system has no descriptor left. */
const notStarted: ProgramResult = {
  ...{ exitCode: undefined, signal: undefined, stdout: '', stderr: '' },
  ...{ missing: false, denied: false },
};

/** Passes output on as it comes. A program that prints too much ends because nobody reads the rest. */
function passOutput(
  stdout: Readable | null,
  onOutput: NonNullable<RunOptions['onOutput']>,
  largest: number,
): { readonly isExceeded: () => boolean } {
  let count = 0;
  stdout?.on('data', (bytes: Uint8Array) => {
    count += bytes.length;
    if (count > largest) {
      stdout.destroy();
    } else {
      onOutput(bytes);
    }
  });
  return { isExceeded: () => count > largest };
}

/** The part of execa's process that is used. */
interface ExecaProcess extends PromiseLike<Omit<ExecaResult, 'stdout' | 'stderr'>> {
  readonly pid?: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  kill(signal: 'SIGKILL'): boolean;
}

async function runUntilItEnds(
  child: ExecaProcess,
  interact: (program: RunningProgram) => void,
): Promise<ProgramResult> {
  // EPIPE: it has ended, which the result says.
  child.stdin.on('error', () => undefined);
  const listen = (stream: Readable, listener: (text: string) => void): void => {
    stream.setEncoding('utf8').on('data', listener);
  };
  // Output that nobody reads must not block it.
  child.stdout.resume();
  child.stderr.resume();
  interact({
    pid: child.pid,
    write: (text) => child.stdin.write(text),
    end: () => child.stdin.end(),
    kill: () => child.kill('SIGKILL'),
    onStdout: (listener) => listen(child.stdout, listener),
    onStderr: (listener) => listen(child.stderr, listener),
  });
  return toProgramResult(await child);
}

/** In milliseconds, between SIGTERM and SIGKILL. */
const grace = 5_000;

/**
 * Ends a process after a time, and the processes that it has started: nft may be a shell script, and the script's own nft
 * would go on, and change rules later.
 */
function startLimit(pid: number | undefined, longest: number): { isExceeded(): boolean; clear(): void } {
  let isExceeded = false;
  const end = (): void => {
    isExceeded = true;
    const processes = pid === undefined ? [] : withDescendants(pid);
    sendSignal(processes, 'SIGTERM');
    timer = setTimeout(() => sendSignal(processes, 'SIGKILL'), grace);
  };
  let timer = setTimeout(end, longest);
  return { isExceeded: () => isExceeded, clear: () => clearTimeout(timer) };
}

function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)];
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // It has ended, or this kernel does not list children.
    return [];
  }
}

function sendSignal(processes: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of processes) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

/** The part of execa's result that is used. */
interface ExecaResult {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly failed: boolean;
  readonly isMaxBuffer: boolean;
  readonly originalMessage?: string | undefined;
  readonly code?: string | undefined;
}

function toProgramResult(result: ExecaResult, largest = longestStdout): ProgramResult {
  if (result.isMaxBuffer) {
    // Its end is of no interest: it could not write any more.
    const stderr = `printed more than ${Math.floor(largest / 1e6)} MB`;
    return { exitCode: undefined, signal: undefined, stdout: '', stderr, missing: false, denied: false };
  }
  // Truncated output also comes with exit code 0.
  const exitCode = result.failed && result.exitCode === 0 ? undefined : result.exitCode;
  return {
    exitCode,
    signal: result.signal,
    stdout: result.stdout ?? '',
    stderr: result.stderr || (exitCode === undefined ? (result.originalMessage ?? '') : ''),
    missing: result.code === 'ENOENT',
    denied: result.code === 'EACCES' || result.code === 'EPERM',
  };
}

/** PATH often lacks nft's folder for users without root. Messages must not be translated, because their words are matched. */
function childEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const path = [env['PATH'] || '/usr/local/bin:/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':');
  return { ...env, PATH: path, LC_ALL: 'C' };
}

/** nft -i reads all of ~/.nft.history when it starts, and adds its commands to it when it ends: without a limit, for each change. */
const noHome = { HOME: '/dev/null' };

/** A transform that passes the first bytes and drops the others. */
function takeFirst(count: number): (chunk: unknown) => Generator<Uint8Array> {
  let left = count;
  return function* take(chunk) {
    if (chunk instanceof Uint8Array && left > 0) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      yield part;
    }
  };
}

/** How much a pipe takes in one piece, in bytes. */
const onePiece = 65_536;

/** The stdin of a program. */
interface Stdin {
  /** A file descriptor to read from, or a pipe for a short text, which one write hands over. */
  readonly source: number | 'pipe' | 'ignore';
  close(): void;
}

/**
 * Writes a long input to a file that the program reads by itself. A process that is killed while it writes to a pipe leaves
 * the beginning of the text in it, and nft may carry out the beginning of a transaction. The file has no name when the
 * program starts, so none is left behind.
 *
 * Without a writable folder, as in some containers, a pipe is used.
 */
function openStdin(text: string | undefined): Stdin {
  const bytes = text === undefined ? undefined : Buffer.from(text);
  const descriptor = bytes && bytes.length > onePiece ? writeNameless(bytes) : undefined;
  return descriptor === undefined
    ? { source: bytes ? 'pipe' : 'ignore', close: () => undefined }
    : { source: descriptor, close: () => closeSync(descriptor) };
}

/** A descriptor, which the caller has to close, of a file without a name; undefined where none can be written. */
export function writeNameless(bytes: Uint8Array): number | undefined {
  const path = join(tmpdir(), `svc2nft-${crypto.randomUUID()}`);
  let descriptor: number | undefined;
  try {
    // Exclusive, so that a link placed there by others is not followed.
    descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    // With positions, because the program reads from the descriptor's own position, the start.
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(descriptor, bytes, written, bytes.length - written, written);
    }
    return descriptor;
  } catch {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
    return undefined;
  }
}
