import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkOptions } from '../../src/config/check-options.ts';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';
import { type ConfigFields, kubeProxyFields, type ValueField } from '../../src/config/kube-proxy-fields.ts';
import { type Diagnostic, severityOf } from '../../src/diagnostics/diagnostic.ts';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';
import { iptablesOptions, withDefaults } from '../../src/options.ts';

const header = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };
const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

function read(content: string) {
  const { options, diagnostics } = readKubeProxyConfig({ file: 'config.yaml', content: Buffer.from(content) });
  return { options, found: diagnostics.map(({ code, place }) => `${code} ${place?.path.join('.')}`) };
}

function readObject(fields: object) {
  return read(
    JSON.stringify({ apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', ...fields }),
  );
}

test('the file that kubeadm writes gives its cluster CIDR and no diagnostic', () => {
  const content = readFileSync(join(import.meta.dirname, 'kubeadm-config.yaml'), 'utf8');
  const options = { clusterCIDRs: ['10.244.0.0/16'], masqueradeAll: false, iptables: { masqueradeAll: false } };
  expect(read(content)).toEqual({ options, found: [] });
});

test('a file that states every default gives no diagnostic either', () => {
  const content = readFileSync(join(import.meta.dirname, 'defaults-config.yaml'), 'utf8');
  const masquerading = { masqueradeAll: false, masqueradeBit: 14 };
  const options = { ...masquerading, iptables: { ...masquerading, localhostNodePorts: true } };
  expect(read(content)).toEqual({ options, found: [] });
});

test('reads every field that affects packets', () => {
  expect(
    readObject({
      bindAddress: '192.0.2.011',
      hostnameOverride: ' Worker-1 ',
      mode: 'nftables',
      clusterCIDR: '10.244.0.0/16, fd00:10:244::/56',
      detectLocalMode: 'InterfaceNamePrefix',
      detectLocal: { interfaceNamePrefix: 'veth' },
      nodePortAddresses: ['primary', '192.0.2.0/24', '::/0', 'localhost', 'all'],
      nftables: { masqueradeAll: true, masqueradeBit: 0 },
    }),
  ).toEqual({
    options: {
      bindAddress: '192.0.2.11',
      nodeName: 'worker-1',
      clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
      detectLocalMode: 'InterfaceNamePrefix',
      detectLocalInterface: 'veth',
      nodePortAddresses: ['primary', '192.0.2.0/24', '::/0', 'localhost', 'all'],
      masqueradeAll: true,
      masqueradeBit: 0,
    },
    found: [],
  });
});

test('rules for iptables have a section of their own', () => {
  const iptables = { masqueradeAll: true, masqueradeBit: 5, localhostNodePorts: false };
  expect(readObject({ nftables: { masqueradeAll: true, masqueradeBit: 5 }, iptables })).toEqual({
    options: { masqueradeAll: true, masqueradeBit: 5, iptables },
    found: [],
  });
  expect(readObject({ iptables })).toEqual({
    options: { iptables },
    found: ['config-without-effect iptables.masqueradeAll', 'config-without-effect iptables.masqueradeBit'],
  });
  expect(readObject({ mode: 'iptables', nftables: { masqueradeAll: true } })).toEqual({
    options: { masqueradeAll: true, iptables: { masqueradeAll: false, masqueradeBit: 14, localhostNodePorts: true } },
    found: ['config-without-effect mode'],
  });
  expect(readObject({ iptables: { masqueradeBit: 32 } })).toEqual({
    options: {},
    found: ['invalid-config iptables.masqueradeBit'],
  });
});

test('options for rules of iptables take the place of those for nftables', () => {
  const options = withDefaults({ masqueradeAll: true, masqueradeBit: 3, iptables: { masqueradeAll: false } });
  expect(iptablesOptions(options)).toMatchObject({
    masqueradeAll: false,
    masqueradeBit: 3,
    nodePortAddresses: ['all'],
  });
  expect(checkOptions(options)).toEqual([]);
  for (const iptables of [{ masqueradeBit: 32 }, { masqueradeBit: '3' }, { other: true }, true]) {
    expect(checkOptions({ ...options, iptables: iptables as never })).toMatchObject([{ code: 'invalid-option' }]);
  }
});

test('a bind address that means all does not set an address of the node', () => {
  for (const bindAddress of ['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
    expect(readObject({ bindAddress })).toEqual({ options: {}, found: [] });
  }
});

test('durations are compared by value', () => {
  for (const configSyncPeriod of ['15m', '15m0s', '0h15m', '900s', '+15m', '0', '-0', '-0s']) {
    expect(readObject({ configSyncPeriod }).found).toEqual([]);
  }
  for (const configSyncPeriod of ['-15m', '-15m0s', '-900s', '15m1ns', '14m59s']) {
    expect(readObject({ configSyncPeriod }).found).toEqual(['config-without-effect configSyncPeriod']);
  }
  for (const configSyncPeriod of ['--15m', '15m-0s', '-', '+', '', '15', '15 m', 'm', `${'0'.repeat(64)}15m`]) {
    expect(readObject({ configSyncPeriod }).found).toEqual(['invalid-config configSyncPeriod']);
  }
  expect(readObject({ configSyncPeriod: 0 }).found).toEqual(['invalid-config configSyncPeriod']);
});

test.each([
  [{ clusterCIDR: '10.0.0.0/8,10.0.0.0/8' }, 'invalid-config clusterCIDR'],
  [{ clusterCIDR: '10.0.0.0/8,' }, 'invalid-config clusterCIDR'],
  [{ nodePortAddresses: ['Primary'] }, 'invalid-config nodePortAddresses.0'],
  [{ nodePortAddresses: ['192.0.2.1'] }, 'invalid-config nodePortAddresses.0'],
  [{ nftables: { masqueradeBit: 40 } }, 'invalid-config nftables.masqueradeBit'],
  [{ nftables: { masqueradeBit: -1 } }, 'invalid-config nftables.masqueradeBit'],
  [{ nftables: { masqueradeBit: 1.5 } }, 'invalid-config nftables.masqueradeBit'],
  [{ nftables: [] }, 'invalid-config nftables'],
  [{ detectLocalMode: 'BridgeInterface' }, 'invalid-config detectLocal.bridgeInterface'],
  [{ detectLocalMode: 'Bridge' }, 'invalid-config detectLocalMode'],
  [{ hostnameOverride: 'a"b' }, 'invalid-config hostnameOverride'],
  [{ bindAddress: '192.0.2.0/24' }, 'invalid-config bindAddress'],
  [{ featureGates: { A: 'yes' } }, 'invalid-config featureGates.A'],
  [{ featureGates: { A: null } }, 'invalid-config featureGates.A'],
  [{ featureGates: [] }, 'invalid-config featureGates'],
  [{ featureGates: { AllowServiceExternalIPs: 'false' } }, 'invalid-config featureGates.AllowServiceExternalIPs'],
  [{ featureGates: { Other: false } }, 'config-without-effect featureGates.Other'],
  [{ featureGates: { toString: true } }, 'config-without-effect featureGates.toString'],
  [{ featureGates: { NFTablesProxyMode: false } }, 'config-without-effect featureGates.NFTablesProxyMode'],
  [{ conntrack: { maxPerCore: -1 } }, 'invalid-config conntrack.maxPerCore'],
  [{ conntrack: { min: 2 ** 31 } }, 'invalid-config conntrack.min'],
  [{ conntrack: { udpTimeout: '-1s' } }, 'invalid-config conntrack.udpTimeout'],
  [{ conntrack: { udpStreamTimeout: '500ms' } }, 'invalid-config conntrack.udpStreamTimeout'],
  [{ conntrack: { tcpCloseWaitTimeout: '1 hour' } }, 'invalid-config conntrack.tcpCloseWaitTimeout'],
  [{ oomScoreAdj: -1001 }, 'invalid-config oomScoreAdj'],
  [{ oomScoreAdj: 1.5 }, 'invalid-config oomScoreAdj'],
  [{ constructor: 1 }, 'unknown-config-field constructor'],
  [{ conntrack: { toString: 1 } }, 'unknown-config-field conntrack.toString'],
])('%j is %s', (fields, expected) => {
  expect(readObject(fields)).toEqual({ options: {}, found: [expected] });
});

test.each(['br"0', 'br 0', 'br/0', 'br*', 'br0\n', '.', '..', 'sixteen-letters-', 'ü', '\u0000'])(
  '%j is not a valid interface name',
  (bridgeInterface) => {
    const { options, found } = readObject({ detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface } });
    expect({ options, found }).toEqual({ options: {}, found: ['invalid-config detectLocal.bridgeInterface'] });
  },
);

const unusual = {
  text: 'unusual',
  boolean: true,
  integer: 77,
  number: 7.5,
  duration: '77s',
  'duration or nanoseconds': 77,
  quantity: '7Ki',
  texts: ['unusual'],
  list: [{}],
  'feature gates': { Unusual: true },
} as const;

type Leaf = { readonly path: readonly string[]; readonly field: ValueField };

function leavesOf(fields: ConfigFields, path: readonly string[] = []): Leaf[] {
  return Object.entries(fields).flatMap(([key, field]) =>
    'fields' in field ? leavesOf(field.fields, [...path, key]) : [{ path: [...path, key], field }],
  );
}

// What is true by default has no unusual value.
const silent = ['iptables.localhostNodePorts'];
const unused = leavesOf(kubeProxyFields).filter(({ field }) => field.unused);

test.each(unused.map((leaf) => [leaf.path.join('.'), leaf] as const))('%s takes null and warns', (name, leaf) => {
  const wrap = (value: unknown): object => Object(leaf.path.reduceRight((inner, key) => ({ [key]: inner }), value));
  expect(readObject(wrap(null)).found).toEqual([]);
  expect(readObject(wrap(unusual[leaf.field.type])).found).toEqual(
    silent.includes(name) ? [] : [`config-without-effect ${name}`],
  );
  expect(readObject(wrap([[]])).found).toEqual(
    leaf.field.type === 'list' ? [`config-without-effect ${name}`] : [`invalid-config ${name}`],
  );
});

test.each([
  [{ metadata: { name: 'kube-proxy' } }, 'unknown field metadata, which is ignored'],
  [{ udpTimeout: '250ms' }, 'unknown field udpTimeout, which is ignored; did you mean ipvs.udpTimeout?'],
  [
    { ipvs: { masqueradeAll: true } },
    'unknown field ipvs.masqueradeAll, which is ignored; did you mean nftables.masqueradeAll?',
  ],
  [{ clustercidr: '' }, 'unknown field clustercidr, which is ignored; did you mean clusterCIDR?'],
  [{ conntrack: { maxPercore: 1 } }, 'unknown field conntrack.maxPercore, which is ignored; did you mean maxPerCore?'],
])('%j is ignored, as by kube-proxy', (fields, message) => {
  const text = JSON.stringify({ ...header, ...fields, clusterCIDR: '10.244.0.0/16' });
  const { options, diagnostics } = readKubeProxyConfig({ file: 'config.yaml', content: Buffer.from(text) });
  expect(options).toEqual({ clusterCIDRs: ['10.244.0.0/16'] });
  expect(diagnostics.map((diagnostic) => [severityOf(diagnostic), diagnostic.message])).toEqual([['warning', message]]);
});

test.each([
  [{ featureGates: { A: 'false' } }, 'featureGates.A is "false"; expected true or false, without quotes'],
  [{ nftables: { masqueradeAll: 'true' } }, 'nftables.masqueradeAll is "true"; expected true or false, without quotes'],
  [{ nftables: { masqueradeBit: '14' } }, 'nftables.masqueradeBit is "14"; expected an integer, without quotes'],
  [{ clientConnection: { qps: '2.5' } }, 'clientConnection.qps is "2.5"; expected a number, without quotes'],
  [{ oomScoreAdj: '-0' }, 'oomScoreAdj is "-0"; expected an integer, without quotes'],
  [{ clientConnection: { qps: '0.50' } }, 'clientConnection.qps is "0.50"; expected a number, without quotes'],
  // Readers of YAML differ in whether these are octal.
  [{ oomScoreAdj: '007' }, 'oomScoreAdj is "007"; expected an integer'],
  [{ nftables: { masqueradeBit: '08' } }, 'nftables.masqueradeBit is "08"; expected an integer'],
  [{ featureGates: { A: '01' } }, 'featureGates.A is "01"; expected true or false'],
  [{ clientConnection: { qps: '00.5' } }, 'clientConnection.qps is "00.5"; expected a number'],
  [{ nftables: { masqueradeBit: 'x' } }, 'nftables.masqueradeBit is "x"; expected an integer'],
  [{ featureGates: { A: 'yes' } }, 'featureGates.A is "yes"; expected true or false'],
  [{ featureGates: { A: 1 } }, 'featureGates.A is 1; expected true or false'],
])('%j: the message says how to write it', (fields, message) => {
  const content = Buffer.from(JSON.stringify({ ...header, ...fields }));
  expect(readKubeProxyConfig({ file: 'config.json', content }).diagnostics).toMatchObject([{ message }]);
});

test.each([
  [`${head}mode: nftables\nmode: iptables\n`, 4],
  [`${head}nftables:\n  masqueradeAll: true\n  masqueradeAll: false\n`, 5],
  [`${head}featureGates: {A: true, B: false, A: false}\n`, 3],
])('a repeated key is an error at its place: %j', (text, line) => {
  const { options, diagnostics } = readKubeProxyConfig({ file: 'config.yaml', content: Buffer.from(text) });
  expect(options).toEqual({});
  expect(diagnostics).toMatchObject([{ code: 'invalid-yaml', message: 'map keys must be unique' }]);
  expect(diagnostics[0]?.place?.document.source.locate([])).toMatchObject({ line });
});

test('gates that are as they always are here give no diagnostic', () => {
  const featureGates = { NFTablesProxyMode: true, MultiCIDRServiceAllocator: true, AllAlpha: false };
  expect(readObject({ featureGates })).toEqual({ options: {}, found: [] });
});

test('the gate AllowServiceExternalIPs is read', () => {
  expect(readObject({ featureGates: { AllowServiceExternalIPs: false } })).toEqual({
    options: { allowServiceExternalIPs: false },
    found: [],
  });
  expect(readObject({ featureGates: { AllowServiceExternalIPs: true } })).toEqual({
    options: { allowServiceExternalIPs: true },
    found: [],
  });
  expect(readObject({ featureGates: null })).toEqual({ options: {}, found: [] });
});

test('the gate KubeProxyNFTablesLocalhostNodePorts is read', () => {
  for (const isOn of [true, false]) {
    expect(readObject({ featureGates: { KubeProxyNFTablesLocalhostNodePorts: isOn } })).toEqual({
      options: { localhostNodePorts: isOn },
      found: [],
    });
  }
});

/** A ConfigMap as kubectl prints it. */
function configMap(data: Readonly<Record<string, string>>, name = 'kube-proxy') {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data };
}

const config = `${head}clusterCIDR: 10.244.0.0/16\n`;
const kubeconfig = 'apiVersion: v1\nkind: Config\nclusters: []\n';
const kubeadm = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n';
const kubelet = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

test.each([
  ['the ConfigMap of kubeadm', JSON.stringify(configMap({ 'config.conf': config, 'kubeconfig.conf': kubeconfig }))],
  ['a configuration in JSON', JSON.stringify(configMap({ 'config.conf': JSON.stringify(parse(config)) }))],
  ['another key', JSON.stringify(configMap({ 'kube-proxy.yaml': config, notes: 'kind: KubeProxyConfiguration?' }))],
  ['a key beside config.conf', JSON.stringify(configMap({ 'config.conf': kubeconfig, proxy: config }))],
  [
    'a List',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [configMap({ a: kubelet }, 'a'), configMap({ b: config })],
    }),
  ],
  ['a file for kubeadm', `${kubeadm}---\n${config}---\n${kubelet}`],
  ['a file for kubeadm in another order', `${config}---\n---\n${kubelet}`],
])('reads the configuration in %s', (_, text) => {
  expect(read(text)).toEqual({ options: { clusterCIDRs: ['10.244.0.0/16'] }, found: [] });
});

