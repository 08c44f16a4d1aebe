import type { CompiledRulesets } from '../compile.ts';
import { type Diagnostic, severityOf } from '../diagnostics.ts';
import { type ReadResult, readDocuments } from '../phases/1-read/read-documents.ts';
import { loadInput } from './load-input.ts';
import { releaseInput } from './release-input.ts';
import { progressOn, reportDiagnostics, reportUnusedKinds } from './report.ts';
import type { Streams } from './streams.ts';

/** Whether there is nothing to read: no path, and a terminal in place of a pipe. Says so. */
export function lacksInput(paths: readonly string[], { stdin, stderr }: Streams): boolean {
  const lacks = paths.length === 0 && stdin.isTTY === true;
  if (lacks) {
    stderr.write('error: no input: name a file or folder, or pipe manifests in (see --help)\n');
  }
  return lacks;
}

/** Reads all documents of the paths, or of stdin without any. */
export async function readSnapshot(paths: readonly string[], streams: Streams): Promise<ReadResult> {
  const { texts, diagnostics } = await loadInput(paths, streams.stdin);
  const bytes = texts.reduce((sum, { content }) => sum + content.length, 0);
  const read = readDocuments(texts, progressOn(streams));
  texts.length = 0;
  releaseInput(bytes);
  return { documents: read.documents, diagnostics: [...diagnostics, ...read.diagnostics] };
}

/**
 * Reports all findings about an input. A file that cannot be read is fatal even with --keep-going, for nobody knows
 * what was in it.
 *
 * @param fatal findings about files and configuration.
 * @returns whether the input is refused.
 */
export function reportCompiled(
  compiled: Pick<CompiledRulesets, 'rulesets' | 'diagnostics' | 'unusedKinds'>,
  fatal: readonly Diagnostic[],
  streams: Streams,
): boolean {
  const refused = !compiled.rulesets || fatal.some((diagnostic) => severityOf(diagnostic) === 'error');
  const found = [...fatal, ...compiled.diagnostics];
  // Without a ruleset, advice about the ruleset would only hide what is wrong.
  reportDiagnostics(refused ? found.filter(isAboutInput) : found, { refused, streams });
  reportUnusedKinds(compiled.unusedKinds, streams);
  return refused;
}

/** Whether a finding is an error or has a place in a file; all else is advice about the ruleset, which follows from settings. */
export function isAboutInput(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === 'error' || diagnostic.place !== undefined;
}
