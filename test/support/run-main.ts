import { PassThrough } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { main } from '../../src/cli/main.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { clockWithoutProgress } from './without-progress.ts';

/** What a command did, as a shell would see it. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
interface RunMainOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly run?: RunProgram;
}

/**
 * Runs the command line in this process, with a text as standard input (a terminal without one).
 *
 * @param options.run runs programs elsewhere than in this network namespace, so without the lock of this one.
 */
export async function runMain(
  args: readonly string[],
  { input, env = {}, terminal = false, run }: RunMainOptions = {},
): Promise<CommandResult> {
  const stdin = Object.assign(new PassThrough(), { isTTY: input === undefined });
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), { isTTY: terminal });
  stdin.end(input);
  const outputs = Promise.all([readText(stdout), readText(stderr)]);
  // Programs may work in a network namespace, whose addresses this process does not see.
  const addresses = (): string[] => [];
  const exitCode = await main(args, {
    stdin,
    stdout,
    stderr,
    env,
    addresses,
    now: clockWithoutProgress(),
    ...(run && { run }),
  });
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return { exitCode, stdout: out, stderr: err };
}
