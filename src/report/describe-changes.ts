import { compareText } from '../compare-text.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { compareServicePort, type ServicePortSides } from './compare-service-port.ts';
import { compareSettings } from './compare-settings.ts';
import type { FamilyChanges, ServicePortChange, ServicePortIdentity, ServicePortState } from './family-changes.ts';
import type { Frontend, FrontendPair } from './frontend.ts';
import { listStaleFlows } from './list-stale-flows.ts';
import { readFrontends } from './read-frontends.ts';
import { summariseServicePort } from './summarise-service-port.ts';

/**
 * Says in the words of Services what differs between two rulesets of one family. Nothing but the rulesets is asked: a
 * service port is known by the comments of its elements, its endpoints by following the verdicts. So two service ports
 * whose names differ only behind the cut of a comment count as one, with all their frontends.
 *
 * @param before as compiled or as read from the kernel; undefined for no table.
 * @param after the same.
 */
export function describeChanges(before: Ruleset | undefined, after: Ruleset | undefined): FamilyChanges {
  const [old, now] = [readFrontends(before), readFrontends(after)];
  const [oldPorts, nowPorts] = [groupByServicePort(old), groupByServicePort(now)];
  const some = after ?? before;
  return {
    family: some?.family ?? null,
    table: some?.table ?? null,
    tableChange: tableChange(before, after),
    gained: listMissing(nowPorts, oldPorts),
    lost: listMissing(oldPorts, nowPorts),
    changed: listChanged(oldPorts, nowPorts, { old, now }),
    ...compareSettings(before, after),
    staleUdpFlows: listStaleFlows(old, now),
  };
}

type Frontends = ReadonlyMap<string, Frontend>;

/** The frontends of each service port, sorted, by its name and protocol. */
type ServicePorts = ReadonlyMap<string, readonly [Frontend, ...Frontend[]]>;

function groupByServicePort(frontends: Frontends): ServicePorts {
  const groups = new Map<string, [Frontend, ...Frontend[]]>();
  for (const frontend of frontends.values()) {
    const { owner } = frontend;
    const group = groups.get(owner);
    if (group) {
      group.push(frontend);
    } else {
      groups.set(owner, [frontend]);
    }
  }
  for (const group of groups.values()) {
    group.sort((a, b) => compareText(a.frontend, b.frontend));
  }
  return groups;
}

/** The service ports that the others lack, sorted. */
function listMissing(ports: ServicePorts, others: ServicePorts): ServicePortState[] {
  const missing: ServicePortState[] = [];
  for (const [owner, frontends] of ports) {
    if (!others.has(owner)) {
      missing.push(summariseServicePort(frontends));
    }
  }
  return missing.sort(compareIdentity);
}

interface Sides {
  readonly old: Frontends;
  readonly now: Frontends;
}

/** The service ports of both sides that differ, sorted. */
function listChanged(oldPorts: ServicePorts, nowPorts: ServicePorts, sides: Sides): ServicePortChange[] {
  const changed: ServicePortChange[] = [];
  for (const [owner, mine] of oldPorts) {
    const theirs = nowPorts.get(owner);
    const change = theirs && compareServicePort(matchFrontends(mine, theirs, sides));
    if (change) {
      changed.push(change);
    }
  }
  return changed.sort(compareIdentity);
}

/** An address that went from one service port to another is lost here and gained there. */
function matchFrontends(mine: readonly Frontend[], theirs: readonly Frontend[], { old, now }: Sides): ServicePortSides {
  const pairs: FrontendPair[] = [];
  const lost: Frontend[] = [];
  for (const before of mine) {
    const after = now.get(before.key);
    if (after?.owner === before.owner) {
      pairs.push({ before, after });
    } else {
      lost.push(before);
    }
  }
  return { pairs, lost, gained: theirs.filter(({ key, owner }) => old.get(key)?.owner !== owner) };
}

function compareIdentity(a: ServicePortIdentity, b: ServicePortIdentity): number {
  return compareText(a.name, b.name) || compareText(a.protocol, b.protocol);
}

function tableChange(before: Ruleset | undefined, after: Ruleset | undefined): FamilyChanges['tableChange'] {
  if (before) {
    return after ? 'kept' : 'gone';
  }
  return after ? 'new' : 'absent';
}
