import { compareNames } from '../../lib/text.ts';
import { explainDifference, type FateDifference, type MigrationSide } from './causes.ts';
import { type HealthCheckPort, listProbes, type Probe, probeClients } from './list-probes.ts';
import {
  type Migration,
  type MigrationCase,
  type MigrationChange,
  type MigrationEffect,
  migrationEffects,
} from './migration.ts';
import { hasSameEndpoints, isSameAffinity, isSameFate, isSameShare, type ProxyFate } from './proxy-fate.ts';

/** Both proxies in one family. */
export interface SidePair {
  readonly from: MigrationSide;
  readonly to: MigrationSide;
  readonly healthChecks: readonly HealthCheckPort[];
}

/** What clients notice, grouped by cause and effect. */
export function compareSides(pairs: readonly SidePair[]): Pick<Migration, 'connections' | 'services' | 'changes'> {
  const groups = new Map<string, ChangeDraft>();
  const services = new Set<string>();
  let connections = 0;
  for (const { from, to, healthChecks } of pairs) {
    const probes = listProbes([from, to], healthChecks);
    connections += probes.length;
    for (const probe of probes) {
      services.add(probe.service);
      for (const difference of differencesOf(probe, { from, to })) {
        addDifference(groups, difference);
      }
    }
  }
  services.delete('');
  return { connections, services: services.size, changes: [...groups.values()].map(finish).sort(compareChanges) };
}

/** A change to which cases are added. */
interface ChangeDraft extends Pick<MigrationChange, 'cause' | 'effect' | 'message' | 'advice'> {
  readonly cases: Map<string, CaseDraft>;
}

type CaseDraft = Omit<MigrationCase, 'clients'> & { readonly clients: Set<MigrationCase['clients'][number]> };

function addDifference(groups: Map<string, ChangeDraft>, difference: FateDifference): void {
  const { probe, before, after, effect, from } = difference;
  const { cause, message, advice } = explainDifference(difference);
  const key = JSON.stringify([cause, effect, message, advice]);
  const group = groups.get(key) ?? { cause, effect, message, advice, cases: new Map() };
  groups.set(key, group);
  const { family } = from.expectations;
  const { service, frontend, place } = probe;
  const caseKey = JSON.stringify([family, service, frontend, before, after]);
  const known = group.cases.get(caseKey) ?? { family, service, frontend, place, clients: new Set(), before, after };
  group.cases.set(caseKey, known);
  known.clients.add(probe.client);
}

const clientKindsInOrder = Object.keys(probeClients) as (keyof typeof probeClients)[];

function finish({ cases, ...change }: ChangeDraft): MigrationChange {
  const all = [...cases.values()];
  const inOrder = (clients: ReadonlySet<string>) => clientKindsInOrder.filter((kind) => clients.has(kind));
  return {
    ...change,
    clients: inOrder(new Set(all.flatMap(({ clients }) => [...clients]))),
    services: [...new Set(all.flatMap(({ service }) => (service === '' ? [] : [service])))].sort(compareNames),
    cases: all.map((one) => ({ ...one, clients: inOrder(one.clients) })),
  };
}

/** The worst effect first, then what most Services have; endpoints that connect to themselves are rare. */
function compareChanges(a: MigrationChange, b: MigrationChange): number {
  return (
    migrationEffects.indexOf(a.effect) - migrationEffects.indexOf(b.effect) ||
    Number(isOfEndpoints(a)) - Number(isOfEndpoints(b)) ||
    b.services.length - a.services.length ||
    b.cases.length - a.cases.length
  );
}

function isOfEndpoints({ clients }: MigrationChange): boolean {
  return clients.every((kind) => kind.startsWith('itself-'));
}

/** What is different about one connection; nothing where both proxies may do the same things. */
function differencesOf(probe: Probe, { from, to }: Pick<FateDifference, 'from' | 'to'>): FateDifference[] {
  const [before, after] = [from.fatesOf(probe.packet), to.fatesOf(probe.packet)];
  const isAmong = (fates: readonly ProxyFate[]) => (fate: ProxyFate) => fates.some((one) => isSameFate(one, fate));
  if (before.every(isAmong(after)) && after.every(isAmong(before))) {
    return [];
  }
  // The mark of other programs may change with what their rules see.
  const masks = from.expectations.masqueradeMark | to.expectations.masqueradeMark;
  const bits = from.hasOtherRules || to.hasOtherRules ? masks : 0xffff_ffff;
  // The usual fates first: others are those of Services that claim the same frontend.
  const pairs = before.flatMap((one) => after.map((other) => ({ before: one, after: other })));
  const pair = pairs.find(({ before: one, after: other }) => !isSameFate(one, other));
  return pair ? effectsOf(probe, pair, bits).map((effect) => ({ probe, ...pair, effect, from, to })) : [];
}

interface FatePair {
  readonly before: ProxyFate;
  readonly after: ProxyFate;
}

/** All effects of one difference: another set of endpoints may also come with another source. */
function effectsOf({ place, packet, client }: Probe, { before, after }: FatePair, bits: number): MigrationEffect[] {
  const [served, serves] = [before, after].map((fate) => servedShare(fate, { place, packet, client }));
  const change = (serves ?? 0) - (served ?? 0);
  if (!isSameShare(change, 0)) {
    return [change < 0 ? 'breaks' : 'opens'];
  }
  const checks: readonly (readonly [MigrationEffect, boolean])[] = [
    ['endpoints', !hasSameEndpoints(before, after)],
    ['source', !hasSameSources(before, after)],
    ['refusal', before.verdict !== after.verdict || before.answer !== after.answer],
    ['affinity', !isSameAffinity(before.affinity, after.affinity)],
    ['mark', !isSameMark(before.markChange, after.markChange, bits)],
  ];
  return checks.flatMap(([effect, isDifferent]) => (isDifferent ? [effect] : []));
}

function isSameMark(before: number | null, after: number | null, bits: number): boolean {
  return before === null || after === null || ((before ^ after) & bits) === 0;
}

/** The share of connections that somebody answers; an endpoint does not answer itself unless it is masqueraded. */
function servedShare(fate: ProxyFate, { place, packet, client }: Pick<Probe, 'place' | 'packet' | 'client'>): number {
  if (place === 'health-check-port') {
    return fate.verdict === 'untouched' ? 1 : 0;
  }
  const isReached = ({ endpoint, masqueraded }: ProxyFate['endpoints'][number]): boolean =>
    !client.startsWith('itself-') || masqueraded === true || hostOf(endpoint) !== packet.source;
  return fate.endpoints.filter(isReached).reduce((sum, { share }) => sum + share, 0);
}

/** The address of `10.1.1.1:80` or `[fd00::1]:80`. */
function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Of the endpoints that both reach. */
function hasSameSources(before: ProxyFate, after: ProxyFate): boolean {
  const known = new Map(after.endpoints.map(({ endpoint, masqueraded }) => [endpoint, masqueraded]));
  const areSame = before.endpoints.every(
    ({ endpoint, masqueraded }) => (known.get(endpoint) ?? masqueraded) === masqueraded,
  );
  return areSame && before.masqueraded === after.masqueraded;
}
