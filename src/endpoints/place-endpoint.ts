import { escapeControls } from '../escape-controls.ts';
import type { Endpoint } from '../phases/3-model/model.ts';
import type { Places } from '../places/places.ts';
import { socketText } from '../socket-text.ts';
import type { EndpointPlace } from './endpoint.ts';

/** An endpoint with what is known of its place. A node's name in a slice is any text, so it is made harmless. */
export function placeEndpoint(
  { socket, nodeName }: Pick<Endpoint, 'socket' | 'nodeName'>,
  places: Places | undefined,
): EndpointPlace {
  const place = places?.byAddress.get(socket.address);
  // An address of a node is that of all its Pods in the host network.
  const node = escapeControls(nodeName) || (place?.nodeName ?? places?.nodes.get(socket.address) ?? '');
  return {
    endpoint: socketText(socket),
    pod: place?.pod ?? '',
    node,
    zone: place?.zone || (places?.zones.get(node) ?? ''),
  };
}
