import type { ServicePortState } from './family-changes.ts';
import { groupAlike } from './group-alike.ts';
import { type Pen, writeList } from './make-pen.ts';
import { writeWhere } from './write-where.ts';

/** `new: 10.96.0.30:25/tcp, 2 endpoints; affinity 900 s`, `new: 10.96.0.30:25/tcp: rejected`. */
export function renderGained(state: ServicePortState, pen: Pen): string {
  const served = [writePlaces(state, pen), ...writeCounts(state)].join(', ');
  const refused = writeRefusals(state, pen);
  const parts = [refused === '' ? served : `${served}: ${refused}`, ...writeRest(state, pen)];
  return `${pen.added('new:')} ${parts.join('; ')}`;
}

/** `gone: 10.96.0.40:80/tcp, node port 30080/tcp`. */
export function renderLost(state: ServicePortState, pen: Pen): string {
  return `${pen.removed('gone:')} ${writePlaces(state, pen)}`;
}

function writePlaces({ frontends }: ServicePortState, pen: Pen): string {
  return writeList(
    frontends.map(({ frontend }) => frontend),
    pen,
  );
}

function writeCounts({ endpoints, localEndpoints }: ServicePortState): string[] {
  const [all, local] = [endpoints.length, localEndpoints.length];
  if (all === 0) {
    return local === 0 ? [] : [`${local} local ${local === 1 ? 'endpoint' : 'endpoints'}`];
  }
  return [`${all} ${all === 1 ? 'endpoint' : 'endpoints'}`, ...(local === 0 ? [] : [`${local} local`])];
}

function writeRefusals({ frontends }: ServicePortState, pen: Pen): string {
  const refused = frontends.flatMap(({ frontend, refusal }) => (refusal ? [{ frontend, value: { refusal } }] : []));
  const groups = groupAlike(refused, frontends.length);
  return groups.map(({ refusal, ...where }) => refusal + writeWhere(where, pen)).join(', ');
}

/** Affinity and source ranges are those of the Service, so that one frontend speaks for the others. */
function writeRest({ frontends }: ServicePortState, pen: Pen): string[] {
  const seconds = Math.max(...frontends.slice(0, 100).map(({ affinitySeconds }) => affinitySeconds));
  const ranges = frontends.find(({ sourceRanges }) => sourceRanges !== null)?.sourceRanges ?? [];
  return [
    ...(seconds > 0 ? [`affinity ${seconds} s`] : []),
    ...(ranges.length > 0 ? [`source ranges ${writeList(ranges, pen)}`] : []),
  ];
}
