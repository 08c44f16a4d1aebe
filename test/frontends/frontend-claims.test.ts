import { expect, test } from 'vitest';
import { claimsOf, indexClaims } from '../../src/frontends/frontend-claims.ts';
import { readFrontends } from '../../src/frontends/read-frontends.ts';
import { takeFixture } from '../inspect/list/take-fixture.ts';

const { rulesets, views } = takeFixture('external-ip-gives-way-to-a-cluster-ip');
const [frontends, servicePorts] = [readFrontends(rulesets[0]), views[0]?.servicePorts ?? []];

test('a service port asks for each frontend once', () => {
  const [some] = servicePorts;
  const servicePort = some && { ...some, loadBalancerIPs: ['198.18.0.1'], externalIPs: ['198.18.0.1', some.clusterIP] };
  const claims = servicePort && claimsOf(servicePort, new Map());
  expect(claims?.map(({ kind, address }) => [kind, address.address])).toEqual([
    ['ClusterIP', some?.clusterIP],
    ['LoadBalancer', '198.18.0.1'],
  ]);
});

test('of service ports that ask for the same frontend, one holds it and the others name the holder', () => {
  const claims = indexClaims(servicePorts, frontends).get('10.96.0.10 . tcp . 80') ?? [];
  const found = claims.map(({ servicePort, kind, held, heldBy }) => [servicePort.name, kind, held?.name, heldBy]);
  expect(found.sort()).toEqual([
    ['thief', 'ExternalIP', undefined, 'shop/web:http'],
    ['web', 'ClusterIP', 'shop/web:http', undefined],
  ]);
});

test('a frontend without rules has no holder', () => {
  const claims = servicePorts.flatMap((servicePort) => claimsOf(servicePort, new Map()));
  expect(claims.every(({ held, heldBy }) => held === undefined && heldBy === undefined)).toBe(true);
});
