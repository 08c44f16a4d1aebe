import type { LeftOutReason } from '../endpoints/endpoint.ts';
import { leftOutJudge } from '../endpoints/left-out-judge.ts';
import { placeEndpoint } from '../endpoints/place-endpoint.ts';
import type { Endpoint, NodeView, ServicePort } from '../phases/3-model/model.ts';
import type { Places } from '../places/places.ts';
import type { GraphEndpoint } from './graph.ts';
import type { Routes } from './list-routes.ts';

/** What is known of the endpoints of a service port besides themselves. */
export interface EndpointContext {
  readonly view: NodeView;
  readonly places: Places;
  readonly routesTo: Routes['routesTo'];
}

/** All endpoints of a service port with their places, and why nobody is sent to some of them. */
export function listEndpoints(servicePort: ServicePort, context: EndpointContext): GraphEndpoint[] {
  const { view, places, routesTo } = context;
  const judge = leftOutJudge(servicePort, { isLocalOnly: !usesAllNodes(servicePort), nodeName: view.nodeName });
  return servicePort.endpoints.map((endpoint) => {
    const { endpoint: socket, pod, node, zone } = placeEndpoint(endpoint, places);
    const routes = routesTo.get(socket) ?? [];
    return {
      socket,
      pod,
      nodeName: node,
      zone: (endpoint.local && view.zone) || zone,
      local: endpoint.local,
      state: stateOf(endpoint),
      routes,
      leftOut: routes.length > 0 ? '' : wordsFor(judge(endpoint), routesTo),
    };
  });
}

function stateOf({ ready, terminating }: Endpoint): GraphEndpoint['state'] {
  if (ready) {
    return 'ready';
  }
  return terminating ? 'terminating' : 'not ready';
}

const words: Readonly<Record<LeftOutReason, string>> = {
  'not ready': 'not ready',
  'not serving': 'no longer serving',
  terminating: 'terminating',
  'not local': 'not on this node',
  'other node': 'hinted for other nodes',
  'other zone': 'hinted for other zones',
};

/** Where nobody is sent to any endpoint, hints are not what keeps them from one. */
function wordsFor(reason: LeftOutReason, routesTo: Routes['routesTo']): string {
  const isHint = reason === 'other node' || reason === 'other zone';
  return isHint && routesTo.size === 0 ? 'no frontend leads here' : words[reason];
}

function usesAllNodes({ internalPolicy, nodePort, externalIPs, loadBalancerIPs }: ServicePort): boolean {
  return internalPolicy === 'Cluster' || nodePort !== 0 || externalIPs.length > 0 || loadBalancerIPs.length > 0;
}
