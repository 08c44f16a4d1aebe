import { describe, expect, test } from 'vitest';
import { findClient } from '../../src/lab/find-client.ts';

const pod = (name: string, app: string) => ({ kind: 'Pod', metadata: { name, namespace: 'shop', labels: { app } } });

const objects = [
  { kind: 'Node', metadata: { name: 'node-1' } },
  pod('cart-0', 'cart'),
  pod('cart-1', 'cart'),
  pod('web', 'web'),
  {
    kind: 'Deployment',
    metadata: { name: 'cart', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'cart' } } },
  },
];

describe('a client', () => {
  test.each([
    ['outside', { kind: 'outside' }],
    ['node:node-1', { kind: 'node', name: 'node-1' }],
    ['pod:shop/cart-1', { kind: 'pod', name: 'shop/cart-1' }],
    ['pod:shop/cart', { kind: 'pod', name: 'shop/cart-0' }],
    ['pod:shop/web', { kind: 'pod', name: 'shop/web' }],
    ['deployment/cart', { kind: 'pod', name: 'shop/cart-0' }],
    ['deployment/shop/cart', { kind: 'pod', name: 'shop/cart-0' }],
    ['10.244.1.5', { kind: 'address', name: '10.244.1.5' }],
    ['node:node-2', 'there is no node "node-2"; nodes are node-1'],
    ['pod:cart-0', 'there is no Pod "default/cart-0"; Pods are shop/cart-0, shop/cart-1, shop/web'],
    ['deployment/nope', 'there is no Deployment "nope"; the input has shop/cart'],
    [
      'inside',
      '"inside" is not a client; expected outside, node:NAME, pod:NAMESPACE/NAME, KIND/NAME of a workload, or the address of an endpoint',
    ],
  ])('%s', (text, found) => {
    expect(findClient(objects, text)).toEqual(found);
  });
});
