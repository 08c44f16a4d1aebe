import type { FrontendState, ServicePortIdentity } from '../../frontends/frontend.ts';
import { unknownName } from '../../frontends/read-frontends.ts';
import {
  compareNames,
  compareText,
  countNames,
  countOf,
  escapeControls,
  limitList,
  listWords,
  secondsText,
} from '../../lib/text.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import type {
  EndpointsChange,
  FamilyChanges,
  PolicyChange,
  ServicePortChange,
  ServicePortState,
  ValueChange,
  Where,
} from './changes.ts';
import { groupAlike } from './compare-service-port.ts';

/** How changes are rendered. */
export interface RenderChangesOptions {
  readonly color: boolean;
  /** How many service ports, and how many frontends with stale flows, get a line; 100 by default. */
  readonly limit?: number;
  /** How many of these lines may be about service ports that are gone; by default all. */
  readonly goneLimit?: number;
  /** What becomes of stale UDP flows, if there are any. Default: `may continue until idle`. */
  readonly staleFlows?: StaleFlowsFate;
}

/** What becomes of stale UDP flows. `counted`: they have no lines, because it is known how many there were. */
export type StaleFlowsFate = 'would be deleted' | 'continue until idle' | 'may continue until idle' | 'counted';

/**
 * The changes of one family as human-readable text, a line for each, without line feeds at their ends: the table, settings,
 * service ports by name, stale UDP flows. No lines for no changes. Lists of more than five are cut.
 */
export function renderChanges(
  changes: FamilyChanges,
  { color, limit = 100, goneLimit = limit, staleFlows = 'may continue until idle' }: RenderChangesOptions,
): string[] {
  const pen = makePen({ color });
  const entries = listEntries(changes);
  const hidden = new Set(entries.filter(({ kind }) => kind === 'gone').slice(goneLimit));
  const shownEntries = entries.filter((entry) => !hidden.has(entry));
  return [
    ...renderTable(changes, pen),
    ...renderSettings(changes, pen),
    ...shownEntries.slice(0, limit).map((entry, index, all) => {
      const isTwin = [all[index - 1], all[index + 1]].some((neighbor) => neighbor?.name === entry.name);
      return `${pen.plain(entry.name + (isTwin ? `/${entry.protocol}` : ''))}  ${entry.write(pen)}`;
    }),
    ...renderMore([...shownEntries.slice(limit), ...hidden]),
    ...(staleFlows === 'counted' ? [] : renderStaleFlows(changes, { limit, fate: staleFlows }, pen)),
  ];
}

/**
 * What a family served and serves no longer, in words: `2 Services (shop/cart, shop/web)`, `5,000 Services (4,000 in shop,
 * 1,000 in ops)`, `1 frontend of no known Service`; empty if there is nothing.
 *
 * @param options.view the Services of which a part is left.
 * @param options.limit how many Services are named; more are counted by namespace.
 */
