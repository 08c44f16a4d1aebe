import type { Locations } from '../kubernetes/locations.ts';
import { escapeControls } from '../lib/text.ts';
import { endpointText } from '../net/network.ts';
import type { Endpoint, ServicePort } from '../phases/3-model/model.ts';

/** The conditions of an endpoint in its EndpointSlice (EndpointConditions); codes, as in JSON. */
export type EndpointState =
  | 'ready'
  | 'not-ready'
  /** It serves while it terminates: used while no endpoint is ready. */
  | 'terminating'
  /** It terminates and no longer serves. */
  | 'not-serving';

/** Why an endpoint of a Service gets no connections at a frontend. */
export type LeftOutReason =
  | Exclude<EndpointState, 'ready'>
  /** Policy Local, and it runs elsewhere. */
  | 'not-local'
  /** Hints restrict connections from this node to endpoints for this node, or for its zone. */
  | 'other-node'
  | 'other-zone';

/** The reasons in words. */
export const leftOutTexts: Readonly<Record<LeftOutReason, string>> = {
  'not-ready': 'not ready',
  'not-serving': 'no longer serving',
  terminating: 'terminating',
  'not-local': 'not on this node',
  'other-node': 'hinted for other nodes',
  'other-zone': 'hinted for other zones',
};

/** Said of an endpoint at an address that is refused itself: no endpoint of its own list, but what the rules refuse there. */
export const refusedToo = 'refused too, as an address or node port of Services';

/** An endpoint and where it runs. Texts are empty where unknown. */
export interface EndpointLocation {
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
    return 'not-ready';
  }
  return serving ? 'terminating' : 'not-serving';
}

/** What the reasons depend on besides the endpoints. */
interface SelectionContext {
  /** Whether policy Local applies. */
  readonly isLocalOnly: boolean;
  /** The name of the node that the rules are for. */
  readonly nodeName: string;
}

/**
 * A function that returns why an unused endpoint of a service port gets no connections: the first reason that applies,
 * in the order in which endpoints are selected (selectEndpoints).
 */
export function leftOutReasons(
  servicePort: ServicePort,
  { isLocalOnly, nodeName }: SelectionContext,
): (endpoint: Endpoint) => LeftOutReason {
  const hintReason = followsNodeHints(servicePort, nodeName) ? 'other-node' : 'other-zone';
  return (endpoint) => {
    const state: EndpointState = endpointState(endpoint);
    if (state === 'not-ready' || state === 'not-serving') {
      return state;
    }
    if (isLocalOnly && !endpoint.local) {
      return 'not-local';
    }
    return state === 'ready' ? hintReason : state;
  };
}

/** Whether node hints come before zone hints: every ready endpoint has one, and one is for this node. */
function followsNodeHints({ endpoints }: ServicePort, nodeName: string): boolean {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return (
    ready.every(({ nodeHints }) => nodeHints.length > 0) && ready.some(({ nodeHints }) => nodeHints.includes(nodeName))
  );
}

/** An endpoint and where it runs, as far as that is known. A node's name in a slice may be any text, so it is escaped. */
export function locateEndpoint(
  { endpointAddress, nodeName }: Pick<Endpoint, 'endpointAddress' | 'nodeName'>,
  locations: Locations | undefined,
): EndpointLocation {
  const location = locations?.byAddress.get(endpointAddress.address);
  // An address of a node is that of all its Pods in the host network.
  const node = escapeControls(nodeName) || (location?.nodeName ?? locations?.nodes.get(endpointAddress.address) ?? '');
  return {
    endpoint: endpointText(endpointAddress),
    pod: location?.pod ?? '',
    node,
    zone: location?.zone || (locations?.zones.get(node) ?? ''),
  };
}
