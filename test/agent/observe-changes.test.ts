import { describe, expect, test } from 'vitest';
import { countChanges, findNodeSeen } from '../../src/agent/observe-changes.ts';

function node(metadata: object, spec?: object): object {
  return { kind: 'Node', metadata: { name: 'worker-1', ...metadata }, ...(spec && { spec }) };
}

test('changes are counted by kind, whatever else is among them', () => {
  const apply = [
    { kind: 'Service' },
    { kind: 'EndpointSlice' },
    { kind: 'EndpointSlice' },
    { kind: 'Node' },
    null,
    3,
    [],
  ];
  const remove = [{ kind: 'Service', name: 'a', namespace: 'b' }];
  expect(countChanges({ apply, remove })).toEqual({ services: 2, endpointSlices: 2 });
  expect(countChanges({ complete: true })).toEqual({ services: 0, endpointSlices: 0 });
});

describe('a Node', () => {
  test.each<[string, object, boolean]>([
    ['without taints', node({}), true],
    ['with other taints', node({}, { taints: [{ key: 'node.kubernetes.io/not-ready' }, null] }), true],
    ['that the autoscaler removes', node({}, { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] }), false],
    ['that is being deleted', node({ deletionTimestamp: '2030-01-01T00:00:00Z' }), false],
    ['whose deletion is null', node({ deletionTimestamp: null }, { taints: null }), true],
  ])('%s', (_, object, isEligible) => {
    expect(findNodeSeen({ apply: [object] })).toEqual({ kind: 'node-seen', isEligible });
  });

  test('that is gone is not eligible, and one that came back is', () => {
    const remove = [{ kind: 'Node', name: 'worker-1' }];
    expect(findNodeSeen({ remove })).toEqual({ kind: 'node-seen', isEligible: false });
    expect(findNodeSeen({ remove, apply: [node({})] })).toEqual({ kind: 'node-seen', isEligible: true });
  });

  test('counts as it was last', () => {
    const going = node({ deletionTimestamp: '2030-01-01T00:00:00Z' });
    expect(findNodeSeen({ apply: [node({}), going] })).toEqual({ kind: 'node-seen', isEligible: false });
  });

  test('of which nothing is said is not seen', () => {
    expect(findNodeSeen({ apply: [{ kind: 'Service' }], remove: [{ kind: 'Service', name: 'a' }] })).toBeUndefined();
  });
});
