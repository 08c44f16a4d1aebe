import { type Packet, parsePackets } from '../packets.ts';

/** A hand-written ruleset and packets with every fate, for tests of the laboratory itself. */
export interface LabSample {
  readonly ruleset: string;
  readonly nodeAddresses: readonly string[];
  readonly packets: readonly Packet[];
}

/** The sample for both families and all three protocols. */
export function buildSample(): LabSample {
  const families = ['ip', 'ip6'] as const;
  return {
    ruleset: families.map((family) => fill(rulesetText, family)).join('\n'),
    nodeAddresses: families.map((family) => addresses[family].NODE),
    packets: families.flatMap((family) =>
      ['tcp', 'udp', 'sctp'].flatMap((protocol) =>
        parsePackets(fill(packetsText, family).replaceAll('PROTOCOL', protocol)).map((packet) => ({
          ...packet,
          name: `${family} ${protocol}: ${packet.name}`,
        })),
      ),
    ),
  };
}

const addresses = {
  ip: {
    FAMILY: 'ip',
    TYPE: 'ipv4_addr',
    PODS: '10.244.0.0/16',
    CLIENT: '10.244.1.50',
    POD_A: '10.244.1.10',
    POD_B: '10.244.2.20',
    NODE: '192.168.7.1',
    LOOPBACK: '127.0.0.1',
    OUTSIDE: '203.0.113.9',
    LIVE: '10.96.0.10',
    EDGE: '10.96.0.20',
    REFUSED: '10.96.0.30',
    SILENT: '10.96.0.40',
    STICKY: '10.96.0.50',
    HOST: '10.96.0.60',
    STRAY: '10.96.0.61',
    UNKNOWN: '10.96.0.70',
  },
  ip6: {
    FAMILY: 'ip6',
    TYPE: 'ipv6_addr',
    PODS: 'fd00:10:244::/48',
    CLIENT: 'fd00:10:244:1::50',
    POD_A: 'fd00:10:244:1::10',
    POD_B: 'fd00:10:244:2::20',
    NODE: 'fd00:7::1',
    LOOPBACK: '::1',
    OUTSIDE: '2001:db8::9',
    LIVE: 'fd00:96::10',
    EDGE: 'fd00:96::20',
    REFUSED: 'fd00:96::30',
    SILENT: 'fd00:96::40',
    STICKY: 'fd00:96::50',
    HOST: 'fd00:96::60',
    STRAY: 'fd00:96::61',
    UNKNOWN: 'fd00:96::70',
  },
} as const;

const rulesetText = `
table $FAMILY proxy {
  set pinned-a { type $TYPE . inet_proto; flags dynamic,timeout; timeout 1h; }
  set pinned-b { type $TYPE . inet_proto; flags dynamic,timeout; timeout 1h; }
  chain to-a {
    $FAMILY daddr $STICKY update @pinned-a { $FAMILY saddr . meta l4proto }
    meta l4proto { tcp, udp, sctp } dnat to $POD_A:8080
  }
  chain to-b {
    $FAMILY daddr $STICKY update @pinned-b { $FAMILY saddr . meta l4proto }
    meta l4proto { tcp, udp, sctp } dnat to $POD_B:8081
  }
  chain pick {
    numgen random mod 2 0 goto to-a
    goto to-b
  }
  chain silence {
    $FAMILY daddr $SILENT drop
    $FAMILY daddr $NODE th dport 30098 drop
  }
  chain prerouting-silence { type filter hook prerouting priority -110; jump silence; }
  chain output-silence { type filter hook output priority -110; jump silence; }
  chain services {
    $FAMILY daddr $LIVE $FAMILY saddr != $PODS meta mark set 0x4000
    $FAMILY daddr $LIVE th dport 80 goto pick
    iifname "out0" $FAMILY daddr $EDGE meta l4proto { tcp, udp, sctp } dnat to $POD_B:8080
    $FAMILY daddr $STICKY $FAMILY saddr . meta l4proto @pinned-a goto to-a
    $FAMILY daddr $STICKY $FAMILY saddr . meta l4proto @pinned-b goto to-b
    $FAMILY daddr $STICKY goto pick
    $FAMILY daddr $HOST meta mark set 0x4000 meta l4proto { tcp, udp, sctp } dnat to $NODE:9090
    $FAMILY daddr $STRAY meta l4proto { tcp, udp, sctp } dnat to $NODE:9091
    $FAMILY daddr $NODE th dport 30080 meta mark set 0x4000 meta l4proto { tcp, udp, sctp } dnat to $POD_A:8080
  }
  chain prerouting { type nat hook prerouting priority -100; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain postrouting {
    type nat hook postrouting priority 100
    meta mark & 0x4000 != 0 masquerade fully-random
    ct status dnat $FAMILY saddr $POD_A $FAMILY daddr $POD_A masquerade fully-random
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain refusal {
    $FAMILY daddr $REFUSED goto refuse
    $FAMILY daddr $NODE th dport 30099 goto refuse
  }
  chain filter-input { type filter hook input priority 0; jump refusal; }
  chain filter-forward { type filter hook forward priority 0; jump refusal; }
  chain filter-output { type filter hook output priority 0; jump refusal; }
}
`;

