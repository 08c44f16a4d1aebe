import { collectAll } from '../collect-all.ts';
import { escapeControls } from '../escape-controls.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Places } from '../places/places.ts';
import { readSettings } from '../report/read-settings.ts';
import { compareRows } from './compare-rows.ts';
import type { FrontendRow, Inventory, TableRow } from './frontend-row.ts';
import { listFrontends } from './list-frontends.ts';

/** What is known besides the rules. */
export interface Knowledge {
  /** One for each family. */
  readonly views: readonly NodeView[];
  /** Who is at the endpoints' addresses; absent where nobody asks. */
  readonly places?: Places;
  /** Services without rules. */
  readonly unserved: readonly FrontendRow[];
}

/**
 * Lists every frontend of the rulesets, compiled ones or those of a kernel. What a frontend does is read from the rules
 * alone; a snapshot adds what they do not say: types, endpoints left out, lost addresses.
 */
export function takeInventory(rulesets: readonly Ruleset[], knowledge?: Knowledge): Inventory {
  const rows = collectAll(rulesets, (ruleset) => {
    const view = knowledge?.views.find(({ family }) => family === ruleset.family);
    return listFrontends(ruleset, view && { view, places: knowledge?.places });
  });
  return {
    node: escapeControls(knowledge?.views[0]?.nodeName ?? ''),
    tables: rulesets.map(tableRow),
    items: [...rows, ...(knowledge?.unserved ?? [])].sort(compareRows),
  };
}

function tableRow(ruleset: Ruleset): TableRow {
  const addresses = readSettings(ruleset)['node port addresses'];
  const { family, table } = ruleset;
  return { family, table: escapeControls(table), nodePortAddresses: addresses?.map(escapeControls) ?? null };
}
