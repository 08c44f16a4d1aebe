import type { FamilyChanges } from '../../inspect/changes/changes.ts';
import { describeChanges } from '../../inspect/changes/describe-changes.ts';
import { renderChanges } from '../../inspect/changes/render-changes.ts';
import { escapeControls } from '../../lib/text.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import type { Ruleset } from '../../nft/ruleset.ts';

/**
 * How what tables serve, also those of kube-proxy, differs from what desired rulesets would: one entry for each family that
 * differs. Chains are not compared, and UDP flows of others are not to be deleted.
 */
export function compareServed(tables: readonly ListedTable[], desired: readonly Ruleset[]): FamilyChanges[] {
  return desired.map((ruleset) => compareRuleset(tables, ruleset)).filter(hasChanges);
}

function compareRuleset(tables: readonly ListedTable[], desired: Ruleset): FamilyChanges {
  const actual = tables.find(({ ruleset }) => ruleset.family === desired.family)?.ruleset;
  const changes = describeChanges(actual, desired);
  // A snapshot may lack ServiceCIDRs.
  const settings = changes.settings.filter(({ setting, after }) => setting !== 'service CIDRs' || after.length > 0);
  return { ...changes, tableChange: 'kept', settings, chains: [], staleUdpFlows: [] };
}

function hasChanges({ gained, lost, changed, settings }: FamilyChanges): boolean {
  return gained.length + lost.length + changed.length + settings.length > 0;
}

/** How many service ports get a line at most. */
const shown = 1_000;

/** The differences as lines without line feeds. */
export function renderServed(
  changes: readonly FamilyChanges[],
  tables: readonly ListedTable[],
  { color }: { readonly color: boolean },
): string[] {
  const { table = '', language } = tables[0]?.ruleset ?? {};
  return changes.flatMap((one) => [
    language === 'iptables'
      ? `rules of iptables for ${nameOfFamily(one.family ?? 'ip')}: serve otherwise than svc2nft would`
      : `table ${one.family} ${escapeControls(table)}: serves otherwise than svc2nft would`,
    ...renderChanges(one, { color, limit: shown }).map((line) => `  ${line}`),
  ]);
}
