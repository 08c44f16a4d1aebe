import type { Lock } from '../apply/with-lock.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import { joinLines, withoutColor, wrapLine } from '../lib/text.ts';

/** Everything outside that a command uses, so that tests can run it in their own process. */
export interface Context extends GivenContext {
  /** Runs nft and conntrack. */
  readonly run: RunProgram;
  /** Keeps other processes away from a table. */
  readonly lock: Lock;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
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
}

/** What a caller of the program must provide; Node's `process` does. */
export interface GivenContext {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run?: RunProgram;
  readonly now?: () => number;
  readonly hostName?: string;
  readonly addresses?: () => readonly string[];
  /** Ends a command that watches files; default: Ctrl+C. */
  readonly interruption?: AbortSignal;
}

/** Standard output or standard error. */
interface Output {
  readonly write: (text: string) => boolean;
  readonly isTTY?: boolean;
  /** How wide the terminal is. */
  readonly columns?: number;
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

/** How many columns wrapped output may have: those of the terminal, at most 120; 80 elsewhere. */
export function outputWidth({ stdout }: Pick<GivenContext, 'stdout'>): number {
  return terminalWidth(stdout) ?? 80;
}

/** The columns of a terminal that has a size, at most 120. */
export function terminalWidth({ isTTY, columns }: Pick<Output, 'isTTY' | 'columns'>): number | undefined {
  return isTTY && columns ? Math.min(columns, 120) : undefined;
}

/** Lines as one text: on a terminal broken between words to its width, elsewhere as they are, for programs that read them. */
export function fitLines(lines: readonly string[], output: Pick<Output, 'isTTY' | 'columns'>): string {
  const width = terminalWidth(output);
  return joinLines(width === undefined ? lines : lines.flatMap((line) => wrapLine(line, width)));
}

/** A stderr whose messages fit the width of the terminal. A line with a caret below it stays whole, and so does progress. */
export function fitMessages(stderr: Output): Output {
  const fitText = (text: string): string => {
    const lines = text.split('\n');
    const hasCaret = (index: number): boolean => /^\s*\^/.test(withoutColor(lines[index] ?? ''));
    return lines
      .map((line, index) => (hasCaret(index) || hasCaret(index + 1) ? line : fitLines([line], stderr).slice(0, -1)))
      .join('\n');
  };
  return {
    write: (text) => stderr.write(text.startsWith('\r') ? text : fitText(text)),
    ...(stderr.isTTY !== undefined && { isTTY: stderr.isTTY }),
    ...(stderr.columns !== undefined && { columns: stderr.columns }),
  };
}

/** A file of the package, by its path. The root is two levels above src/cli and above dist/cli, where the bundle is. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
