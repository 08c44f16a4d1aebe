import { type Packet, parsePackets } from '../../support/packets.ts';
import { http, type Manifest, service, slice } from './manifests.ts';
import { always, bothFamilies, cart, edge, edgeEverywhere, games, gamesSlice, mail, session } from './shop.ts';

/** One state of a cluster, and what packets must do in it. */
export interface Step {
  /** What has changed since the step before. */
  readonly name: string;
  readonly objects: readonly Manifest[];
  readonly flags: readonly string[];
  readonly packets: readonly Packet[];
}

/** The states, in the order in which they are applied. */
export const steps: readonly Step[] = [
  step(
    'three Services appear, one of them without endpoints',
    [cart(30080), slice('cart', ['10.244.1.11', '10.244.2.12']), ...edgeEverywhere(), mail],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.1.11:8080", "10.244.2.12:8080"], masqueraded: false }
- { name: cart's node port, from: 203.0.113.9, to: "192.0.2.11:30080/tcp", expect: ["10.244.1.11:8080", "10.244.2.12:8080"], masqueraded: true }
- { name: edge, from: 203.0.113.9, to: "198.51.100.50:80/tcp", expect: ["10.244.1.21:8080", "10.244.2.22:8080"], masqueraded: true }
- { name: mail, from: 10.244.1.50, to: "10.96.0.30:80/tcp", expect: rejected }
- { name: session is not there yet, from: 10.244.1.50, to: "10.96.0.40:80/tcp", expect: dropped }
`,
  ),
  step(
    'cart has more endpoints, games comes with an external IP',
    [
      cart(30080),
      slice('cart', ['10.244.1.11', '10.244.2.12', '10.244.2.13', '10.244.1.14']),
      ...edgeEverywhere(),
      mail,
      games(['198.51.100.60']),
      gamesSlice,
    ],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.1.11:8080", "10.244.2.12:8080", "10.244.2.13:8080", "10.244.1.14:8080"], masqueraded: false }
- { name: games outside, from: 203.0.113.9, to: "198.51.100.60:27/udp", expect: ["10.244.1.51:27000"], masqueraded: true }
- { name: games' wrong protocol, from: 10.244.1.50, to: "10.96.0.50:27/tcp", expect: rejected }
`,
  ),
  step(
    'edge keeps outside clients on this node, mail gets an endpoint',
    [
      cart(30080),
      slice('cart', ['10.244.2.12', '10.244.2.13', '10.244.1.14']),
      edge({ externalTrafficPolicy: 'Local' }),
      slice('edge', ['10.244.1.21', '10.244.2.22']),
      mail,
      slice('mail', ['10.244.2.31']),
      games(['198.51.100.60']),
      gamesSlice,
    ],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.2.12:8080", "10.244.2.13:8080", "10.244.1.14:8080"], masqueraded: false }
- { name: edge, from: 203.0.113.9, to: "198.51.100.50:80/tcp", expect: ["10.244.1.21:8080"], masqueraded: false }
- { name: edge for a pod, from: 10.244.1.50, to: "198.51.100.50:80/tcp", expect: ["10.244.1.21:8080", "10.244.2.22:8080"], masqueraded: false }
- { name: mail, from: 10.244.1.50, to: "10.96.0.30:80/tcp", expect: ["10.244.2.31:8080"], masqueraded: false }
`,
  ),
  step(
    'edge has no local endpoint any more, session comes with affinity',
    [
      cart(30080, { internalTrafficPolicy: 'Local' }),
      slice('cart', ['10.244.2.12', '10.244.2.13', '10.244.1.14']),
      edge({ externalTrafficPolicy: 'Local' }),
      slice('edge', ['10.244.2.22']),
      mail,
      slice('mail', ['10.244.2.31']),
      session,
      slice('session', ['10.244.1.41', '10.244.1.42', '10.244.2.43']),
    ],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.1.14:8080"], masqueraded: false }
- { name: edge, from: 203.0.113.9, to: "198.51.100.50:80/tcp", expect: dropped }
- { name: edge for a pod, from: 10.244.1.50, to: "198.51.100.50:80/tcp", expect: ["10.244.2.22:8080"], masqueraded: false }
- { name: session, from: 10.244.1.50, to: "10.96.0.40:80/tcp", expect: ["10.244.1.41:8080", "10.244.1.42:8080", "10.244.2.43:8080"], masqueraded: false, sticky: true }
- { name: games is gone, from: 203.0.113.9, to: "198.51.100.60:27/udp", expect: untouched }
`,
  ),
  step(
    'cart gets IPv6, its endpoint here terminates, session loses one endpoint, mail is deleted',
    [
      cart(30080, bothFamilies),
      slice('cart', ['!10.244.1.14', '10.244.2.12']),
      slice('cart', ['fd00:10:244:1::14', 'fd00:10:244:2::12']),
      edge({ loadBalancerSourceRanges: ['203.0.113.0/24'] }),
      slice('edge', ['10.244.2.22', '10.244.2.23']),
      session,
      slice('session', ['10.244.1.42', '10.244.2.43']),
    ],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.2.12:8080"], masqueraded: false }
- { name: cart over IPv6, from: "fd00:10:244:1::50", to: "[fd00:10:96::10]:80/tcp", expect: ["[fd00:10:244:1::14]:8080", "[fd00:10:244:2::12]:8080"], masqueraded: false }
- { name: cart's node port over IPv6, from: "2001:db8:9::9", to: "[2001:db8:a::11]:30080/tcp", expect: ["[fd00:10:244:1::14]:8080", "[fd00:10:244:2::12]:8080"], masqueraded: true }
- { name: edge, from: 203.0.113.9, to: "198.51.100.50:80/tcp", expect: ["10.244.2.22:8080", "10.244.2.23:8080"], masqueraded: true }
- { name: edge from elsewhere, from: 192.0.2.99, to: "198.51.100.50:80/tcp", expect: dropped }
- { name: session, from: 10.244.1.50, to: "10.96.0.40:80/tcp", expect: ["10.244.1.42:8080", "10.244.2.43:8080"], masqueraded: false, sticky: true }
- { name: mail, from: 10.244.1.50, to: "10.96.0.30:80/tcp", expect: dropped }
`,
  ),
  step(
    'other settings, another node port, affinity ends, cart has no IPv6 endpoints',
    [
      cart(30081, bothFamilies),
      slice('cart', ['10.244.1.11', '10.244.2.12']),
      edge({}),
      slice('edge', ['10.244.2.22', '10.244.2.23']),
      service('session', { clusterIP: '10.96.0.40', ports: [http] }),
      slice('session', ['10.244.1.42', '10.244.2.43']),
    ],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.1.11:8080", "10.244.2.12:8080"], masqueraded: true }
- { name: cart over IPv6, from: "fd00:10:244:1::50", to: "[fd00:10:96::10]:80/tcp", expect: rejected }
- { name: cart's old node port, from: 203.0.113.9, to: "192.0.2.11:30080/tcp", expect: untouched }
- { name: cart's new node port, from: 203.0.113.9, to: "192.0.2.11:30081/tcp", expect: ["10.244.1.11:8080", "10.244.2.12:8080"], masqueraded: true }
- { name: edge from elsewhere, from: 192.0.2.99, to: "198.51.100.50:80/tcp", expect: ["10.244.2.22:8080", "10.244.2.23:8080"], masqueraded: true }
- { name: session, from: 10.244.1.50, to: "10.96.0.40:80/tcp", expect: ["10.244.1.42:8080", "10.244.2.43:8080"], masqueraded: true }
`,
    ['--masquerade-all'],
  ),
  step(
    'all but one Service are gone',
    [],
    `
- { name: cart, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: dropped }
- { name: cart's node port, from: 203.0.113.9, to: "192.0.2.11:30081/tcp", expect: untouched }
- { name: edge, from: 203.0.113.9, to: "198.51.100.50:80/tcp", expect: untouched }
`,
  ),
];

function step(name: string, objects: readonly Manifest[], packets: string, flags: readonly string[] = []): Step {
  return { name, objects: [...always, ...objects], flags, packets: parsePackets(packets, name) };
}
