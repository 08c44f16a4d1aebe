import { readVerdictKey, verdictKeyOf } from '../frontends/frontend-address.ts';
import { claimedFrontends } from '../frontends/frontend-claims.ts';
import { collectAll } from '../lib/lists.ts';
import { canonicalAddress, isLoopback } from '../net/address.ts';
import { endpointText, type Family } from '../net/network.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import { type BareClaim, resolveClaims } from '../phases/5-plan/claims.ts';
import { setNames } from '../phases/5-plan/names.ts';

/** Where clients find a UDP service port: an address (cluster, load balancer or external IP) and port, or a node port. */
export type UdpFrontend = { readonly address: string; readonly port: number } | { readonly nodePort: number };

/** The endpoint addresses, as endpointText writes them, that may answer for a frontend; empty when nothing may. */
export type AnsweringAddresses = ReadonlySet<string>;

/** The UDP flows that may exist in one family. Flows to other destinations do not belong to Services. */
export interface UdpExpectations {
  readonly family: Family;
  /** By address and port, as endpointText writes them. */
  readonly endpointAddresses: ReadonlyMap<string, AnsweringAddresses>;
  readonly nodePorts: ReadonlyMap<number, AnsweringAddresses>;
  /** The only addresses at which a port number means a node port. */
  readonly nodePortAddresses: ReadonlySet<string>;
}

/**
 * The UDP flows that may exist on a node: at each frontend of a UDP service port, those to its serving endpoints.
 * Readiness, termination, traffic policies and hints do not matter, so a change of these ends no flow that still
 * has an endpoint. When two service ports claim one frontend, the one that holds it in the ruleset counts.
 *
 * @param gone frontends that the ruleset had before; nothing may answer there, unless the view still has them.
 * @param nodeAddresses the node's own addresses, used only when node ports are open on all of them. Without any, flows to
 *   node ports cannot be distinguished from flows that pass through the node, and all of them may stay.
 */
export function expectUdp(
  view: NodeView,
  gone: readonly UdpFrontend[],
  nodeAddresses: readonly string[],
): UdpExpectations {
  const endpointAddresses = new Map<string, AnsweringAddresses>();
  const nodePorts = new Map<number, AnsweringAddresses>();
  const expectAt = (frontend: UdpFrontend, answering: AnsweringAddresses): void => {
    if ('nodePort' in frontend) {
      nodePorts.set(frontend.nodePort, answering);
    } else {
      endpointAddresses.set(endpointText(frontend), answering);
    }
  };
  for (const frontend of gone) {
    expectAt(frontend, new Set());
  }
  const servicePorts = view.servicePorts.filter(({ protocol }) => protocol === 'udp');
  const answering = new Map(servicePorts.map((servicePort) => [servicePort, servingEndpointAddresses(servicePort)]));
  const claims = collectAll(servicePorts, (servicePort) => bareClaims(servicePort, view));
  for (const { address, servicePort } of resolveClaims(claims).held) {
    const { port, nodePort } = servicePort;
    expectAt(address === undefined ? { nodePort } : { address, port }, answering.get(servicePort) ?? new Set());
  }
  return {
    family: view.family,
    endpointAddresses,
    nodePorts,
    nodePortAddresses: nodePortAddressesOf(view, nodeAddresses),
  };
}

function servingEndpointAddresses({ endpoints }: ServicePort): AnsweringAddresses {
  return new Set(
    endpoints.filter(({ serving }) => serving).map(({ endpointAddress }) => endpointText(endpointAddress)),
  );
}

/** The claims of a service port, without their parts of the ruleset. */
function bareClaims(servicePort: ServicePort, view: NodeView): BareClaim[] {
  const served = selectEndpoints(servicePort, view).hasEndpoints;
  return claimedFrontends(servicePort).map(([kind, { address, protocol, port }]) => ({
    verdictKey: verdictKeyOf({ address, protocol, port }),
    kind,
    address,
    servicePort,
    served,
  }));
}

/** Node ports are not served at loopback addresses, whatever is listed. */
function nodePortAddressesOf({ nodePortAddresses }: NodeView, nodeAddresses: readonly string[]): Set<string> {
  const addresses = nodePortAddresses.kind === 'all' ? nodeAddresses : nodePortAddresses.addresses;
  const canonical = addresses.flatMap((address) => canonicalAddress(address) ?? []);
  return new Set(canonical.filter((address) => !isLoopback(address)));
}

/**
 * The UDP frontends that a ruleset serves or refuses, each once, in the order in which its maps have them. The ruleset
 * may come from the compiler or from the kernel: only the keys of its verdict maps are read.
 */
export function udpFrontends(ruleset: Ruleset): UdpFrontend[] {
  return [...frontendsByKey(ruleset).values()];
}

/** The UDP frontends of one ruleset that another one of the same family lacks: whatever is left of their flows is stale. */
export function goneFrontends(before: Ruleset, after: Ruleset): UdpFrontend[] {
  const kept = frontendsByKey(after);
  return [...frontendsByKey(before)].filter(([key]) => !kept.has(key)).map(([, frontend]) => frontend);
}

const frontendMaps: readonly string[] = [
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
];

function frontendsByKey({ sets }: Ruleset): Map<string, UdpFrontend> {
  const frontends = new Map<string, UdpFrontend>();
  for (const { elements } of sets.filter(({ name }) => frontendMaps.includes(name))) {
    for (const { key } of elements) {
      const frontend = readKey(key);
      if (frontend) {
        frontends.set(key, frontend);
      }
    }
  }
  return frontends;
}

function readKey(key: string): UdpFrontend | undefined {
  const frontend = readVerdictKey(key);
  if (frontend?.protocol !== 'udp') {
    return undefined;
  }
  const { address, port } = frontend;
  return address === undefined ? { nodePort: port } : { address, port };
}
