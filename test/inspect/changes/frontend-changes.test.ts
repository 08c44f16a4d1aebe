import {
  affinity,
  cart,
  external,
  externalLocal,
  internalLocal,
  nodePort,
  testChanges,
  three,
  two,
} from './changes.ts';
import { service } from './shop.ts';

testChanges([
  {
    name: 'a new Service',
    before: { services: [] },
    after: cart(two, { port: nodePort }),
    lines: ['shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 2 endpoints'],
  },
  {
    name: 'a new Service without endpoints',
    before: { services: [] },
    after: cart([], { port: nodePort }),
    lines: ['shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp: rejected'],
  },
  {
    name: 'a new Service with a policy, affinity and source ranges, and no endpoint here',
    before: { services: [] },
    after: cart(['2.20'], {
      port: nodePort,
      spec: { ...affinity(900), ...externalLocal, loadBalancerSourceRanges: ['203.0.113.0/24'] },
      ingress: ['198.18.0.10'],
    }),
    lines: [
      'shop/cart:http  new: 10.96.0.10:80/tcp, 198.18.0.10:80/tcp, *:30080/tcp, 1 endpoint: dropped for ' +
        'external clients at 198.18.0.10:80/tcp, *:30080/tcp; affinity 900 s; source ranges 203.0.113.0/24',
    ],
  },
  {
    name: 'a new Service with local endpoints',
    before: { services: [] },
    after: cart(three, { port: nodePort, spec: externalLocal }),
    lines: ['shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 3 endpoints, 1 local'],
  },
  {
    name: 'a new Service with local endpoints only',
    before: { services: [] },
    after: cart(three, { spec: internalLocal }),
    lines: ['shop/cart:http  new: 10.96.0.10:80/tcp, 1 local endpoint'],
  },
  {
    name: 'a Service less',
    before: cart(three, { port: nodePort, spec: external }),
    after: { services: [] },
    lines: ['shop/cart:http  gone: 10.96.0.10:80/tcp, 198.19.0.5:80/tcp, *:30080/tcp'],
  },
  {
    name: 'an external IP in place of a node port',
    before: cart(three, { port: nodePort }),
    after: cart(three, { spec: external }),
    lines: ['shop/cart:http  +198.19.0.5:80/tcp, -*:30080/tcp'],
  },
  {
    name: 'another port number, and an endpoint less',
    before: cart(three),
    after: cart(two, { port: { port: 8000 } }),
    lines: [
      'shop/cart:http  +10.96.0.10:8000/tcp, -10.96.0.10:80/tcp; ' +
        '3 -> 2 endpoints (-10.244.3.30:8080), share 33% -> 50%',
    ],
  },
  {
    name: 'another name of the port',
    before: cart(two),
    after: cart(two, { port: { name: 'web' } }),
    lines: ['shop/cart:http  gone: 10.96.0.10:80/tcp', 'shop/cart:web  new: 10.96.0.10:80/tcp, 2 endpoints'],
  },
  {
    name: 'another protocol of the same port',
    before: cart(two),
    after: cart(two, { port: { protocol: 'SCTP' } }),
    lines: ['shop/cart:http/sctp  new: 10.96.0.10:80/sctp, 2 endpoints', 'shop/cart:http/tcp  gone: 10.96.0.10:80/tcp'],
  },
  {
    name: 'a port without a name',
    before: { services: [] },
    after: cart(two, { port: { name: '' } }),
    lines: ['shop/cart  new: 10.96.0.10:80/tcp, 2 endpoints'],
  },
  {
    name: 'an external IP that goes to another Service',
    before: {
      services: [
        service('cart', two, { spec: external }),
        service('basket', two, { spec: { clusterIP: '10.96.0.20' } }),
      ],
    },
    after: {
      services: [service('cart', two), service('basket', two, { spec: { clusterIP: '10.96.0.20', ...external } })],
    },
    lines: ['shop/basket:http  +198.19.0.5:80/tcp', 'shop/cart:http  -198.19.0.5:80/tcp'],
  },
]);
