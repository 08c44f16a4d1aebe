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

/** What decides who gets an address: a claim without its part of the ruleset. */
export type BareClaim = Pick<Claim, 'verdictKey' | 'kind' | 'address' | 'servicePort' | 'served'>;

/**
 * Gives each address and port, and each node port, to one of the service ports that claim it, so that all maps agree.
 * A cluster IP beats a load balancer IP, which beats an external IP: a user may write any external IP, so it must not
 * take what the cluster assigned. Then a service port with endpoints beats one without, the older Service
 * beats the younger, and the first one given beats the rest.
 *
 * @param claims sorted by the identity of their service ports.
 * @returns the claims that are held, in the order given, and each of the others with the one that is held instead.
 */
export function resolveClaims<T extends BareClaim>(claims: readonly T[]): { held: T[]; lost: Lost<T>[] } {
  const holders = new Map<string, T>();
  const losers: T[] = [];
  for (const claim of claims) {
    const holder = holders.get(claim.verdictKey);
    if (!holder) {
      holders.set(claim.verdictKey, claim);
    } else if (compareClaims(claim, holder) < 0) {
      holders.set(claim.verdictKey, claim);
      losers.push(holder);
    } else {
      losers.push(claim);
    }
  }
  return {
    held: losers.length === 0 ? [...claims] : claims.filter((claim) => holders.get(claim.verdictKey) === claim),
    lost: losers.map((claim) => ({ claim, holder: holders.get(claim.verdictKey) ?? claim })),
  };
}

/** A claim that is not granted, and the one that is. */
export interface Lost<T extends BareClaim> {
  readonly claim: T;
  readonly holder: T;
}

/** What ranks a claim. */
export type RankedClaim = Pick<BareClaim, 'kind' | 'served' | 'servicePort'>;

/** In order of precedence; the lower number wins. */
const criteria = [
  ['kind', ({ kind }: RankedClaim) => kindOrder[kind]],
  ['endpoints', ({ served }: RankedClaim) => Number(!served)],
  ['age', ageOf],
] as const;

/**
 * The criterion that prefers one claim to another: the kind of address, having endpoints, the age of the Service, or the
 * order of names. Undefined if the other one is preferred.
 */
export function whyPreferred(a: RankedClaim, b: RankedClaim): 'kind' | 'endpoints' | 'age' | 'name' | undefined {
  const deciding = criteria.find(([, rank]) => rank(a) !== rank(b));
  if (!deciding) {
    return 'name';
  }
  const [criterion, rank] = deciding;
  return rank(a) < rank(b) ? criterion : undefined;
}

/**
 * Negative if `a` is preferred; 0 if only the order of their service ports decides. A known age beats an unknown one.
 */
export function compareClaims(a: RankedClaim, b: RankedClaim): number {
  const deciding = criteria.find(([, rank]) => rank(a) !== rank(b));
  return deciding ? deciding[1](a) - deciding[1](b) : 0;
}

/** When the Service was created, in milliseconds since 1970; one without a valid time counts as the youngest. */
function ageOf({ servicePort }: RankedClaim): number {
  const time = Date.parse(servicePort.createdAt);
  return Number.isNaN(time) ? Number.MAX_VALUE : time;
}

/**
 * A warning about a claim that is not granted. A service port that has one address twice, as external and load balancer IP
 * for example, has no conflict.
 */
export function describeConflict({ claim: loser, holder }: Lost<BareClaim>): Diagnostic[] {
  if (holder.servicePort === loser.servicePort) {
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

function placeName({ address, servicePort: { protocol, port, nodePort } }: BareClaim): string {
  const place = address === undefined ? `node port ${nodePort}` : endpointText({ address, port });
  return `${place}/${protocol}`;
}

function pathOf({ kind, servicePort }: BareClaim): Path {
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
