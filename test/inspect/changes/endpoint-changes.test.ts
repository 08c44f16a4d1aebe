import { balancer, cart, external, nodePort, testChanges, three, two } from './changes.ts';
import { service } from './shop.ts';

testChanges([
  {
    name: 'one more',
    before: cart(three),
    after: cart([...three, '2.21']),
    lines: ['shop/cart:http  3 -> 4 endpoints (+10.244.2.21:8080), share 33% -> 25%'],
  },
  {
    name: 'one less',
    before: cart(three),
    after: cart(two),
    lines: ['shop/cart:http  3 -> 2 endpoints (-10.244.3.30:8080), share 33% -> 50%'],
  },
  {
    name: 'one for another',
    before: cart(two),
    after: cart(['1.10', '3.30']),
    lines: ['shop/cart:http  2 endpoints (+10.244.3.30:8080, -10.244.2.20:8080)'],
  },
  {
    name: 'the only one for another',
    before: cart(['1.10']),
    after: cart(['3.30']),
    lines: ['shop/cart:http  1 endpoint (+10.244.3.30:8080, -10.244.1.10:8080)'],
  },
  {
    name: 'one more behind many frontends is said once',
    before: cart(two, { port: nodePort, spec: external, ...balancer }),
    after: cart(three, { port: nodePort, spec: external, ...balancer }),
    lines: ['shop/cart:http  2 -> 3 endpoints (+10.244.3.30:8080), share 50% -> 33%'],
  },
  {
    name: 'none left',
    before: cart(three, { port: nodePort }),
    after: cart([], { port: nodePort }),
    lines: ['shop/cart:http  3 -> 0 endpoints: now rejected'],
  },
  {
    name: 'some again',
    before: cart([]),
    after: cart(two),
    lines: ['shop/cart:http  0 -> 2 endpoints (+10.244.1.10:8080, +10.244.2.20:8080): no longer rejected'],
  },
  {
    name: 'more than a line should hold',
    before: cart(['1.10']),
    after: cart(Array.from({ length: 18 }, (_, index) => `1.${index + 10}`)),
    lines: [
      'shop/cart:http  1 -> 18 endpoints (+10.244.1.11:8080, +10.244.1.12:8080, +10.244.1.13:8080, ' +
        '+10.244.1.14:8080, +10.244.1.15:8080, +12 more), share 100% -> 6%',
    ],
  },
  {
    name: 'a port of the pods',
    before: cart(['1.10']),
    after: { services: [service('cart', ['1.10'], { targetPort: 9090 })] },
    lines: ['shop/cart:http  1 endpoint (+10.244.1.10:9090, -10.244.1.10:8080)'],
  },
]);
