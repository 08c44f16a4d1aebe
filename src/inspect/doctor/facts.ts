import type { NftError } from '../../kernel/nft-error.ts';
import type { NftProbe } from '../../kernel/probe-nft.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import type { Family } from '../../net/network.ts';

/** What is known about a machine before anything is judged. */
export interface Facts {
  /** The name of svc2nft's table. */
  readonly table: string;
  readonly nft: NftProbe | NftError;
  /** Whether nft was built without JSON. */
  readonly lacksJson: boolean;
  /** The chains of all tables of nft and legacy iptables; nft's error if they could not be listed. */
  readonly chains: readonly ChainFact[] | NftError;
  readonly unread: readonly UnreadTables[];
  readonly ownTables: readonly OwnTable[];
  readonly features: FeatureProbe;
  readonly hasConntrack: boolean;
  /** The contents of the files that exist and may be read. */
  readonly files: Readonly<Partial<Record<FileName, string>>>;
  readonly bridges: readonly BridgeFact[];
  /** The services that are started at boot, with their unit or script. */
  readonly services: Readonly<Partial<Record<FirewallService, string>>>;
}

/** How the machine is examined. */
export interface Instruments {
  readonly run: RunProgram;
  /** The first part of a file, as text; undefined if it does not exist or may not be read. */
  readonly readText: (path: string) => Promise<string | undefined>;
}

/** A chain of nft or iptables, in nft's words. Rules are not read: other programs may have very many. */
export interface ChainFact {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Of base chains: `nat`, `filter`. */
  readonly type?: string;
  /** Of base chains: `forward`. */
  readonly hook?: string;
  /** Of base chains that nft lists. */
  readonly priority?: number;
  /** Of base chains: `accept`, `drop`. */
  readonly policy?: string;
  /** It belongs to legacy iptables, which nft does not show. */
  readonly legacy?: true;
}

/** Tables of legacy iptables that are in use, and that no program could list. */
export interface UnreadTables {
  readonly program: 'iptables' | 'ip6tables';
  readonly tables: readonly string[];
}

/** A bridge of pods, with its own settings as the kernel writes them: `1\n`. */
export interface BridgeFact {
  readonly name: string;
  /** Whether IPv4 packets between its ports pass the rules. */
  readonly calls: string | undefined;
  /** The same for IPv6. */
  readonly calls6: string | undefined;
}

/** The head of svc2nft's table. */
export interface OwnTable {
  readonly family: Family;
  readonly comment: string | undefined;
  /** Such as `dormant` or `owner`. */
  readonly flags: readonly string[];
  /** Why nft could not read it; then comment and flags are not known. */
  readonly error?: NftError;
}

/** A kernel feature that is missing in a family. */
export interface MissingFeature {
  readonly family: Family;
  readonly feature: string;
  /** The module that provides it. */
  readonly module: string;
  /** The first line of nft's error. */
  readonly said: string;
}

/** The result of loading trial rules. */
export type FeatureProbe =
  | { readonly kind: 'probed'; readonly missing: readonly MissingFeature[] }
  /** No network namespace could be created for them; `said` is the reason. */
  | { readonly kind: 'not-probed'; readonly said: string };

/** Every file that the doctor reads. /proc/net and /proc/sys/net belong to the network namespace. */
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

/** A file, by its name in {@link knownFiles}. */
export type FileName = keyof typeof knownFiles;

/** Bridges that CNI plugins attach pods to: cni0 of the bridge plugin, cbr0 of kubenet, kube-bridge of kube-router. */
export const podBridges: readonly string[] = ['cni0', 'cbr0', 'kube-bridge'];

/** The files with a bridge's own settings, which add to the global ones (br_netfilter in the kernel). */
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

/** The paths at which a service that is started at boot has links to its unit or script. */
export function enabledPaths(service: FirewallService): readonly string[] {
  return enabledIn.map((path) => path(service));
}
