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
  /**
   * For a field without effect: the values that cause no warning, besides absent, null, empty and false; `any` if no value
   * does. Absent for a field that the compiler reads.
   */
  readonly quiet?: readonly (string | number | boolean)[] | 'any';
}

/** What a key of the configuration may have: a value, or more keys. */
type ConfigField = ValueField | { readonly fields: ConfigFields };

/** The keys of one level. */
export type ConfigFields = Readonly<Record<string, ConfigField>>;

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
    masqueradeBit: unused('integer', 14),
    masqueradeAll: unused('boolean'),
    localhostNodePorts: unused('boolean', true),
    snatNodeInternalIP: unused('boolean'),
    syncPeriod: unused('duration', '0s', '30s'),
    minSyncPeriod: unused('duration', '0s', '1s'),
  }),
  ipvs: section({
    syncPeriod: unused('duration', '0s', '30s'),
    minSyncPeriod: unused('duration', '0s'),
    scheduler: unused('text'),
    excludeCIDRs: unused('texts'),
    strictARP: unused('boolean'),
    tcpTimeout: unused('duration', '0s'),
    tcpFinTimeout: unused('duration', '0s'),
    udpTimeout: unused('duration', '0s'),
  }),
  winkernel: section({
    networkName: unused('text'),
    sourceVip: unused('text'),
    enableDSR: unused('boolean'),
    rootHnsEndpointName: unused('text'),
    forwardHealthCheckVip: unused('boolean'),
  }),
  conntrack: section({
    maxPerCore: unused('integer', 32768),
    min: unused('integer', 131072),
    tcpEstablishedTimeout: unused('duration', '24h'),
    tcpCloseWaitTimeout: unused('duration', '1h'),
    tcpBeLiberal: unused('boolean'),
    udpTimeout: unused('duration', '0s'),
    udpStreamTimeout: unused('duration', '0s'),
    // Until 1.17.
    max: unused('integer', 0),
  }),
  clientConnection: section({
    kubeconfig: { type: 'text', quiet: 'any' },
    acceptContentTypes: unused('text'),
    contentType: unused('text', 'application/vnd.kubernetes.protobuf'),
    qps: unused('number', 0, 5),
    burst: unused('integer', 0, 10),
  }),
  logging: section({
    format: unused('text', 'text'),
    flushFrequency: unused('duration or nanoseconds', '0s', '5s'),
    verbosity: unused('integer', 0),
    vmodule: unused('list'),
    options: section({ text: outputOptions(), json: outputOptions() }),
  }),
  healthzBindAddress: used('text'),
  metricsBindAddress: used('text'),
  bindAddressHardFail: unused('boolean'),
  enableProfiling: unused('boolean'),
  showHiddenMetricsForVersion: unused('text'),
  featureGates: used('feature gates'),
  oomScoreAdj: unused('integer', -999),
  configSyncPeriod: unused('duration', '0s', '15m'),
  portRange: unused('text'),
  windowsRunAsService: unused('boolean'),
  // Until 1.28.
  udpIdleTimeout: unused('duration', '0s', '250ms'),
  resourceContainer: unused('text', '/kube-proxy'),
};

function outputOptions(): ConfigField {
  return section({ splitStream: unused('boolean'), infoBufferSize: unused('quantity', '0', 0) });
}

function section(fields: ConfigFields): ConfigField {
  return { fields };
}

function used(type: ValueType): ValueField {
  return { type };
}

function unused(type: ValueType, ...quiet: readonly (string | number | boolean)[]): ValueField {
  return { type, quiet };
}
