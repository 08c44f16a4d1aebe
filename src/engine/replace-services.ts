import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { type DesiredParts, setElement, setEndpoints } from '../diff/table-state.ts';
import { deleteNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { addToHeap, deleteFromHeap, firstOf, type Heap, heapOf } from '../lib/heap.ts';
import { appendAll, collectAll } from '../lib/lists.ts';
import type { Command } from '../nft/command.ts';
import { compareServicePorts } from '../phases/3-model/build-service-ports.ts';
import { compareClaims, describeConflict, type Lost } from '../phases/5-plan/claims.ts';
import { collectDispatchChains, dispatchChainName, planDispatchChain } from '../phases/5-plan/dispatch-chains.ts';
import { firewallSets, hasSourceRanges, planFirewallChains } from '../phases/5-plan/firewall.ts';
import type { AffinityGroup, Claim, PlanContext } from '../phases/5-plan/fragment.ts';
import { affinitySetName } from '../phases/5-plan/names.ts';
import { collectAffinity, pinSets, planPinChains } from '../phases/5-plan/shared-affinity.ts';
import type { FamilyState, PlannedPort, Sharer, Use } from './family-state.ts';

/** What a change of some Services does to one family. */
export interface FamilyUpdate {
  readonly commands: readonly Command[];
  readonly diagnostics: readonly Diagnostic[];
  /** The holder before and after, for each key of the verdict maps whose holder changed. */
  readonly handovers: readonly Handover[];
}

/**
 * Replaces the plans of some Services, and sets in `desired` what that changes in the table.
 *
 * @param plans all service ports of each Service that may have changed; none for a removed one.
 */
export function replaceServices(
  state: FamilyState,
  context: PlanContext,
  plans: Namespaced<readonly PlannedPort[]>,
  desired: DesiredParts,
): { handovers: readonly Handover[]; diagnostics: readonly Diagnostic[] } {
  const removed: PlannedPort[] = [];
  const added: PlannedPort[] = [];
  for (const [namespace, services] of plans) {
    for (const [name, ports] of services) {
      appendAll(removed, getNamespaced(state.ports, namespace, name) ?? []);
      appendAll(added, ports);
      if (ports.length > 0) {
        setNamespaced(state.ports, namespace, name, ports);
      } else {
        deleteNamespaced(state.ports, namespace, name);
      }
    }
  }
  const change = { removed, added };
  changeShared(state, desired, change);
  changeAffinityPerEndpoint(desired, change);
  const { handovers, diagnostics } = changeClaims(state, change);
  changeHolders(state, context, desired, handovers);
  state.refused.replace(removed, added);
  state.strays += countStrays(added) - countStrays(removed);
  changeWithoutLocal(state, removed, -1);
  changeWithoutLocal(state, added, 1);
  return { handovers, diagnostics };
}

function countStrays(ports: readonly PlannedPort[]): number {
  return ports.filter(({ fragment }) => fragment.hasStrays).length;
}

function changeWithoutLocal({ withoutLocal }: FamilyState, ports: readonly PlannedPort[], change: 1 | -1): void {
  for (const { dropsInternal, dropsExternal } of ports) {
    withoutLocal.internal += dropsInternal ? change : 0;
    withoutLocal.external += dropsExternal ? change : 0;
  }
}

/** The claim that held a key of the verdict maps, and the one that holds it now. */
export interface Handover {
  readonly before: Claim | undefined;
  readonly after: Claim | undefined;
}

/** Replaces claims; returns the keys whose holder changed, and a warning for each claim that is not granted any more. */
function changeClaims(
  { claims }: Pick<FamilyState, 'claims'>,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): { handovers: Handover[]; diagnostics: Diagnostic[] } {
  const handovers: Handover[] = [];
  const lost: Lost<Claim>[] = [];
  for (const [key, { gone, come }] of groupByKey(collectAll(removed, claimsOf), collectAll(added, claimsOf))) {
    const before = firstOf(claims.get(key));
    for (const claim of gone) {
      deleteFrom(claims, key, { item: claim, compare: byPrecedence });
    }
    for (const claim of come) {
      addTo(claims, key, { item: claim, compare: byPrecedence });
    }
    const holder = firstOf(claims.get(key));
    if (before !== holder) {
      handovers.push({ before, after: holder });
    }
    if (holder) {
      appendAll(lost, newlyLost(holder, before, { gone, come }));
    }
  }
  return { handovers, diagnostics: collectAll(lost, describeConflict) };
}

function claimsOf({ fragment }: PlannedPort): readonly Claim[] {
  return fragment.claims;
}

/** Claims that are deleted, and those that are added. */
interface ClaimChange {
  readonly gone: readonly Claim[];
  readonly come: readonly Claim[];
}

function groupByKey(gone: readonly Claim[], come: readonly Claim[]): ReadonlyMap<string, ClaimChange> {
  const groups = new Map<string, { gone: Claim[]; come: Claim[] }>();
  for (const { verdictKey } of [...gone, ...come]) {
    groups.set(verdictKey, groups.get(verdictKey) ?? { gone: [], come: [] });
  }
  for (const claim of gone) {
    groups.get(claim.verdictKey)?.gone.push(claim);
  }
  for (const claim of come) {
    groups.get(claim.verdictKey)?.come.push(claim);
  }
  return groups;
}

/** As in a full compilation, where claims are sorted by their service ports. */
function byPrecedence(a: Claim, b: Claim): number {
  return compareClaims(a, b) || compareServicePorts(a.servicePort, b.servicePort);
}

/**
 * The claims at one key that are not granted although they were before, or were not made. Otherwise a thousand Services at
 * one address would get a thousand warnings whenever an endpoint of one of them changes.
 *
 * @param before the claim that was granted.
 */
function newlyLost(holder: Claim, before: Claim | undefined, { gone, come }: ClaimChange): Lost<Claim>[] {
  const known = new Set(gone.filter((claim) => claim !== before).map(identityOf));
  const replaced = before && before !== holder && !gone.includes(before) ? [before] : [];
  return [...come, ...replaced]
    .filter((claim) => claim !== holder && !known.has(identityOf(claim)))
    .sort(byPrecedence)
    .map((claim) => ({ claim, holder }));
}

function identityOf({ kind, servicePort: { namespace, name, portName, protocol } }: Claim): string {
  return [namespace, name, portName, protocol, kind].join('/');
}

interface HeapChange<T> {
  readonly item: T;
  readonly compare: (a: T, b: T) => number;
}

function addTo<T>(heaps: Map<string, Heap<T>>, key: string, { item, compare }: HeapChange<T>): void {
  const heap = heaps.get(key);
  if (heap) {
    addToHeap(heap, item, compare);
  } else {
    heaps.set(key, heapOf(item));
  }
}

function deleteFrom<T>(heaps: Map<string, Heap<T>>, key: string, { item, compare }: HeapChange<T>): void {
  const heap = heaps.get(key);
  if (heap) {
    deleteFromHeap(heap, item, compare);
  }
  if (heap?.items.length === 0) {
    heaps.delete(key);
  }
}

/** Replaces the parts of the table that belong to the holder of each key. */
function changeHolders(
  state: FamilyState,
  context: PlanContext,
  desired: DesiredParts,
  handovers: readonly Handover[],
): void {
  const chainsBefore = new Set(state.chains.keys());
  const guardedBefore = state.guarded;
  const affinityBefore = [...state.affinity.values()].map(({ what }) => what);
  for (const { before } of handovers) {
    if (before) {
      removePlacements(before, desired);
      changeUses(state, before, -1);
    }
  }
  for (const { after } of handovers) {
    if (after) {
      addPlacements(after, desired);
      changeUses(state, after, 1);
    }
  }
  for (const [name, { what }] of state.chains) {
    if (!chainsBefore.has(name)) {
      desired.chains.set(name, planDispatchChain(what, context));
    }
  }
  changePins(desired, context, { before: affinityBefore, after: [...state.affinity.values()].map(({ what }) => what) });
  changeFirewall(desired, { before: guardedBefore > 0, after: state.guarded > 0 });
}

function removePlacements({ placements }: Claim, desired: DesiredParts): void {
  for (const placement of placements) {
    const { name } = placement.set;
    if ('list' in placement) {
      setEndpoints(desired, name, placement.list.key, undefined);
    } else {
      for (const { key } of placement.elements) {
        setElement(desired, name, key, undefined);
      }
    }
  }
}

function addPlacements({ placements }: Claim, desired: DesiredParts): void {
  for (const placement of placements) {
    const { name } = placement.set;
    desired.sets.set(name, placement.set);
    if ('list' in placement) {
      setEndpoints(desired, name, placement.list.key, placement.list.endpointAddresses);
    } else {
      for (const element of placement.elements) {
        setElement(desired, name, element.key, element);
      }
    }
  }
}

function changeUses(state: FamilyState, claim: Claim, change: 1 | -1): void {
  const { chains, affinity } = state;
  for (const chain of collectDispatchChains([claim.chain])) {
    changeUse(chains, dispatchChainName(chain), chain, change);
  }
  if (claim.affinity) {
    const { protocol, frontend, seconds } = claim.affinity;
    changeUse(affinity, affinitySetName(protocol, frontend, seconds), claim.affinity, change);
  }
  if (hasSourceRanges(claim)) {
    state.guarded += change;
  }
}

/** Changes the sets and chains of single service ports: affinity per endpoint, over IPv6 with an nft that cannot share it. */
function changeAffinityPerEndpoint(
  desired: DesiredParts,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): void {
  for (const { fragment } of removed) {
    for (const { name } of fragment.affinitySets) {
      desired.sets.set(name, undefined);
    }
    for (const { name } of fragment.affinityChains) {
      desired.chains.set(name, undefined);
    }
  }
  for (const { fragment } of added) {
    for (const set of fragment.affinitySets) {
      desired.sets.set(set.name, set);
    }
    for (const chain of fragment.affinityChains) {
      desired.chains.set(chain.name, chain);
    }
  }
}

/**
 * Changes the elements that several service ports may share (a cluster IP, a hairpin connection). An element stays as
 * long as one service port has it, with the comment of the first one, as in a full compilation.
 */
function changeShared(
  { sharers }: Pick<FamilyState, 'sharers'>,
  desired: DesiredParts,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): void {
  const touched = new Map<string, Sharer>();
  for (const sharer of collectAll(removed, sharersOf)) {
    const place = placeOf(sharer);
    deleteFrom(sharers, place, { item: sharer, compare: bySharer });
    touched.set(place, sharer);
  }
  for (const sharer of collectAll(added, sharersOf)) {
    const place = placeOf(sharer);
    addTo(sharers, place, { item: sharer, compare: bySharer });
    touched.set(place, sharer);
  }
  for (const [place, { set, element }] of touched) {
    setElement(desired, set.name, element.key, firstOf(sharers.get(place))?.element);
  }
}

function sharersOf({ sharers }: PlannedPort): readonly Sharer[] {
  return sharers;
}

function placeOf({ set, element }: Sharer): string {
  return `${set.name} ${element.key}`;
}

function bySharer(a: Sharer, b: Sharer): number {
  return compareServicePorts(a.servicePort, b.servicePort);
}

/** Changes the sets and chains that keep pins, when the groups of frontends with affinity change. */
function changePins(
  desired: DesiredParts,
  context: PlanContext,
  { before, after }: { readonly before: readonly AffinityGroup[]; readonly after: readonly AffinityGroup[] },
): void {
  const known = new Set(before.map(setNameOf));
  if (before.length === after.length && after.every((group) => known.has(setNameOf(group)))) {
    return;
  }
  const affinity = collectAffinity(after);
  for (const group of before) {
    if (!affinity.some((other) => setNameOf(other) === setNameOf(group))) {
      desired.sets.set(setNameOf(group), undefined);
    }
  }
  for (const { name } of pinSets(collectAffinity(before))) {
    desired.sets.set(name, undefined);
  }
  for (const set of pinSets(affinity)) {
    desired.sets.set(set.name, set);
  }
  for (const { name } of planPinChains(collectAffinity(before), context)) {
    desired.chains.set(name, undefined);
  }
  for (const chain of planPinChains(affinity, context)) {
    desired.chains.set(chain.name, chain);
  }
}

/** Adds the sets and chains of source ranges with the first frontend that has some, and removes them with the last. */
function changeFirewall(
  desired: DesiredParts,
  { before, after }: { readonly before: boolean; readonly after: boolean },
): void {
  if (before === after) {
    return;
  }
  for (const set of firewallSets) {
    desired.sets.set(set.name, after ? set : undefined);
  }
  for (const chain of planFirewallChains()) {
    desired.chains.set(chain.name, after ? chain : undefined);
  }
}

function setNameOf({ protocol, frontend, seconds }: AffinityGroup): string {
  return affinitySetName(protocol, frontend, seconds);
}

/** Counts a use more or less; the entry is removed with its last use. */
function changeUse<T>(uses: Map<string, Use<T>>, name: string, what: T, change: 1 | -1): void {
  const use = uses.get(name);
  if (!use) {
    uses.set(name, { what, count: change });
    return;
  }
  use.count += change;
  if (use.count === 0) {
    uses.delete(name);
  }
}