test.each([
  ['two in a file', `${config}---\n${config}`],
  ['two in a ConfigMap', JSON.stringify(configMap({ a: config, b: config }))],
  ['one in a ConfigMap and one beside it', `${config}---\n${JSON.stringify(configMap({ a: config }))}`],
])('refuses %s', (_, text) => {
  expect(read(text).found).toEqual(['invalid-config ']);
});

test('positions in a ConfigMap are those in its text', () => {
  const text = JSON.stringify(configMap({ 'config.conf': `${config}mode: nftable\nx: 1\n` }));
  const { diagnostics } = readKubeProxyConfig({ file: 'cm.json', content: Buffer.from(text) });
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { color: false }).split('\n')[0])).toEqual([
    'cm.json, text of data["config.conf"]:4:7: error invalid-config: mode is "nftable"; possible values are nftables, iptables, ipvs, kernelspace and userspace; did you mean nftables?',
    'cm.json, text of data["config.conf"]:5:4: warning unknown-config-field: unknown field x, which is ignored',
  ]);
});

test('broken text in a ConfigMap is an error there, and its key is not shown as it is', () => {
  const text = JSON.stringify(configMap({ ['\u001b[31m'.repeat(30)]: `${config}\tx: 1\n` }));
  const { diagnostics } = readKubeProxyConfig({ file: 'cm.json', content: Buffer.from(text) });
  const [line = ''] = formatDiagnostic(diagnostics[0] as Diagnostic, { color: false }).split('\n');
  expect(line).toMatch(/:4:1: error invalid-yaml: /);
  expect(line).not.toContain('\u001b');
  expect(line.length).toBeLessThan(500);
});

