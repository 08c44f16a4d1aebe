import type { ServicePort } from '../phases/3-model/model.ts';
import type { FrontendKind } from '../phases/5-plan/fragment.ts';
import { displayName, elementComment } from '../phases/5-plan/names.ts';
import type { Frontend } from '../report/frontend.ts';
import { socketText } from '../socket-text.ts';

/** A place that a service port wants. */
export interface ClaimedFrontend {
  readonly kind: FrontendKind;
  readonly place: string;
  /** What the ruleset does there for this service port; undefined where it does nothing for it. */
  readonly held: Frontend | undefined;
  /** The service port that has the place instead; empty where none has. */
  readonly heldBy: string;
}

/** Every place that a service port wants, each once, with what the ruleset made of it. */
export function listFrontends(
  servicePort: ServicePort,
  frontends: ReadonlyMap<string, Frontend>,
): readonly ClaimedFrontend[] {
  const { clusterIP, loadBalancerIPs, externalIPs, nodePort, protocol, port } = servicePort;
  const addresses: (readonly [FrontendKind, string])[] = [
    ['cluster IP', clusterIP],
    ...loadBalancerIPs.map((address) => ['load balancer IP', address] as const),
    ...externalIPs.map((address) => ['external IP', address] as const),
  ];
  const claimed = new Map<string, ClaimedFrontend>();
  for (const [kind, address] of addresses) {
    const key = `${address} . ${protocol} . ${port}`;
    // An address may be external and load balancer IP at once; the ruleset has it as the former kind here.
    if (!claimed.has(key)) {
      claimed.set(key, { kind, place: socketText({ address, port }), ...holderOf(frontends.get(key), servicePort) });
    }
  }
  if (nodePort !== 0) {
    const key = `${protocol} . ${nodePort}`;
    const holder = holderOf(frontends.get(key), servicePort);
    claimed.set(key, { kind: 'node port', place: `node port ${nodePort}`, ...holder });
  }
  return [...claimed.values()];
}

function holderOf(found: Frontend | undefined, servicePort: ServicePort): Pick<ClaimedFrontend, 'held' | 'heldBy'> {
  const isOwn = found?.name === elementComment(displayName(servicePort)) && found.protocol === servicePort.protocol;
  return isOwn ? { held: found, heldBy: '' } : { held: undefined, heldBy: found?.name ?? '' };
}
