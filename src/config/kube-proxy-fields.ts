/** The type of a value of KubeProxyConfiguration. */
export type ValueType =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'number'
  /** Go's text form of metav1.Duration, `1h30m`. */
  | 'duration'
  /** A duration, or nanoseconds (component-base TimeOrMetaDuration). */
  | 'duration or nanoseconds'
  /** resource.Quantity: a number, or a text such as `64Ki`. */
  | 'quantity'
  | 'texts'
  | 'list'
  | 'feature gates';

/** A field with a value. */
export interface ValueField {
  readonly type: ValueType;
  /** Absent for a field that is read. */
  readonly unused?: {
    /** Why it has no effect: follows a colon. docs/configuration.md says the same. */
    readonly why: string;
    /** The values that cause no warning, besides absent, null, empty and false. */
    readonly quiet: readonly (string | number | boolean)[];
  };
}

/** What a key of the configuration may have: a value, or more keys. */
type ConfigField = ValueField | { readonly fields: ConfigFields };

/** The keys of one level. */
export type ConfigFields = Readonly<Record<string, ConfigField>>;

/** Why fields have no effect here. */
const why = {
  iptables: "it is for kube-proxy's iptables mode",
  ipvs: "it is for kube-proxy's ipvs mode",
  userspace: "it was for kube-proxy's userspace mode, which is gone",
  windows: 'it is for Windows',
  encoding: 'the agent and the API server speak JSON',
  requests: 'the agent keeps four watches open, and waits between attempts by itself',
  logFormat: 'on a terminal the log is text, else lines of JSON',
  logBuffer: 'the log goes to stderr, each line at once',
  logDetail: 'the log has one level of detail',
  oneCopy: 'the agent has no second copy of the objects to compare with',
  profiling: 'there is no /debug/pprof',
  hidden: 'no metric is hidden',
  older: 'it is one of older releases of kube-proxy',
  conntrackMax: 'conntrack.maxPerCore and conntrack.min have taken its place',
} as const;

/**
 * Every field of KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) with its documented default, including fields of
 * older releases, which the ConfigMaps of older clusters still have.
 */
