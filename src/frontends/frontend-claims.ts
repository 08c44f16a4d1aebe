import { pushTo } from '../lib/lists.ts';
import type { FrontendKind, ServicePort } from '../phases/3-model/model.ts';
import { displayName, elementComment } from '../phases/5-plan/names.ts';
import type { Frontend } from './frontend.ts';
import { type FrontendAddress, verdictKeyOf } from './frontend-address.ts';

/** A frontend that a service port asks for, and who has it in a ruleset. */
export interface FrontendClaim {
  readonly servicePort: ServicePort;
  readonly kind: FrontendKind;
  readonly address: FrontendAddress;
  /** How verdict maps know it: equal for service ports that ask for the same. */
  readonly key: string;
  /** What the ruleset does there for this service port; undefined where it does nothing for it. */
  readonly held: Frontend | undefined;
  /** The service port that has the frontend instead, as the rules name it; undefined where no other one has it. */
  readonly heldBy: string | undefined;
}

/**
 * Every frontend that a service port asks for, each once: cluster IP, load balancer IPs, external IPs, node port. An
 * address that the Service names in several ways counts as the first of them, as it does in the rules (resolveClaims).
 *
 * @param frontends those of the ruleset, by their verdict keys.
 */
export function claimsOf(servicePort: ServicePort, frontends: ReadonlyMap<string, Frontend>): FrontendClaim[] {
  const name = elementComment(displayName(servicePort));
  const claims = new Map<string, FrontendClaim>();
  for (const [kind, address] of claimedFrontends(servicePort)) {
    const key = verdictKeyOf(address);
    if (!claims.has(key)) {
      const found = frontends.get(key);
      const isOwn = found?.name === name;
      const holder = isOwn ? { held: found, heldBy: undefined } : { held: undefined, heldBy: found?.name };
      claims.set(key, { servicePort, kind, address, key, ...holder });
    }
  }
  return [...claims.values()];
}

/** The claims of all service ports by their keys: several at one key ask for the same frontend. */
export function indexClaims(
  servicePorts: readonly ServicePort[],
  frontends: ReadonlyMap<string, Frontend>,
): ReadonlyMap<string, readonly FrontendClaim[]> {
  const index = new Map<string, FrontendClaim[]>();
  for (const servicePort of servicePorts) {
    for (const claim of claimsOf(servicePort, frontends)) {
      pushTo(index, claim.key, claim);
    }
  }
  return index;
}

/** Every frontend that a service port asks for, in order of precedence; an address may occur as several kinds. */
export function claimedFrontends(servicePort: ServicePort): (readonly [FrontendKind, FrontendAddress])[] {
  const { protocol, port, nodePort, clusterIP, loadBalancerIPs, externalIPs } = servicePort;
  const at = (kind: FrontendKind) => (address: string) => [kind, { address, protocol, port }] as const;
  return [
    at('ClusterIP')(clusterIP),
    ...loadBalancerIPs.map(at('LoadBalancer')),
    ...externalIPs.map(at('ExternalIP')),
    ...(nodePort > 0 ? [['NodePort', { address: undefined, protocol, port: nodePort }] as const] : []),
  ];
}
