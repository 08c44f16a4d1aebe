import type { EndpointsChange, FrontendState, PolicyChange, ServicePortChange, ValueChange } from './family-changes.ts';
import { type Pen, writeDifference, writeList } from './make-pen.ts';
import { writeWhere } from './write-where.ts';

/**
 * How a service port differs: `3 -> 4 endpoints (+10.1.2.3:8080), share 33 % -> 25 %`,
 * `+5.5.5.5:80/tcp, -node port 30080/tcp`, `3 -> 0 endpoints: now rejected`; several differences with `; ` between them.
 */
export function renderChange(change: ServicePortChange, pen: Pen): string {
  const { frontendsGained, frontendsLost, endpoints, policies, refusals, affinitySeconds, sourceRanges } = change;
  const frontends = writeDifference(placesOf(frontendsGained), placesOf(frontendsLost), pen);
  const counts = endpoints.map((one) => writeEndpoints(one, pen)).join('; ');
  const refused = refusals.map((one) => writeRefusal(one) + writeWhere(one, pen)).join(', ');
  const parts = [
    frontends,
    // That clients are refused, or no longer, follows from the endpoints where these are others.
    counts !== '' && refused !== '' ? `${counts}: ${refused}` : counts,
    ...policies.map((one) => writePolicy(one) + writeWhere(one, pen)),
    counts === '' ? refused : '',
    ...affinitySeconds.map((one) => writeAffinity(one) + writeWhere(one, pen)),
    ...sourceRanges.map((one) => writeRanges(one, pen) + writeWhere(one, pen)),
  ];
  return parts.filter((text) => text !== '').join('; ');
}

function placesOf(frontends: readonly FrontendState[]): string[] {
  return frontends.map(({ frontend }) => frontend);
}

function writeEndpoints(change: EndpointsChange, pen: Pen): string {
  const { endpoints, before, after, added, removed, shareBefore, shareAfter } = change;
  const counts = before === after ? `${after}` : `${before} -> ${after}`;
  const noun = before === 1 && after === 1 ? 'endpoint' : 'endpoints';
  // Which ones went is no news where all of them did.
  const difference = writeDifference(added, after === 0 ? [] : removed, pen);
  const [old, now] = [writeShare(shareBefore), writeShare(shareAfter)];
  const isOtherShare = shareBefore !== null && shareAfter !== null && old !== now;
  return [
    `${counts} ${endpoints === 'local' ? 'local ' : ''}${noun}${writeWhere(change, pen)}`,
    difference === '' ? '' : ` (${difference})`,
    isOtherShare ? `, share ${old} -> ${now}` : '',
  ].join('');
}

function writeShare(share: number | null): string {
  return share === 0 ? 'under 0.1 %' : `${share} %`;
}

function writeRefusal({ before, after }: ValueChange<FrontendState['refusal']>): string {
  return after === null ? `no longer ${before}` : `now ${after}`;
}

function writePolicy({ before, after, endpointsBefore, endpointsAfter }: PolicyChange): string {
  const counts = endpointsBefore === endpointsAfter ? '' : ` (${endpointsBefore} -> ${endpointsAfter})`;
  return `${before} -> ${after}${counts}`;
}

function writeAffinity({ before, after }: ValueChange<number>): string {
  if (before === 0) {
    return `affinity on (${after} s)`;
  }
  return after === 0 ? 'affinity off' : `affinity ${before} s -> ${after} s`;
}

function writeRanges({ before, after }: ValueChange<FrontendState['sourceRanges']>, pen: Pen): string {
  if (after === null) {
    return 'source ranges gone: open to everybody';
  }
  if (before === null) {
    return `source ranges now ${after.length === 0 ? 'for nobody' : writeList(after, pen)}`;
  }
  const [old, now] = [new Set(before), new Set(after)];
  const added = after.filter((range) => !old.has(range));
  const removed = before.filter((range) => !now.has(range));
  return `source ranges ${writeDifference(added, removed, pen)}`;
}
