import { cart, externalLocal, nodePort, testChanges, two } from './changes.ts';

testChanges([
  {
    name: 'the bit of the mark',
    before: cart(two),
    after: { ...cart(two), options: { masqueradeBit: 31 } },
    lines: ['settings  masquerade mark: 0x00004000 -> 0x80000000'],
  },
  {
    name: 'the range of the pods',
    before: cart(two),
    after: { ...cart(two), options: { clusterCIDRs: ['10.128.0.0/9'] } },
    lines: ['settings  pods: 10.244.0.0/16 -> 10.128.0.0/9'],
  },
  {
    name: 'pods by their interface',
    before: cart(two),
    after: { ...cart(two), options: { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'veth' } },
    lines: ['settings  pods: 10.244.0.0/16 -> interface veth*'],
  },
  {
    name: 'pods that cannot be recognized',
    before: cart(two),
    after: { ...cart(two), options: { clusterCIDRs: [] } },
    lines: [
      'settings  masqueraded to cluster IPs: traffic not from pods -> no traffic',
      'settings  pods: 10.244.0.0/16 -> none',
    ],
  },
  {
    name: 'all is masqueraded',
    before: cart(two),
    after: { ...cart(two), options: { masqueradeAll: true } },
    lines: ['settings  masqueraded to cluster IPs: traffic not from pods -> all traffic'],
  },
  {
    name: 'pods, where all is masqueraded and only a Local policy asks',
    before: { ...cart(two, { port: nodePort, spec: externalLocal }), options: { masqueradeAll: true } },
    after: {
      ...cart(two, { port: nodePort, spec: externalLocal }),
      options: { masqueradeAll: true, clusterCIDRs: ['10.128.0.0/9'] },
    },
    lines: ['settings  pods: 10.244.0.0/16 -> 10.128.0.0/9'],
  },
  {
    name: 'the addresses for node ports',
    before: cart(two),
    after: { ...cart(two), options: { nodePortAddresses: ['all'] } },
    lines: ['settings  node port addresses: 192.0.2.11 -> all addresses of the node'],
  },
  {
    name: 'the ranges of cluster IPs',
    before: cart(two),
    after: { services: [...cart(two).services, [serviceCidr('10.96.0.0/16'), serviceCidr('10.112.0.0/16')]] },
    lines: ['settings  service CIDRs: none -> 10.112.0.0/16, 10.96.0.0/16'],
  },
  {
    name: 'a table where there was none',
    before: undefined,
    after: cart(two),
    lines: ['table ip svc2nft  new', 'shop/cart:http  new: 10.96.0.10:80/tcp, 2 endpoints'],
  },
  {
    name: 'no table any more',
    before: cart(two),
    after: undefined,
    lines: ['table ip svc2nft  gone', 'shop/cart:http  gone: 10.96.0.10:80/tcp'],
  },
]);

function serviceCidr(cidr: string): Record<string, unknown> {
  const name = `range-${cidr.split('.')[1]}`;
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs: [cidr] } };
}
