import type { Difference } from './compare-fate.ts';
import { clientKinds } from './list-clients.ts';
import type { Fault } from './verification.ts';

/** Where a fault is: the Service's label and the frontend, as far as it concerns any. */
export type FaultPlace = Pick<Fault, 'service' | 'frontend'>;

/** Gathers faults; what is wrong in one way for several kinds of clients is one fault. */
export interface FaultCollector {
  readonly add: (fault: Fault) => void;
  readonly addDifference: (place: FaultPlace, difference: Difference, client: string) => void;
  /** Whether anything is wrong there so far. */
  readonly concerns: (place: FaultPlace) => boolean;
  /** All faults, in the order in which their first one came. */
  readonly list: () => Fault[];
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
      places.add(placeText(place));
      const known = entries.get(key);
      if (known && 'clients' in known) {
        known.clients.add(client);
      } else {
        entries.set(key, { place, difference, clients: new Set([client]) });
      }
    },
    concerns: (place) => places.has(placeText(place)),
    list: () => [...entries.values()].map((entry) => ('clients' in entry ? faultOf(entry) : entry)),
  };
}

function placeText({ service, frontend }: FaultPlace): string {
  return JSON.stringify([service, frontend]);
}

const shownClients = 3;

/** Kinds of clients by name; single addresses only where no kind is concerned as a whole. */
function faultOf({ place, difference: { code, before, after }, clients }: Group): Fault {
  const kinds = clientKinds.filter((kind) => clients.has(kind));
  const names = kinds.length > 0 ? kinds : [...clients];
  const shown = names.slice(0, shownClients);
  const others = names.length - shown.length;
  const last = others > 0 ? `${others} more` : shown.pop();
  const words = shown.length > 0 ? `${shown.join(', ')} and ${last}` : String(last);
  return { code, ...place, message: `${before}${words}${after}` };
}