export function renderRemoved(
  { lost }: FamilyChanges,
  { view, limit }: { readonly view: NodeView | undefined; readonly limit: number },
): string {
  const served = new Set(view?.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`));
  const [unknown, known] = [lost.filter(isUnknown), lost.filter((one) => !isUnknown(one))];
  // `namespace/name:port`
  const services = [...new Set(known.map(({ name }) => name.replace(/:.*/s, '')))].filter((name) => !served.has(name));
  const strays = unknown.reduce((sum, { frontends }) => sum + frontends.length, 0);
  const texts = [
    ...(services.length > 0 ? [countServices(services, limit)] : []),
    ...(strays > 0 ? [`${countOf(strays, 'frontend')} of no known Service`] : []),
  ];
  return escapeControls(listWords(texts));
}

/** Whether no comment names the Service. */
function isUnknown({ name }: ServicePortState): boolean {
  return name === unknownName;
}

/** How many namespaces are named at most. */
const shownNamespaces = 8;

/** Many Services are counted by namespace, those with most of them first. */
function countServices(services: readonly string[], limit: number): string {
  if (services.length <= limit) {
    return countNames(services, 'Service', limit);
  }
  const counts = new Map<string, number>();
  for (const service of services) {
    const namespace = service.replace(/\/.*/s, '');
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  const texts = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([namespace, count]) => `${count.toLocaleString('en')} in ${namespace}`);
  const more = texts.length > shownNamespaces ? ['...'] : [];
  return `${countOf(services.length, 'Service')} (${[...texts.slice(0, shownNamespaces), ...more].join(', ')})`;
}

interface Entry extends ServicePortIdentity {
  readonly kind: 'changed' | 'new' | 'gone';
  readonly write: (pen: Pen) => string;
}

/** All service ports by name, so that those of one Service stay together. */
function listEntries({ gained, lost, changed }: FamilyChanges): Entry[] {
  const entries: Entry[] = [
    ...gained.map((state) => entryOf(state, 'new', (pen) => renderGained(state, pen))),
    ...lost.map((state) => entryOf(state, 'gone', (pen) => renderLost(state, pen))),
    ...changed.map((change) => entryOf(change, 'changed', (pen) => renderChange(change, pen))),
  ];
  return entries.sort((a, b) => compareNames(a.name, b.name) || compareText(a.protocol, b.protocol));
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
    ...chains.map((chain) => `settings  chain ${pen.plain(chain)} has different rules`),
  ];
}

/** `... and 9,900 more service ports: 9,000 changed, 900 new` */
function renderMore(entries: readonly Entry[]): string[] {
  if (entries.length === 0) {
    return [];
  }
  const counts = (['changed', 'new', 'gone'] as const).flatMap((kind) => {
    const count = entries.filter((entry) => entry.kind === kind).length;
    return count === 0 ? [] : [`${count.toLocaleString('en')} ${kind}`];
  });
  return [`... and ${countOf(entries.length, 'more service port')}: ${counts.join(', ')}`];
}

function renderStaleFlows(
  { staleUdpFlows }: FamilyChanges,
  { limit, fate }: { readonly limit: number; readonly fate: string },
  pen: Pen,
): string[] {
  const more = staleUdpFlows.length - limit;
  return [
    ...staleUdpFlows.slice(0, limit).map(({ frontend, endpoints }) => {
      return `stale UDP flows to ${pen.plain(frontend)} at ${writeList(endpoints, pen)}: ${fate}`;
    }),
    ...(more > 0 ? [`... and stale UDP flows to ${countOf(more, 'more frontend')}: ${fate}`] : []),
  ];
}

/**
 * How a service port differs: `3 -> 4 endpoints (+10.1.2.3:8080), share 33% -> 25%`,
 * `+5.5.5.5:80/tcp, -*:30080/tcp`, `3 -> 0 endpoints: now rejected`; several differences with `; ` between them.
 */
function renderChange(change: ServicePortChange, pen: Pen): string {
  const { frontendsGained, frontendsLost, endpoints, policies, refusals, affinitySeconds, sourceRanges } = change;
  const frontends = writeDifference(frontendTexts(frontendsGained), frontendTexts(frontendsLost), pen);
  const counts = endpoints.map((one) => writeEndpoints(one, pen)).join('; ');
  const refused = refusals.map((one) => writeRefusal(one) + writeWhere(one, pen)).join(', ');
  const parts = [
    frontends,
    // A refusal that starts or ends follows from a change of endpoints, where there is one.
    counts !== '' && refused !== '' ? `${counts}: ${refused}` : counts,
    ...policies.map((one) => writePolicy(one) + writeWhere(one, pen)),
    counts === '' ? refused : '',
    ...affinitySeconds.map((one) => writeAffinity(one) + writeWhere(one, pen)),
    ...sourceRanges.map((one) => writeRanges(one, pen) + writeWhere(one, pen)),
  ];
  return parts.filter((text) => text !== '').join('; ');
}

function frontendTexts(frontends: readonly FrontendState[]): string[] {
  return frontends.map(({ frontend }) => frontend);
}

function writeEndpoints(change: EndpointsChange, pen: Pen): string {
  const { endpoints, before, after, added, removed, shareBefore, shareAfter } = change;
  const [from, to] = [before.toLocaleString('en'), after.toLocaleString('en')];
  const counts = before === after ? to : `${from} -> ${to}`;
  const noun = before === 1 && after === 1 ? 'endpoint' : 'endpoints';
  // Where all endpoints went, listing them adds nothing.
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
  return share === 0 ? 'under 0.1%' : `${share}%`;
}

/** `dropped for external clients` of `dropped-for-external`. */
function refusalText(refusal: FrontendState['refusal']): string {
  return (refusal ?? '').replace('-for-external', ' for external clients').replace('-', ' ');
}

function writeRefusal({ before, after }: ValueChange<FrontendState['refusal']>): string {
  return after === null ? `no longer ${refusalText(before)}` : `now ${refusalText(after)}`;
}

function writePolicy({ before, after, endpointsBefore, endpointsAfter }: PolicyChange): string {
  const counts =
    endpointsBefore === endpointsAfter
      ? ''
      : ` (${endpointsBefore.toLocaleString('en')} -> ${endpointsAfter.toLocaleString('en')})`;
  return `${before} -> ${after}${counts}`;
}

function writeAffinity({ before, after }: ValueChange<number>): string {
  if (before === 0) {
    return `affinity on (${secondsText(after)})`;
  }
  return after === 0 ? 'affinity off' : `affinity ${secondsText(before)} -> ${secondsText(after)}`;
}

function writeRanges({ before, after }: ValueChange<FrontendState['sourceRanges']>, pen: Pen): string {
  if (after === null) {
    return 'source ranges removed: open to all clients';
  }
  if (before === null) {
    return `source ranges now ${after.length === 0 ? 'empty: closed to all clients' : writeList(after, pen)}`;
  }
  const [old, now] = [new Set(before), new Set(after)];
  const added = after.filter((range) => !old.has(range));
  const removed = before.filter((range) => !now.has(range));
  return `source ranges ${writeDifference(added, removed, pen)}`;
}

/** `new: 10.96.0.30:25/tcp, 2 endpoints; affinity 900 s`, `new: 10.96.0.30:25/tcp: rejected`. */
function renderGained(state: ServicePortState, pen: Pen): string {
  const served = [writeFrontends(state, pen), ...writeCounts(state)].join(', ');
  const refused = writeRefusals(state, pen);
  const parts = [refused === '' ? served : `${served}: ${refused}`, ...writeRest(state, pen)];
  return `${pen.added('new:')} ${parts.join('; ')}`;
}

/** `gone: 10.96.0.40:80/tcp, *:30080/tcp`. */
function renderLost(state: ServicePortState, pen: Pen): string {
  return `${pen.removed('gone:')} ${writeFrontends(state, pen)}`;
}

function writeFrontends({ frontends }: ServicePortState, pen: Pen): string {
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
  return groups.map(({ refusal, ...where }) => refusalText(refusal) + writeWhere(where, pen)).join(', ');
}

/** Affinity and source ranges belong to the Service, so one frontend is enough. */
function writeRest({ frontends }: ServicePortState, pen: Pen): string[] {
  const seconds = Math.max(...frontends.slice(0, 100).map(({ affinitySeconds }) => affinitySeconds));
  const ranges = frontends.find(({ sourceRanges }) => sourceRanges !== null)?.sourceRanges ?? [];
  return [
    ...(seconds > 0 ? [`affinity ${secondsText(seconds)}`] : []),
    ...(ranges.length > 0 ? [`source ranges ${writeList(ranges, pen)}`] : []),
  ];
}

/** Writes text from rulesets, which may come from anywhere: control characters become visible. */
interface Pen {
  readonly plain: (text: string) => string;
  /** Green in color output. */
  readonly added: (text: string) => string;
  /** Red in color output. */
  readonly removed: (text: string) => string;
}

/** How many entries of a long list are shown. */
const shown = 5;

/** A pen with or without the colors of a terminal. */
function makePen({ color }: { readonly color: boolean }): Pen {
  const paint = (code: string) => (text: string) =>
    color ? `\u001b[${code}m${escapeControls(text)}\u001b[0m` : escapeControls(text);
  return { plain: escapeControls, added: paint('32'), removed: paint('31') };
}

/** `a, b, c` or, of a long list, `a, b, c, d, e, 12 more`. */
function writeList(texts: readonly string[], { plain }: Pen): string {
  return cut(texts, '').map(plain).join(', ');
}

/** `+a, +b, -c`, and `+12 more`, `-12 more` of long lists. */
function writeDifference(added: readonly string[], removed: readonly string[], pen: Pen): string {
  return [...cut(added, '+').map(pen.added), ...cut(removed, '-').map(pen.removed)].join(', ');
}

function cut(texts: readonly string[], sign: string): string[] {
  return limitList(texts, shown).map((text) => sign + text);
}

/** ` at *:30080/tcp`; nothing where a change holds everywhere. */
function writeWhere({ frontends }: Where, pen: Pen): string {
  return frontends ? ` at ${writeList(frontends, pen)}` : '';
}
