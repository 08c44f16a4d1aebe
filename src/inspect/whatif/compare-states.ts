import { frontendHostText } from '../../frontends/frontend-address.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { compareNames, compareText } from '../../lib/text.ts';
import { cidrText } from '../../net/address.ts';
import { endpointText } from '../../net/network.ts';
import type { Endpoint } from '../../phases/3-model/model.ts';
import { displayName } from '../../phases/5-plan/names.ts';
import type { ClusterState, NodeOutcome, OutcomeOn, PlacedNode, PortState } from './cluster-state.ts';
import { crossZoneOf, crossZoneOfPort } from './cross-zone.ts';
import {
  type ClientEffect,
  type Clients,
  effects,
  type PortChange,
  type ShareChange,
  type Treatment,
  type TreatmentChange,
  type WhatIf,
} from './what-if.ts';

/** A cluster, and what is at its addresses. */
export interface LocatedState {
  readonly state: ClusterState;
  readonly locations: Locations;
}

/** What is different for clients. */
export function compareStates(
  before: LocatedState,
  after: LocatedState,
): Pick<WhatIf, 'nodes' | 'servicePorts' | 'crossZone' | 'items'> {
  const stayed = new Set(after.state.nodes.map(({ name }) => name));
  const zonesBefore = new Map(before.state.nodes.map(({ name, zone }) => [name, zone]));
  const context: Context = {
    before,
    after,
    // A node that moved to another zone counts with each.
    common: after.state.nodes
      .filter(({ name }) => zonesBefore.has(name))
      .map((node) => ({
        before: { name: node.name, zone: zonesBefore.get(node.name) ?? '' },
        after: node,
      })),
  };
  const ids = new Set([...before.state.ports.keys(), ...after.state.ports.keys()]);
  const items = [...ids].flatMap(
    (id) => comparePort(before.state.ports.get(id), after.state.ports.get(id), context) ?? [],
  );
  return {
    nodes: {
      before: before.state.nodes.length,
      after: after.state.nodes.length,
      lost: before.state.nodes
        .map(({ name }) => name)
        .filter((name) => !stayed.has(name))
        .sort(compareText),
    },
    servicePorts: { before: countPorts(before.state), after: countPorts(after.state) },
    crossZone: crossZoneOf(before.state, after.state),
    items: items.sort(compareChanges),
  };
}

/** Those of two families are one. */
function countPorts({ ports }: ClusterState): number {
  return new Set([...ports.values()].map(({ servicePort }) => `${displayName(servicePort)}/${servicePort.protocol}`))
    .size;
}

interface Context {
  readonly before: LocatedState;
  readonly after: LocatedState;
  readonly common: readonly { readonly before: PlacedNode; readonly after: PlacedNode }[];
}

function compareChanges(a: PortChange, b: PortChange): number {
  const rank = ({ effects: [worst] }: PortChange): number =>
    worst === undefined ? effects.length : effects.indexOf(worst);
  const name = ({ namespace, service, portName, protocol, family }: PortChange): string =>
    `${namespace}/${service}:${portName}:${protocol}:${family}`;
  return rank(a) - rank(b) || compareNames(name(a), name(b));
}

function comparePort(
  before: PortState | undefined,
  after: PortState | undefined,
  context: Context,
): PortChange | undefined {
  const [port] = [after ?? before];
  if (!port) {
    return undefined;
  }
  const { servicePort, family } = port;
  const treatments = (['internal', 'external'] as const).flatMap((clients) =>
    compareTreatments(clients, before?.[clients], after?.[clients], context),
  );
  const frontends = (state: PortState | undefined): string[] =>
    (state?.frontends ?? []).map((frontend) => frontendHostText(frontend, family));
  const [old, now] = [frontends(before), frontends(after)];
  const shares = (['internal', 'external'] as const).flatMap((clients) =>
    compareShares(clients, before, after, context),
  );
  const ranges = (state: PortState | undefined): string[] => (state?.servicePort.sourceRanges ?? []).map(cidrText);
  const change = {
    namespace: servicePort.namespace,
    service: servicePort.name,
    portName: servicePort.portName,
    protocol: servicePort.protocol,
    family,
    treatments,
    shares,
    frontendsRemoved: old.filter((frontend) => !now.includes(frontend)),
    frontendsAdded: now.filter((frontend) => !old.includes(frontend)),
    broken: {
      internal: brokenShare('internal', shares, before, context),
      external: brokenShare('external', shares, before, context),
    },
    affinitySeconds: {
      before: before?.servicePort.affinitySeconds ?? 0,
      after: after?.servicePort.affinitySeconds ?? 0,
    },
    sourceRanges: { before: ranges(before), after: ranges(after) },
    crossZone: {
      before: crossZoneOfPort(before, context.before.state),
      after: crossZoneOfPort(after, context.after.state),
    },
  };
  const found = effectsOf(change, { before, after });
  return found.length > 0 ? { ...change, effects: found } : undefined;
}

