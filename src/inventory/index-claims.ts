import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import { displayName, elementComment } from '../phases/5-plan/names.ts';
import type { FrontendType } from './frontend-row.ts';

/** What a service port wants as one of its frontends. */
export interface Claim {
  readonly servicePort: ServicePort;
  readonly type: FrontendType;
  /** How the rules name the service port. */
  readonly name: string;
}

/** Who wants a frontend, by its key in the verdict maps, `10.96.0.1 . tcp . 80` or `tcp . 30080`. */
export function indexClaims({ servicePorts }: NodeView): ReadonlyMap<string, readonly Claim[]> {
  const index = new Map<string, Claim[]>();
  for (const servicePort of servicePorts) {
    const name = elementComment(displayName(servicePort));
    for (const [key, type] of wishesOf(servicePort)) {
      const claim = { servicePort, type, name };
      const others = index.get(key);
      if (others) {
        others.push(claim);
      } else {
        index.set(key, [claim]);
      }
    }
  }
  return index;
}

/** An address that a Service names in several ways counts as the first of them (see resolveClaims). */
function wishesOf(servicePort: ServicePort): ReadonlyMap<string, FrontendType> {
  const { protocol, port, nodePort, clusterIP, loadBalancerIPs, externalIPs } = servicePort;
  const wishes = new Map<string, FrontendType>([[`${clusterIP} . ${protocol} . ${port}`, 'ClusterIP']]);
  const want = (key: string, type: FrontendType): void => {
    if (!wishes.has(key)) {
      wishes.set(key, type);
    }
  };
  for (const address of loadBalancerIPs) {
    want(`${address} . ${protocol} . ${port}`, 'LoadBalancer');
  }
  for (const address of externalIPs) {
    want(`${address} . ${protocol} . ${port}`, 'ExternalIP');
  }
  if (nodePort > 0) {
    want(`${protocol} . ${nodePort}`, 'NodePort');
  }
  return wishes;
}
