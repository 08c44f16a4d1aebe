import { indexInstalled } from '../diff/index-installed.ts';
import { deletePins, type Pins, partPins } from '../diff/part-pins.ts';
import { renderTransaction } from '../diff/render-transaction.ts';
import type { DynamicElement } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { NftError } from './nft-error.ts';
import { isNftError, readDynamicSet } from './read-table.ts';
import type { RunProgram } from './run-program.ts';
import { send } from './send.ts';

/** Families in which pins have to be looked at, with what repinnedFrontends says; kept until it is done. */
export type PinDuties = Map<Family, Set<string>>;

/** Remembers that clients of a family may be pinned to where they may no longer be. */
export function addPinDuty(duties: PinDuties, family: Family, repinned: ReadonlySet<string>): void {
  duties.set(family, new Set([...(duties.get(family) ?? []), ...repinned]));
}

/** So often pins are read and deleted before the rest is left for the next time. */
const mostAttempts = 3;

/**
 * Deletes the pins that hold clients where they may no longer be, where that is due. The pins have to be read for that,
 * so it comes after the change and not with it. Packets write pins at any moment, and nft refuses to delete one that is
 * another by then; so it is tried again. Until it is done, a client whose endpoint is gone loses its next packet and
 * chooses anew; one whose frontend has another policy stays.
 *
 * @param ruleset what the table holds.
 */
export async function doPinDuty(duties: PinDuties, run: RunProgram, ruleset: Ruleset): Promise<void> {
  const { family, table } = ruleset;
  const repinned = duties.get(family);
  if (!repinned) {
    return;
  }
  const after = indexInstalled(ruleset);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const pins = await readPins(run, ruleset);
    if (isNftError(pins)) {
      continue;
    }
    const commands = deletePins(partPins(pins, after, repinned).lost);
    if ((await send(run, renderTransaction({ family, table, commands }))) === undefined) {
      duties.delete(family);
      return;
    }
  }
}

async function readPins(run: RunProgram, { family, table, sets }: Ruleset): Promise<Pins | NftError> {
  const pins = new Map<string, readonly DynamicElement[]>();
  for (const { name, flags, value, key } of sets) {
    if (flags?.includes('dynamic') && key.length > 1) {
      const read = await readDynamicSet(run, { family, table }, { set: name, isMap: value !== undefined });
      if (isNftError(read)) {
        return read;
      }
      pins.set(name, read?.dynamic.get(name) ?? []);
    }
  }
  return pins;
}
