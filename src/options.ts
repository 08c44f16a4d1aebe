/** What rules of iptables do otherwise: the section `iptables` of KubeProxyConfiguration. What is absent is as for nftables. */
export interface IptablesOptions {
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
  /** Whether node ports answer at loopback addresses of IPv4, as far as nodePortAddresses has these; absent for true. */
  readonly localhostNodePorts?: boolean;
}

/** The options of a compilation. All have defaults: see {@link defaultOptions}. */
export interface CompileOptions {
  /** metadata.name of the node that the ruleset is for; by default the only Node of the snapshot. */
  readonly nodeName?: string;
  /** All addresses of the node, the primary one of each family first; if empty, those of the Node object. */
  readonly nodeAddresses: readonly string[];
  /** bindAddress of KubeProxyConfiguration, if it is one address: the primary address of its family. */
  readonly bindAddress?: string;
  /** The node's topology.kubernetes.io/zone; by default the Node's label. */
  readonly zone?: string;
  /** Families to compile, a table for each. */
  readonly families: readonly ('ip' | 'ip6')[];
  /** Name of the nft table, the same in both families. */
  readonly table: string;
  /** detectLocalMode of KubeProxyConfiguration. */
  readonly detectLocalMode: 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';
  /** CIDRs of the cluster's pods, for detectLocalMode ClusterCIDR; only the first of each family is used. */
  readonly clusterCIDRs: readonly string[];
  /** Interface name or prefix, for the two interface modes. */
  readonly detectLocalInterface: string;
  /** CIDRs or the keywords `primary`, `localhost`, `all`; empty means `primary`. */
  readonly nodePortAddresses: readonly string[];
  /** Masquerade all traffic to cluster IPs, including that from pods. */
  readonly masqueradeAll: boolean;
  /** Serve spec.externalIPs of Services; featureGates.AllowServiceExternalIPs of KubeProxyConfiguration. */
  readonly allowServiceExternalIPs: boolean;
  /**
   * Node ports at loopback addresses: refuse those that nothing serves, and let an agent serve TCP where nodePortAddresses
   * names loopback addresses; featureGates.KubeProxyNFTablesLocalhostNodePorts of KubeProxyConfiguration.
   */
  readonly localhostNodePorts: boolean;
  /** The bit of the packet mark that requests masquerading, 0 to 31. */
  readonly masqueradeBit: number;
  readonly iptables?: IptablesOptions;
  /** Count the connections of each frontend and each endpoint in the kernel. */
  readonly counters: boolean;
  /** Leave out invalid objects and compile the rest, instead of refusing everything. */
  readonly keepGoing: boolean;
  /** Refuse input of which something is ignored or cannot be meant so: warnings about files and objects are errors. */
  readonly strict: boolean;
  /** The oldest nft that must load the output: 1.0.6 cannot load shared maps for affinity over IPv6. */
  readonly targetNft: '1.0.6' | '1.1.3';
}

/** The defaults of KubeProxyConfiguration v1alpha1 for its nftables mode. */
export const defaultOptions: CompileOptions = {
  nodeAddresses: [],
  families: ['ip', 'ip6'],
  table: 'svc2nft',
  detectLocalMode: 'ClusterCIDR',
  clusterCIDRs: [],
  detectLocalInterface: '',
  nodePortAddresses: [],
  masqueradeAll: false,
  allowServiceExternalIPs: true,
  localhostNodePorts: false,
  masqueradeBit: 14,
  counters: false,
  keepGoing: false,
  strict: false,
  targetNft: '1.0.6',
};

/** The options with defaults for those that are absent or undefined. */
export function withDefaults(options: Partial<CompileOptions>): CompileOptions {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return { ...defaultOptions, ...Object.fromEntries(given) };
}

/** The options for rules of iptables: kube-proxy's iptables mode opens node ports at all addresses of the node by default. */
export function iptablesOptions(options: CompileOptions): CompileOptions {
  const { nodePortAddresses, iptables = {}, masqueradeAll, masqueradeBit } = options;
  return {
    ...options,
    nodePortAddresses: nodePortAddresses.length > 0 ? nodePortAddresses : ['all'],
    masqueradeAll: iptables.masqueradeAll ?? masqueradeAll,
    masqueradeBit: iptables.masqueradeBit ?? masqueradeBit,
  };
}
