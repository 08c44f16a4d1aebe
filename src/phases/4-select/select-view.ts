import type { NodeView, ServicePort } from '../3-model/model.ts';
import { type Selection, selectEndpoints } from './select-endpoints.ts';

/** A service port with the endpoints that it uses on the node. */
interface SelectedPort {
  readonly servicePort: ServicePort;
  readonly selection: Selection;
}

/** A node's view of a family with every service port's endpoints chosen, in the order of its service ports. */
export interface SelectedView {
  readonly view: NodeView;
  readonly ports: readonly SelectedPort[];
}

/** Chooses the endpoints of every service port of a view. */
export function selectView(view: NodeView): SelectedView {
  const ports = view.servicePorts.map((servicePort) => ({
    servicePort,
    selection: selectEndpoints(servicePort, view),
  }));
  return { view, ports };
}
