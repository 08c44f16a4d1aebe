import { expect } from 'vitest';
import type { Explanation, ReasonCode } from '../../../src/inspect/explain/explanation.ts';

/** The possible reasons for each fate. */
export const reasonsFor: Readonly<Record<Exclude<Explanation['verdict'], 'mixed'>, readonly ReasonCode[]>> = {
  translated: ['cluster-ip', 'load-balancer-ip', 'external-ip', 'node-port'],
  rejected: ['no-endpoints', 'unknown-port', 'refused-endpoint', 'node-port-closed'],
  dropped: ['no-local-endpoints', 'source-ranges', 'unallocated', 'refused-endpoint'],
  untouched: [
    'node-port-closed',
    'no-such-node-port',
    'other-node',
    'node-unknown',
    'endpoint-itself',
    'wrong-port',
    'not-served',
    'health-check-port',
    'localhost-node-port',
    'no-table',
    'no-service',
  ],
};

/** Reasons that name a Service. */
const ofService: readonly ReasonCode[] = [
  ...reasonsFor.translated,
  'no-endpoints',
  'no-local-endpoints',
  'source-ranges',
  'refused-endpoint',
];

/**
 * The explanation gives a reason that fits the fate, and names one of the service ports that the manifests have there.
 *
 * @param owners as servicePortsAt lists them.
 */
export function expectReasons(explanation: Explanation, owners: readonly string[]): void {
  const { verdict, reason, service, steps } = explanation;
  expect(verdict === 'mixed' ? [] : reasonsFor[verdict]).toContain(reason.code);
  expect(reason.text).not.toBe('');
  expect(steps.length).toBeGreaterThan(0);
  if (verdict === 'rejected' && reason.code === 'node-port-closed') {
    // Loopback addresses refuse it, at which no Service claims anything.
    expect(service?.name).toMatch(/^\S+\/\S+$/);
  } else if (ofService.includes(reason.code)) {
    expect(owners).toContain(service?.name);
  } else {
    expect(service).toBeNull();
  }
  // Only a node port at a closed address, or an address that nodes leave alone, has an owner and no rule.
  if (verdict === 'untouched' && owners.length > 0) {
    expect(['node-port-closed', 'not-served', 'no-table']).toContain(reason.code);
  }
}
