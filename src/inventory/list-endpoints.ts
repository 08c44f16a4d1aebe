import { compareText } from '../compare-text.ts';
import { endpointState } from '../endpoints/endpoint-state.ts';
import { leftOutJudge } from '../endpoints/left-out-judge.ts';
import { placeEndpoint } from '../endpoints/place-endpoint.ts';
import { escapeControls } from '../escape-controls.ts';
import type { Socket } from '../network.ts';
import type { Endpoint, ServicePort } from '../phases/3-model/model.ts';
import type { Frontend } from '../report/frontend.ts';
import { socketText } from '../socket-text.ts';
import type { FamilyKnowledge } from './family-knowledge.ts';
import type { EndpointRow, FrontendType } from './frontend-row.ts';

/** What endpoints are listed with. */
export interface EndpointContext {
  readonly type: FrontendType;
  /** Undefined where only the rules are known. */
  readonly servicePort: ServicePort | undefined;
  readonly knowledge: FamilyKnowledge | undefined;
  readonly isLocal: (socket: Socket, protocol: string) => boolean;
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
    const usedBy = users.get(socketText(endpoint.socket))?.usedBy ?? 'nobody';
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
  readonly socket: Socket;
  readonly usedBy: EndpointRow['usedBy'];
}

/** Whose connections each endpoint gets. Strangers get those of the local list, where pods and the node have another. */
function usersOf({ all, local, policy }: Frontend): ReadonlyMap<string, User> {
  const isSplit = policy === splitPolicy;
  const users = new Map<string, User>();
  for (const socket of all ?? []) {
    users.set(socketText(socket), { socket, usedBy: isSplit ? 'pods and node' : 'everybody' });
  }
  for (const socket of local ?? []) {
    const text = socketText(socket);
    users.set(text, { socket, usedBy: isSplit && !users.has(text) ? 'outside' : 'everybody' });
  }
  return users;
}

function bareRow(
  endpoint: string,
  { socket, usedBy }: User,
  { protocol }: Frontend,
  { isLocal }: EndpointContext,
): EndpointRow {
  return {
    endpoint: escapeControls(endpoint),
    pod: '',
    node: '',
    zone: '',
    local: isLocal(socket, protocol),
    state: null,
    usedBy,
    leftOut: null,
  };
}

function byEndpoint(a: EndpointRow, b: EndpointRow): number {
  return compareText(a.endpoint, b.endpoint);
}
