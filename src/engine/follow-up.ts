import type { UdpFrontend } from '../conntrack/expect-udp.ts';
import { type FrontendLists, invalidatedPinKeys } from '../diff/pins.ts';
import { endpointText } from '../net/network.ts';
import type { Claim, ListPlacement } from '../phases/5-plan/fragment.ts';
import { affinitySetName, endpointMapName, pinKeyOf } from '../phases/5-plan/names.ts';
import type { Handover } from './replace-services.ts';

/** What to clean up once the kernel holds a change. */
export interface FollowUp {
  /** UDP addresses and ports, and node ports, that no longer belong to any Service. */
  readonly goneUdpFrontends: readonly UdpFrontend[];
  /** Whether UDP flows in conntrack may be stale. */
  readonly checkUdpFlows: boolean;
  /** Whether clients with affinity may have pins to endpoints that are gone. */
  readonly checkPins: boolean;
  /** Whose pins are invalid although their endpoint may still be there, as findInvalidatedPins says it. */
  readonly invalidatedPins: ReadonlySet<string>;
}

/** What to clean up after some keys of the verdict maps have got another holder. */
export function planFollowUp(handovers: readonly Handover[]): FollowUp {
  const udp = handovers.filter(({ before, after }) => (before ?? after)?.servicePort.protocol === 'udp');
  const affinity = handovers.filter(({ before }) => before?.affinity);
  return {
    goneUdpFrontends: udp.flatMap(({ before, after }) => (before && !after ? [udpFrontend(before)] : [])),
    checkUdpFlows: udp.some(({ before, after }) => servingText(before) !== servingText(after)),
    checkPins: affinity.some(({ before, after }) => losesPins(before, after)),
    invalidatedPins: new Set(affinity.flatMap(invalidatedBy)),
  };
}

function udpFrontend({ address, servicePort: { port, nodePort } }: Claim): UdpFrontend {
  return address === undefined ? { nodePort } : { address, port };
}

/** The endpoints that may answer a UDP flow: all that serve, ready or not. */
function servingText(claim: Claim | undefined): string {
  const serving = claim?.servicePort.endpoints.filter((endpoint) => endpoint.serving) ?? [];
  return claim ? `${serving.map(({ endpointAddress }) => endpointText(endpointAddress)).join(' ')};` : '';
}

function losesPins(before: Claim | undefined, after: Claim | undefined): boolean {
  const kept = new Set(affinityKeys(after));
  return invalidatedBy({ before, after }).length > 0 || affinityKeys(before).some((key) => !kept.has(key));
}

function affinityKeys(claim: Claim | undefined): string[] {
  if (!claim?.affinity) {
    return [];
  }
  const { protocol, frontend, seconds } = claim.affinity;
  const name = affinitySetName(protocol, frontend, seconds);
  return claim.placements.flatMap((placement) =>
    'elements' in placement && placement.set.name === name ? placement.elements.map(({ key }) => key) : [],
  );
}

function invalidatedBy({ before, after }: Handover): string[] {
  if (!before?.affinity) {
    return [];
  }
  const { key } = before.placements.find(isList)?.list ?? { key: '' };
  return invalidatedPinKeys(pinKeyOf(before.affinity.protocol, key), listsOf(before), listsOf(after));
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
