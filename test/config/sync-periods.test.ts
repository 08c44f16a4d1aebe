import { expect, test } from 'vitest';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';

function read(nftables: readonly string[]) {
  const lines = [
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1',
    'kind: KubeProxyConfiguration',
    'nftables:',
    ...nftables.map((line) => `  ${line}`),
  ];
  const { periods, diagnostics } = readKubeProxyConfig({ file: 'c.yaml', content: Buffer.from(lines.join('\n')) });
  return { periods, problems: diagnostics.map(({ code, message }) => `${code}: ${message}`) };
}

test.each([
  ['nothing', ['masqueradeBit: 14'], {}],
  ['zeros, which kubeadm writes', ['syncPeriod: 0s', 'minSyncPeriod: 0s'], {}],
  ['both', ['syncPeriod: 1m30s', 'minSyncPeriod: 500ms'], { syncPeriod: 90_000, minSyncPeriod: 500 }],
  ['one', ['minSyncPeriod: 2s'], { minSyncPeriod: 2_000 }],
] as const)('how often to sync, from %s', (_, nftables, periods) => {
  expect(read(nftables)).toEqual({ periods, problems: [] });
});

test.each([
  ['syncPeriod: 30', {}, 'invalid-config: nftables.syncPeriod is 30; expected a duration such as 30s'],
  ['syncPeriod: -5s', {}, 'invalid-config: nftables.syncPeriod: expected a duration from 0 to 24 days'],
  ['minSyncPeriod: 9999h', {}, 'invalid-config: nftables.minSyncPeriod: expected a duration from 0 to 24 days'],
  [
    'syncPeriod: 1s, minSyncPeriod: 2s',
    { syncPeriod: 1_000 },
    'invalid-config: nftables.minSyncPeriod is longer than nftables.syncPeriod',
  ],
])('%s is reported', (fields, periods, problem) => {
  expect(read(fields.split(', '))).toEqual({ periods, problems: [problem] });
});
