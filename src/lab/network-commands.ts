/**
 * How the network of a lab is made, as lines for `ip -batch` and a text for nft. In the middle is the namespace of what is outside of the
 * cluster, which routes between nodes: a cable leads from it to each node, and from each node to each of its Pods.
 *
 *     outside --n1-- node 1 --p4-- Pod --s4-- server
 *                           --p5-- Pod --s5-- (the same)
 *             --n2-- node 2 --p6-- Pod --s6--
 *             --h7-- an endpoint that is not in the cluster --s7--
 *
 * What comes to a port of a Pod goes on to the server, which has the address of the Pod, too, and answers the same way back; all else, such
 * as answers to a client in the Pod, is for the Pod itself.
 *
 * All names of interfaces come from numbers, and all addresses are canonical.
 */

import { familyOfAddress } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { BalancedAddress, NextHop } from './load-balancer.ts';

/** What is at the end of a cable, and the process that has its network namespace. */
export interface Attachment {
  readonly number: number;
  readonly processId: number;
  readonly addresses: readonly string[];
}

/** Kinds of cables: to a node, to a Pod, to an address outside of the cluster. */
type CableKind = 'n' | 'p' | 'h';

/**
 * The address of the near end of a cable, the same at each of a kind. A node has those of both kinds at its ends: with the same address
 * at both it would take questions of ARP for its own, and not answer.
 */
const gateways: Readonly<Record<CableKind, Readonly<Record<Family, string>>>> = {
  n: { ip: '169.254.0.1', ip6: 'fe80::1' },
  h: { ip: '169.254.0.1', ip6: 'fe80::1' },
  p: { ip: '169.254.1.1', ip6: 'fe80::2' },
};

/** The namespace of what is outside, with its own addresses. */
export function outsideLines(addresses: readonly string[]): string[] {
  return ['link set lo up', ...addresses.map((address) => `addr add ${single(address)} dev lo`)];
}

/** The near end of a cable, and the way to the far end. */
export function nearEndLines(
  kind: CableKind,
  { number, processId, addresses }: Attachment,
  source: readonly string[] = [],
): string[] {
  const name = `${kind}${number}`;
  return [
    `link add ${name} type veth peer name eth0 netns ${processId}`,
    ...familiesOf(addresses).map((family) => `addr add ${single(gateways[kind][family], 64)} dev ${name} scope link`),
    `link set ${name} up`,
    ...addresses.map((address) => `route add ${address} dev ${name}${sourceText(address, source)}`),
  ];
}

/** The far end of a cable, from where all others are reached. */
export function farEndLines(kind: CableKind, { addresses }: Pick<Attachment, 'addresses'>): string[] {
  return [
    'link set lo up',
    ...addresses.map((address) => `addr add ${single(address)} dev eth0`),
    'link set eth0 up',
    ...familiesOf(addresses).map((family) => {
      const gateway = gateways[kind][family];
      return `route add ${everywhere[family]} via ${gateway} dev eth0 onlink${sourceText(gateway, addresses)}`;
    }),
  ];
}

/** Rules are asked in this order; `local`, which comes first by default, has to be asked later, because servers have the same addresses. */
const preferences = { own: 5, local: 10 } as const;

/** The routing table of a Pod for what goes to its server. */
const serverTable = 100;

/** Where the routing tables of the server begin, one for each Pod. */
const firstTable = 1_000;

/** Asks for local addresses later, once in a namespace. */
export function ownRulesLines(families: readonly Family[]): string[] {
  return families
    .map((family) => (family === 'ip' ? '0.0.0.0/0' : '::/0'))
    .flatMap((all) => [
      `rule add from ${all} pref ${preferences.local} lookup local`,
      `rule del from ${all} pref 0 lookup local`,
    ]);
}

/**
 * The end of the cable between a Pod and the server that is at the server. Both ends have one hardware address and ask for none, so that
 * each takes what the other one sends, whatever its address.
 */
export function serverEndLines({ number, processId, addresses }: Attachment): string[] {
  const [name, table] = [`s${number}`, firstTable + number];
  const hardware = 'address 02:00:00:00:00:01 arp off';
  return [
    `link add ${name} ${hardware} type veth peer name server ${hardware} netns ${processId}`,
    ...addresses.map((address) => `addr add ${single(address)} dev ${name}`),
    `link set ${name} up`,
    ...addresses.map((address) => `rule add from ${address} iif lo pref ${preferences.own} lookup ${table}`),
    ...familiesOf(addresses).map((family) => `route add ${everywhere[family]} dev ${name} table ${table}`),
  ];
}

/** What is left of {@link serverEndLines} when the Pod has ended. */
export function serverEndRemovalLines({ number, addresses }: Pick<Attachment, 'number' | 'addresses'>): string[] {
  return addresses.map(
    (address) => `rule del from ${address} iif lo pref ${preferences.own} lookup ${firstTable + number}`,
  );
}

/** The end of that cable that is in the Pod. */
export function podServerLines({ addresses }: Pick<Attachment, 'addresses'>): string[] {
  return [
    'link set server up',
    ...familiesOf(addresses).map((family) => `route add ${everywhere[family]} dev server table ${serverTable}`),
    ...ownRulesLines(familiesOf(addresses)),
  ];
}

