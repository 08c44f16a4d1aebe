import { type CompiledRulesets, compileRulesets } from '../compile.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { escapeControls } from '../escape-controls.ts';
import type { CompileOptions } from '../options.ts';
import type { Progress } from './progress.ts';
import { isAboutInput, readSnapshot, reportCompiled } from './read-snapshot.ts';
import type { Streams } from './streams.ts';

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
