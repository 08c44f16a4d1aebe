/** Table of the world's nft rules and of the node's own refusals; any name but that of the ruleset under test. */
const labTable = 'lab';

/** Where the world's servers get every connection; not a port that clients use. */
export const interceptedPort = 7;

/** Packet marks by which the world's sockets choose the interface at which a packet arrives at the node. */
export const viaMarks = { pod0: 1, out0: 2 } as const;

/** The networks at the node's interface pod0; all else is at out0. */
export const podNetworks: readonly string[] = ['10.0.0.0/8', 'fd00:10:244::/48'];

/** The node's own addresses between it and the world. No packet file may use them. */
const linkAddresses = { pod0: ['169.254.77.1', 'fd6c:6162::1'], out0: ['169.254.77.2', 'fd6c:6162::2'] } as const;

/** Routing tables of the world. */
const tables = { pod0: 101, out0: 102 } as const;

/** Kernel settings of both namespaces, by their path below /proc/sys; to be written before interfaces exist. */
export const sysctls: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  ...forAllInterfaces('ipv4', { rp_filter: '0', accept_local: '1', send_redirects: '0' }),
  // Duplicate address detection would keep addresses from being used for a second.
  ...forAllInterfaces('ipv6', { accept_dad: '0', accept_ra: '0', addr_gen_mode: '1' }),
  'net/ipv4/ip_nonlocal_bind': '1',
  'net/ipv6/ip_nonlocal_bind': '1',
  // No type of ICMP message is limited, neither per destination nor over all.
  'net/ipv4/icmp_ratemask': '0',
  'net/ipv6/icmp/ratelimit': '0',
  'net/ipv6/icmp/ratemask': '127',
};

/**
 * Input of `ip -batch`, run by the node, that creates all interfaces and the node's routes.
 * Both ends of a pair have one hardware address and do no ARP: the kernel then writes its own address as the
 * destination, which is the peer's, so any next hop is reached without asking.
 */
export function nodeLinks(worldProcessId: number): string {
  return batch([
    'link set lo up',
    ...(['pod0', 'out0'] as const).flatMap((name) => [
      `link add ${name} address ${hardwareAddresses[name]} arp off type veth peer name ${peers[name]} address ${hardwareAddresses[name]} arp off netns ${worldProcessId}`,
      ...linkAddresses[name].map((address) => `addr add ${host(address)} dev ${name}`),
      `link set ${name} up`,
    ]),
    'route add default dev out0',
    'route add ::/0 dev out0',
    ...podNetworks.map((network) => `route add ${network} dev pod0`),
  ]);
}

/** Input of `ip -batch`, run by the node, that leaves it with the second addresses in place of the first. */
export function nodeAddressChanges(before: readonly string[], after: readonly string[]): string {
  // Not on pod0 or out0: masquerading must give an address that no packet file names.
  return batch([
    ...before.filter((address) => !after.includes(address)).map((address) => `addr del ${host(address)} dev lo`),
    ...after.filter((address) => !before.includes(address)).map((address) => `addr add ${host(address)} dev lo`),
  ]);
}

/**
 * Inputs of `ip -batch` for one family, run by the world after {@link nodeLinks}: what arrives is for the world itself,
 * whatever its address; what its sockets send leaves through the interface that the mark, else the source asks for,
 * even when the world has the destination.
 */
export function worldRoutes(isIPv6: boolean): string {
  const networks = podNetworks.filter((network) => network.includes(':') === isIPv6);
  return batch([
    'link set lo up',
    `link set ${peers.pod0} up`,
    `link set ${peers.out0} up`,
    'route add local default dev lo table local',
    `route add default dev ${peers.pod0} table ${tables.pod0}`,
    `route add default dev ${peers.out0} table ${tables.out0}`,
    `rule add pref 10 iif ${peers.pod0} lookup local`,
    `rule add pref 11 iif ${peers.out0} lookup local`,
    `rule add pref 20 fwmark ${viaMarks.pod0} lookup ${tables.pod0}`,
    `rule add pref 21 fwmark ${viaMarks.out0} lookup ${tables.out0}`,
    ...networks.map((network) => `rule add pref 30 from ${network} lookup ${tables.pod0}`),
    `rule add pref 40 lookup ${tables.out0}`,
    'rule del pref 0',
  ]);
}

/** The world's nft rules: every TCP connection and every datagram goes to one server, which learns its destination. */
export const worldRules: string = `table inet ${labTable} {
  chain prerouting {
    type filter hook prerouting priority -150
    meta l4proto tcp tproxy to :${interceptedPort} accept
    meta l4proto udp tproxy to :${interceptedPort} accept
  }
}
`;

/**
 * The node's nft rules of the laboratory, after the ruleset's own filters (priority 0): connections that no rule
 * translated are refused with another ICMP message than the ruleset's, and so are (as unreachable) those translated to
 * one of the node's addresses where nothing listens.
 */
export function nodeRules(served: readonly { protocol: string; address: string; port: number }[]): string {
  const untouched = 'ct state new ct status & dnat == 0 reject with icmpx type admin-prohibited';
  return `table inet ${labTable}
delete table inet ${labTable}
table inet ${labTable} {
  set served4 { type ipv4_addr . inet_proto . inet_service${elements(served.filter((one) => !isIPv6(one.address)))} }
  set served6 { type ipv6_addr . inet_proto . inet_service${elements(served.filter((one) => isIPv6(one.address)))} }
  chain input {
    type filter hook input priority 50
    ${untouched}
    ct state new ip daddr . meta l4proto . th dport != @served4 reject with icmpx type no-route
    ct state new ip6 daddr . meta l4proto . th dport != @served6 reject with icmpx type no-route
  }
  chain forward {
    type filter hook forward priority 50
    ${untouched}
  }
  chain output {
    type filter hook output priority 50
    fib daddr type != local ${untouched}
  }
}
`;
}

const peers = { pod0: 'wpod', out0: 'wout' } as const;
const hardwareAddresses = { pod0: '02:00:00:00:00:01', out0: '02:00:00:00:00:02' } as const;

function forAllInterfaces(family: string, settings: Record<string, string>): Record<string, string> {
  const named = Object.entries(settings).flatMap(([name, value]) =>
    ['all', 'default'].map((scope) => [`net/${family}/conf/${scope}/${name}`, value]),
  );
  return Object.fromEntries(named);
}

function batch(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function host(address: string): string {
  return isIPv6(address) ? `${address}/128 nodad` : `${address}/32`;
}

function elements(served: readonly { protocol: string; address: string; port: number }[]): string {
  const texts = served.map(({ protocol, address, port }) => `${address} . ${protocol} . ${port}`);
  return texts.length > 0 ? `; elements = { ${texts.join(', ')} }` : ';';
}

function isIPv6(address: string): boolean {
  return address.includes(':');
}
