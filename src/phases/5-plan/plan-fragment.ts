import type { FrontendKind, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { planAffinityPerEndpoint } from './affinity-per-endpoint.ts';
import { planDispatch } from './dispatch.ts';
import { allowedSources, planFirewall } from './firewall.ts';
import type { Claim, Fragment, PlanContext, PlannedFrontend } from './fragment.ts';
import { planHairpins } from './masquerade.ts';
import { displayName, elementComment } from './names.ts';
import { clusterIpPlacement, localhostPlacements, planRefusal } from './refusals.ts';

/** Plans everything that one service port contributes to the ruleset. */
export function planFragment(servicePort: ServicePort, selection: Selection, context: PlanContext): Fragment {
  const { placements, hasStrays } = planHairpins(selection, context);
  return {
    shared: [clusterIpPlacement(servicePort), ...placements],
    claims: planClaims(servicePort, selection, context),
    hasStrays,
    ...planAffinityPerEndpoint(servicePort, selection, context),
  };
}

function planClaims(servicePort: ServicePort, selection: Selection, context: PlanContext): Claim[] {
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
  context: PlanContext,
  { kind, address }: { readonly kind: FrontendKind; readonly address: string | undefined },
): Claim {
  const { protocol, port, nodePort } = servicePort;
  const frontend: PlannedFrontend = {
    scheme: address === undefined ? 'nodeport' : 'address',
    key: address === undefined ? `${nodePort}` : `${address} . ${port}`,
    verdictKey: address === undefined ? `${protocol} . ${nodePort}` : `${address} . ${protocol} . ${port}`,
    internal: kind === 'ClusterIP',
    comment: elementComment(displayName(servicePort)),
  };
  const refusal = frontend.internal ? selection.internalRefusal : selection.externalRefusal;
  // An external frontend that refuses external clients for lack of local endpoints still serves pods and the node.
  const answers = selection.hasEndpoints && !(frontend.internal && refusal);
  const dispatch = answers ? planDispatch(servicePort, selection, frontend, context) : undefined;
  return {
    verdictKey: frontend.verdictKey,
    kind,
    address,
    servicePort,
    served: selection.hasEndpoints,
    placements: [
      ...(dispatch?.placements ?? []),
      ...(refusal ? [planRefusal(frontend, refusal)] : []),
      ...(kind === 'NodePort' ? localhostPlacements(servicePort, frontend, context) : []),
    ],
    chain: dispatch?.chain,
    affinity: dispatch?.affinity,
  };
}
