import type { Changes } from '../../src/engine/engine.ts';
import type { FollowUp } from '../../src/engine/follow-up.ts';
import { engineWith } from './worker.ts';

/** The followUp of a change, with an engine that knew some objects before; undefined when there is nothing to do. */
export function followUpOf(before: readonly unknown[], changes: Changes): FollowUp | undefined {
  return engineWith(before).update(changes).families[0]?.followUp;
}

/** No followUp. */
export const none: FollowUp = {
  goneUdpFrontends: [],
  checkUdpFlows: false,
  checkPins: false,
  invalidatedPins: new Set(),
};
