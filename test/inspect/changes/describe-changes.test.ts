import { expect, test } from 'vitest';
import { balancer, cart, externalLocal, nodePort, three, two } from './changes.ts';
import { changesBetween } from './shop.ts';

test('no table on either side', () => {
  expect(changesBetween(undefined, undefined)).toEqual({
    family: null,
    table: null,
    tableChange: 'absent',
    gained: [],
    lost: [],
    changed: [],
    settings: [],
    chains: [],
    staleUdpFlows: [],
  });
});

test('the changes are data that JSON can hold', () => {
  const changes = changesBetween(
    cart(three, { port: nodePort, ...balancer }),
    cart(two, { spec: { ...externalLocal, loadBalancerSourceRanges: ['203.0.113.0/24'] }, ...balancer }),
  );
  expect(JSON.parse(JSON.stringify(changes))).toEqual(changes);
  const at = ['198.18.0.10:80/tcp', '198.18.0.11:80/tcp'];
  expect(changes).toEqual({
    family: 'ip',
    table: 'svc2nft',
    tableChange: 'kept',
    gained: [],
    lost: [],
    changed: [
      {
        name: 'shop/cart:http',
        protocol: 'tcp',
        frontendsGained: [],
        frontendsLost: [
          {
            frontend: '*:30080/tcp',
            policy: 'all endpoints, masqueraded',
            refusal: null,
            affinitySeconds: 0,
            sourceRanges: null,
          },
        ],
        endpoints: [
          {
            endpoints: 'all',
            before: 3,
            after: 2,
            added: [],
            removed: ['10.244.3.30:8080'],
            shareBefore: 33,
            shareAfter: 50,
          },
        ],
        policies: [
          {
            before: 'all endpoints, masqueraded',
            after: 'local endpoints, source kept',
            endpointsBefore: 3,
            endpointsAfter: 1,
            frontends: at,
          },
        ],
        refusals: [],
        affinitySeconds: [],
        sourceRanges: [{ before: null, after: ['203.0.113.0/24'] }],
      },
    ],
    settings: [],
    chains: [],
    staleUdpFlows: [],
  });
});
