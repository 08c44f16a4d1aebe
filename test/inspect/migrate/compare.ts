import { predictSides } from '../../../src/cli/input/load-sides.ts';
import { compileRulesets } from '../../../src/compile.ts';
import type { MigrationSide } from '../../../src/inspect/migrate/causes.ts';
import { compareSides } from '../../../src/inspect/migrate/compare-sides.ts';
import type { Migration } from '../../../src/inspect/migrate/migration.ts';
import type { ProxyKind } from '../../../src/inspect/verify/proxy-model.ts';
import { type CompileOptions, withDefaults } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import type { Manifest } from '../../support/arbitrary-cluster.ts';

/** A cluster, and how its node is set up. */
interface Migrated {
  readonly objects: readonly Manifest[];
  readonly options?: Partial<CompileOptions>;
}

/** What a proxy would do in each family. */
export function sidesOf({ objects, options = {} }: Migrated, proxy: ProxyKind): MigrationSide[] {
  const settings = withDefaults({ nodeName: 'worker-1', ...options });
  const documents = documentsOf(objects);
  const { snapshot, rulesets, ...compiled } = compileRulesets(documents, settings);
  if (!snapshot || !rulesets) {
    throw new Error('the cluster does not compile');
  }
  const cluster = { ...compiled, snapshot, rulesets, documents, options: settings };
  return predictSides(proxy, { ...cluster, mode: undefined });
}

/** What changes between two. */
export function changesBetween(
  from: readonly MigrationSide[],
  to: readonly MigrationSide[],
): Pick<Migration, 'connections' | 'services' | 'changes'> {
  return compareSides(
    from.flatMap((before, index) => {
      const after = to[index];
      return after ? [{ from: before, to: after, healthChecks: [] }] : [];
    }),
  );
}
