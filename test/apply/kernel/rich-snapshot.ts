import { http, type Manifest, service, slice, workerNode } from './manifests.ts';

const ports = [http, { name: 'dns', port: 53, protocol: 'UDP' }];
const bothFamilies = (host: number): Manifest => ({
  clusterIP: `10.96.0.${host}`,
  clusterIPs: [`10.96.0.${host}`, `fd00:10:96::${host}`],
  ipFamilies: ['IPv4', 'IPv6'],
});

function slices(name: string, hosts: readonly number[]): Manifest[] {
  const [fours, sixes] = [
    (host: number) => `10.244.${host % 2}.${host}`,
    (host: number) => `fd00:10:244:${host % 2}::${host}`,
  ];
  return [fours, sixes].map((addressOf) =>
    slice(name, hosts.map(addressOf), [
      { name: 'http', port: 8080 },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ]),
  );
}

/** A snapshot with something in every set and chain, in both families. */
export const richSnapshot: readonly Manifest[] = [
  workerNode,
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] },
  },
  service('cart', { ...bothFamilies(10), type: 'NodePort', ports: [{ ...http, nodePort: 30080 }, ...ports.slice(1)] }),
  ...slices('cart', [10, 11, 13]),
  service(
    'edge',
    {
      ...bothFamilies(20),
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      loadBalancerSourceRanges: ['203.0.113.0/24', '2001:db8:9::/64'],
      ports: [{ ...http, nodePort: 30081 }],
    },
    { loadBalancer: { ingress: [{ ip: '198.51.100.50' }, { ip: '2001:db8:5::50' }] } },
  ),
  ...slices('edge', [20, 21]),
  service('session', { ...bothFamilies(30), sessionAffinity: 'ClientIP', ports }),
  ...slices('session', [30, 31]),
  service('mail', { ...bothFamilies(40), type: 'NodePort', ports: [{ ...http, nodePort: 30082 }] }),
];
