import { type Diagnostic, type DiagnosticCode, severityOf } from '../../diagnostics/diagnostic.ts';
import { describeObject, formatDiagnostic } from '../../diagnostics/format-diagnostic.ts';
import { compareText, countOf, escapeControls } from '../../lib/text.ts';
import type { OnProgress } from '../../phases/1-read/read-documents.ts';
import { type Context, wantsColor } from '../context.ts';
import { terminalWidth } from './fit-text.ts';
import { diagnosticLine } from './json-lines.ts';

/** How many diagnostics are printed at most, unless all are asked for. */
const mostShown = 100;

/**
 * Prints the diagnostics, then their number and, unless the input is refused, which objects are left out. Of more than
 * 100, the first ones are printed, errors before warnings, and the others counted: each may have three lines, and a broken
 * generator writes the same mistake into every object. Programs, which read JSON, get all of them.
 *
 * @param refused whether the input is.
 */
export function reportDiagnostics(
  diagnostics: readonly Diagnostic[],
  { refused, context }: { readonly refused: boolean; readonly context: Context },
): void {
  const isWhole = context.allErrors === true || context.diagnostics === 'json';
  const shown = isWhole ? diagnostics : firstOf(diagnostics);
  for (const diagnostic of shown) {
    writeDiagnostic(diagnostic, context);
  }
  if (shown.length < diagnostics.length) {
    const isShown = new Set(shown);
    const codes = countCodes(diagnostics.filter((diagnostic) => !isShown.has(diagnostic)));
    context.stderr.write(`not shown: ${codes.join(', ')}; --all-errors prints them\n`);
  }
  const errors = diagnostics.filter(isError);
  if (errors.length === 0) {
    return;
  }
  const counts = (['error', 'warning', 'note'] as const)
    .map((severity) => ({ severity, count: diagnostics.filter((one) => severityOf(one) === severity).length }))
    .flatMap(({ severity, count }) => (count > 0 ? [countOf(count, severity)] : []))
    .join(', ');
  context.stderr.write(
    refused
      ? `${counts}: ${context.refusal ?? 'no ruleset'}\n`
      : `${counts}; left out: ${leftOut(errors, isWhole).join(', ')}\n`,
  );
}

function isError(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === 'error';
}

/** The first ones, in the order given; warnings only where errors leave room. */
function firstOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= mostShown) {
    return diagnostics;
  }
  const errors = diagnostics.filter(isError).slice(0, mostShown);
  const warnings = diagnostics.filter((one) => !isError(one)).slice(0, mostShown - errors.length);
  const chosen = new Set([...errors, ...warnings]);
  return diagnostics.filter((diagnostic) => chosen.has(diagnostic));
}

/** `99,900 invalid-port`, the most frequent code first. */
function countCodes(diagnostics: readonly Diagnostic[]): string[] {
  const counts = new Map<DiagnosticCode, number>();
  for (const { code } of diagnostics) {
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, countA], [b, countB]) => countB - countA || compareText(a, b));
  return sorted.map(([code, count]) => `${count.toLocaleString('en')} ${code}`);
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
    if (unusedKinds.has('CollectedNode')) {
      stderr.write('note: what svc2nft collect printed are rules, not manifests: use --ruleset FILE\n');
    }
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

function leftOut(errors: readonly Diagnostic[], isWhole: boolean): string[] {
  const names = errors.map(({ object }) => (object ? describeObject(object) : 'an unnamed object'));
  const sorted = [...new Set(names)].sort();
  const others = isWhole ? 0 : sorted.length - mostShown;
  return others > 0 ? [...sorted.slice(0, mostShown), `and ${others.toLocaleString('en')} more`] : sorted;
}
