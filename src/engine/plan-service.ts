import { getNamespaced } from '../namespaced.ts';
import { buildServicePorts } from '../phases/3-model/build-service-ports.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import type { FragmentContext } from '../phases/5-plan/fragment-context.ts';
import { planFragment } from '../phases/5-plan/plan-fragment.ts';
import type { PlannedPort } from './family-state.ts';
import type { ObjectStore } from './object-store.ts';

/** Plans all service ports of one Service in one family; none when there is no such Service. */
export function planService(
  store: ObjectStore,
  namespace: string,
  name: string,
  { settings, context }: { readonly settings: NodeSettings; readonly context: FragmentContext },
): PlannedPort[] {
  const service = getNamespaced(store.services, namespace, name);
  if (!service) {
    return [];
  }
  const { nodeName } = settings;
  return buildServicePorts(service, settings.family, store.owned, nodeName).map((servicePort) => ({
    servicePort,
    fragment: planFragment(servicePort, selectEndpoints(servicePort, settings), context),
  }));
}