/**
 * What reaches an endpoint on the node from elsewhere is not masqueraded although it is marked: packets for the node
 * itself leave through the input hook and never meet postrouting.
 */
const packetsText = `
- { name: a pod reaches both endpoints, from: $CLIENT, to: "$LIVE:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: false }
- { name: the outside is masqueraded, from: $OUTSIDE, to: "$LIVE:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: true }
- { name: a pod reaches itself, from: $POD_A, to: "$LIVE:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: ["$POD_A:8080"] }
- { name: the node reaches both endpoints, from: $NODE, to: "$LIVE:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: true }
- { name: a rule for one interface, from: $OUTSIDE, to: "$EDGE:80/PROTOCOL", expect: ["$POD_B:8080"], masqueraded: false }
- { name: a pod that comes in there, from: $CLIENT, via: out0, to: "$EDGE:80/PROTOCOL", expect: ["$POD_B:8080"], masqueraded: false }
- { name: a pod that does not, from: $CLIENT, to: "$EDGE:80/PROTOCOL", expect: untouched }
- { name: the outside on the pods' side, from: $OUTSIDE, via: pod0, to: "$EDGE:80/PROTOCOL", expect: untouched }
- { name: a pod is pinned, from: $CLIENT, to: "$STICKY:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: false, sticky: true }
- { name: the node is pinned, from: $NODE, to: "$STICKY:80/PROTOCOL", expect: ["$POD_A:8080", "$POD_B:8081"], masqueraded: false, sticky: true }
- { name: a node port, from: $OUTSIDE, to: "$NODE:30080/PROTOCOL", expect: ["$POD_A:8080"], masqueraded: true }
- { name: the node's own node port, from: $NODE, to: "$NODE:30080/PROTOCOL", expect: ["$POD_A:8080"], masqueraded: true }
- { name: refused to a pod, from: $CLIENT, to: "$REFUSED:80/PROTOCOL", expect: rejected }
- { name: refused to the outside, from: $OUTSIDE, to: "$REFUSED:80/PROTOCOL", expect: rejected }
- { name: refused to the node, from: $NODE, to: "$REFUSED:80/PROTOCOL", expect: rejected }
- { name: a node port refused to the outside, from: $OUTSIDE, to: "$NODE:30099/PROTOCOL", expect: rejected }
- { name: a node port refused to the node, from: $NODE, to: "$NODE:30099/PROTOCOL", expect: rejected }
- { name: dropped for a pod, from: $CLIENT, to: "$SILENT:80/PROTOCOL", expect: dropped }
- { name: dropped for the node, from: $NODE, to: "$SILENT:80/PROTOCOL", expect: dropped }
- { name: a node port dropped for the outside, from: $OUTSIDE, to: "$NODE:30098/PROTOCOL", expect: dropped }
- { name: no rule for the address, from: $CLIENT, to: "$UNKNOWN:80/PROTOCOL", expect: untouched }
- { name: no rule for the address of the node's packet, from: $NODE, to: "$UNKNOWN:80/PROTOCOL", expect: untouched }
- { name: no rule for the port, from: $OUTSIDE, to: "$LIVE:81/PROTOCOL", expect: untouched }
- { name: a wrong node port, from: $OUTSIDE, to: "$NODE:30081/PROTOCOL", expect: untouched }
- { name: the node's own wrong node port, from: $NODE, to: "$NODE:30081/PROTOCOL", expect: untouched }
- { name: loopback does not accept node ports, from: $LOOPBACK, to: "$LOOPBACK:30080/PROTOCOL", expect: untouched }
- { name: pod to pod, from: $CLIENT, to: "$POD_B:8081/PROTOCOL", expect: untouched }
- { name: an endpoint on the node, from: $CLIENT, to: "$HOST:80/PROTOCOL", expect: ["$NODE:9090"], masqueraded: false }
- { name: an endpoint on the node for the outside, from: $OUTSIDE, to: "$HOST:80/PROTOCOL", expect: ["$NODE:9090"], masqueraded: false }
- { name: the node reaches its own endpoint, from: $NODE, to: "$HOST:80/PROTOCOL", expect: ["$NODE:9090"], masqueraded: true }
`;

/** Replaces each $NAME by its address, in brackets where an IPv6 address has a port. */
function fill(text: string, family: keyof typeof addresses): string {
  const known: Readonly<Record<string, string>> = addresses[family];
  return text.replace(/\$([A-Z_]+)(:[0-9])?/g, (_, name: string, port = '') => {
    const address = known[name] ?? name;
    return address.includes(':') && port ? `[${address}]${port}` : `${address}${port}`;
  });
}
