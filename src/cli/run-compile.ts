import { compile } from '../compile.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { overwritesInput } from './overwrites-input.ts';
import { readSettings } from './read-settings.ts';
import { lacksInput, readSnapshot, reportCompiled } from './read-snapshot.ts';
import type { Streams } from './streams.ts';
import { writeOutput } from './write-output.ts';

/**
 * Loads, compiles and prints. Diagnostics go to stderr, all of them; the ruleset goes out only when nothing was lost
 * on the way.
 *
 * @returns the exit code.
 */
export async function runCompile(
  paths: readonly string[],
  flags: CompileFlags & { readonly output?: string },
  streams: Streams,
): Promise<number> {
  if (lacksInput(paths, streams)) {
    return exitCodes.wrongUsage;
  }
  const settings = await readSettings(flags);
  const { documents, diagnostics } = await readSnapshot(paths, streams);
  if (await overwritesInput(flags.output, { paths, config: flags.config, documents }, streams)) {
    return exitCodes.wrongUsage;
  }
  const result = compile(documents, settings.options);
  const refused = reportCompiled(result, [...settings.diagnostics, ...diagnostics], streams);
  if (refused || result.text === undefined) {
    return exitCodes.badInput;
  }
  return writeOutput(result.text, flags.output, streams);
}
