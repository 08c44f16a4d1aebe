import { PassThrough } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { main } from '../../src/cli/main.ts';
import type { KernelFiles } from '../../src/kernel/kernel-files.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import type { CommandResult } from '../support/run-main.ts';
import { clockWithoutProgress } from '../support/without-progress.ts';

/** Everything outside of a command: its input, programs, clock, environment and outputs. */
export interface CommandWorld {
  /** Standard input, which is a terminal without it. */
  readonly input?: string;
  readonly run: RunProgram;
  /** Without it, no progress is shown. */
  readonly now?: () => number;
  /** The name of this machine. */
  readonly hostName?: string;
  /** Its settings; none by default. */
  readonly kernelFiles?: KernelFiles;
  /** Its addresses; unknown by default. */
  readonly addresses?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How the program was called; `svc2nft` by default. */
  readonly program?: string;
  /** Which of the outputs are terminals. */
  readonly terminals?: readonly ('stdout' | 'stderr')[];
  /** The width of the terminal. */
  readonly columns?: number;
}

/** Runs the command line in this process, with `run` in place of programs. */
export async function runCommand(
  args: readonly string[],
  {
    input,
    run,
    now = clockWithoutProgress(),
    hostName = 'worker-1',
    kernelFiles,
    addresses,
    env = {},
    program = 'svc2nft',
    terminals = [],
    columns,
  }: CommandWorld,
): Promise<CommandResult> {
  const stdin = Object.assign(new PassThrough(), { isTTY: input === undefined });
  const stdout = Object.assign(new PassThrough(), { isTTY: terminals.includes('stdout'), ...(columns && { columns }) });
  const stderr = Object.assign(new PassThrough(), { isTTY: terminals.includes('stderr'), ...(columns && { columns }) });
  stdin.end(input);
  const outputs = Promise.all([readText(stdout), readText(stderr)]);
  const exitCode = await main(args, {
    stdin,
    stdout,
    stderr,
    env,
    run,
    now,
    hostName,
    ...(kernelFiles && { kernelFiles }),
    argv: ['/usr/bin/node', `/usr/bin/${program}`],
    ...(addresses && { addresses: () => addresses }),
  });
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return { exitCode, stdout: out, stderr: err };
}
