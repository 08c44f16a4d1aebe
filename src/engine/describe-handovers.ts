import type { UdpFrontend } from '../conntrack/expect-udp.ts';
import { type FrontendLists, frontendKey, repinnedKeys } from '../diff/pins.ts';
import { endpointText } from '../net/network.ts';
import type { Claim, ListPlacement } from '../phases/5-plan/fragment.ts';
import { affinitySetName, endpointMapName } from '../phases/5-plan/names.ts';
import type { Handover } from './want-services.ts';

/** What changes besides the table when addresses change hands. */
export interface Aftermath {
  /** UDP addresses and ports, and node ports, that nobody holds any more. */
  readonly goneUdpFrontends: readonly UdpFrontend[];
  /** Whether UDP flows may be stale now. */
  readonly touchesUdp: boolean;
  /** Whether pinned clients may be where they may no longer be. */
  readonly touchesPins: boolean;
  /** As repinnedFrontends says it. */
  readonly repinned: ReadonlySet<string>;
}

/** What to look after once the kernel holds the change. */
export function describeHandovers(handovers: readonly Handover[]): Aftermath {
  const udp = handovers.filter(({ before, after }) => (before ?? after)?.servicePort.protocol === 'udp');
  const sticky = handovers.filter(({ before }) => before?.affinity);
  return {
    goneUdpFrontends: udp.flatMap(({ before, after }) => (before && !after ? [udpFrontend(before)] : [])),
    touchesUdp: udp.some(({ before, after }) => servingText(before) !== servingText(after)),
    touchesPins: sticky.some(({ before, after }) => losesPins(before, after)),
    repinned: new Set(sticky.flatMap(repinnedBy)),
  };
}

function udpFrontend({ address, servicePort: { port, nodePort } }: Claim): UdpFrontend {
  return address === undefined ? { nodePort } : { address, port };
}

/** Who may answer a UDP flow: whoever is serving, whatever else is said of it. */
function servingText(claim: Claim | undefined): string {
  const serving = claim?.servicePort.endpoints.filter((endpoint) => endpoint.serving) ?? [];
  return claim ? `${serving.map(({ endpointAddress }) => endpointText(endpointAddress)).join(' ')};` : '';
}

function losesPins(before: Claim | undefined, after: Claim | undefined): boolean {
  const kept = new Set(stickyKeys(after));
  return repinnedBy({ before, after }).length > 0 || stickyKeys(before).some((key) => !kept.has(key));
}

function stickyKeys(claim: Claim | undefined): string[] {
  if (!claim?.affinity) {
    return [];
  }
  const { protocol, frontend, seconds } = claim.affinity;
  const name = affinitySetName(protocol, frontend, seconds);
  return claim.placements.flatMap((placement) =>
    'elements' in placement && placement.set.name === name ? placement.elements.map(({ key }) => key) : [],
  );
}

function repinnedBy({ before, after }: Handover): string[] {
  if (!before?.affinity) {
    return [];
  }
  const { key } = before.placements.find(isList)?.list ?? { key: '' };
  return repinnedKeys(frontendKey(before.affinity.protocol, key), listsOf(before), listsOf(after));
}

function listsOf(claim: Claim | undefined): FrontendLists {
  const lists = (claim?.placements ?? []).filter(isList);
  const listIn = (scope: 'cluster' | 'local'): FrontendLists['cluster'] =>
    lists.find(({ set, list }) => {
      const frontend = list.key.includes(' ') ? 'address' : 'nodeport';
      return set.protocol && set.name === endpointMapName({ protocol: set.protocol, frontend, scope });
    })?.list.endpointAddresses;
  return { cluster: listIn('cluster'), local: listIn('local') };
}

function isList(placement: Claim['placements'][number]): placement is ListPlacement {
  return 'list' in placement;
}