const absent: Treatment = { verdict: 'absent', endpoints: 0, keepsSource: null };

/** Nodes on which the same happens are one entry; which endpoints it is that share connections is not compared here. */
function compareTreatments(
  clients: Clients,
  before: OutcomeOn | undefined,
  after: OutcomeOn | undefined,
  { common }: Context,
): TreatmentChange[] {
  const groups = new Map<string, { readonly nodes: string[]; readonly old: Treatment; readonly now: Treatment }>();
  for (const node of common) {
    const [old, now] = [treatmentOf(before?.(node.before)), treatmentOf(after?.(node.after))];
    if (keyOf(old) !== keyOf(now)) {
      const key = `${keyOf(old)} ${keyOf(now)}`;
      const group = groups.get(key) ?? { nodes: [], old, now };
      groups.set(key, group);
      group.nodes.push(node.after.name);
    }
  }
  return [...groups.values()].map(({ nodes, old, now }) => ({
    clients,
    nodes: nodes.sort(compareText),
    isEverywhere: nodes.length === common.length,
    before: old,
    after: now,
  }));
}

function keyOf({ verdict, endpoints, keepsSource }: Treatment): string {
  return `${verdict} ${endpoints} ${keepsSource}`;
}

function treatmentOf(outcome: NodeOutcome | undefined): Treatment {
  if (!outcome) {
    return absent;
  }
  const { verdict, endpoints, keepsSource } = outcome;
  return { verdict, endpoints: endpoints.length, keepsSource: verdict === 'served' ? keepsSource : null };
}

/** Endpoints with their shares, averaged over the nodes on which connections are served. */
type Shares = ReadonlyMap<string, { readonly endpoint: Endpoint; readonly share: number }>;

