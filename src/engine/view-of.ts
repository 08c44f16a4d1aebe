import { appendAll } from '../append-all.ts';
import { entriesOfNamespaced } from '../namespaced.ts';
import { compareServicePorts } from '../phases/3-model/compare-service-ports.ts';
import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import type { FamilyState } from './family-state.ts';

/** All that a node has to know in one family; undefined before the node is known. */
export function viewOf({ settings, ports }: FamilyState): NodeView | undefined {
  if (!settings) {
    return undefined;
  }
  const servicePorts: ServicePort[] = [];
  for (const [, , planned] of entriesOfNamespaced(ports)) {
    appendAll(
      servicePorts,
      planned.map(({ servicePort }) => servicePort),
    );
  }
  return { ...settings, servicePorts: servicePorts.sort(compareServicePorts) };
}
