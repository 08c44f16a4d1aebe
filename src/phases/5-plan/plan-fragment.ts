import type { FrontendKind, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { planOwnedAffinity } from './affinity.ts';
import { allowedSources, planFirewall } from './firewall.ts';
import type { Claim, ElementPlacement, Fragment, FragmentContext } from './fragment.ts';
import { displayName, elementComment } from './names.ts';
import { type PlannedFrontend, planEntry, planRefusal } from './plan-frontend.ts';
import * as sets from './set-declarations.ts';

/** Plans everything that one service port contributes to the ruleset. */
export function planFragment(servicePort: ServicePort, selection: Selection, context: FragmentContext): Fragment {
  const owned =
    servicePort.affinitySeconds > 0 && !context.flatAffinity && selection.hasEndpoints
      ? planOwnedAffinity(servicePort, selection, context)
      : undefined;
  return {
    shared: [clusterIpPlacement(servicePort), ...hairpinPlacements(servicePort, selection)],
    claims: planClaims(servicePort, selection, context),
    ownedSets: owned?.sets ?? [],
    ownedChains: owned?.chains ?? [],
  };
}

/** The cluster IP exists even when nothing answers there. Several ports share it, so the comment names no port. */
function clusterIpPlacement({ clusterIP, namespace, name }: ServicePort): ElementPlacement {
  return { set: sets.clusterIps, elements: [{ key: clusterIP, comment: elementComment(`${namespace}/${name}`) }] };
}

/** Only an endpoint on this node can meet itself here; one whose slice names no node may be on this one. */
function hairpinPlacements({ protocol }: ServicePort, { reachable }: Selection): ElementPlacement[] {
  const near = reachable.filter(({ local, nodeName }) => local || nodeName === '');
  if (near.length === 0) {
    return [];
  }
  const elements = near.map(({ endpointAddress: { address, port } }) => ({
    key: `${address} . ${address} . ${protocol} . ${port}`,
  }));
  return [{ set: sets.hairpinConnections, elements }];
}

function planClaims(servicePort: ServicePort, selection: Selection, context: FragmentContext): Claim[] {
  const { clusterIP, loadBalancerIPs, externalIPs, nodePort } = servicePort;
  const claims = [planClaim(servicePort, selection, context, { kind: 'ClusterIP', address: clusterIP })];
  if (!selection.exposed) {
    return claims;
  }
  const sources = allowedSources(servicePort, context);
  for (const address of loadBalancerIPs) {
    const claim = planClaim(servicePort, selection, context, { kind: 'LoadBalancer', address });
    claims.push({ ...claim, placements: [...claim.placements, ...planFirewall(servicePort, address, sources)] });
  }
  for (const address of externalIPs) {
    claims.push(planClaim(servicePort, selection, context, { kind: 'ExternalIP', address }));
  }
  if (nodePort > 0) {
    claims.push(planClaim(servicePort, selection, context, { kind: 'NodePort', address: undefined }));
  }
  return claims;
}

function planClaim(
  servicePort: ServicePort,
  selection: Selection,
  context: FragmentContext,
  { kind, address }: { kind: FrontendKind; address: string | undefined },
): Claim {
  const { protocol, port, nodePort } = servicePort;
  const frontend: PlannedFrontend = {
    kind: address === undefined ? 'nodeport' : 'address',
    key: address === undefined ? `${nodePort}` : `${address} . ${port}`,
    verdictKey: address === undefined ? `${protocol} . ${nodePort}` : `${address} . ${protocol} . ${port}`,
    internal: kind === 'ClusterIP',
    comment: elementComment(displayName(servicePort)),
  };
  const refusal = frontend.internal ? selection.internalRefusal : selection.externalRefusal;
  // An outside frontend that refuses strangers for lack of local endpoints still serves pods and the node.
  const answers = selection.hasEndpoints && !(frontend.internal && refusal);
  const entry = answers ? planEntry(servicePort, selection, frontend, context.flatAffinity) : undefined;
  return {
    key: frontend.verdictKey,
    kind,
    address,
    servicePort,
    served: selection.hasEndpoints,
    placements: [...(entry?.placements ?? []), ...(refusal ? [planRefusal(frontend, refusal)] : [])],
    chain: entry?.chain,
    sticky: entry?.sticky,
  };
}