export const kubeProxyFields: ConfigFields = {
  apiVersion: used('text'),
  kind: used('text'),
  bindAddress: used('text'),
  hostnameOverride: used('text'),
  mode: used('text'),
  clusterCIDR: used('text'),
  detectLocalMode: used('text'),
  detectLocal: section({ bridgeInterface: used('text'), interfaceNamePrefix: used('text') }),
  nodePortAddresses: used('texts'),
  nftables: section({
    masqueradeBit: used('integer'),
    masqueradeAll: used('boolean'),
    syncPeriod: used('duration'),
    minSyncPeriod: used('duration'),
  }),
  iptables: section({
    masqueradeBit: used('integer'),
    masqueradeAll: used('boolean'),
    localhostNodePorts: used('boolean'),
    snatNodeInternalIP: unused('boolean', why.iptables),
    syncPeriod: unused('duration', why.iptables, '0s', '30s'),
    minSyncPeriod: unused('duration', why.iptables, '0s', '1s'),
  }),
  ipvs: section({
    syncPeriod: unused('duration', why.ipvs, '0s', '30s'),
    minSyncPeriod: unused('duration', why.ipvs, '0s'),
    scheduler: unused('text', why.ipvs),
    excludeCIDRs: unused('texts', why.ipvs),
    strictARP: unused('boolean', why.ipvs),
    tcpTimeout: unused('duration', why.ipvs, '0s'),
    tcpFinTimeout: unused('duration', why.ipvs, '0s'),
    udpTimeout: unused('duration', why.ipvs, '0s'),
  }),
  winkernel: section({
    networkName: unused('text', why.windows),
    sourceVip: unused('text', why.windows),
    enableDSR: unused('boolean', why.windows),
    rootHnsEndpointName: unused('text', why.windows),
    forwardHealthCheckVip: unused('boolean', why.windows),
  }),
  conntrack: section({
    maxPerCore: used('integer'),
    min: used('integer'),
    tcpEstablishedTimeout: used('duration'),
    tcpCloseWaitTimeout: used('duration'),
    tcpBeLiberal: used('boolean'),
    udpTimeout: used('duration'),
    udpStreamTimeout: used('duration'),
    max: unused('integer', why.conntrackMax, 0),
  }),
  clientConnection: section({
    kubeconfig: used('text'),
    acceptContentTypes: unused('text', why.encoding),
    contentType: unused('text', why.encoding, 'application/vnd.kubernetes.protobuf', 'application/json'),
    qps: unused('number', why.requests, 0, 5),
    burst: unused('integer', why.requests, 0, 10),
  }),
  logging: section({
    format: unused('text', why.logFormat, 'text', 'json'),
    flushFrequency: unused('duration or nanoseconds', why.logBuffer, '0s', '5s'),
    verbosity: unused('integer', why.logDetail, 0),
    vmodule: unused('list', why.logDetail),
    options: section({ text: outputOptions(), json: outputOptions() }),
  }),
  healthzBindAddress: used('text'),
  metricsBindAddress: used('text'),
  bindAddressHardFail: used('boolean'),
  enableProfiling: unused('boolean', why.profiling),
  showHiddenMetricsForVersion: unused('text', why.hidden),
  featureGates: used('feature gates'),
  oomScoreAdj: used('integer'),
  configSyncPeriod: unused('duration', why.oneCopy, '0s', '15m'),
  portRange: unused('text', why.userspace),
  windowsRunAsService: unused('boolean', why.windows),
  // Until 1.28.
  udpIdleTimeout: unused('duration', why.userspace, '0s', '250ms'),
  resourceContainer: unused('text', why.older, '/kube-proxy'),
};

function outputOptions(): ConfigField {
  return section({
    splitStream: unused('boolean', why.logBuffer),
    infoBufferSize: unused('quantity', why.logBuffer, '0', 0),
  });
}

function section(fields: ConfigFields): ConfigField {
  return { fields };
}

function used(type: ValueType): ValueField {
  return { type };
}

function unused(type: ValueType, reason: string, ...quiet: readonly (string | number | boolean)[]): ValueField {
  return { type, unused: { why: reason, quiet } };
}

/** A feature gate of kube-proxy that nothing depends on. */
interface UnusedGate {
  /** As it always is here; undefined if either value is as good. */
  readonly is?: boolean;
  readonly why: string;
}

/** The gates of kube-proxy 1.28 and later that a cluster may set, without those that are read (featureGates). */
export const unusedGates: Readonly<Record<string, UnusedGate>> = {
  MultiCIDRServiceAllocator: { is: true, why: 'ServiceCIDRs always count' },
  PreferSameTrafficDistribution: { is: true, why: 'hints for nodes always count' },
  ServiceTrafficDistribution: { is: true, why: 'hints for zones always count' },
  TopologyAwareHints: { is: true, why: 'hints for zones always count' },
  NFTablesProxyMode: { is: true, why: "rules are always those of kube-proxy's nftables mode" },
  NFTablesNetlink: { why: 'the agent talks to the kernel through nft' },
  KubeProxyIPVS: { why: "it is for kube-proxy's ipvs mode" },
  KubeProxyDrainingTerminatingNodes: { is: true, why: 'load balancers always leave Nodes that are being deleted' },
  WatchListClient: { is: true, why: 'lists are streamed wherever the API server can' },
  ContextualLogging: { why: 'it is about the log of kube-proxy' },
  LoggingAlphaOptions: { why: 'it is about the log of kube-proxy' },
  LoggingBetaOptions: { why: 'it is about the log of kube-proxy' },
  AllAlpha: { is: false, why: 'gates are switched one by one' },
  AllBeta: { is: false, why: 'gates are switched one by one' },
};
