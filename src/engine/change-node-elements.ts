import type { Wanted } from '../diff/installed.ts';
import { wantElement, wantSet } from '../diff/wanted.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { nodePlacements } from '../phases/5-plan/node-placements.ts';

/** Changes what the node and the cluster's ranges put into sets; `before` is undefined at first. */
export function changeNodeElements(wanted: Wanted, before: NodeSettings | undefined, after: NodeSettings): void {
  for (const { set, elements } of before ? nodePlacements(before) : []) {
    for (const { key } of elements) {
      wantElement(wanted, set.name, key, undefined);
    }
  }
  for (const { set, elements } of nodePlacements(after)) {
    wantSet(wanted, set.name, set);
    for (const element of elements) {
      wantElement(wanted, set.name, element.key, element);
    }
  }
}
