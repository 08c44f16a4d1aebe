/** What a caller of the compiler may choose. Everything has a default; see {@link defaultOptions}. */
export interface CompileOptions {
  /** metadata.name of the node that the ruleset is for; absent takes the only Node of the snapshot. */
  readonly nodeName?: string;
  /** All addresses of the node, the primary one of each family first; empty takes them from the Node object. */
  readonly nodeAddresses: readonly string[];
  /** bindAddress of KubeProxyConfiguration when it is one address: the node's primary one of its family. */
  readonly bindAddress?: string;
  /** The node's topology.kubernetes.io/zone; absent takes the Node's label. */
  readonly zone?: string;
  /** Families to make a table for. */
  readonly families: readonly ('ip' | 'ip6')[];
  /** Name of the nft table, the same in both families. */
  readonly table: string;
  /** detectLocalMode of KubeProxyConfiguration. */
  readonly detectLocalMode: 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';
  /** CIDRs of the cluster's pods, for detectLocalMode ClusterCIDR; the first of each family counts. */
  readonly clusterCIDRs: readonly string[];
  /** Interface name or prefix, for the two interface modes. */
  readonly detectLocalInterface: string;
  /** CIDRs or the keywords `primary`, `localhost`, `all`; empty means `primary`. */
  readonly nodePortAddresses: readonly string[];
  /** Masquerade all traffic to cluster IPs, not only what comes from outside the pods. */
  readonly masqueradeAll: boolean;
  /** Which bit of the packet mark says "masquerade me", 0 to 31. */
  readonly masqueradeBit: number;
  /** Drop invalid objects with a diagnostic and compile the rest, instead of refusing everything. */
  readonly keepGoing: boolean;
  /** What the oldest nft that must load the output accepts: 1.0.6 refuses flat maps for affinity over IPv6. */
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
  masqueradeBit: 14,
  keepGoing: false,
  targetNft: '1.0.6',
};

/** All options: those given, and the defaults for those that are absent or undefined. */
export function withDefaults(options: Partial<CompileOptions>): CompileOptions {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return { ...defaultOptions, ...Object.fromEntries(given) };
}
