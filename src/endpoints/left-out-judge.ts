import type { Endpoint, ServicePort } from '../phases/3-model/model.ts';
import type { EndpointState, LeftOutReason } from './endpoint.ts';
import { endpointState } from './endpoint-state.ts';

/** For whom endpoints are judged. */
export interface Judging {
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
