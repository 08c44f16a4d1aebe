import { compileRulesets } from '../../../src/compile.ts';
import type { MigrationSide } from '../../../src/inspect/migrate/causes.ts';
import { compareSides } from '../../../src/inspect/migrate/compare-sides.ts';
import { makeSide } from '../../../src/inspect/migrate/make-side.ts';
import type { Migration, ProxyName } from '../../../src/inspect/migrate/migration.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import type { Manifest } from '../../support/arbitrary-cluster.ts';

/** A cluster, and how its node is set up. */
export interface MigratedCluster {
  readonly objects: readonly Manifest[];
  readonly options?: Partial<CompileOptions>;
}

/** A proxy in each family, by prediction or by rules. */
export function sidesOf(
  { objects, options = {} }: MigratedCluster,
  proxy: ProxyName,
  found?: readonly Ruleset[],
): MigrationSide[] {
  const settings = withDefaults({ nodeName: 'worker-1', ...options });
  const { snapshot, views, rulesets } = compileRulesets(documentsOf(objects), settings);
  if (!snapshot) {
    throw new Error('the cluster does not compile');
  }
  const rules = found ?? (proxy === 'svc2nft' ? rulesets : undefined);
  const { masqueradeAll, masqueradeBit } = settings;
  return views.map((node) => {
    const ruleset = rules?.find(({ family }) => family === node.family);
    return makeSide(snapshot, { proxy, ruleset, isFound: found !== undefined }, { node, masqueradeAll, masqueradeBit });
  });
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
