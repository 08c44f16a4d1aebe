import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
}

/** All programs that are ever run. Only the doctor runs those after the first three, and they change nothing. */
type Program =
  | 'nft'
  | 'conntrack'
  | 'uname'
  | 'unshare'
  | 'iptables-legacy-save'
  | 'iptables-save'
  | 'ip6tables-legacy-save'
  | 'ip6tables-save';

/**
 * Runs a program with the input on its stdin, which is empty without input. Sends SIGTERM after `longest` milliseconds,
 * ten minutes by default. Any behavior of the program is a result; the promise is never rejected.
 */
export type RunProgram = (
  program: Program,
  args: readonly string[],
  input?: string,
  longest?: number,
) => Promise<ProgramResult>;

/** Where to find programs, and what ends them early. */
export interface RunProgramOptions {
  /** The environment, whose PATH says where the programs are; by default, that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends programs with SIGTERM. nft still loads a transaction whole or not at all. */
  readonly signal?: AbortSignal;
}

/** In characters; a little less than the longest string of V8. */
const longestStdout = 500_000_000;

/** In bytes. nft quotes every line that it refuses, and one line may be the whole input. */
const longestStderr = 65_536;

/** In milliseconds. A program that takes longer hangs: the largest tables take a minute. */
const longestRun = 600_000;

/** Creates a {@link RunProgram} for the programs of this machine. No other code starts processes. */
export function createRunProgram({ env = process.env, signal }: RunProgramOptions = {}): RunProgram {
  return async (program, args, input, longest = longestRun) => {
    // Most callers only compile, and start no program.
    const { execa } = await import('execa');
    const file = input === undefined ? undefined : openStdinFile(input);
    const result = await execa(program, args, {
      // execa takes any descriptor; its types know those up to 9.
      ...(file?.descriptor === undefined ? stdinOf(input) : { stdin: file.descriptor as 3 }),
      stderr: { transform: takeFirst(longestStderr), binary: true },
      env: childEnvironment(env),
      extendEnv: false,
      // The current folder may be gone by now.
      cwd: '/',
      maxBuffer: longestStdout,
      timeout: longest,
      stripFinalNewline: false,
      reject: false,
      ...(signal && { cancelSignal: signal }),
    });
    file?.close();
    return toProgramResult(result);
  };
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

function toProgramResult(result: ExecaResult): ProgramResult {
  const tooMuch = result.isMaxBuffer ? `printed more than ${longestStdout} characters` : '';
  const reason = tooMuch || (result.originalMessage ?? '');
  // Truncated output also comes with exit code 0.
  const exitCode = result.failed && result.exitCode === 0 ? undefined : result.exitCode;
  return {
    exitCode,
    signal: result.signal,
    stdout: result.stdout ?? '',
    stderr: result.stderr || (exitCode === undefined ? reason : ''),
    missing: result.code === 'ENOENT',
    denied: result.code === 'EACCES' || result.code === 'EPERM',
  };
}

function stdinOf(input: string | undefined): { stdin: 'ignore' } | { input: string } {
  return input === undefined ? { stdin: 'ignore' } : { input };
}

/** PATH often lacks nft's folder for users without root. Messages must not be translated, because their words are matched. */
function childEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const path = [env['PATH'] || '/usr/local/bin:/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':');
  return { ...env, PATH: path, LC_ALL: 'C' };
}

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

/** The input of a program, which it gets whole even if this process is killed. */
interface StdinFile {
  /** A file descriptor for its stdin, or undefined for a short text, which one write hands over. */
  readonly descriptor: number | undefined;
  close(): void;
}

/**
 * Writes a long input to a file that the program reads by itself. A process that is killed while it writes to a pipe leaves
 * the beginning of the text in it, and nft may carry out the beginning of a transaction. The file has no name when the
 * program starts, so none is left behind.
 *
 * Without a writable folder, as in some containers, a pipe is used.
 */
function openStdinFile(text: string): StdinFile {
  const bytes = Buffer.from(text);
  const descriptor = bytes.length > onePiece ? writeNameless(bytes) : undefined;
  return { descriptor, close: () => (descriptor === undefined ? undefined : closeSync(descriptor)) };
}

function writeNameless(bytes: Uint8Array): number | undefined {
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
