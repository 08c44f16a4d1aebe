import type { Lock } from '../apply/with-lock.ts';
import type { RunProgram } from '../kernel/run-program.ts';

/** The outside world of a command, so that tests can run it in their own process. */
export interface Streams extends GivenStreams {
  /** Runs nft and conntrack. */
  readonly run: RunProgram;
  /** Keeps other processes from a table meanwhile. */
  readonly lock: Lock;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

/** What a caller of the program has to give; Node's `process` has it. */
export interface GivenStreams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run?: RunProgram;
  readonly now?: () => number;
}

/** Whether what goes to an output may have color: on a terminal, unless NO_COLOR says otherwise (no-color.org). */
export function wantsColor(
  { env, ...outputs }: Pick<GivenStreams, 'env' | 'stdout' | 'stderr'>,
  output: 'stdout' | 'stderr' = 'stderr',
): boolean {
  return outputs[output].isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** A file that the package has beside its code. It lies two levels up from here, and from where the build puts this: dist/cli. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
