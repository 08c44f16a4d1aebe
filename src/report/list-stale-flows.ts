import { compareText } from '../compare-text.ts';
import { lostEndpoints, textsOf } from './compare-endpoints.ts';
import type { StaleUdpFlows } from './family-changes.ts';
import type { Frontend } from './frontend.ts';

/**
 * The UDP frontends that lost endpoints, or that are gone, each with the endpoints at which flows may still be: a UDP
 * flow keeps its translation for as long as it sends (conntrack), and no filter looks at it again. Another traffic
 * policy ends no flow. Sorted by frontend.
 */
export function listStaleFlows(
  before: ReadonlyMap<string, Frontend>,
  after: ReadonlyMap<string, Frontend>,
): StaleUdpFlows[] {
  const stale: StaleUdpFlows[] = [];
  for (const frontend of before.values()) {
    const endpoints = frontend.protocol === 'udp' ? endpointsLeft(frontend, after.get(frontend.key)) : [];
    if (endpoints.length > 0) {
      stale.push({ frontend: frontend.frontend, endpoints });
    }
  }
  return stale.sort((a, b) => compareText(a.frontend, b.frontend));
}

function endpointsLeft(before: Frontend, after: Frontend | undefined): string[] {
  if (after) {
    return lostEndpoints({ before, after });
  }
  return [...new Set([...textsOf(before.all), ...textsOf(before.local)])].sort(compareText);
}
