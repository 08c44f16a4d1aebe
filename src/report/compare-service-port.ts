import { compareEndpoints, isSameInOrder } from './compare-endpoints.ts';
import type { FrontendState, PolicyChange, ServicePortChange, ValueChange } from './family-changes.ts';
import type { Frontend, FrontendPair } from './frontend.ts';
import { groupAlike } from './group-alike.ts';
import { summariseFrontend } from './summarise-service-port.ts';

/** The frontends of one service port on both sides, sorted; those of both sides in pairs. */
export interface ServicePortSides {
  readonly pairs: readonly FrontendPair[];
  readonly gained: readonly Frontend[];
  readonly lost: readonly Frontend[];
}

/** How a service port differs; undefined where it does not. */
export function compareServicePort({ pairs, gained, lost }: ServicePortSides): ServicePortChange | undefined {
  if (gained.length === 0 && lost.length === 0 && pairs.every(isPlainlySame)) {
    return undefined;
  }
  const endpoints = compareEndpoints(pairs.length > 0 ? pairs : pairUp(lost, gained));
  const policies = comparePolicies(pairs);
  const refusals = compareValues(pairs, ({ refusal }) => refusal);
  const affinitySeconds = compareValues(pairs, (frontend) => frontend.affinitySeconds, isServed);
  const sourceRanges = compareValues(pairs, (frontend) => frontend.sourceRanges, isGuarded);
  const all = [gained, lost, endpoints, policies, refusals, affinitySeconds, sourceRanges];
  const [some] = [...pairs.map(({ before }) => before), ...lost];
  if (!some || all.every((changes) => changes.length === 0)) {
    return undefined;
  }
  return {
    name: some.name,
    protocol: some.protocol,
    frontendsGained: gained.map(summariseFrontend),
    frontendsLost: lost.map(summariseFrontend),
    endpoints,
    policies,
    refusals,
    affinitySeconds,
    sourceRanges,
  };
}

/** What is true for most of them, told without making anything. */
function isPlainlySame({ before, after }: FrontendPair): boolean {
  return (
    before.policy === after.policy &&
    before.refusal === after.refusal &&
    before.affinitySeconds === after.affinitySeconds &&
    before.sourceRanges === after.sourceRanges &&
    isSameInOrder(before.all, after.all) &&
    isSameInOrder(before.local, after.local)
  );
}

/** Where the port's number is another, no frontend stays; all of them have the same endpoints, so any two will do. */
function pairUp(lost: readonly Frontend[], gained: readonly Frontend[]): FrontendPair[] {
  const [before, after] = [lost, gained].map((side) => side.find(({ all }) => all) ?? side[0]);
  return before && after ? [{ before, after }] : [];
}

/** What is refused on one side has no policy there to compare. */
function comparePolicies(pairs: readonly FrontendPair[]): PolicyChange[] {
  const remarks = pairs.flatMap(({ before, after }) => {
    if (before.policy === null || after.policy === null || before.policy === after.policy) {
      return [];
    }
    const [endpointsBefore, endpointsAfter] = [endpointCount(before), endpointCount(after)];
    const value = { before: before.policy, after: after.policy, endpointsBefore, endpointsAfter };
    return [{ frontend: before.frontend, value }];
  });
  return groupAlike(remarks, pairs.length);
}

/** How many endpoints take connections from outside. */
function endpointCount({ policy, all, local }: Frontend): number {
  return (policy?.startsWith('local') ? local : all)?.length ?? 0;
}

/** How one property differs, among the frontends that could have it. */
function compareValues<T extends FrontendState[keyof FrontendState]>(
  pairs: readonly FrontendPair[],
  propertyOf: (frontend: Frontend) => T,
  isConcerned: (pair: FrontendPair) => boolean = () => true,
): ValueChange<T>[] {
  const concerned = pairs.filter(isConcerned);
  const remarks = concerned.flatMap((pair) => {
    const [before, after] = [propertyOf(pair.before), propertyOf(pair.after)];
    const isSame = before === after || JSON.stringify(before) === JSON.stringify(after);
    return isSame ? [] : [{ frontend: pair.before.frontend, value: { before, after } }];
  });
  return groupAlike(remarks, concerned.length);
}

/** Nobody keeps an endpoint of a frontend that has none. */
function isServed({ before, after }: FrontendPair): boolean {
  return before.policy !== null && after.policy !== null;
}

function isGuarded({ before, after }: FrontendPair): boolean {
  return before.sourceRanges !== null || after.sourceRanges !== null;
}
