import { expect, test } from 'vitest';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';

function read(fields: readonly string[]) {
  const lines = ['apiVersion: kubeproxy.config.k8s.io/v1alpha1', 'kind: KubeProxyConfiguration', ...fields];
  const { servers, diagnostics } = readKubeProxyConfig({ file: 'c.yaml', content: Buffer.from(lines.join('\n')) });
  return { servers, problems: diagnostics.map(({ code, message }) => `${code}: ${message}`) };
}

const defaults = { healthz: { address: undefined, port: 10_256 }, metrics: { address: '127.0.0.1', port: 10_249 } };

test.each([
  ['nothing', [], {}],
  ['empty ones, which kubeadm writes', ['healthzBindAddress: ""', 'metricsBindAddress: ""'], {}],
  ['an address alone', ['healthzBindAddress: 192.0.2.1'], { healthz: { address: '192.0.2.1', port: 10_256 } }],
  ['an address with a port', ['healthzBindAddress: "[::1]:1"'], { healthz: { address: '::1', port: 1 } }],
  ['another place for metrics', ['metricsBindAddress: 0.0.0.0'], { metrics: { address: undefined, port: 10_249 } }],
  ['a bindAddress of IPv6', ['bindAddress: "::"'], { metrics: { address: '::1', port: 10_249 } }],
] as const)('where the servers of an agent are, from %s', (_, fields, servers) => {
  expect(read(fields)).toEqual({ servers: { ...defaults, ...servers }, problems: [] });
});

test('an address that is none is reported, and replaced by the default', () => {
  expect(read(['healthzBindAddress: localhost:10256'])).toEqual({
    servers: defaults,
    problems: [
      'invalid-config: healthzBindAddress: "localhost:10256" is not an address with a port; expected one such as 0.0.0.0:10256 or [::1]:10249',
    ],
  });
});
