import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What became of a program. */
export interface ProgramResult {
  /** undefined when it did not start, when a signal ended it, and when not all of its output could be read. */
  readonly exitCode: number | undefined;
  /** The name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | undefined;
  readonly stdout: string;
  /** Its first 65,536 bytes; when there is none and no exit code either, the reason for that, if known. */
  readonly stderr: string;
  /** The program is not installed. */
  readonly missing: boolean;
  /** It may not be executed. */
  readonly denied: boolean;
}

/** All programs that are ever run. Beyond the first three they only look, and nothing but the doctor runs them. */
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
 * Runs a program, with the input on its stdin; without input stdin is empty. It is ended with SIGTERM when it takes
 * longer than so many milliseconds, or ten minutes. Whatever the program does is a result: the promise is never
 * rejected for it.
 */
export type RunProgram = (
  program: Program,
  args: readonly string[],
  input?: string,
  longest?: number,
) => Promise<ProgramResult>;

/** Where programs are looked for, and what ends them early. */
export interface RunProgramOptions {
  /** The environment, whose PATH says where the programs are; default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends programs with SIGTERM. Even then nft loads a transaction whole or not at all. */
  readonly signal?: AbortSignal;
}

/** In characters; a little less than the longest text that V8 holds. */
const longestStdout = 500_000_000;

/** In bytes. nft quotes every line that it refuses, and one line may be all of the input. */
const longestStderr = 65_536;

/** In milliseconds: a program that takes longer hangs. The largest tables take a minute. */
const longestRun = 600_000;

/** Makes a {@link RunProgram} for the programs of this machine; no other code starts processes. */
export function createRunProgram({ env = process.env, signal }: RunProgramOptions = {}): RunProgram {
  return async (program, args, input, longest = longestRun) => {
    // Most callers only compile, and start no program.
    const { execa } = await import('execa');
    const whole = input === undefined ? undefined : wholeInput(input);
    const result = await execa(program, args, {
      // execa takes any descriptor; its types know those up to 9.
      ...(whole?.descriptor === undefined ? stdinOf(input) : { stdin: whole.descriptor as 3 }),
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
    whole?.close();
    return toProgramResult(result);
  };
}

/** Of what execa gives. */
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
  // Output that was cut off comes with exit code 0 as well.
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

/** Users without root often lack the folders where nft is. Messages are told apart by their words: not translated ones. */
function childEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const path = [env['PATH'] || '/usr/local/bin:/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':');
  return { ...env, PATH: path, LC_ALL: 'C' };
}

/** A transform that lets the first bytes through and swallows the others. */
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

/** So much goes through a pipe in one piece. In bytes. */
const onePiece = 65_536;

/** An input that a program gets whole, whatever happens to this one. */
export interface WholeInput {
  /** A file descriptor for its stdin, or undefined for a short text, which one write hands over. */
  readonly descriptor: number | undefined;
  close(): void;
}

/**
 * Puts an input where a program can read it to its end by itself. Whoever is killed while it writes a long text into a
 * pipe leaves a beginning behind, and the beginning of a transaction may be one that nft carries out. The file has no
 * name any more when the program starts, so that none is left behind either.
 *
 * Where no file can be written, as in a container without a writable folder, the pipe has to do.
 */
export function wholeInput(text: string): WholeInput {
  const bytes = Buffer.from(text);
  const descriptor = bytes.length > onePiece ? writeNameless(bytes) : undefined;
  return { descriptor, close: () => (descriptor === undefined ? undefined : closeSync(descriptor)) };
}

function writeNameless(bytes: Uint8Array): number | undefined {
  const path = join(tmpdir(), `svc2nft-${randomBytes(8).toString('hex')}`);
  let descriptor: number | undefined;
  try {
    // Exclusive: nobody may have put a link there.
    descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    // With positions, for the program reads from where the descriptor stands: the start.
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
