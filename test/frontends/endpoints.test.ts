import { describe, expect, test } from 'vitest';
import { leftOutReasons, locateEndpoint } from '../../src/frontends/endpoints.ts';
import type { Endpoint, ServicePort } from '../../src/phases/3-model/model.ts';

const ready: Endpoint = {
  endpointAddress: { address: '10.244.1.5', port: 8080 },
  ready: true,
  serving: true,
  terminating: false,
  nodeName: 'worker-2',
  local: false,
  zoneHints: [],
  nodeHints: [],
};

function judge(endpoint: Endpoint, isLocalOnly = false, others: readonly Endpoint[] = []): string {
  const servicePort = { endpoints: [endpoint, ...others] } as unknown as ServicePort;
  return leftOutReasons(servicePort, { isLocalOnly, nodeName: 'worker-1' })(endpoint);
}

describe('the first reason that holds', () => {
  const dying = { ready: false, terminating: true };
  test.each([
    ['not-ready', { ...ready, ready: false, serving: false }, false],
    ['not-ready', { ...ready, ready: false }, true],
    ['not-serving', { ...ready, ...dying, serving: false }, true],
    ['terminating', { ...ready, ...dying }, false],
    ['not-local', { ...ready, ...dying }, true],
    ['terminating', { ...ready, ...dying, local: true }, true],
    ['not-local', ready, true],
    ['other-zone', { ...ready, zoneHints: ['zone-b'] }, false],
  ])('%s: %j, local only: %j', (reason, endpoint, isLocalOnly) => {
    expect(judge(endpoint, isLocalOnly)).toBe(reason);
  });

  test('hints for nodes decide only where every ready endpoint has one, and one is for this node', () => {
    const elsewhere = { ...ready, nodeHints: ['worker-2'], zoneHints: ['zone-b'] };
    const here = { ...ready, nodeHints: ['worker-1'] };
    expect(judge(elsewhere, false, [here])).toBe('other-node');
    expect(judge(elsewhere, false, [here, ready])).toBe('other-zone');
    expect(judge(elsewhere, false, [{ ...here, nodeHints: ['worker-3'] }])).toBe('other-zone');
    expect(judge(elsewhere, false, [here, { ...ready, ready: false }])).toBe('other-node');
  });
});

test('a node that a slice names in odd letters is shown without harm', () => {
  expect(locateEndpoint({ ...ready, nodeName: 'worker\u001b[31m' }, undefined)).toEqual({
    endpoint: '10.244.1.5:8080',
    pod: '',
    node: 'worker\\u001b[31m',
    zone: '',
  });
});