test('reads JSON and YAML, and reports anything else', () => {
  expect(read(`${head}clusterCIDR: 10.0.0.0/8\n`)).toEqual(readObject({ clusterCIDR: '10.0.0.0/8' }));
  for (const text of ['', ' \n', '# none\n']) {
    const { diagnostics } = readKubeProxyConfig({ file: 'config', content: Buffer.from(text) });
    const message = 'the file is empty; expected a KubeProxyConfiguration';
    expect(diagnostics).toMatchObject([{ code: 'empty-input', message }]);
  }
  expect(read('{').found).toEqual(['invalid-json ']);
  expect(read(`${head}\tmode: x`).found).toEqual(['invalid-yaml ']);
  expect(read('[1]').found).toEqual(['invalid-config ']);
  expect(read('kind: List\nitems: []').found).toEqual(['invalid-config ']);
});

test('does not throw for any content, and takes no option from an invalid value', () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string());
  const key = fc.constantFrom(
    ...Object.keys(kubeProxyFields).filter((name) => name !== 'kind' && name !== 'apiVersion'),
    'x',
  );
  const nested = fc.dictionary(
    fc.constantFrom('masqueradeBit', 'bridgeInterface', 'interfaceNamePrefix', 'options'),
    value,
  );
  fc.assert(
    fc.property(fc.dictionary(key, fc.oneof(value, nested)), (fields) => {
      const { options, found } = readObject(fields);
      expect(found.every((line) => /^[a-z-]+ /.test(line))).toBe(true);
      expect(options.masqueradeBit ?? 0).toBeGreaterThanOrEqual(0);
      expect(options.masqueradeBit ?? 0).toBeLessThanOrEqual(31);
      expect(options.detectLocalInterface ?? 'br0').toMatch(/^[A-Za-z0-9_.@+-]{1,15}$/);
    }),
    { numRuns: 500 },
  );
});
