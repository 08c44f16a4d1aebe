/**
 * Endpoints at addresses that are refused themselves: a slice written by hand may have a cluster IP as endpoint, or the
 * frontend of another Service. Only then are there filter chains, which refuse translated connections (base-chains.ts). Addresses are
 * compared without ports, and endpoints count even while they are not ready: too many checks do no harm.
 */

import { cidrTest } from '../../net/address.ts';
import type { ServicePort } from '../3-model/model.ts';
import type { Fragment } from './fragment.ts';
import { noEndpointNodePorts, noEndpointServices } from './refusals.ts';

/** A service port with its part of the ruleset. */
export interface PortFragment {
  readonly servicePort: ServicePort;
  readonly fragment: Fragment;
}

/** Whether any endpoint is at an address that is refused, or in the ranges of cluster IPs. */
export function hasRefusedEndpoints(ports: readonly PortFragment[], serviceCIDRs: readonly string[]): boolean {
  const addresses = new Set<string>();
  const nodePorts = new Set<string>();
  for (const port of ports) {
    const refused = refusedBy(port);
    for (const address of refused.addresses) {
      addresses.add(address);
    }
    for (const nodePort of refused.nodePorts) {
      nodePorts.add(nodePort);
    }
  }
  const isInRanges = cidrTest(serviceCIDRs);
  const [first, last] = extremesOf(addresses);
  return ports.some(({ servicePort: { protocol, endpoints } }) =>
    endpoints.some(
      ({ endpointAddress: { address, port } }) =>
        // Comparing two texts is cheaper than finding one among many, and few endpoints are between these.
        (address >= first && address <= last && addresses.has(address)) ||
        isInRanges(address) ||
        (nodePorts.size > 0 && nodePorts.has(nodePortKey(protocol, port))),
    ),
  );
}

/** The first and the last of texts, bytewise. */
function extremesOf(texts: Iterable<string>): [first: string, last: string] {
  let [first = ''] = texts;
  let last = first;
  for (const text of texts) {
    first = text < first ? text : first;
    last = text > last ? text : last;
  }
  return [first, last];
}

/** The answer of {@link hasRefusedEndpoints}, kept up to date while service ports come and go. */
export interface RefusedEndpoints {
  /** Takes service ports out, then others in, at a cost in proportion to their endpoints. */
  readonly replace: (removed: readonly PortFragment[], added: readonly PortFragment[]) => void;
  readonly setRanges: (serviceCIDRs: readonly string[]) => void;
  readonly exist: () => boolean;
}

/** Without service ports and ranges. */
export function createRefusedEndpoints(): RefusedEndpoints {
  const addresses: Meetings = { endpoints: new Map(), refused: new Map(), met: 0 };
  const nodePorts: Meetings = { endpoints: new Map(), refused: new Map(), met: 0 };
  let ranges = '';
  let isInRanges = cidrTest([]);
  /** Addresses of endpoints that are. */
  let inRanges = 0;
  const change = (port: PortFragment, by: 1 | -1): void => {
    const { protocol, endpoints } = port.servicePort;
    const refused = refusedBy(port);
    for (const address of refused.addresses) {
      count(addresses, 'refused', address, by);
    }
    for (const nodePort of refused.nodePorts) {
      count(nodePorts, 'refused', nodePort, by);
    }
    for (const { address } of endpoints.map(({ endpointAddress }) => endpointAddress)) {
      inRanges += count(addresses, 'endpoints', address, by) && isInRanges(address) ? by : 0;
    }
    // Those of a service port mostly have the same.
    for (const number of new Set(endpoints.map(({ endpointAddress }) => endpointAddress.port))) {
      count(nodePorts, 'endpoints', nodePortKey(protocol, number), by);
    }
  };
  return {
    replace: (removed, added) => {
      for (const port of removed) {
        change(port, -1);
      }
      for (const port of added) {
        change(port, 1);
      }
    },
    setRanges: (serviceCIDRs) => {
      const text = serviceCIDRs.join();
      if (text !== ranges) {
        ranges = text;
        isInRanges = cidrTest(serviceCIDRs);
        inRanges = [...addresses.endpoints.keys()].filter(isInRanges).length;
      }
    },
    exist: () => addresses.met + nodePorts.met + inRanges > 0,
  };
}

/** How often each key is that of an endpoint and of something that is refused, and how many keys are both. */
interface Meetings {
  readonly endpoints: Map<string, number>;
  readonly refused: Map<string, number>;
  met: number;
}

/** Counts a key once more or less; returns whether it is new or gone on its side. */
function count(meetings: Meetings, side: 'endpoints' | 'refused', key: string, by: 1 | -1): boolean {
  const counts = meetings[side];
  const before = counts.get(key) ?? 0;
  const after = before + by;
  if (after > 0) {
    counts.set(key, after);
  } else {
    counts.delete(key);
  }
  const isTurn = before === 0 || after === 0;
  if (isTurn && meetings[side === 'refused' ? 'endpoints' : 'refused'].has(key)) {
    meetings.met += by;
  }
  return isTurn;
}

/**
 * What a service port refuses, whether it holds the frontend or another one does: its cluster IP, at least at other ports,
 * and frontends without endpoints.
 */
function refusedBy({ servicePort: { clusterIP, protocol }, fragment: { claims } }: PortFragment): {
  readonly addresses: readonly string[];
  readonly nodePorts: readonly string[];
} {
  const addresses = [clusterIP];
  const nodePorts: string[] = [];
  for (const { address, placements, servicePort } of claims) {
    if (address !== undefined && placements.some(({ set }) => set === noEndpointServices)) {
      addresses.push(address);
    } else if (placements.some(({ set }) => set === noEndpointNodePorts)) {
      nodePorts.push(nodePortKey(protocol, servicePort.nodePort));
    }
  }
  return { addresses, nodePorts };
}

function nodePortKey(protocol: string, port: number): string {
  return `${protocol} ${port}`;
}
