/** Every file that the doctor reads. What is in /proc/net and /proc/sys/net belongs to the network namespace. */
export const knownFiles = {
  release: '/proc/sys/kernel/osrelease',
  process: '/proc/self/status',
  userIds: '/proc/self/uid_map',
  sendBuffer: '/proc/sys/net/core/wmem_max',
  interfaces: '/proc/net/dev',
  routes: '/proc/net/route',
  ipvs: '/proc/net/ip_vs',
  legacyTables: '/proc/net/ip_tables_names',
  legacyTables6: '/proc/net/ip6_tables_names',
  forwarding: '/proc/sys/net/ipv4/ip_forward',
  forwarding6: '/proc/sys/net/ipv6/conf/all/forwarding',
  bridgeCalls: '/proc/sys/net/bridge/bridge-nf-call-iptables',
  bridgeCalls6: '/proc/sys/net/bridge/bridge-nf-call-ip6tables',
  reversePath: '/proc/sys/net/ipv4/conf/all/rp_filter',
  reversePathLater: '/proc/sys/net/ipv4/conf/default/rp_filter',
  routeLocalnet: '/proc/sys/net/ipv4/conf/all/route_localnet',
  localPorts: '/proc/sys/net/ipv4/ip_local_port_range',
  reservedPorts: '/proc/sys/net/ipv4/ip_local_reserved_ports',
  flowCount: '/proc/sys/net/netfilter/nf_conntrack_count',
  flowLimit: '/proc/sys/net/netfilter/nf_conntrack_max',
  liberal: '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal',
  nftRules: '/etc/nftables.conf',
  nftRulesFedora: '/etc/sysconfig/nftables.conf',
  savedRules: '/etc/iptables/rules.v4',
  savedRules6: '/etc/iptables/rules.v6',
  savedRulesFedora: '/etc/sysconfig/iptables',
  savedRulesFedora6: '/etc/sysconfig/ip6tables',
  firewalld: '/etc/firewalld/firewalld.conf',
} as const;

/** Our name of a file. */
export type FileName = keyof typeof knownFiles;

/** Bridges that CNI plugins put pods on: cni0 by the bridge plugin, cbr0 by kubenet, kube-bridge by kube-router. */
export const podBridges: readonly string[] = ['cni0', 'cbr0', 'kube-bridge'];

/** A bridge's own switches, one for each family, which count beside those of the machine (br_netfilter of the kernel). */
export function bridgeFiles(name: string): { readonly calls: string; readonly calls6: string } {
  const folder = `/sys/class/net/${name}/bridge`;
  return { calls: `${folder}/nf_call_iptables`, calls6: `${folder}/nf_call_ip6tables` };
}

/** Services that write packet filter rules, by the name of their unit. */
export const firewallServices = ['nftables', 'firewalld', 'ufw', 'netfilter-persistent', 'docker'] as const;

/** One of {@link firewallServices}. */
export type FirewallService = (typeof firewallServices)[number];

const enabledIn: readonly ((service: FirewallService) => string)[] = [
  ...['sysinit', 'multi-user', 'basic', 'network-pre', 'default'].map(
    (target) => (service: FirewallService) => `/etc/systemd/system/${target}.target.wants/${service}.service`,
  ),
  // OpenRC.
  ...['boot', 'default'].map((level) => (service: FirewallService) => `/etc/runlevels/${level}/${service}`),
];

/** Where a service stands when it is started with the machine: links to its unit or script. */
export function enabledPaths(service: FirewallService): readonly string[] {
  return enabledIn.map((path) => path(service));
}
