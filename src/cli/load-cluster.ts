import type { CompiledRulesets } from '../compile.ts';
import { compileRulesets } from '../compile.ts';
import { type CompileOptions, withDefaults } from '../options.ts';
import type { Document } from '../phases/1-read/document.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { readSettings } from './read-settings.ts';
import { lacksInput, readSnapshot, reportCompiled } from './read-snapshot.ts';
import type { Streams } from './streams.ts';

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
  const settings = await readSettings(flags);
  const options = withDefaults(settings.options);
  const { documents, diagnostics } = await readSnapshot(paths, streams);
  const compiled = compileRulesets(documents, options);
  // Pods tell who is at an address.
  const unusedKinds = new Map([...compiled.unusedKinds].filter(([kind]) => kind !== 'Pod'));
  const refused = reportCompiled({ ...compiled, unusedKinds }, [...settings.diagnostics, ...diagnostics], streams);
  const { views, rulesets } = compiled;
  return refused || !rulesets ? 'refused' : { documents, views, rulesets, diagnostics: compiled.diagnostics, options };
}
