import type { Endpoint } from '../phases/3-model/model.ts';
import type { EndpointState } from './endpoint.ts';

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
