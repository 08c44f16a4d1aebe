import { cart, external, internalLocal, testChanges, three, two } from './changes.ts';
import { service } from './shop.ts';

const dns = { name: 'dns', protocol: 'UDP', port: 53, nodePort: 30053 };

testChanges([
  {
    name: 'endpoints lost',
    before: cart(three, { port: dns }),
    after: cart(['1.10'], { port: dns }),
    lines: [
      'shop/cart:dns  3 -> 1 endpoints (-10.244.2.20:8080, -10.244.3.30:8080), share 33% -> 100%',
      'stale UDP flows to 10.96.0.10:53/udp at 10.244.2.20:8080, 10.244.3.30:8080: may continue until idle',
      'stale UDP flows to *:30053/udp at 10.244.2.20:8080, 10.244.3.30:8080: may continue until idle',
    ],
  },
  {
    name: 'a frontend lost',
    before: cart(['1.10'], { port: dns, spec: external }),
    after: cart(['1.10'], { port: dns }),
    lines: [
      'shop/cart:dns  -198.19.0.5:53/udp',
      'stale UDP flows to 198.19.0.5:53/udp at 10.244.1.10:8080: may continue until idle',
    ],
  },
  {
    name: 'an address that another Service has now',
    before: cart(two, { port: { ...dns, nodePort: 0 } }),
    after: { services: [service('basket', ['2.20', '3.30'], { port: { ...dns, nodePort: 0 } })] },
    lines: [
      'shop/basket:dns  new: 10.96.0.10:53/udp, 2 endpoints',
      'shop/cart:dns  gone: 10.96.0.10:53/udp',
      'stale UDP flows to 10.96.0.10:53/udp at 10.244.1.10:8080: may continue until idle',
    ],
  },
  {
    name: 'another policy ends no flow',
    before: cart(two, { port: { ...dns, nodePort: 0 } }),
    after: cart(two, { port: { ...dns, nodePort: 0 }, spec: internalLocal }),
    lines: ['shop/cart:dns  all endpoints -> local endpoints (2 -> 1)'],
  },
]);
