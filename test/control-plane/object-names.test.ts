import { describe, expect, test } from 'vitest';
import { scalableKinds } from '../../src/control-plane/change-cluster.ts';
import { findObject, parseObjectName } from '../../src/control-plane/object-names.ts';

describe('a name of an object', () => {
  test.each([
    ['deployment/web', { kind: 'Deployment', namespace: undefined, name: 'web' }],
    ['Deployments.apps/shop/web', { kind: 'Deployment', namespace: 'shop', name: 'web' }],
    ['deploy/web', { kind: 'Deployment', namespace: undefined, name: 'web' }],
    ['sts/db', { kind: 'StatefulSet', namespace: undefined, name: 'db' }],
    ['rs/web-1', { kind: 'ReplicaSet', namespace: undefined, name: 'web-1' }],
    ['rc/old', { kind: 'ReplicationController', namespace: undefined, name: 'old' }],
  ])('is read from %s', (text, name) => {
    expect(parseObjectName(text, scalableKinds)).toEqual(name);
  });

  test.each(['web', 'deployment/', 'deployment//web', 'deployment/a/b/c', 'ds/agent', '/web', 'constructor/web'])(
    'is not %s',
    (text) => {
      expect(parseObjectName(text, scalableKinds)).toBe(
        `"${text}" is not a KIND/NAME such as deployment/web, or KIND/NAMESPACE/NAME; KIND is deployment, statefulset, replicaset or replicationcontroller`,
      );
    },
  );
});

test('of many objects, the one that was probably meant is suggested', () => {
  const nodes = Array.from({ length: 20 }, (_, index) => ({ kind: 'Node', metadata: { name: `worker-${index}` } }));
  expect(findObject(nodes, { kind: 'Node', name: 'worker-7' })).toBe(nodes[7]);
  expect(findObject(nodes, { kind: 'Node', name: 'wroker-7' })).toBe(
    'there is no Node "wroker-7"; did you mean worker-7?',
  );
  expect(findObject(nodes, { kind: 'Node', name: 'x' })).toBe(
    'there is no Node "x"; the input has worker-0, worker-1, worker-2, worker-3, worker-4 and 15 more',
  );
});
