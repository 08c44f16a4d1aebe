/** Connections that rules tell apart: to the cluster IP, and to other frontends from pods and the node, or from others. */
export type Traffic = 'cluster IP' | 'insiders' | 'outside';

/** What names depend on besides the traffic. */
export interface Naming {
  /** Whether the node can tell pods from others; else only the node itself is an insider. */
  readonly tellsPods: boolean;
  /** Whether there is no other route. */
  readonly isOnly: boolean;
}

/** A short name for the clients of a route, which tells it from the other routes; empty where there is no other. */
export function nameClients(traffic: ReadonlySet<Traffic>, { tellsPods, isOnly }: Naming): string {
  const pods = tellsPods ? 'pods' : 'node';
  const [clusterIP, insiders, outside] = (['cluster IP', 'insiders', 'outside'] as const).map((one) =>
    traffic.has(one),
  );
  if (isOnly) {
    return '';
  }
  if (insiders && !clusterIP) {
    return outside ? 'not cluster IP' : `${pods}, not cluster IP`;
  }
  // Whoever uses a cluster IP is a pod, as a rule.
  const isPods = insiders && tellsPods;
  return [
    ...(clusterIP && !isPods ? ['cluster IP'] : []),
    ...(insiders ? [pods] : []),
    ...(outside ? ['outside'] : []),
  ].join(', ');
}
