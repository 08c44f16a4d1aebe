import type { Lock } from '../apply/with-lock.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { RunProgram } from '../kernel/run-program.ts';

/** Everything outside that a command uses, so that tests can run it in their own process. */
export interface Context extends GivenContext {
  /** Runs nft and conntrack. */
  readonly run: RunProgram;
  /** Keeps other processes away from a table. */
  readonly lock: Lock;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** Files of /proc and /sys; absent where the kernel is not that of this machine. */
  readonly kernelFiles?: KernelFiles;
  /** The name of this machine. */
  readonly hostName: string;
  /** The addresses of this machine besides loopback ones, canonical; absent where they are not known. */
  readonly addresses?: () => readonly string[];
  /** `auto` if absent. */
  readonly color?: ColorChoice;
  /** How messages are written to stderr: as text, which is the default, or each as a line of JSON. */
  readonly diagnostics?: 'text' | 'json';
  /** What follows for the command from an input with errors: `nothing is listed`; default: `no ruleset`. */
  readonly refusal?: string | undefined;
  /** Whether the program runs as `kubectl svc2nft`, so that without files the cluster of kubectl is meant. */
  readonly isPlugin?: boolean;
  /** Whether a command prints all diagnostics about its input, however many there are. */
  readonly allErrors?: boolean;
}

/** What a caller of the program must provide; Node's `process` does. */
export interface GivenContext {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run?: RunProgram;
  readonly kernelFiles?: KernelFiles;
  readonly now?: () => number;
  readonly hostName?: string;
  readonly addresses?: () => readonly string[];
  /** As Node has it: the second word is the path of the program as it was called. */
  readonly argv?: readonly string[];
  /** Ends a command that watches files; default: Ctrl+C. */
  readonly interruption?: AbortSignal;
}

/** Standard output or standard error. */
interface Output {
  readonly write: (text: string) => boolean;
  readonly isTTY?: boolean | undefined;
  /** How wide the terminal is now. */
  readonly columns?: number | undefined;
}

/** The command that runs when the first word does not name one. */
export const defaultCommand = 'compile';

/** When to print color; `auto` depends on the terminal and the environment. */
export type ColorChoice = 'auto' | 'always' | 'never';

/**
 * Whether to print color. `--color` decides, else FORCE_COLOR (0 and false mean no) and NO_COLOR (no-color.org), in the
 * order in which Node itself reads them; empty ones do not count. Else terminals get it.
 */
export function wantsColor(
  { env, color = 'auto', ...outputs }: Pick<Context, 'env' | 'stdout' | 'stderr' | 'color'>,
  output: 'stdout' | 'stderr' = 'stderr',
): boolean {
  if (color !== 'auto') {
    return color === 'always';
  }
  const forced = env['FORCE_COLOR'];
  if (forced) {
    return forced !== '0' && forced !== 'false';
  }
  return outputs[output].isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** A file of the package, by its path. The root is two levels above src/cli and above dist/cli, where the bundle is. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
