import { compareText } from '../compare-text.ts';
import { textsOf } from './compare-endpoints.ts';
import type { FrontendState, ServicePortState } from './family-changes.ts';
import type { Frontend } from './frontend.ts';

/** A whole service port, of at least one frontend. */
export function summariseServicePort(frontends: readonly [Frontend, ...Frontend[]]): ServicePortState {
  const [{ name, protocol }] = frontends;
  return {
    name,
    protocol,
    frontends: frontends.map(summariseFrontend),
    endpoints: unionOf(frontends.map(({ all }) => textsOf(all))),
    localEndpoints: unionOf(frontends.map(({ local }) => textsOf(local))),
  };
}

/** A frontend without its endpoints. */
export function summariseFrontend({
  frontend,
  policy,
  refusal,
  affinitySeconds,
  sourceRanges,
}: Frontend): FrontendState {
  return { frontend, policy, refusal, affinitySeconds, sourceRanges };
}

/** They are the same lists for all frontends, unless two service ports have the same name for their length. */
function unionOf(lists: readonly string[][]): string[] {
  return [...new Set(lists.flat())].sort(compareText);
}
