import {
  affinity,
  balancer,
  cart,
  external,
  externalLocal,
  internalLocal,
  nodePort,
  testChanges,
  three,
  two,
} from './changes.ts';
import type { ServiceFields } from './shop.ts';

testChanges([
  {
    name: 'external policy Local',
    before: cart(three, { port: nodePort, spec: { type: 'LoadBalancer' }, ...balancer }),
    after: cart(three, { port: nodePort, spec: externalLocal, ...balancer }),
    lines: [
      'shop/cart:http  all endpoints, masqueraded -> local endpoints, source kept (3 -> 1) ' +
        'at 198.18.0.10:80/tcp, 198.18.0.11:80/tcp, *:30080/tcp',
    ],
  },
  {
    name: 'external policy Local without an endpoint here',
    before: cart(['2.20'], { port: nodePort }),
    after: cart(['2.20'], { port: nodePort, spec: externalLocal }),
    lines: [
      'shop/cart:http  all endpoints, masqueraded -> local endpoints, source kept (1 -> 0) at *:30080/tcp; ' +
        'now dropped for external clients at *:30080/tcp',
    ],
  },
  {
    name: 'external policy Local loses the endpoint here',
    before: cart(three, { port: nodePort, spec: externalLocal }),
    after: cart(['2.20', '3.30'], { port: nodePort, spec: externalLocal }),
    lines: [
      'shop/cart:http  3 -> 2 endpoints (-10.244.1.10:8080), share 33% -> 50%; ' +
        '1 -> 0 local endpoints: now dropped for external clients at *:30080/tcp',
    ],
  },
  {
    name: 'external policy Local loses all',
    before: cart(three, { port: nodePort, spec: externalLocal }),
    after: cart([], { port: nodePort, spec: externalLocal }),
    lines: ['shop/cart:http  3 -> 0 endpoints; 1 -> 0 local endpoints: now rejected'],
  },
  {
    name: 'external policy Local has one more here',
    before: cart(two, { port: nodePort, spec: externalLocal }),
    after: cart([...two, '1.11'], { port: nodePort, spec: externalLocal }),
    lines: [
      'shop/cart:http  2 -> 3 endpoints (+10.244.1.11:8080), share 50% -> 33%; ' +
        '1 -> 2 local endpoints (+10.244.1.11:8080), share 100% -> 50%',
    ],
  },
  {
    name: 'internal policy Local',
    before: cart(three),
    after: cart(three, { spec: internalLocal }),
    lines: ['shop/cart:http  all endpoints -> local endpoints (3 -> 1)'],
  },
  {
    name: 'internal policy Local loses the endpoint here',
    before: cart(two, { spec: internalLocal }),
    after: cart(['2.20'], { spec: internalLocal }),
    lines: ['shop/cart:http  1 -> 0 local endpoints: now dropped'],
  },
  {
    name: 'internal policy Local loses those elsewhere too',
    before: cart(['2.20'], { spec: internalLocal }),
    after: cart([], { spec: internalLocal }),
    lines: ['shop/cart:http  now rejected'],
  },
  {
    name: 'affinity on',
    before: cart(two, { port: nodePort }),
    after: cart(two, { port: nodePort, spec: affinity(900) }),
    lines: ['shop/cart:http  affinity on (900 s)'],
  },
  {
    name: 'affinity off',
    before: cart(two, { spec: affinity(900) }),
    after: cart(two),
    lines: ['shop/cart:http  affinity off'],
  },
  {
    name: 'affinity for longer, behind a Local policy too',
    before: cart(two, { port: nodePort, spec: { ...affinity(900), ...externalLocal } }),
    after: cart(two, { port: nodePort, spec: { ...affinity(10_800), ...externalLocal } }),
    lines: ['shop/cart:http  affinity 900 s -> 10,800 s'],
  },
  {
    name: 'source ranges where there were none',
    before: cart(two, balancer),
    after: cart(two, ranges('203.0.113.0/24')),
    lines: ['shop/cart:http  source ranges now 203.0.113.0/24'],
  },
  {
    name: 'no more source ranges',
    before: cart(two, ranges('203.0.113.0/24')),
    after: cart(two, balancer),
    lines: ['shop/cart:http  source ranges removed: open to all clients'],
  },
  {
    name: 'other source ranges',
    before: cart(two, ranges('203.0.113.0/24', '198.51.100.0/24')),
    after: cart(two, ranges('203.0.113.0/24', '192.0.3.0/24')),
    lines: ['shop/cart:http  source ranges +192.0.3.0/24, -198.51.100.0/24'],
  },
  {
    name: 'everything at once',
    before: cart(two, { port: nodePort }),
    after: cart(three, { spec: { ...external, ...affinity(60), ...internalLocal } }),
    lines: [
      'shop/cart:http  +198.19.0.5:80/tcp, -*:30080/tcp; all endpoints -> local endpoints (2 -> 1); ' +
        'affinity on (60 s)',
    ],
  },
]);

function ranges(...loadBalancerSourceRanges: string[]): ServiceFields {
  return { spec: { loadBalancerSourceRanges }, ...balancer };
}
