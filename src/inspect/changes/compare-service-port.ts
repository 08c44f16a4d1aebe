import type { Frontend, FrontendState } from '../../frontends/frontend.ts';
import { compareText } from '../../lib/text.ts';
import { sortAddresses } from '../../net/address.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { EndpointsChange, PolicyChange, ServicePortChange, ValueChange, Where } from './changes.ts';

/** The same frontend on both sides. */
export interface FrontendPair {
  readonly before: Frontend;
  readonly after: Frontend;
}

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
    frontendsGained: gained.map(summarizeFrontend),
    frontendsLost: lost.map(summarizeFrontend),
    endpoints,
    policies,
    refusals,
    affinitySeconds,
    sourceRanges,
  };
}

/** A frontend without its endpoints. */
export function summarizeFrontend({
  frontend,
  policy,
  refusal,
  affinitySeconds,
  sourceRanges,
}: Frontend): FrontendState {
  return { frontend, policy, refusal, affinitySeconds, sourceRanges };
}

/** True for most of them, and found without allocating. */
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

/** Where the port's number changed, no frontend is on both sides; all have the same endpoints, so any two will do. */
function pairUp(lost: readonly Frontend[], gained: readonly Frontend[]): FrontendPair[] {
  const [before, after] = [lost, gained].map((side) => side.find(({ all }) => all) ?? side[0]);
  return before && after ? [{ before, after }] : [];
}

/** A frontend that is refused on one side has no policy there to compare. */
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

/** How many endpoints take connections of external clients. */
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

/** Affinity does not matter at a frontend without endpoints. */
function isServed({ before, after }: FrontendPair): boolean {
  return before.policy !== null && after.policy !== null;
}

function isGuarded({ before, after }: FrontendPair): boolean {
  return before.sourceRanges !== null || after.sourceRanges !== null;
}

/** How the endpoints of a service port differ, for each policy; frontends with the same change are grouped. */
function compareEndpoints(pairs: readonly FrontendPair[]): EndpointsChange[] {
  return (['all', 'local'] as const).flatMap((scope) => {
    const concerned = pairs.filter((pair) => isComparable(pair, scope));
    const remarks = concerned.flatMap((pair) => {
      const value = changeAt(pair, scope);
      return value ? [{ frontend: pair.before.frontend, value }] : [];
    });
    return groupAlike(remarks, concerned.length);
  });
}

/** Whether two lists hold the same endpoints in the same order: cheap to find out, and true for almost every frontend. */
function isSameInOrder(a: readonly EndpointAddress[] = [], b: readonly EndpointAddress[] = []): boolean {
  return (
    a.length === b.length &&
    a.every(({ address, port }, index) => address === b[index]?.address && port === b[index]?.port)
  );
}

/** `10.1.2.3:8080` of each endpoint address, sorted as numbers; none for no list. */
export function textsOf(endpointAddresses: readonly EndpointAddress[] = []): string[] {
  return sortAddresses(endpointAddresses.map(endpointText));
}

/**
 * A list that is absent because another policy applies has not lost its endpoints: it is not compared. Where all clients
 * are refused, it counts as empty.
 */
export function isComparable({ before, after }: FrontendPair, scope: 'all' | 'local'): boolean {
  if (!before[scope] && !after[scope]) {
    return false;
  }
  const isOtherPolicy = before.policy !== null && after.policy !== null && before.policy !== after.policy;
  return !isOtherPolicy || (before[scope] !== undefined && after[scope] !== undefined);
}

function changeAt({ before, after }: FrontendPair, scope: 'all' | 'local'): EndpointsChange | undefined {
  const [old = [], now = []] = [before[scope], after[scope]];
  if (isSameInOrder(old, now)) {
    return undefined;
  }
  const [oldTexts, nowTexts] = [textsOf(old), textsOf(now)];
  if (oldTexts.length === nowTexts.length && oldTexts.every((text, index) => text === nowTexts[index])) {
    return undefined;
  }
  return {
    endpoints: scope,
    before: old.length,
    after: now.length,
    added: without(nowTexts, oldTexts),
    removed: without(oldTexts, nowTexts),
    shareBefore: sharePercent(old.length),
    shareAfter: sharePercent(now.length),
  };
}

function without(texts: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return texts.filter((text) => !known.has(text));
}

/** A statement about one frontend. */
interface Remark<T> {
  readonly frontend: string;
  readonly value: T;
}

/**
 * Groups frontends that have the same remark.
 *
 * @param remarks at most one for each frontend, sorted by frontend.
 * @param possible how many frontends might have had a remark: where all of them have the same one, frontends are not listed.
 * @returns sorted by remark; frontends stay in their order.
 */
export function groupAlike<T extends object>(remarks: readonly Remark<T>[], possible: number): (T & Where)[] {
  if (remarks.length === 0) {
    return [];
  }
  const groups = new Map<string, { value: T; frontends: string[] }>();
  for (const { frontend, value } of remarks) {
    const text = JSON.stringify(value);
    const group = groups.get(text) ?? { value, frontends: [] };
    group.frontends.push(frontend);
    groups.set(text, group);
  }
  return [...groups.keys()].sort(compareText).flatMap((text) => {
    const group = groups.get(text);
    return group ? [withFrontends(group, possible)] : [];
  });
}

function withFrontends<T extends object>(
  { value, frontends }: { value: T; frontends: string[] },
  possible: number,
): T & Where {
  return frontends.length === possible ? value : { ...value, frontends };
}

/**
 * The share of connections of each of `count` endpoints in percent: a whole number, below 1 with one decimal; null without
 * endpoints.
 */
function sharePercent(count: number): number | null {
  if (count === 0) {
    return null;
  }
  const share = 100 / count;
  return share >= 1 ? Math.round(share) : Math.round(share * 10) / 10;
}
