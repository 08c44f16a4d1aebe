import { canonicalAddress, isLoopback } from '../address.ts';
import { collectAll } from '../collect-all.ts';
import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import type { Claim, FrontendKind } from '../phases/5-plan/fragment.ts';
import { resolveClaims } from '../phases/5-plan/resolve-claims.ts';
import { socketText } from '../socket-text.ts';
import type { AnsweringSockets, UdpExpectations, UdpFrontend } from './expectations.ts';

/**
 * Tells which UDP flows may exist on a node: at each frontend of a UDP service port, those to its serving endpoints.
 * Readiness, termination, traffic policies and hints play no part, so a change of any of them ends no flow that still
 * has somebody to talk to. Where two service ports want one frontend, the one counts that the ruleset gives it to.
 *
 * @param gone frontends that the ruleset had before; nothing may answer there, unless the view has them still.
 * @param nodeAddresses the node's own addresses. They are asked only where node ports are open on all of them; when
 *   there are none then, no flow to a node port can be told from one to a stranger, and all of them may stay.
 */
export function expectUdp(
  view: NodeView,
  gone: readonly UdpFrontend[],
  nodeAddresses: readonly string[],
): UdpExpectations {
  const sockets = new Map<string, AnsweringSockets>();
  const nodePorts = new Map<number, AnsweringSockets>();
  const expectAt = (frontend: UdpFrontend, answering: AnsweringSockets): void => {
    if ('nodePort' in frontend) {
      nodePorts.set(frontend.nodePort, answering);
    } else {
      sockets.set(socketText(frontend), answering);
    }
  };
  for (const frontend of gone) {
    expectAt(frontend, new Set());
  }
  const servicePorts = view.servicePorts.filter(({ protocol }) => protocol === 'udp');
  const answering = new Map(servicePorts.map((servicePort) => [servicePort, servingSockets(servicePort)]));
  const claims = collectAll(servicePorts, (servicePort) => claimsOf(servicePort, view));
  for (const { address, servicePort } of resolveClaims(claims).held) {
    const { port, nodePort } = servicePort;
    expectAt(address === undefined ? { nodePort } : { address, port }, answering.get(servicePort) ?? new Set());
  }
  return { family: view.family, sockets, nodePorts, nodePortAddresses: nodePortAddressesOf(view, nodeAddresses) };
}

function servingSockets({ endpoints }: ServicePort): AnsweringSockets {
  return new Set(endpoints.filter(({ serving }) => serving).map(({ socket }) => socketText(socket)));
}

/** What the service port wants, as far as it takes to say who gets it: no part of the ruleset comes with it. */
function claimsOf(servicePort: ServicePort, view: NodeView): Claim[] {
  const { clusterIP, loadBalancerIPs, externalIPs, port, nodePort } = servicePort;
  const served = selectEndpoints(servicePort, view).hasEndpoints;
  const claim = (kind: FrontendKind, address: string | undefined): Claim => ({
    key: address === undefined ? `${nodePort}` : socketText({ address, port }),
    kind,
    address,
    servicePort,
    served,
    placements: [],
    chain: undefined,
    sticky: undefined,
  });
  return [
    claim('cluster IP', clusterIP),
    ...loadBalancerIPs.map((address) => claim('load balancer IP', address)),
    ...externalIPs.map((address) => claim('external IP', address)),
    ...(nodePort > 0 ? [claim('node port', undefined)] : []),
  ];
}

/** Node ports are not served at loopback addresses, whatever is listed. */
function nodePortAddressesOf({ nodePortAddresses }: NodeView, nodeAddresses: readonly string[]): Set<string> {
  const addresses = nodePortAddresses.kind === 'all' ? nodeAddresses : nodePortAddresses.addresses;
  const canonical = addresses.flatMap((address) => canonicalAddress(address) ?? []);
  return new Set(canonical.filter((address) => !isLoopback(address)));
}
