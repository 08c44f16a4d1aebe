import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';

function read(fields: object) {
  const config = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', ...fields };
  const { settings, diagnostics } = readKubeProxyConfig({
    file: 'config.json',
    content: Buffer.from(JSON.stringify(config)),
  });
  return { settings, problems: diagnostics.map(({ message }) => message) };
}

function readFixture(name: string) {
  const content = readFileSync(join(import.meta.dirname, name));
  return readKubeProxyConfig({ file: name, content }).settings;
}

test('a field that is absent or null sets nothing', () => {
  expect(read({})).toEqual({ settings: {}, problems: [] });
  expect(read({ conntrack: null, oomScoreAdj: null, clientConnection: { kubeconfig: '' } })).toEqual({
    settings: {},
    problems: [],
  });
});

test('the file of kubeadm leaves the kernel as it is, and names a kubeconfig', () => {
  expect(readFixture('kubeadm-config.yaml')).toEqual({
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    bindAddressHardFail: false,
    conntrack: { tcpBeLiberal: false, udpTimeout: 0, udpStreamTimeout: 0 },
  });
});

test('a file that states every default asks for them', () => {
  expect(readFixture('defaults-config.yaml')).toEqual({
    bindAddressHardFail: false,
    conntrack: {
      maxPerCore: 32_768,
      min: 131_072,
      tcpEstablishedTimeout: 86_400,
      tcpCloseWaitTimeout: 3_600,
      udpTimeout: 0,
      udpStreamTimeout: 0,
    },
    oomScoreAdj: -999,
  });
});

test('times are whole seconds', () => {
  expect(read({ conntrack: { udpTimeout: '1m30.9s', udpStreamTimeout: '1s' } })).toEqual({
    settings: { conntrack: { udpTimeout: 90, udpStreamTimeout: 1 } },
    problems: [],
  });
});

test('what is wrong is left out, and the rest counts', () => {
  expect(
    read({ conntrack: { maxPerCore: -1, min: 5, udpTimeout: '10ms', tcpBeLiberal: true }, oomScoreAdj: 1_001 }),
  ).toEqual({
    settings: { conntrack: { min: 5, tcpBeLiberal: true } },
    problems: [
      'conntrack.maxPerCore: expected an integer from 0 to 2147483647',
      'conntrack.udpTimeout: expected a duration of at least 1s, such as 90s or 1h, or 0 to leave it as it is',
      'oomScoreAdj: expected an integer from -1000 to 1000',
    ],
  });
});
