import { endpointState, leftOutReasons, locateEndpoint } from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import type { RulesetFacts } from '../../frontends/read-ruleset-facts.ts';
import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { escapeControls } from '../../lib/text.ts';
import { sortByAddress } from '../../net/address.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { Endpoint, NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { EndpointRow, FrontendType } from './inventory.ts';

/** What a snapshot adds for one family. */
export interface FamilyKnowledge {
  readonly view: NodeView;
  /** Undefined where nothing shows who is at an address. */
  readonly locations: Locations | undefined;
  readonly endpointSources: (() => EndpointSources) | undefined;
  /** Those of a service port, sorted as numbers. */
  readonly endpointsOf: (servicePort: ServicePort) => readonly Endpoint[];
}

/** What endpoints are listed with. */
interface EndpointContext {
  readonly type: FrontendType;
  /** Undefined where only the rules are known. */
  readonly servicePort: ServicePort | undefined;
  readonly knowledge: FamilyKnowledge | undefined;
  readonly facts: Pick<RulesetFacts, 'isLocal' | 'refuses'>;
}

/** The endpoints of a frontend, sorted: those that the rules pick from, and with a snapshot all others of the service port. */
export function listEndpoints(frontend: Frontend, context: EndpointContext): EndpointRow[] {
  const { type, servicePort, knowledge, facts } = context;
  const isRefused = ({ endpointAddress }: Pick<Endpoint, 'endpointAddress'>): boolean =>
    facts.refuses(frontend.protocol, endpointAddress);
  if (!servicePort || !knowledge) {
    const users = usersOf(frontend);
    const rows = [...users].map(([endpoint, user]) => bareRow(endpoint, user, { isRefused: isRefused(user), facts }));
    return sortByAddress(rows, ({ endpoint }) => endpoint);
  }
  const { view, locations, endpointsOf } = knowledge;
  const endpoints = endpointsOf(servicePort);
  if (servesAll(frontend, servicePort)) {
    return endpoints.map((endpoint) =>
      locatedRow(endpoint, locations, isRefused(endpoint) ? refused : { usedBy: 'all', leftOut: null }),
    );
  }
  const users = usersOf(frontend);
  // The internal traffic policy applies at cluster IPs, and only there pods may be left with local endpoints.
  const isLocalOnly = type === 'ClusterIP' && servicePort.internalPolicy === 'Local';
  const reasonOf = leftOutReasons(servicePort, { isLocalOnly, nodeName: view.nodeName });
  return endpoints.map((endpoint) => {
    const usedBy = users.get(endpointText(endpoint.endpointAddress))?.usedBy ?? 'none';
    const use = usedBy === 'none' ? { usedBy, leftOut: reasonOf(endpoint) } : { usedBy, leftOut: null };
    return locatedRow(endpoint, locations, usedBy !== 'none' && isRefused(endpoint) ? refused : use);
  });
}

/** Sorts the endpoints of each service port once, whatever the number of its frontends. */
export function createEndpointSorter(): FamilyKnowledge['endpointsOf'] {
  const sorted = new Map<ServicePort, readonly Endpoint[]>();
  return (servicePort) => {
    const known = sorted.get(servicePort) ?? sortByAddress(servicePort.endpoints, textOfEndpoint);
    sorted.set(servicePort, known);
    return known;
  };
}

function textOfEndpoint({ endpointAddress }: Endpoint): string {
  return endpointText(endpointAddress);
}

/** Whether all clients may reach every endpoint: true for most frontends, and then no lookup is needed. */
function servesAll({ all, policy }: Frontend, { endpoints }: ServicePort): boolean {
  return policy !== splitPolicy && all?.length === endpoints.length;
}

type Use = Pick<EndpointRow, 'usedBy' | 'leftOut'>;

/** Of an endpoint that the rules pick and then refuse. */
const refused: Use = { usedBy: 'none', leftOut: 'refused-endpoint' };

/** There may be a million of them, and spreading one object into another takes longer than all the rest. */
function locatedRow(source: Endpoint, locations: FamilyKnowledge['locations'], { usedBy, leftOut }: Use): EndpointRow {
  const { endpoint, pod, node, zone } = locateEndpoint(source, locations);
  return { endpoint, pod, node, zone, local: source.local, state: endpointState(source), usedBy, leftOut };
}

/** External policy Local: external clients get the endpoints of this node, internal ones any. */
const splitPolicy: Frontend['policy'] = 'local endpoints, source kept';

interface User {
  readonly endpointAddress: EndpointAddress;
  readonly usedBy: EndpointRow['usedBy'];
}

/** Whose connections each endpoint gets: where the policy is split, only external clients get those of the local list. */
function usersOf({ all, local, policy }: Frontend): ReadonlyMap<string, User> {
  const isSplit = policy === splitPolicy;
  const users = new Map<string, User>();
  for (const endpointAddress of all ?? []) {
    users.set(endpointText(endpointAddress), { endpointAddress, usedBy: isSplit ? 'internal' : 'all' });
  }
  for (const endpointAddress of local ?? []) {
    const text = endpointText(endpointAddress);
    users.set(text, { endpointAddress, usedBy: isSplit && !users.has(text) ? 'external' : 'all' });
  }
  return users;
}

function bareRow(
  endpoint: string,
  { endpointAddress, usedBy }: User,
  { isRefused, facts }: Pick<EndpointContext, 'facts'> & { readonly isRefused: boolean },
): EndpointRow {
  return {
    endpoint: escapeControls(endpoint),
    pod: '',
    node: '',
    zone: '',
    local: facts.isLocal(endpointAddress) ?? null,
    state: null,
    ...(isRefused ? refused : { usedBy, leftOut: null }),
  };
}
