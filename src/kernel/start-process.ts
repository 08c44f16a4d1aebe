import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';

/** A process that runs beside this one, with pipes at its stdin and stdout. */
export interface StartedProcess {
  /** In the namespace of processes of this one. */
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves once it has ended. */
  readonly ended: Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** Where programs are found that only root needs: PATH often lacks these folders. */
const systemFolders = '/usr/sbin:/sbin';

/** Starts a program that stays; what it prints to stderr goes where that of this process goes. @throws Error if it cannot be started. */
export async function startProcess(program: string, args: readonly string[]): Promise<StartedProcess> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: withSystemPath(process.env),
    cwd: '/',
  });
  const ended = endOf(child);
  const pid = await started(child);
  // EPIPE: it has ended, which `ended` tells.
  child.stdin.on('error', () => undefined);
  return { pid, stdin: child.stdin, stdout: child.stdout, ended, kill: () => void child.kill('SIGKILL') };
}

/** What a program that ran for a moment has printed. */
export interface ShortRun {
  readonly exitCode: number;
  readonly stderr: string;
}

/** Runs a program with a text on its stdin to its end. @throws Error if it cannot be started. */
export async function runShortly(program: string, args: readonly string[], input: string): Promise<ShortRun> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env: withSystemPath(process.env), cwd: '/' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(0, 10_000);
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await started(child);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  await closed;
  return { exitCode: child.exitCode ?? 1, stderr };
}

/**
 * Starts a program that goes on when this process ends, in a session of its own, which writes to a file.
 *
 * @param output a file descriptor.
 * @throws Error if it cannot be started.
 */
export async function startDetached(
  program: string,
  args: readonly string[],
  output: number,
): Promise<Pick<StartedProcess, 'pid' | 'ended'>> {
  const child = spawn(program, args, {
    stdio: ['ignore', output, output],
    env: withSystemPath(process.env),
    cwd: '/',
    detached: true,
  });
  const ended = endOf(child);
  const pid = await started(child);
  child.unref();
  return { pid, ended };
}

/**
 * Runs a program with the stdin, stdout and stderr of this process. Ctrl+C is left to it.
 *
 * @returns its exit code; 128 and the number of the signal that ended it.
 * @throws Error if it cannot be started.
 */
export async function runInTerminal(program: string, args: readonly string[]): Promise<number> {
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore).on('SIGQUIT', ignore);
  try {
    const child = spawn(program, args, { stdio: 'inherit', env: withSystemPath(process.env) });
    const ended = endOf(child);
    await started(child);
    await ended;
    return child.exitCode ?? 128 + (child.signalCode ? constants.signals[child.signalCode] : 0);
  } finally {
    process.off('SIGINT', ignore).off('SIGQUIT', ignore);
  }
}

function withSystemPath(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: [env['PATH'] || '/usr/local/bin:/usr/bin:/bin', systemFolders].join(':') };
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}
