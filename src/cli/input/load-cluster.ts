import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CompiledRulesets, compileRulesets } from '../../compile.ts';
import { type Diagnostic, severityOf } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import { escapeControls } from '../../lib/text.ts';
import { type CompileOptions, withDefaults } from '../../options.ts';
import { type ReadResult, readDocuments } from '../../phases/1-read/read-documents.ts';
import type { Streams } from '../context.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import type { Progress } from '../output/progress.ts';
import { progressOn, reportDiagnostics, reportUnusedKinds } from '../output/report-diagnostics.ts';
import { loadInput } from './load-files.ts';
import { loadSettings } from './load-settings.ts';

/** The notes, those of Services that `--keep-going` left out with that for the reason why nobody serves them. */
export function markRefused(notes: readonly ServiceNote[], diagnostics: readonly Diagnostic[]): ServiceNote[] {
  const refused = new Set(
    diagnostics.flatMap((diagnostic) =>
      severityOf(diagnostic) === 'error' && diagnostic.object?.kind === 'Service'
        ? escapeControls(`${diagnostic.object.namespace || 'default'}/${diagnostic.object.name}`)
        : [],
    ),
  );
  return notes.map((note) =>
    refused.has(`${note.namespace}/${note.name}`) ? { ...note, unserved: 'left out' } : note,
  );
}

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
function isAboutInput(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === 'error' || diagnostic.place !== undefined;
}

/** What the commands that look at rules start from: the snapshot, and what it compiles to. */
export interface Cluster extends Pick<CompiledRulesets, 'views' | 'diagnostics'> {
  readonly documents: readonly Document[];
  readonly rulesets: NonNullable<CompiledRulesets['rulesets']>;
  readonly options: CompileOptions;
}

/**
 * Reads and compiles what paths hold, and reports on stderr what is wrong with it.
 *
 * @returns `lacks-input` where there is nothing to read, `refused` where the input has errors.
 */
export async function loadCluster(
  paths: readonly string[],
  flags: CompileFlags,
  streams: Streams,
): Promise<Cluster | 'lacks-input' | 'refused'> {
  if (lacksInput(paths, streams)) {
    return 'lacks-input';
  }
  const settings = await loadSettings(flags);
  const options = withDefaults(settings.options);
  const { documents, diagnostics } = await readSnapshot(paths, streams);
  const compiled = compileRulesets(documents, options);
  // Pods tell who is at an address.
  const unusedKinds = new Map([...compiled.unusedKinds].filter(([kind]) => kind !== 'Pod'));
  const refused = reportCompiled({ ...compiled, unusedKinds }, [...settings.diagnostics, ...diagnostics], streams);
  const { views, rulesets } = compiled;
  return refused || !rulesets ? 'refused' : { documents, views, rulesets, diagnostics: compiled.diagnostics, options };
}

/** How paths are compiled. */
export interface CompileContext {
  readonly options: CompileOptions;
  /** Findings about the configuration file. */
  readonly fatal: readonly Diagnostic[];
  /** Says nothing of settings. */
  readonly onlyAboutInput?: true;
  readonly streams: Streams;
  readonly progress: Progress;
}

/** Compiles what paths hold into rulesets, and reports what is wrong with it; undefined when the input is refused. */
export async function compilePaths(
  paths: readonly string[],
  { options, fatal, onlyAboutInput, streams, progress }: CompileContext,
): Promise<CompiledRulesets | undefined> {
  const name = paths.length === 0 || paths.includes('-') ? 'stdin' : paths.join(' ');
  progress.step(`reading ${escapeControls(name)}`);
  const { documents, diagnostics } = await readSnapshot(paths, streams);
  progress.step('compiling');
  const compiled = compileRulesets(documents, options);
  const said = compiled.diagnostics.filter((diagnostic) => !onlyAboutInput || isAboutInput(diagnostic));
  const refused = reportCompiled({ ...compiled, diagnostics: said }, [...fatal, ...diagnostics], streams);
  return refused ? undefined : compiled;
}

/** From here on it pays, in bytes: collecting takes some ten milliseconds. */
const worthwhile = 2 ** 24;

/**
 * Frees bytes and text of a large input that is parsed and no longer referred to. Both lie outside of V8's heap, where it
 * collects too late: a dump of 85 MB would add 170 MB to the peak, to no use.
 *
 * @param bytes how large the input was.
 */
function releaseInput(bytes: number): void {
  if (bytes >= worthwhile) {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
  }
}

/** A flag that may take stdin as well as the paths. */
interface OtherInput {
  readonly flag: string;
  readonly value: string | undefined;
}

/** Whether both paths and a flag want stdin, which can be read once only. Says so. */
export function wantsStdinTwice(paths: readonly string[], { flag, value }: OtherInput, { stderr }: Streams): boolean {
  const wants = value === '-' && paths.includes('-');
  if (wants) {
    stderr.write(`error: stdin can be read once only: give PATH or ${flag} a file or folder (see --help)\n`);
  }
  return wants;
}
