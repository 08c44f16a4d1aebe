import { endpointText, type Family } from '../../net/network.ts';
import type { ExpectedFrontend } from './expectations.ts';
import { clientKinds } from './list-clients.ts';
import type { Fault, FaultCode } from './verification.ts';

/** Gathers faults; one difference that several kinds of clients see is one fault. */
export interface FaultCollector {
  readonly add: (fault: Fault) => void;
  readonly addDifference: (place: FaultPlace, difference: Difference, client: string) => void;
  /** Whether any difference was added for this place so far. */
  readonly concerns: (place: FaultPlace) => boolean;
  /** All faults, in the order in which each was first added. */
  readonly list: () => Fault[];
}

/** Where a fault is: the label of the Service and the frontend, if it belongs to any. */
export type FaultPlace = Pick<Fault, 'service' | 'frontend'>;

/** How a fate differs from the expected one. The message is `before`, the names of the clients, and `after`. */
export interface Difference {
  readonly code: FaultCode;
  readonly before: string;
  readonly after: string;
}

/** The place of a frontend: its Service `shop/web:http`, and its address as frontendLabel writes it. */
export function placeOf({ address, port, service }: ExpectedFrontend, family: Family): FaultPlace {
  return { service: service.label, frontend: frontendLabel({ address, port, protocol: service.protocol }, family) };
}

/** An address and port, undefined for a node port, and a protocol; empty if that is not known. */
interface FrontendParts extends Pick<ExpectedFrontend, 'address' | 'port'> {
  readonly protocol: string;
}

/**
 * A frontend as all commands print it: `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`, `*:30080/tcp`, over IPv6
 * `[*]:30080/tcp`.
 */
export function frontendLabel({ address, port, protocol }: FrontendParts, family: Family): string {
  const host = address ?? (family === 'ip' ? '*' : '[*]');
  return `${endpointText({ address: host, port })}${protocol === '' ? '' : `/${protocol}`}`;
}

interface Group {
  readonly place: FaultPlace;
  readonly difference: Difference;
  readonly clients: Set<string>;
}

/** A collector without faults. */
export function createFaultCollector(): FaultCollector {
  const entries = new Map<string, Fault | Group>();
  const places = new Set<string>();
  return {
    add: (fault) => {
      entries.set(JSON.stringify(fault), fault);
    },
    addDifference: (place, difference, client) => {
      const key = JSON.stringify([place, difference]);
      places.add(placeKey(place));
      const known = entries.get(key);
      if (known && 'clients' in known) {
        known.clients.add(client);
      } else {
        entries.set(key, { place, difference, clients: new Set([client]) });
      }
    },
    concerns: (place) => places.has(placeKey(place)),
    list: () => [...entries.values()].map((entry) => ('clients' in entry ? faultOf(entry) : entry)),
  };
}

function placeKey({ service, frontend }: FaultPlace): string {
  return JSON.stringify([service, frontend]);
}

const shownClients = 3;

/** Names kinds of clients; single addresses only if no whole kind is affected. */
function faultOf({ place, difference: { code, before, after }, clients }: Group): Fault {
  const kinds = clientKinds.filter((kind) => clients.has(kind));
  const names = kinds.length > 0 ? kinds : [...clients];
  const shown = names.slice(0, shownClients);
  const others = names.length - shown.length;
  const last = others > 0 ? `${others} more` : shown.pop();
  const words = shown.length > 0 ? `${shown.join(', ')} and ${last}` : String(last);
  return { code, ...place, message: `${before}${words}${after}` };
}
