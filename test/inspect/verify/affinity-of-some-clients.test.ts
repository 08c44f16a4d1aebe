import { expect, test } from 'vitest';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const ports = [{ name: '', port: 80 }];

/** External clients reach one endpoint and need no pin to come back to it; the node, which the source ranges allow, reaches two. */
function sideOf(): Side {
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.10',
        externalTrafficPolicy: 'Local',
        sessionAffinity: 'ClientIP',
        loadBalancerSourceRanges: ['192.0.2.0/24'],
        ports: [{ port: 80 }],
      },
      status: { loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports,
      endpoints: [
        { addresses: ['10.244.1.10'], nodeName: 'worker-1' },
        { addresses: ['10.244.2.20'], nodeName: 'worker-2' },
      ],
    },
  ];
  const options = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], clusterCIDRs: ['10.244.0.0/16'] };
  const [side] = sidesOf(documentsOf(objects), { ...options, families: ['ip'] });
  return side as Side;
}

test.each(['10.244.1.10', '10.244.2.20'])(
  'a lost pin to %s is found through clients that have a choice',
  (endpoint) => {
    const { ruleset, expectations } = sideOf();
    expect(linesOf({ ruleset, expectations })).toEqual([]);
    const key = `198.18.0.1 . 80 . ${endpoint} . 80`;
    const sets = ruleset.sets.map((set) => ({
      ...set,
      elements: set.elements.filter((element) => element.key !== key),
    }));
    const lines = linesOf({ ruleset: { ...ruleset, sets }, expectations });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^wrong-affinity shop/web 198.18.0.1:80/tcp: .* do not keep ${endpoint}:80`));
  },
);
