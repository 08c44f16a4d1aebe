import { type Diagnostic, severityOf } from '../../diagnostics/diagnostic.ts';
import { describeObject, formatDiagnostic } from '../../diagnostics/format-diagnostic.ts';
import { countOf, escapeControls } from '../../lib/text.ts';
import type { OnProgress } from '../../phases/1-read/read-documents.ts';
import { type Context, wantsColor } from '../context.ts';
import { terminalWidth } from './fit-text.ts';
import { diagnosticLine } from './json-lines.ts';

/**
 * Prints all diagnostics, then their number and, unless the input is refused, which objects are left out.
 *
 * @param refused whether the input is.
 */
export function reportDiagnostics(
  diagnostics: readonly Diagnostic[],
  { refused, context }: { readonly refused: boolean; readonly context: Context },
): void {
  for (const diagnostic of diagnostics) {
    writeDiagnostic(diagnostic, context);
  }
  const errors = diagnostics.filter((diagnostic) => severityOf(diagnostic) === 'error');
  if (errors.length === 0) {
    return;
  }
  const warnings = diagnostics.length - errors.length;
  const counts = `${countOf(errors.length, 'error')}${warnings > 0 ? `, ${countOf(warnings, 'warning')}` : ''}`;
  context.stderr.write(
    refused
      ? `${counts}: ${context.refusal ?? 'no ruleset'}\n`
      : `${counts}; left out: ${leftOut(errors).join(', ')}\n`,
  );
}

/** Prints one diagnostic on stderr, as `--diagnostics` asks for. */
export function writeDiagnostic(diagnostic: Diagnostic, context: Context): void {
  const { stderr, diagnostics } = context;
  stderr.write(
    diagnostics === 'json'
      ? diagnosticLine(diagnostic)
      : `${formatDiagnostic(diagnostic, { color: wantsColor(context), width: terminalWidth(stderr) })}\n`,
  );
}

const shownKinds = 20;

/** Reports objects that were ignored because no rule depends on their kind. */
export function reportUnusedKinds(unusedKinds: ReadonlyMap<string, number>, { stderr }: Context): void {
  if (unusedKinds.size > 0) {
    const kinds = [...unusedKinds].sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = kinds
      .slice(0, shownKinds)
      .map(([kind, number]) => `${escapeControls(kind.slice(0, 60))} (${number.toLocaleString('en')})`);
    const others =
      kinds.length > shownKinds ? [`and ${(kinds.length - shownKinds).toLocaleString('en')} more kinds`] : [];
    stderr.write(`ignored kinds: ${[...shown, ...others].join(', ')}\n`);
  }
}

/** Reports on stderr how much of a long YAML text is read: on a terminal as it goes, elsewhere once. */
export function progressOn({ stderr }: Pick<Context, 'stderr'>): OnProgress {
  let shownFile = '';
  return (file, done, total) => {
    const line = `reading ${escapeControls(file)}: ${megabytes(done)} of ${megabytes(total)} MB of YAML (JSON is faster: kubectl get -o json)`;
    if (stderr.isTTY) {
      // A line that the terminal breaks could not be overwritten.
      const shown = line.slice(0, (terminalWidth(stderr) ?? line.length + 1) - 1);
      stderr.write(`\r${shown}${done >= total ? '\n' : ''}`);
    } else if (shownFile !== file) {
      stderr.write(`${line}\n`);
    }
    shownFile = file;
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function leftOut(errors: readonly Diagnostic[]): string[] {
  const names = errors.map(({ object }) => (object ? describeObject(object) : 'an unnamed object'));
  return [...new Set(names)].sort();
}
