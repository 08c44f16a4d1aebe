import { compareText } from '../../lib/text.ts';
import type { ClusterState, NodeOutcome, PortState } from './cluster-state.ts';
import type { CrossZone } from './what-if.ts';

/** How many nodes of each zone connect to each service port, and which part of their connections leaves the zone. */
interface Tally {
  weight: number;
  crossing: number;
}

/** The share of new connections of Pods and nodes that leave their zone, before and after, in total and from each zone. */
export function crossZoneOf(before: ClusterState, after: ClusterState): CrossZone {
  const [old, now] = [tallyCluster(before), tallyCluster(after)];
  const zones = [...new Set([...before.zones.values(), ...after.zones.values()])].sort(compareText);
  return {
    before: shareOf(sum(old)),
    after: shareOf(sum(now)),
    zones: zones.map((zone) => ({ zone, before: shareOf(old.get(zone)), after: shareOf(now.get(zone)) })),
  };
}

/** The same for one service port; null where none of its connections has known zones. */
export function crossZoneOfPort(port: PortState | undefined, state: ClusterState): number | null {
  return port ? shareOf(sum(tallyPorts([port], state))) : null;
}

function tallyCluster(state: ClusterState): ReadonlyMap<string, Tally> {
  return tallyPorts([...state.ports.values()], state);
}

function sum(tallies: ReadonlyMap<string, Tally>): Tally {
  const total: Tally = { weight: 0, crossing: 0 };
  for (const { weight, crossing } of tallies.values()) {
    total.weight += weight;
    total.crossing += crossing;
  }
  return total;
}

function shareOf(tally: Tally | undefined): number | null {
  return tally && tally.weight > 0 ? tally.crossing / tally.weight : null;
}

function tallyPorts(ports: readonly PortState[], { nodes, zones }: ClusterState): Map<string, Tally> {
  const tallies = new Map<string, Tally>([...zones.values()].map((zone) => [zone, { weight: 0, crossing: 0 }]));
  const placed = nodes.filter(({ zone }) => zone !== '');
  for (const { internal } of ports) {
    const zonesOfOutcome = cachedZones(zones);
    for (const node of internal ? placed : []) {
      const shares = internal && zonesOfOutcome(internal(node));
      const tally = tallies.get(node.zone);
      if (shares && tally) {
        tally.weight += 1;
        tally.crossing += 1 - (shares.get(node.zone) ?? 0);
      }
    }
  }
  return tallies;
}

type ZonesOfOutcome = (outcome: NodeOutcome) => ReadonlyMap<string, number> | undefined;

function cachedZones(zones: ReadonlyMap<string, string>): ZonesOfOutcome {
  const cache = new Map<NodeOutcome, ReturnType<ZonesOfOutcome>>();
  return (outcome) => {
    if (!cache.has(outcome)) {
      cache.set(outcome, zonesOf(outcome, zones));
    }
    return cache.get(outcome);
  };
}

/** The share of each zone among the endpoints whose zone is known; undefined if none is. */
function zonesOf(
  { endpoints }: NodeOutcome,
  zones: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> | undefined {
  const known = endpoints.flatMap(({ nodeName }) => zones.get(nodeName) ?? []);
  const shares = new Map<string, number>();
  for (const zone of known) {
    shares.set(zone, (shares.get(zone) ?? 0) + 1 / known.length);
  }
  return known.length > 0 ? shares : undefined;
}