/** All that serve the same are counted once, with their number. */
function countOutcomes(outcomeOn: OutcomeOn, nodes: readonly PlacedNode[]): ReadonlyMap<NodeOutcome, number> {
  const counts = new Map<NodeOutcome, number>();
  for (const node of nodes) {
    const outcome = outcomeOn(node);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

function sharesOf(outcomeOn: OutcomeOn | undefined, nodes: readonly PlacedNode[]): Shares {
  const counts = outcomeOn ? [...countOutcomes(outcomeOn, nodes)].filter(([{ verdict }]) => verdict === 'served') : [];
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const shares = new Map<string, { readonly endpoint: Endpoint; readonly share: number }>();
  for (const [{ endpoints }, count] of counts) {
    for (const endpoint of endpoints) {
      const key = endpointText(endpoint.endpointAddress);
      const share = (shares.get(key)?.share ?? 0) + count / total / endpoints.length;
      shares.set(key, { endpoint, share });
    }
  }
  return shares;
}

/** Below it, two shares are equal: they are sums of fractions. */
const precision = 1e-9;

function compareShares(
  clients: Clients,
  before: PortState | undefined,
  after: PortState | undefined,
  context: Context,
): ShareChange[] {
  const old = sharesOf(before?.[clients], context.before.state.nodes);
  const now = sharesOf(after?.[clients], context.after.state.nodes);
  return [...new Set([...old.keys(), ...now.keys()])].sort(compareText).flatMap((text) => {
    const [was, is] = [old.get(text), now.get(text)];
    const change = { before: was?.share ?? 0, after: is?.share ?? 0 };
    const endpoint = is?.endpoint ?? was?.endpoint;
    if (!endpoint || Math.abs(change.after - change.before) <= precision) {
      return [];
    }
    const place = locate(endpoint, is ? context.after : context.before);
    const gone = isGone(endpoint, (before ?? after)?.servicePort.protocol ?? '', after, context.after);
    return [{ clients, endpoint: text, ...place, ...change, gone }];
  });
}

function locate(
  { endpointAddress: { address }, nodeName }: Endpoint,
  { state, locations }: LocatedState,
): Pick<ShareChange, 'pod' | 'node' | 'zone'> {
  const found = locations.byAddress.get(address);
  const node = nodeName || (found?.nodeName ?? '');
  return { pod: found?.pod ?? '', node, zone: state.zones.get(node) ?? found?.zone ?? '' };
}

/** The share of connections that cannot go on; null where there were none. */
function brokenShare(
  clients: Clients,
  shares: readonly ShareChange[],
  before: PortState | undefined,
  context: Context,
): number | null {
  const outcomeOn = before?.[clients];
  const isServed = context.before.state.nodes.some((node) => outcomeOn?.(node).verdict === 'served');
  const gone = shares.filter((share) => share.clients === clients && share.gone);
  return isServed ? gone.reduce((sum, share) => sum + share.before, 0) : null;
}

/**
 * Whether nothing is at the address of an endpoint any more. Connections of UDP go elsewhere as soon as it is no longer an endpoint.
 */
function isGone(
  { endpointAddress }: Endpoint,
  protocol: string,
  after: PortState | undefined,
  { locations }: LocatedState,
): boolean {
  const text = endpointText(endpointAddress);
  const isEndpoint = after?.servicePort.endpoints.some((one) => endpointText(one.endpointAddress) === text) ?? false;
  return !(isEndpoint || (protocol !== 'udp' && locations.byAddress.has(endpointAddress.address)));
}

function effectsOf(
  change: Omit<PortChange, 'effects'>,
  { before, after }: { readonly before: PortState | undefined; readonly after: PortState | undefined },
): ClientEffect[] {
  const { treatments, shares, broken, affinitySeconds, sourceRanges, crossZone } = change;
  const isServed = ({ verdict }: Treatment): boolean => verdict === 'served';
  const losses = treatments.filter(
    (one) => isServed(one.before) && !isServed(one.after) && one.after.verdict !== 'absent',
  );
  const isOut = after !== undefined && !hasEndpoints(after) && before !== undefined && hasEndpoints(before);
  const found: Readonly<Record<ClientEffect, boolean>> = {
    outage: isOut,
    'partial-outage': losses.length > 0 && !isOut,
    'frontend-removed': change.frontendsRemoved.length > 0,
    'source-lost': treatments.some((one) => one.before.keepsSource === true && one.after.keepsSource === false),
    'affinity-lost': after !== undefined && affinitySeconds.before > 0 && affinitySeconds.after === 0,
    'connections-broken': (broken.internal ?? 0) + (broken.external ?? 0) > precision,
    'source-ranges': sourceRanges.before.join() !== sourceRanges.after.join(),
    shares: shares.some((one) => one.before > 0) && shares.some((one) => one.after > 0),
    'cross-zone':
      crossZone.before !== null && crossZone.after !== null && Math.abs(crossZone.after - crossZone.before) > precision,
    'served-again': treatments.some(
      (one) => !isServed(one.before) && one.before.verdict !== 'absent' && isServed(one.after),
    ),
    'frontend-added': change.frontendsAdded.length > 0,
    'source-kept': treatments.some((one) => one.before.keepsSource === false && one.after.keepsSource === true),
    'affinity-gained': before !== undefined && affinitySeconds.before === 0 && affinitySeconds.after > 0,
  };
  return effects.filter((effect) => found[effect]);
}

function hasEndpoints({ servicePort: { endpoints } }: PortState): boolean {
  return endpoints.some(({ ready, serving, terminating }) => ready || (serving && terminating));
}