const everywhere: Readonly<Record<Family, string>> = { ip: 'default', ip6: '::/0' };

/** A port of a Pod that its server answers. */
interface AnsweredPortNumber {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** Sends what comes to ports of a Pod on to the server, or no longer. */
export function servedPortLines(
  action: 'add' | 'del',
  ports: readonly AnsweredPortNumber[],
  addresses: readonly string[],
): string[] {
  return addresses.flatMap((address) =>
    ports.map(
      ({ protocol, port }) =>
        `rule ${action} iif eth0 to ${address} ipproto ${protocol} dport ${port} pref ${preferences.own} lookup ${serverTable}`,
    ),
  );
}

/** How what is outside reaches a Pod: by its node. Addresses of a family that the node does not have are left out. */
export function podRouteLines(action: 'add' | 'del', addresses: readonly string[], node: readonly NextHop[]): string[] {
  return addresses.flatMap((address) => {
    const hop = node.find((one) => familyOfAddress(one.address) === familyOfAddress(address));
    return hop ? [`route ${action} ${address} ${hopText(hop)}`] : [];
  });
}

/** How what is outside reaches an address of a load balancer: by any of these nodes, or not at all. */
export function balancedRouteLines(address: string, hops: readonly NextHop[], source: readonly string[]): string[] {
  if (hops.length === 0) {
    return [`route replace unreachable ${single(address).split(' ')[0]}`];
  }
  return [
    `route replace ${address}${sourceText(address, source)} ${hops.map((hop) => `nexthop ${hopText(hop)}`).join(' ')}`,
  ];
}

function hopText({ number, address }: NextHop): string {
  return `via ${address} dev n${number} onlink`;
}

function familiesOf(addresses: readonly string[]): Family[] {
  return [...new Set(addresses.map(familyOfAddress))];
}

function sourceText(destination: string, source: readonly string[]): string {
  const address = source.find((one) => familyOfAddress(one) === familyOfAddress(destination));
  return address === undefined ? '' : ` src ${address}`;
}

/** @param length of the network in IPv6. */
function single(address: string, length = 128): string {
  return address.includes(':') ? `${address}/${length} nodad` : `${address}/32`;
}

/** An address of a load balancer, and the nodes that it uses now. */
export interface BalancedTarget extends BalancedAddress {
  readonly hops: readonly NextHop[];
}

/**
 * The rules of the load balancer: only ports of Services are open, what no node takes is refused when it comes back, and in mode Proxy
 * connections go to node ports.
 */
export function balancerRules(targets: readonly BalancedTarget[]): string {
  const own = targets.filter(({ mode }) => mode !== 'external');
  return `table inet lab
delete table inet lab
table inet lab {
${(['ip', 'ip6'] as const).map((family) => setTexts(family, own)).join('')}  chain refuse {
    ip daddr @addresses_ip ip daddr . meta l4proto . th dport != @ports_ip reject
    ip6 daddr @addresses_ip6 ip6 daddr . meta l4proto . th dport != @ports_ip6 reject
  }
  chain output {
    type filter hook output priority 0; policy accept;
    jump refuse
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "n*" ip daddr @addresses_ip reject with icmpx admin-prohibited
    iifname "n*" ip6 daddr @addresses_ip6 reject with icmpx admin-prohibited
  }
  chain proxy {
${own.flatMap(proxyRules).join('')}  }
  chain proxy_output {
    type nat hook output priority -100; policy accept;
    jump proxy
  }
  chain proxy_prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump proxy
  }
  chain proxy_postrouting {
    type nat hook postrouting priority 100; policy accept;
    ct status dnat masquerade
  }
}
`;
}

function setTexts(family: Family, targets: readonly BalancedTarget[]): string {
  const some = targets.filter(({ address }) => familyOfAddress(address) === family);
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const ports = some.flatMap(({ address, ports: all }) =>
    all.map(({ protocol, port }) => `${address} . ${protocol} . ${port}`),
  );
  return `  set addresses_${family} { type ${type}; ${elementsText(some.map(({ address }) => address))}}
  set ports_${family} { type ${type} . inet_proto . inet_service; ${elementsText(ports)}}
`;
}

function elementsText(texts: readonly string[]): string {
  return texts.length > 0 ? `elements = { ${[...new Set(texts)].join(', ')} }; ` : '';
}

function proxyRules({ address, mode, ports, hops }: BalancedTarget): string[] {
  if (mode !== 'Proxy' || hops.length === 0) {
    return [];
  }
  const family = familyOfAddress(address);
  return ports
    .filter(({ nodePort }) => nodePort > 0)
    .map(({ protocol, port, nodePort }) => {
      const choices = hops.map((hop, index) => `${index} : ${hop.address} . ${nodePort}`);
      const choice = `numgen random mod ${hops.length} map { ${choices.join(', ')} }`;
      return `    ${family} daddr ${address} ${protocol} dport ${port} dnat ${family} to ${choice}\n`;
    });
}
