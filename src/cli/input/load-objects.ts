import { hasError } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { withoutRemedy } from '../../kubernetes/completeness.ts';
import { withDefaults } from '../../options.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ClusterFlags } from '../flags/cluster-flags.ts';
import type { OptionalResolveFlags } from '../flags/resolve-flags.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { chooseInput, readSource } from './load-cluster.ts';
import type { LiveNeeds } from './read-live.ts';

/**
 * Reads objects from files and folders, or those of a cluster, without compiling them, and reports problems on stderr. For commands
 * that look at no rules, and so need no Node.
 *
 * @returns the exit code if there is nothing to read or the input has errors.
 */
export async function loadObjects(
  paths: readonly string[],
  flags: ClusterFlags & OptionalResolveFlags,
  { needs, context }: { readonly needs: LiveNeeds; readonly context: Context },
): Promise<readonly Document[] | number> {
  const input = chooseInput(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const source = await readSource(input, { options: withDefaults({}), needs, context });
  if (typeof source === 'number') {
    return source;
  }
  const { documents, live, resolved } = source;
  const { diagnostics, lacking } = validate(documents);
  const all = [...source.diagnostics, ...lacking, ...(resolved?.diagnostics ?? []), ...diagnostics];
  const isRefused = hasError(all);
  reportDiagnostics(live ? all.map(withoutRemedy) : all, { refused: isRefused, context });
  return isRefused ? exitCodes.badInput : documents;
}
