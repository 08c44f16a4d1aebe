import { describe, expect, test } from 'vitest';
import { readConfigz } from '../../../src/inspect/collect/read-configz.ts';

const head = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };

function configz(configuration: object): string {
  return JSON.stringify({ 'kubeproxy.config.k8s.io': configuration });
}

describe('what kube-proxy tells at /configz', () => {
  test('is its configuration, without what is empty and without what rules do not depend on', () => {
    const told = configz({
      ...head,
      featureGates: { NFTablesNetlink: true },
      clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', acceptContentTypes: '', qps: 5 },
      logging: { format: 'text' },
      hostnameOverride: 'worker-1',
      bindAddress: '0.0.0.0',
      mode: 'iptables',
      iptables: { masqueradeBit: 14, masqueradeAll: true, localhostNodePorts: true, syncPeriod: '30s', token: 'x' },
      nftables: {},
      conntrack: { maxPerCore: 32768, min: null },
      clusterCIDR: '',
      nodePortAddresses: [],
      secret: 'hidden',
    });
    expect(readConfigz(told)).toEqual({
      ...head,
      mode: 'iptables',
      hostnameOverride: 'worker-1',
      bindAddress: '0.0.0.0',
      iptables: { masqueradeBit: 14, masqueradeAll: true, localhostNodePorts: true, syncPeriod: '30s' },
      conntrack: { maxPerCore: 32768 },
      featureGates: { NFTablesNetlink: true },
    });
  });

  test('may be the internal type of older releases', () => {
    const told = configz({
      Linux: {
        Conntrack: { MaxPerCore: 32768, TCPEstablishedTimeout: '24h0m0s' },
        MasqueradeAll: true,
        OOMScoreAdj: -999,
      },
      FeatureGates: {},
      ClientConnection: { Kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', ContentType: '', QPS: 5 },
      HostnameOverride: '',
      BindAddress: '0.0.0.0',
      MetricsBindAddress: '127.0.0.1:10249',
      Mode: 'nftables',
      IPTables: { MasqueradeBit: 14, LocalhostNodePorts: true },
      NFTables: { MasqueradeBit: 13 },
      DetectLocalMode: 'ClusterCIDR',
      DetectLocal: {
        BridgeInterface: '',
        ClusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
        InterfaceNamePrefix: '',
      },
      NodePortAddresses: ['primary'],
      SyncPeriod: '30s',
    });
    expect(readConfigz(told)).toEqual({
      ...head,
      mode: 'nftables',
      bindAddress: '0.0.0.0',
      metricsBindAddress: '127.0.0.1:10249',
      clusterCIDR: '10.244.0.0/16,fd00:10:244::/48',
      detectLocalMode: 'ClusterCIDR',
      nodePortAddresses: ['primary'],
      iptables: { masqueradeBit: 14, localhostNodePorts: true },
      nftables: { masqueradeBit: 13, masqueradeAll: true },
      conntrack: { maxPerCore: 32768, tcpEstablishedTimeout: '24h0m0s' },
    });
  });

  test.each([
    undefined,
    '',
    'not found',
    '[]',
    'null',
    '{}',
    '{"kubeproxy.config.k8s.io": 5}',
    '{"kubelet": {"a": 1}}',
  ])('is nothing in %j', (text) => {
    expect(readConfigz(text)).toBeUndefined();
  });
});
