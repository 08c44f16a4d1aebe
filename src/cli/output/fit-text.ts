import { joinLines, withoutColor, wrapLine } from '../../lib/text.ts';
import type { GivenContext } from '../context.ts';

/** Standard output or standard error, which may be a terminal. */
type Output = Pick<GivenContext['stderr'], 'isTTY' | 'columns'>;

/** How many columns wrapped output may have: those of the terminal, at most 120; 80 elsewhere. */
export function outputWidth({ stdout }: Pick<GivenContext, 'stdout'>): number {
  return terminalWidth(stdout) ?? 80;
}

/** The columns of a terminal that has a size, at most 120. */
export function terminalWidth({ isTTY, columns }: Output): number | undefined {
  return isTTY && columns ? Math.min(columns, 120) : undefined;
}

/** Lines as one text: on a terminal broken between words to its width, elsewhere as they are, for programs that read them. */
export function fitLines(lines: readonly string[], output: Output): string {
  const width = terminalWidth(output);
  return joinLines(width === undefined ? lines : lines.flatMap((line) => wrapLine(line, width)));
}

/**
 * A stderr whose messages fit the width that the terminal has when they are written. A line with a caret below it stays
 * whole, and so does progress.
 */
export function fitMessages(stderr: GivenContext['stderr']): GivenContext['stderr'] {
  const fitText = (text: string): string => {
    const lines = text.split('\n');
    const hasCaret = (index: number): boolean => /^\s*\^/.test(withoutColor(lines[index] ?? ''));
    return lines
      .map((line, index) => (hasCaret(index) || hasCaret(index + 1) ? line : fitLines([line], stderr).slice(0, -1)))
      .join('\n');
  };
  return {
    write: (text) => stderr.write(text.startsWith('\r') ? text : fitText(text)),
    get isTTY() {
      return stderr.isTTY;
    },
    get columns() {
      return stderr.columns;
    },
  };
}
