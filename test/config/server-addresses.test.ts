import { expect, test } from 'vitest';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';

function read(fields: readonly string[]) {
  const lines = ['apiVersion: kubeproxy.config.k8s.io/v1alpha1', 'kind: KubeProxyConfiguration', ...fields];
  const { servers, diagnostics } = readKubeProxyConfig({ file: 'c.yaml', content: Buffer.from(lines.join('\n')) });
  return { servers, problems: diagnostics.map(({ code, message }) => `${code}: ${message}`) };
}

test.each([
  ['nothing', [], { address: undefined, port: 10_256 }],
  ['an empty one, which kubeadm writes', ['healthzBindAddress: ""'], { address: undefined, port: 10_256 }],
  ['an address alone', ['healthzBindAddress: 192.0.2.1'], { address: '192.0.2.1', port: 10_256 }],
  ['an address with a port', ['healthzBindAddress: "[::1]:1"'], { address: '::1', port: 1 }],
] as const)('where the health of an agent is, from %s', (_, fields, healthz) => {
  expect(read(fields)).toEqual({ servers: { healthz }, problems: [] });
});

test('an address that is none is reported, and replaced by the default', () => {
  expect(read(['healthzBindAddress: localhost:10256'])).toEqual({
    servers: { healthz: { address: undefined, port: 10_256 } },
    problems: [
      'invalid-config: healthzBindAddress: "localhost:10256" is not an address with a port; expected one such as 0.0.0.0:10256 or [::1]:10249',
    ],
  });
});
