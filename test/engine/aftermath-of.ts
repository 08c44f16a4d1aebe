import type { Aftermath } from '../../src/engine/describe-handovers.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { engineWith } from './worker.ts';

/** The aftermath of a change, with an engine that knew some objects before; undefined when there is nothing to do. */
export function aftermathOf(before: readonly unknown[], changes: Changes): Aftermath | undefined {
  return engineWith(before).update(changes).families[0]?.aftermath;
}

/** No aftermath. */
export const none: Aftermath = { goneUdpFrontends: [], touchesUdp: false, touchesPins: false, repinned: new Set() };
