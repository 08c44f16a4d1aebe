import type { Mapping } from '../lib/unknown-values.ts';
import { endpointText } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import type { BindAddress } from './bind-address.ts';
import type { ConntrackSettings, KubeProxySettings } from './kube-proxy-settings.ts';
import { formatDuration } from './parse-duration.ts';

/** What an agent was told to do, by flags and its configuration. Periods are in milliseconds. */
export interface AgentSettings {
  readonly compile: CompileOptions;
  readonly minSyncPeriod: number;
  readonly syncPeriod: number;
  readonly resyncPeriod: number;
  readonly ownTable: boolean;
  readonly healthz: BindAddress | undefined;
  readonly metrics: BindAddress | undefined;
  readonly settings: KubeProxySettings;
}

/**
 * The settings in force as kube-proxy shows its own: a KubeProxyConfiguration with the fields that have an effect, and beside it
 * what that has no fields for.
 */
export function describeConfig(settings: AgentSettings): Mapping {
  const { bindAddressHardFail, kubeconfig, conntrack, oomScoreAdj } = settings.settings;
  const { compile, minSyncPeriod, syncPeriod, resyncPeriod, ownTable } = settings;
  const { detectLocalMode, detectLocalInterface, nodePortAddresses, masqueradeAll, masqueradeBit } = compile;
  return {
    'kubeproxy.config.k8s.io': {
      kind: 'KubeProxyConfiguration',
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      hostnameOverride: compile.nodeName ?? '',
      bindAddress: compile.bindAddress ?? '0.0.0.0',
      healthzBindAddress: bindAddressText(settings.healthz),
      metricsBindAddress: bindAddressText(settings.metrics),
      bindAddressHardFail: bindAddressHardFail ?? false,
      clientConnection: { kubeconfig: kubeconfig ?? '' },
      conntrack: describeConntrack(conntrack),
      ...(oomScoreAdj !== undefined && { oomScoreAdj }),
      mode: 'nftables',
      nftables: {
        masqueradeBit,
        masqueradeAll,
        syncPeriod: formatDuration(syncPeriod),
        minSyncPeriod: formatDuration(minSyncPeriod),
      },
      detectLocalMode,
      detectLocal: {
        bridgeInterface: detectLocalMode === 'BridgeInterface' ? detectLocalInterface : '',
        interfaceNamePrefix: detectLocalMode === 'InterfaceNamePrefix' ? detectLocalInterface : '',
      },
      clusterCIDR: compile.clusterCIDRs.join(),
      nodePortAddresses: nodePortAddresses.length === 0 ? ['primary'] : nodePortAddresses,
      featureGates: {
        AllowServiceExternalIPs: compile.allowServiceExternalIPs,
        KubeProxyNFTablesLocalhostNodePorts: compile.localhostNodePorts,
      },
    },
    svc2nft: {
      table: compile.table,
      families: compile.families,
      nodeAddresses: compile.nodeAddresses,
      zone: compile.zone ?? null,
      targetNft: compile.targetNft,
      ownTable,
      resyncPeriod: formatDuration(resyncPeriod),
    },
  };
}

/** Without what is left as it is. */
function describeConntrack({ maxPerCore, min, tcpBeLiberal, ...times }: ConntrackSettings = {}): Mapping {
  const given = Object.entries(times).filter(([, seconds]) => seconds !== undefined);
  return {
    ...(maxPerCore !== undefined && { maxPerCore }),
    ...(min !== undefined && { min }),
    ...Object.fromEntries(given.map(([field, seconds]) => [field, formatDuration(seconds * 1_000)])),
    ...(tcpBeLiberal !== undefined && { tcpBeLiberal }),
  };
}

/** Empty for no server. */
function bindAddressText(place: BindAddress | undefined): string {
  return place ? endpointText({ address: place.address ?? '0.0.0.0', port: place.port }) : '';
}
