/**
 * Hints that say which zones and nodes should use an endpoint: those of spec.trafficDistribution, and those of the annotation service.kubernetes.io/topology-mode, which the
 * EndpointSlice controller of Kubernetes 1.37 still gives out (k8s.io/endpointslice, trafficdist and topologycache).
 */

import { zoneLabel } from '../kubernetes/services.ts';
import { compareText } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** A function from the endpoints of a Service in one family to the same with their hints. */
export type AddHints = (endpoints: readonly Mapping[]) => readonly Mapping[];

/**
 * How the endpoints of a Service get their hints.
 *
 * @param shares of CPUs by zone, as {@link cpuShares} returns them.
 */
export function hintsFor(service: Mapping, shares: ZoneShares | undefined): AddHints {
  const annotations = mappingIn(mappingIn(service, 'metadata'), 'annotations');
  const mode =
    annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode'];
  if (mode === 'Auto' || mode === 'auto') {
    return (endpoints) => addByShares(endpoints, shares);
  }
  const distribution = textIn(mappingIn(service, 'spec'), 'trafficDistribution');
  if (!['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(distribution)) {
    return (endpoints) => endpoints;
  }
  const isNodeMeant = distribution === 'PreferSameNode';
  return (endpoints) => endpoints.map((endpoint) => (isReady(endpoint) ? hintNearby(endpoint, isNodeMeant) : endpoint));
}

function isReady(endpoint: Mapping): boolean {
  return mappingIn(endpoint, 'conditions')['ready'] === true;
}

function hintNearby(endpoint: Mapping, isNodeMeant: boolean): Mapping {
  const [zone, nodeName] = [textIn(endpoint, 'zone'), isNodeMeant ? textIn(endpoint, 'nodeName') : ''];
  const hints = {
    ...(zone !== '' && { forZones: [{ name: zone }] }),
    ...(nodeName !== '' && { forNodes: [{ name: nodeName }] }),
  };
  return Object.keys(hints).length > 0 ? { ...endpoint, hints } : endpoint;
}

/** What part of the CPUs of a cluster is in each zone, in the order of their names. */
export type ZoneShares = ReadonlyMap<string, number>;

/**
 * The shares of the ready Nodes that are not control planes; undefined if one of them has no zone or no CPUs, or there is
 * only one zone.
 */
export function cpuShares(nodes: readonly Mapping[]): ZoneShares | undefined {
  const zones = new Map<string, number>();
  for (const node of nodes.filter(isWorker)) {
    const zone = textIn(mappingIn(mappingIn(node, 'metadata'), 'labels'), zoneLabel);
    const cpu = milliCpus(mappingIn(mappingIn(node, 'status'), 'allocatable')['cpu']);
    if (zone === '' || cpu === 0) {
      return undefined;
    }
    zones.set(zone, (zones.get(zone) ?? 0) + cpu);
  }
  const total = [...zones.values()].reduce((sum, cpu) => sum + cpu, 0);
  const sorted = [...zones].sort(([a], [b]) => compareText(a, b));
  return zones.size < 2 ? undefined : new Map(sorted.map(([zone, cpu]) => [zone, cpu / total]));
}

function isWorker(node: Mapping): boolean {
  const labels = mappingIn(mappingIn(node, 'metadata'), 'labels');
  const ready = listIn(mappingIn(node, 'status'), 'conditions')
    .filter(isMapping)
    .find((one) => one['type'] === 'Ready');
  const isControlPlane = ['control-plane', 'master'].some((role) =>
    Object.hasOwn(labels, `node-role.kubernetes.io/${role}`),
  );
  return !isControlPlane && ready?.['status'] === 'True';
}

const factors: Readonly<Record<string, number>> = { n: 1e-6, u: 1e-3, m: 1, '': 1e3, k: 1e6 };

/** A quantity of CPUs, such as `4` or `1500m`, in thousandths; 0 for anything else. */
function milliCpus(quantity: unknown): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([numk]?)$/.exec(String(quantity)) ?? [];
  return Math.ceil(Number(number) * (factors[unit] ?? 0));
}

/** How much more traffic than its share an endpoint may get (overloadThreshold). */
const overload = 0.2;

/** Hints so that zones get as many endpoints as they have CPUs; none if that is not possible (TopologyCache.AddHints). */
function addByShares(endpoints: readonly Mapping[], shares: ZoneShares | undefined): readonly Mapping[] {
  const ready = endpoints.filter(isReady);
  const wanted = shares && endpointsOfZones(shares, ready.length);
  if (!wanted || ready.some((endpoint) => textIn(endpoint, 'zone') === '')) {
    return endpoints;
  }
  const moves = movesBetween(wanted, countZones(ready));
  return endpoints.map((endpoint) => {
    const zone = textIn(endpoint, 'zone');
    return isReady(endpoint)
      ? { ...endpoint, hints: { forZones: [{ name: moves.get(zone)?.shift() ?? zone }] } }
      : endpoint;
  });
}

/** How many endpoints each zone should get, maybe not a whole number; undefined if some would be overloaded. */
function endpointsOfZones(shares: ZoneShares, count: number): ReadonlyMap<string, number> | undefined {
  const parts = [...shares].map(([zone, share]) => ({ zone, desired: share * count }));
  const least = ({ desired }: { readonly desired: number }): number => Math.ceil(desired * (1 / (1 + overload)));
  const needed = parts.reduce((sum, part) => sum + least(part), 0);
  return shares.size > count || needed > count
    ? undefined
    : new Map(parts.map((part) => [part.zone, Math.max(part.desired, least(part))]));
}

function countZones(endpoints: readonly Mapping[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const endpoint of endpoints) {
    const zone = textIn(endpoint, 'zone');
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}

/** For each zone that has too many endpoints, the zones that get some of them (getGivingAndReceivingZones). */
function movesBetween(wanted: ReadonlyMap<string, number>, actual: ReadonlyMap<string, number>): Map<string, string[]> {
  const surplus = [...wanted].map(([zone, count]) => [zone, (actual.get(zone) ?? 0) - count] as const);
  const giving = new Map(surplus.filter(([, count]) => count > 0));
  const receiving = new Map(surplus.filter(([, count]) => count < 0).map(([zone, count]) => [zone, -count]));
  const moves = new Map<string, string[]>();
  for (;;) {
    const [giver, most] = largestOf(giving);
    const [receiver, needed] = largestOf(receiving);
    if ((most < 1 && needed < 1) || most < 0.5 || needed < 0.5) {
      return moves;
    }
    moves.set(giver, [...(moves.get(giver) ?? []), receiver]);
    giving.set(giver, most - 1);
    receiving.set(receiver, needed - 1);
  }
}

/** The first zone with the largest value; an empty one, and 0, if none is positive. */
function largestOf(values: ReadonlyMap<string, number>): readonly [zone: string, value: number] {
  return [...values].reduce<readonly [string, number]>((best, one) => (one[1] > best[1] ? one : best), ['', 0]);
}
