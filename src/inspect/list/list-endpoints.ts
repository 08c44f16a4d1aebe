import { endpointState, leftOutJudge, placeEndpoint } from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { compareText, escapeControls } from '../../lib/text.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { Endpoint, ServicePort } from '../../phases/3-model/model.ts';
import type { EndpointRow, FrontendType } from './inventory.ts';
import type { FamilyKnowledge } from './list-frontends.ts';

/** What endpoints are listed with. */
export interface EndpointContext {
  readonly type: FrontendType;
  /** Undefined where only the rules are known. */
  readonly servicePort: ServicePort | undefined;
  readonly knowledge: FamilyKnowledge | undefined;
  readonly isLocal: (endpointAddress: EndpointAddress, protocol: string) => boolean;
}

/** The endpoints of a frontend, sorted: those that the rules pick from, and with a snapshot all others of the service port. */
export function listEndpoints(frontend: Frontend, context: EndpointContext): EndpointRow[] {
  const { type, servicePort, knowledge } = context;
  if (!servicePort || !knowledge) {
    const users = usersOf(frontend);
    return [...users].map(([endpoint, user]) => bareRow(endpoint, user, frontend, context)).sort(byEndpoint);
  }
  const { view, places } = knowledge;
  if (servesAll(frontend, servicePort)) {
    return servicePort.endpoints.map((endpoint) => placedRow(endpoint, places, { usedBy: 'everybody', leftOut: null }));
  }
  const users = usersOf(frontend);
  // The internal traffic policy holds at cluster IPs, and there alone leaves pods only local endpoints.
  const isLocalOnly = type === 'ClusterIP' && servicePort.internalPolicy === 'Local';
  const judge = leftOutJudge(servicePort, { isLocalOnly, nodeName: view.nodeName });
  return servicePort.endpoints.map((endpoint) => {
    const usedBy = users.get(endpointText(endpoint.endpointAddress))?.usedBy ?? 'nobody';
    return placedRow(endpoint, places, { usedBy, leftOut: usedBy === 'nobody' ? judge(endpoint) : null });
  });
}

/** Whether everybody may reach every endpoint, as at most frontends: then none is looked for. */
function servesAll({ all, policy }: Frontend, { endpoints }: ServicePort): boolean {
  return policy !== splitPolicy && all?.length === endpoints.length;
}

/** There may be a million of them, and spreading one object into another takes longer than all the rest. */
function placedRow(
  source: Endpoint,
  places: FamilyKnowledge['places'],
  { usedBy, leftOut }: Pick<EndpointRow, 'usedBy' | 'leftOut'>,
): EndpointRow {
  const { endpoint, pod, node, zone } = placeEndpoint(source, places);
  return { endpoint, pod, node, zone, local: source.local, state: endpointState(source), usedBy, leftOut };
}

/** External policy Local: strangers get the endpoints of this node, pods and the node any. */
const splitPolicy: Frontend['policy'] = 'local endpoints, source kept';

interface User {
  readonly endpointAddress: EndpointAddress;
  readonly usedBy: EndpointRow['usedBy'];
}

/** Whose connections each endpoint gets. Strangers get those of the local list, where pods and the node have another. */
function usersOf({ all, local, policy }: Frontend): ReadonlyMap<string, User> {
  const isSplit = policy === splitPolicy;
  const users = new Map<string, User>();
  for (const endpointAddress of all ?? []) {
    users.set(endpointText(endpointAddress), { endpointAddress, usedBy: isSplit ? 'pods and node' : 'everybody' });
  }
  for (const endpointAddress of local ?? []) {
    const text = endpointText(endpointAddress);
    users.set(text, { endpointAddress, usedBy: isSplit && !users.has(text) ? 'outside' : 'everybody' });
  }
  return users;
}

function bareRow(
  endpoint: string,
  { endpointAddress, usedBy }: User,
  { protocol }: Frontend,
  { isLocal }: EndpointContext,
): EndpointRow {
  return {
    endpoint: escapeControls(endpoint),
    pod: '',
    node: '',
    zone: '',
    local: isLocal(endpointAddress, protocol),
    state: null,
    usedBy,
    leftOut: null,
  };
}

function byEndpoint(a: EndpointRow, b: EndpointRow): number {
  return compareText(a.endpoint, b.endpoint);
}
