/** What a snapshot tells of one family besides its rules. Types only. */
import type { NodeView } from '../phases/3-model/model.ts';
import type { Places } from '../places/places.ts';

export interface FamilyKnowledge {
  readonly view: NodeView;
  /** Undefined where nobody asks who is at an address. */
  readonly places: Places | undefined;
}
