import type { Wanted } from '../diff/installed.ts';
import { wantElement } from '../diff/wanted.ts';
import { compareServicePorts } from '../phases/3-model/compare-service-ports.ts';
import type { FamilyState, PlannedPort, Sharer } from './family-state.ts';

/**
 * Changes the elements that several service ports may have (a cluster IP, a hairpin connection): one stays for as long
 * as anybody has it, and shows the comment of the first, as in a full compilation.
 */
export function changeShared(
  { sharers }: Pick<FamilyState, 'sharers'>,
  wanted: Wanted,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): void {
  const touched = new Map<string, Pick<Sharer, 'set' | 'element'>>();
  for (const { servicePort, set, element } of removed.flatMap(sharersOf)) {
    const place = placeOf(set.name, element.key);
    const others = (sharers.get(place) ?? []).filter((sharer) => sharer.servicePort !== servicePort);
    touched.set(place, { set, element });
    if (others.length > 0) {
      sharers.set(place, others);
    } else {
      sharers.delete(place);
    }
  }
  for (const sharer of added.flatMap(sharersOf)) {
    const place = placeOf(sharer.set.name, sharer.element.key);
    const others = sharers.get(place);
    touched.set(place, sharer);
    sharers.set(place, others ? [...others, sharer].sort(bySharer) : [sharer]);
  }
  for (const [place, { set, element }] of touched) {
    wantElement(wanted, set.name, element.key, sharers.get(place)?.[0]?.element);
  }
}

function sharersOf({ servicePort, fragment }: PlannedPort): Sharer[] {
  return fragment.shared.flatMap(({ set, elements }) => elements.map((element) => ({ servicePort, set, element })));
}

function placeOf(set: string, key: string): string {
  return `${set} ${key}`;
}

function bySharer(a: Sharer, b: Sharer): number {
  return compareServicePorts(a.servicePort, b.servicePort);
}
