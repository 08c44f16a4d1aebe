import { compareText } from '../compare-text.ts';
import type { FamilyChanges, ServicePortIdentity } from './family-changes.ts';
import { makePen, type Pen, writeList } from './make-pen.ts';
import { renderChange } from './render-change.ts';
import { renderGained, renderLost } from './render-service-port.ts';

/** How changes are written. */
export interface RenderOptions {
  readonly colour: boolean;
  /** How many service ports, and how many frontends with stale flows, get a line; 100 where it is not given. */
  readonly limit?: number;
}

/**
 * The changes of one family for people, a line for each, without line feeds at their ends: the table, settings, service
 * ports by name, stale UDP flows. No lines for no changes. Lists longer than five are cut.
 */
export function renderChanges(changes: FamilyChanges, { colour, limit = 100 }: RenderOptions): string[] {
  const pen = makePen({ colour });
  const entries = listEntries(changes);
  return [
    ...renderTable(changes, pen),
    ...renderSettings(changes, pen),
    ...entries.slice(0, limit).map((entry, index, all) => {
      const isTwin = [all[index - 1], all[index + 1]].some((neighbour) => neighbour?.name === entry.name);
      return `${pen.plain(entry.name + (isTwin ? `/${entry.protocol}` : ''))}  ${entry.write(pen)}`;
    }),
    ...renderMore(entries.slice(limit)),
    ...renderStaleFlows(changes, limit, pen),
  ];
}

interface Entry extends ServicePortIdentity {
  readonly kind: 'changed' | 'new' | 'gone';
  readonly write: (pen: Pen) => string;
}

/** All service ports by name, as those of one Service belong together. */
function listEntries({ gained, lost, changed }: FamilyChanges): Entry[] {
  const entries: Entry[] = [
    ...gained.map((state) => entryOf(state, 'new', (pen) => renderGained(state, pen))),
    ...lost.map((state) => entryOf(state, 'gone', (pen) => renderLost(state, pen))),
    ...changed.map((change) => entryOf(change, 'changed', (pen) => renderChange(change, pen))),
  ];
  return entries.sort((a, b) => compareText(a.name, b.name) || compareText(a.protocol, b.protocol));
}

function entryOf({ name, protocol }: ServicePortIdentity, kind: Entry['kind'], write: Entry['write']): Entry {
  return { name, protocol, kind, write };
}

function renderTable({ tableChange, family, table }: FamilyChanges, pen: Pen): string[] {
  const name = pen.plain(`table ${family} ${table}`);
  switch (tableChange) {
    case 'new':
      return [`${name}  ${pen.added('new')}`];
    case 'gone':
      return [`${name}  ${pen.removed('gone')}`];
    case 'kept':
    case 'absent':
      return [];
  }
}

function renderSettings({ settings, chains }: FamilyChanges, pen: Pen): string[] {
  const write = (texts: readonly string[]) => (texts.length === 0 ? 'none' : writeList(texts, pen));
  return [
    ...settings.map(({ setting, before, after }) => `settings  ${setting}: ${write(before)} -> ${write(after)}`),
    ...chains.map((chain) => `settings  chain ${pen.plain(chain)} has other rules`),
  ];
}

/** `... and 9900 more service ports: 9000 changed, 900 new` */
function renderMore(entries: readonly Entry[]): string[] {
  if (entries.length === 0) {
    return [];
  }
  const counts = (['changed', 'new', 'gone'] as const).flatMap((kind) => {
    const count = entries.filter((entry) => entry.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  const noun = entries.length === 1 ? 'service port' : 'service ports';
  return [`... and ${entries.length} more ${noun}: ${counts.join(', ')}`];
}

function renderStaleFlows({ staleUdpFlows }: FamilyChanges, limit: number, pen: Pen): string[] {
  const more = staleUdpFlows.length - limit;
  return [
    ...staleUdpFlows.slice(0, limit).map(({ frontend, endpoints }) => {
      return `stale UDP flows to ${pen.plain(frontend)} that are at ${writeList(endpoints, pen)}`;
    }),
    ...(more > 0 ? [`... and stale UDP flows to ${more} more ${more === 1 ? 'frontend' : 'frontends'}`] : []),
  ];
}
