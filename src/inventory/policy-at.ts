import type { ServicePort } from '../phases/3-model/model.ts';
import type { Frontend } from '../report/frontend.ts';
import type { FrontendRow, FrontendType } from './frontend-row.ts';

/**
 * Which traffic policy holds at a frontend (Service spec.internalTrafficPolicy, spec.externalTrafficPolicy): what the rules
 * do, and where they refuse everybody alike what the service port says; null where neither tells.
 */
export function policyAt(
  { policy, refusal }: Frontend,
  type: FrontendType,
  servicePort: ServicePort | undefined,
): FrontendRow['policy'] {
  if (policy !== null && policy !== 'not understood') {
    return policy.startsWith('local') ? 'Local' : 'Cluster';
  }
  if (servicePort) {
    return type === 'ClusterIP' ? servicePort.internalPolicy : servicePort.externalPolicy;
  }
  // Only a lack of endpoints on this node is met with silence.
  return refusal === 'dropped' ? 'Local' : null;
}
