import { compareText } from '../compare-text.ts';
import type { Socket } from '../network.ts';
import { socketText } from '../socket-text.ts';
import type { EndpointsChange } from './family-changes.ts';
import type { FrontendPair, Scope } from './frontend.ts';
import { groupAlike } from './group-alike.ts';
import { sharePercent } from './share-percent.ts';

/** How the endpoints of a service port differ, for each policy, said once where several frontends have the same. */
export function compareEndpoints(pairs: readonly FrontendPair[]): EndpointsChange[] {
  return (['all', 'local'] as const).flatMap((scope) => {
    const concerned = pairs.filter((pair) => isComparable(pair, scope));
    const remarks = concerned.flatMap((pair) => {
      const value = changeAt(pair, scope);
      return value ? [{ frontend: pair.before.frontend, value }] : [];
    });
    return groupAlike(remarks, concerned.length);
  });
}

/** Whether two lists hold the same endpoints at the same places: cheap to ask, and true for almost every frontend. */
export function isSameInOrder(a: readonly Socket[] = [], b: readonly Socket[] = []): boolean {
  return (
    a.length === b.length &&
    a.every(({ address, port }, index) => address === b[index]?.address && port === b[index]?.port)
  );
}

/** The endpoints that a frontend no longer has under any policy, `10.1.2.3:8080`, sorted. */
export function lostEndpoints(pair: FrontendPair): string[] {
  const scopes = (['all', 'local'] as const).filter((scope) => isComparable(pair, scope));
  const lost = scopes.flatMap((scope) => changeAt(pair, scope)?.removed ?? []);
  if (lost.length === 0) {
    return lost;
  }
  const kept = new Set([...textsOf(pair.after.all), ...textsOf(pair.after.local)]);
  return [...new Set(lost)].filter((text) => !kept.has(text)).sort(compareText);
}

/** `10.1.2.3:8080` of each socket, sorted; none for no list. */
export function textsOf(sockets: readonly Socket[] = []): string[] {
  return sockets.map(socketText).sort(compareText);
}

/**
 * A list that is absent where the frontend is served by another policy has not lost its endpoints: it is not asked. Where
 * nobody is served, it counts as empty.
 */
function isComparable({ before, after }: FrontendPair, scope: Scope): boolean {
  if (!before[scope] && !after[scope]) {
    return false;
  }
  const isOtherPolicy = before.policy !== null && after.policy !== null && before.policy !== after.policy;
  return !isOtherPolicy || (before[scope] !== undefined && after[scope] !== undefined);
}

function changeAt({ before, after }: FrontendPair, scope: Scope): EndpointsChange | undefined {
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
