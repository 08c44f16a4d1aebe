import type { Places } from '../kubernetes/locations.ts';
import { escapeControls } from '../lib/text.ts';
import { endpointText } from '../net/network.ts';
import type { Endpoint, ServicePort } from '../phases/3-model/model.ts';

/** What people are told of an endpoint, whatever a packet meets. Types only. */

/** What an EndpointSlice says of an endpoint (EndpointConditions). */
export type EndpointState =
  | 'ready'
  | 'not ready'
  /** It serves while it terminates: used while no endpoint is ready. */
  | 'terminating'
  /** It terminates and no longer serves. */
  | 'not serving';

/** Why an endpoint that a Service has gets no connections at a frontend. */
export type LeftOutReason =
  | Exclude<EndpointState, 'ready'>
  /** Policy Local, and it runs elsewhere. */
  | 'not local'
  /** The hints of the endpoints keep this node's connections to endpoints for this node, or its zone. */
  | 'other node'
  | 'other zone';

/** An endpoint, and who is there. Texts are empty where nobody says. */
export interface EndpointPlace {
  /** `10.1.2.3:8080`, `[fd00::1]:8080`. */
  readonly endpoint: string;
  /** `namespace/name`. */
  readonly pod: string;
  readonly node: string;
  readonly zone: string;
}

/** The conditions of an endpoint in one word. One that is ready counts as ready even while it terminates. */
export function endpointState({ ready, serving, terminating }: Endpoint): EndpointState {
  if (ready) {
    return 'ready';
  }
  if (!terminating) {
    return 'not ready';
  }
  return serving ? 'terminating' : 'not serving';
}

/** For whom endpoints are judged. */
interface Judging {
  /** Whether a Local policy holds. */
  readonly isLocalOnly: boolean;
  /** The node's name. */
  readonly nodeName: string;
}

/**
 * Says why endpoints of a service port that get no connections get none: the first reason that holds, in the order in
 * which endpoints are chosen (see selectEndpoints).
 */
export function leftOutJudge(
  servicePort: ServicePort,
  { isLocalOnly, nodeName }: Judging,
): (endpoint: Endpoint) => LeftOutReason {
  const hintReason = followsNodeHints(servicePort, nodeName) ? 'other node' : 'other zone';
  return (endpoint) => {
    const state: EndpointState = endpointState(endpoint);
    if (state === 'not ready' || state === 'not serving') {
      return state;
    }
    if (isLocalOnly && !endpoint.local) {
      return 'not local';
    }
    return state === 'ready' ? hintReason : state;
  };
}

/** Whether hints for nodes decide before those for zones: every ready endpoint has one, and one is for this node. */
function followsNodeHints({ endpoints }: ServicePort, nodeName: string): boolean {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return (
    ready.every(({ nodeHints }) => nodeHints.length > 0) && ready.some(({ nodeHints }) => nodeHints.includes(nodeName))
  );
}

/** An endpoint with what is known of its place. A node's name in a slice is any text, so it is made harmless. */
export function placeEndpoint(
  { endpointAddress, nodeName }: Pick<Endpoint, 'endpointAddress' | 'nodeName'>,
  places: Places | undefined,
): EndpointPlace {
  const place = places?.byAddress.get(endpointAddress.address);
  // An address of a node is that of all its Pods in the host network.
  const node = escapeControls(nodeName) || (place?.nodeName ?? places?.nodes.get(endpointAddress.address) ?? '');
  return {
    endpoint: endpointText(endpointAddress),
    pod: place?.pod ?? '',
    node,
    zone: place?.zone || (places?.zones.get(node) ?? ''),
  };
}
