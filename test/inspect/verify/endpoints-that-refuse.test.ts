import { expect, test } from 'vitest';
import { expectFate } from '../../../src/inspect/verify/expect-fate.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const options = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], clusterCIDRs: ['10.244.0.0/16'] };

/** `web` has these endpoints, at port 8080; `api` has the cluster IP 10.96.0.11 with port 80, `dead` 10.96.0.12. */
function sideOf(addresses: readonly string[], spec: object = {}): Side {
  const objects = [
    service('web', { clusterIP: '10.96.0.10', ...spec }),
    slice('web', addresses),
    service('api', { clusterIP: '10.96.0.11' }),
    slice('api', ['10.244.1.11']),
    service('dead', { clusterIP: '10.96.0.12', ports: [{ port: 8080 }] }),
  ];
  const [side] = sidesOf(documentsOf(objects), { ...options, families: ['ip'] });
  return side as Side;
}

const packet = { source: '10.244.1.50', destination: '10.96.0.10', protocol: 'tcp', port: 80 } as const;

test.each([
  ['the cluster IP of another', ['10.96.0.11']],
  ['a dead frontend', ['10.96.0.12']],
])('an endpoint that is %s refuses all connections', (_what, addresses) => {
  const { expectations } = sideOf(addresses);
  expect(expectFate(packet, expectations)).toMatchObject({ verdict: 'rejected', reason: 'refused-endpoint' });
});

test.each([
  ['a cluster IP', ['10.96.0.11']],
  ['a cluster IP and a pod', ['10.96.0.11', '10.244.1.10', '10.244.2.20']],
  ['a dead frontend, a cluster IP and a pod', ['10.96.0.12', '10.96.0.11', '10.244.1.10']],
  ['the node', ['192.0.2.11']],
])('with endpoints %s the compiled ruleset is correct', (_what, addresses) => {
  for (const affinity of ['None', 'ClientIP']) {
    expect(linesOf(sideOf(addresses, { sessionAffinity: affinity }))).toEqual([]);
  }
});

test('a share that goes to an endpoint other than the refusing one is found', () => {
  const { ruleset } = sideOf(['10.244.1.9', '10.244.1.10']);
  const { expectations } = sideOf(['10.96.0.11', '10.244.1.10']);
  expect(linesOf({ ruleset, expectations })).toContain(
    'wrong-endpoint shop/web 10.96.0.10:80/tcp: 10.244.1.9:8080 gets 1/2 of the connections from pods, the node and external clients, but should get none',
  );
});
