import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Path } from '../../lib/unknown-values.ts';
import { endpointText } from '../../net/network.ts';
import type { FrontendKind } from '../3-model/model.ts';
import type { Claim } from './fragment.ts';
import { displayName, frontendKindText } from './names.ts';

const kindOrder: Readonly<Record<FrontendKind, number>> = {
  ClusterIP: 0,
  LoadBalancer: 1,
  ExternalIP: 2,
  NodePort: 0,
};

/**
 * Gives each address and port, and each node port, to one of the service ports that claim it, so that all maps agree.
 * A cluster IP beats a load balancer IP, which beats an external IP: a user may write any external IP, so it must not
 * take what the cluster assigned. Then a service port with endpoints beats one without, the older Service
 * beats the younger, and the first one given beats the rest.
 *
 * @param claims sorted by the identity of their service ports.
 * @returns the claims that are held, in the order given, and a warning for each of the others.
 */
export function resolveClaims(claims: readonly Claim[]): { held: Claim[]; diagnostics: Diagnostic[] } {
  const holders = new Map<string, Claim>();
  const losers: Claim[] = [];
  for (const claim of claims) {
    const holder = holders.get(claim.key);
    if (!holder) {
      holders.set(claim.key, claim);
    } else if (compareClaims(claim, holder) < 0) {
      holders.set(claim.key, claim);
      losers.push(holder);
    } else {
      losers.push(claim);
    }
  }
  return {
    held: losers.length === 0 ? [...claims] : claims.filter((claim) => holders.get(claim.key) === claim),
    diagnostics: losers.flatMap((loser) => describeConflict(loser, holders.get(loser.key))),
  };
}

/** Negative when `a` wins. A known age beats an unknown one. */
function compareClaims(a: Claim, b: Claim): number {
  return kindOrder[a.kind] - kindOrder[b.kind] || Number(b.served) - Number(a.served) || ageOf(a) - ageOf(b);
}

/** When the Service was created, in milliseconds since 1970; one without a time counts as the youngest. */
function ageOf({ servicePort }: Claim): number {
  return servicePort.createdAt === '' ? Number.MAX_VALUE : Date.parse(servicePort.createdAt);
}

/** A service port that has one address twice, as external and load balancer IP for example, has no conflict. */
function describeConflict(loser: Claim, holder: Claim | undefined): Diagnostic[] {
  if (!holder || holder.servicePort === loser.servicePort) {
    return [];
  }
  const { servicePort } = loser;
  const owner = `${displayName(holder.servicePort)} (${frontendKindText(holder.kind)})`;
  const other = `${displayName(servicePort)} (${frontendKindText(loser.kind)})`;
  const code = loser.kind === 'NodePort' ? 'node-port-conflict' : 'frontend-conflict';
  return [
    {
      code,
      message: `${placeName(loser)} is claimed by ${owner} and ${other}; ${displayName(holder.servicePort)} gets it`,
      object: { kind: 'Service', namespace: servicePort.namespace, name: servicePort.name },
      place: { document: servicePort.document, path: pathOf(loser) },
    },
  ];
}

function placeName({ address, servicePort: { protocol, port, nodePort } }: Claim): string {
  const place = address === undefined ? `node port ${nodePort}` : endpointText({ address, port });
  return `${place}/${protocol}`;
}

function pathOf({ kind, servicePort }: Claim): Path {
  switch (kind) {
    case 'ClusterIP':
      return ['spec', 'ports', servicePort.index, 'port'];
    case 'ExternalIP':
      return ['spec', 'externalIPs'];
    case 'LoadBalancer':
      return ['status', 'loadBalancer', 'ingress'];
    case 'NodePort':
      return ['spec', 'ports', servicePort.index, 'nodePort'];
  }
}
