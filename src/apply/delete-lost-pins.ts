import { indexInstalled } from '../diff/index-installed.ts';
import { deletePins, partPins } from '../diff/part-pins.ts';
import { renderTransaction } from '../diff/render-transaction.ts';
import type { DynamicElement } from '../listing/listing.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { isNftError, readDynamicSet } from './read-table.ts';
import type { RunProgram } from './run-program.ts';
import { send } from './send.ts';

/**
 * Deletes the pins that hold clients where they may no longer be. This reads the pins, so it comes after the change and
 * not with it; and when it fails, because a packet changed a pin meanwhile, nothing is lost: the next packet of such a
 * client is dropped, and with it the pin.
 *
 * @param ruleset what the table holds.
 * @param repinned see repinnedFrontends.
 */
export async function deleteLostPins(run: RunProgram, ruleset: Ruleset, repinned: ReadonlySet<string>): Promise<void> {
  const { family, table, sets } = ruleset;
  const pins = new Map<string, readonly DynamicElement[]>();
  for (const { name, flags, value, key } of sets) {
    if (flags?.includes('dynamic') && key.length > 1) {
      const read = await readDynamicSet(run, { family, table }, { set: name, isMap: value !== undefined });
      pins.set(name, (isNftError(read) ? undefined : read?.dynamic.get(name)) ?? []);
    }
  }
  const { lost } = partPins(pins, indexInstalled(ruleset), repinned);
  await send(run, renderTransaction({ family, table, commands: deletePins(lost) }));
}
