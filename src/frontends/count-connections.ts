/**
 * Connections by service port and endpoint, from the counters in the maps of dispatch: the first packet of a connection finds the
 * element of its frontend, and then that of its endpoint.
 */

import type { Mutable } from '../lib/mutable.ts';
import { compareText } from '../lib/text.ts';
import { endpointText, type Family, type Protocol, protocols } from '../net/network.ts';
import type { CountedElement, CountedMap } from '../nft/listed-table.ts';
import { splitKeyEnd } from '../nft/ruleset-parts.ts';
import { readDispatchChainName } from '../phases/5-plan/known-names.ts';
import { endpointMapName, knownNames, setNames } from '../phases/5-plan/names.ts';
import { endpointKeyOf, readServicePortName, readVerdictKey, type ServicePortName } from './frontend-address.ts';

/** A map as it was read. */
export interface CountedReading {
  readonly family: Family;
  /** When, in milliseconds on a monotonic clock. */
  readonly at: number;
  readonly map: CountedMap;
}

/** The connections of a service port, over all its frontends, or those to one of its endpoints. */
export interface ConnectionCount extends ServicePortName {
  readonly protocol: Protocol;
  /** `10.1.2.3:8080`; null for all connections of the service port. */
  readonly endpoint: string | null;
  /**
   * What the kernel has counted. A frontend starts at 0 again when the number of its endpoints changes, and an endpoint when it takes
   * another place in the list of a frontend.
   */
  readonly connections: number;
  /** Those since the reading before; all of them where a map is read for the first time. */
  readonly added: number;
  /** Null where a map is read for the first time. */
  readonly perSecond: number | null;
}

/** The maps of frontends, in which connections are counted by service port. */
export const frontendMapNames: readonly string[] = [setNames.serviceIps, setNames.serviceNodePorts];

/** Whether a Service is of interest. */
export type SelectService = (name: ServicePortName) => boolean;

/** The names of the maps that hold the endpoints of the selected Services, given the maps of frontends of one family. */
export function endpointMapsOf(frontends: readonly CountedMap[], isSelected: SelectService): string[] {
  const names = new Set<string>();
  for (const { value, comment } of frontends.flatMap(({ elements }) => elements)) {
    const name = readServicePortName(comment);
    const chain = value && 'chain' in value ? readDispatchChainName(value.chain) : undefined;
    if (name && chain && isSelected(name)) {
      const { protocol, frontend, clusterCount, localCount } = chain;
      if (clusterCount > 0) {
        names.add(endpointMapName({ protocol, frontend, scope: 'cluster' }));
      }
      if (localCount > 0) {
        names.add(endpointMapName({ protocol, frontend, scope: 'local' }));
      }
    }
  }
  return [...names].sort();
}

/** Counts connections from one reading to the next. */
export interface ConnectionMeter {
  /**
   * The counts of the selected Services: a service port, then its endpoints, sorted by name.
   *
   * @param readings of all families; endpoints only with the maps of frontends of their family.
   */
  measure(readings: readonly CountedReading[], isSelected?: SelectService): ConnectionCount[];
}

interface LastReading {
  readonly at: number;
  /** What elements had counted, by key and value. */
  readonly counts: ReadonlyMap<string, number>;
}

/** A meter that has read nothing yet. */
export function createConnectionMeter(): ConnectionMeter {
  const before = new Map<string, LastReading>();
  return {
    measure: (readings, isSelected = () => true) => {
      const sums = new Map<string, Sum>();
      const owners = readOwners(readings);
      for (const { family, at, map } of readings) {
        const place = `${family} ${map.name}`;
        const last = before.get(place);
        const counts = new Map<string, number>();
        for (const element of map.elements) {
          const counted = countedBy(element, { family, map: map.name, owners });
          if (counted && isSelected(counted)) {
            const identity = identityOf(element);
            counts.set(identity, element.packets);
            addTo(sums, counted, changeOf(element.packets, { at, last, identity }));
          }
        }
        before.set(place, { at, counts });
      }
      return [...sums.values()].sort(compareCounts);
    },
  };
}

type Sum = Mutable<ConnectionCount>;
type Identity = Pick<ConnectionCount, 'namespace' | 'service' | 'portName' | 'protocol' | 'endpoint'>;
type Change = Pick<ConnectionCount, 'connections' | 'added' | 'perSecond'>;

/** The comment of each frontend, by family and as endpoint maps know it: `ip tcp 10.96.0.1 . 80`. */
type Owners = ReadonlyMap<string, string>;

function readOwners(readings: readonly CountedReading[]): Owners {
  const owners = new Map<string, string>();
  for (const { family, map } of readings) {
    for (const { key, comment } of frontendMapNames.includes(map.name) ? map.elements : []) {
      const address = readVerdictKey(key);
      if (address && comment !== undefined) {
        owners.set(`${family} ${address.protocol} ${endpointKeyOf(address)}`, comment);
      }
    }
  }
  return owners;
}

/** What an element counts the connections of; undefined for one that the compiler never writes. */
function countedBy(
  { key, value, comment }: CountedElement,
  { family, map, owners }: { readonly family: Family; readonly map: string; readonly owners: Owners },
): Identity | undefined {
  if (value && 'address' in value) {
    const protocol = knownNames.mapProtocols.get(map);
    const [frontend] = splitKeyEnd(key);
    const name = readServicePortName(owners.get(`${family} ${protocol} ${frontend}`));
    return name && protocol && { ...name, protocol, endpoint: endpointText(value) };
  }
  const name = readServicePortName(comment);
  const protocol = protocols.find((one) => one === readVerdictKey(key)?.protocol);
  return name && protocol && { ...name, protocol, endpoint: null };
}

function identityOf({ key, value }: CountedElement): string {
  if (!value) {
    return key;
  }
  return 'address' in value ? `${key} : ${endpointText(value)}` : `${key} : ${'chain' in value ? value.chain : ''}`;
}

/** What has been counted since the last reading. An element that counts less than it did is another one. */
function changeOf(
  packets: number,
  { at, last, identity }: { readonly at: number; readonly last: LastReading | undefined; readonly identity: string },
): Change {
  const before = last?.counts.get(identity) ?? 0;
  const added = packets >= before ? packets - before : packets;
  const seconds = last ? (at - last.at) / 1_000 : 0;
  return { connections: packets, added, perSecond: seconds > 0 ? added / seconds : null };
}

function addTo(sums: Map<string, Sum>, identity: Identity, { connections, added, perSecond }: Change): void {
  const { namespace, service, portName, protocol, endpoint } = identity;
  const key = `${namespace}/${service}:${portName} ${protocol} ${endpoint}`;
  const sum = sums.get(key);
  if (!sum) {
    sums.set(key, { namespace, service, portName, protocol, endpoint, connections, added, perSecond });
    return;
  }
  sum.connections += connections;
  sum.added += added;
  sum.perSecond = sum.perSecond === null || perSecond === null ? null : sum.perSecond + perSecond;
}

function compareCounts(a: ConnectionCount, b: ConnectionCount): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.service, b.service) ||
    compareText(a.portName, b.portName) ||
    compareText(a.protocol, b.protocol) ||
    compareText(a.endpoint ?? '', b.endpoint ?? '')
  );
}
