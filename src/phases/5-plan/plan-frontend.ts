import type { Element } from '../../nft/ruleset.ts';
import type { Endpoint, ServicePort } from '../3-model/model.ts';
import type { RefusalVerdict, Selection } from '../4-select/select-endpoints.ts';
import type { StickyFrontend } from './affinity.ts';
import { type DispatchChain, dispatchChainName } from './dispatch-chains.ts';
import type { Placement } from './fragment.ts';
import { chainNames, ownedNames } from './names.ts';
import * as sets from './set-declarations.ts';

/** One address and port, or node port, of a service port, in the forms that keys need. */
export interface PlannedFrontend {
  readonly kind: 'address' | 'nodeport';
  /** How endpoint maps and sticky sets know it: `address . port` or `port`. */
  readonly key: string;
  /** How verdict maps know it, with the protocol. */
  readonly verdictKey: string;
  /** Whether it is the cluster IP, for which the internal policy holds. */
  readonly internal: boolean;
  readonly comment: string;
}

/** What takes connections at a frontend that has endpoints. */
export interface Entry {
  readonly placements: readonly Placement[];
  readonly chain: DispatchChain | undefined;
  readonly sticky: StickyFrontend | undefined;
}

/** Plans the way from a frontend to the endpoints that its traffic policy allows. */
export function planEntry(
  servicePort: ServicePort,
  selection: Selection,
  frontend: PlannedFrontend,
  flatAffinity: boolean,
): Entry {
  const hasAffinity = servicePort.affinitySeconds > 0;
  if (hasAffinity && !flatAffinity) {
    const target = ownedChainName(servicePort, frontend);
    return { placements: [verdictPlacement(frontend, target)], chain: undefined, sticky: undefined };
  }
  const chain = entryChain(servicePort, selection, frontend);
  const sticky: StickyFrontend | undefined = hasAffinity
    ? { protocol: servicePort.protocol, frontend: frontend.kind, seconds: servicePort.affinitySeconds }
    : undefined;
  return {
    placements: [
      verdictPlacement(frontend, dispatchChainName(chain)),
      ...(chain.clusterCount > 0 ? [endpointPlacement(frontend, chain, 'cluster', selection.cluster)] : []),
      ...(chain.localCount > 0 ? [endpointPlacement(frontend, chain, 'local', selection.local)] : []),
      ...(sticky ? [stickyPlacement(frontend, sticky, chain, selection)] : []),
    ],
    chain,
    sticky,
  };
}

/** Plans the refusal of what no endpoint takes at a frontend. */
export function planRefusal({ kind, verdictKey, comment }: PlannedFrontend, refusal: RefusalVerdict): Placement {
  const value = refusal === 'drop' ? ({ kind: 'drop' } as const) : goTo(chainNames.rejectChain);
  const set = kind === 'address' ? sets.noEndpointServices : sets.noEndpointNodePorts;
  return { set, elements: [{ key: verdictKey, comment, value }] };
}

/** Whether clients keep their source and get local endpoints depends on the policy that holds for the frontend. */
function entryChain(servicePort: ServicePort, { cluster, local }: Selection, frontend: PlannedFrontend): DispatchChain {
  const { protocol, internalPolicy, externalPolicy, affinitySeconds } = servicePort;
  const isLocal = (frontend.internal ? internalPolicy : externalPolicy) === 'Local';
  const entries = frontend.internal ? (['cluster', 'local'] as const) : (['external', 'external-local'] as const);
  const entry = entries[isLocal ? 1 : 0];
  return {
    protocol,
    frontend: frontend.kind,
    entry,
    clusterCount: entry === 'local' ? 0 : cluster.length,
    localCount: isLocal ? local.length : 0,
    sticky: affinitySeconds > 0,
  };
}

function ownedChainName(servicePort: ServicePort, { internal }: PlannedFrontend): string {
  if (!internal) {
    return ownedNames.externalChain(servicePort);
  }
  return servicePort.internalPolicy === 'Local'
    ? ownedNames.localChain(servicePort)
    : ownedNames.clusterChain(servicePort);
}

function verdictPlacement({ kind, verdictKey, comment }: PlannedFrontend, chain: string): Placement {
  const set = kind === 'address' ? sets.serviceIps : sets.serviceNodePorts;
  return { set, elements: [{ key: verdictKey, comment, value: goTo(chain) }] };
}

function endpointPlacement(
  { kind, key }: PlannedFrontend,
  { protocol }: DispatchChain,
  scope: 'cluster' | 'local',
  endpoints: readonly Endpoint[],
): Placement {
  const endpointAddresses = endpoints.map(({ endpointAddress }) => endpointAddress);
  return { set: sets.endpointMap({ protocol, frontend: kind, scope }), list: { key, endpointAddresses } };
}

/** The endpoints that a client of this frontend may keep: those of the lists that its chain picks from. */
function stickyPlacement(
  { kind, key }: PlannedFrontend,
  { protocol, seconds }: StickyFrontend,
  chain: DispatchChain,
  { cluster, local, reachable }: Selection,
): Placement {
  const lists = { cluster, local, external: cluster, 'external-local': reachable };
  const elements = lists[chain.entry].map(
    ({ endpointAddress: { address, port } }): Element => ({ key: `${key} . ${address} . ${port}` }),
  );
  return { set: sets.stickySet(protocol, kind, seconds), elements };
}

function goTo(chain: string): { kind: 'goto'; chain: string } {
  return { kind: 'goto', chain };
}
