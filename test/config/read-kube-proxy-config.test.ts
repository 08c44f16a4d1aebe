import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';
import { type ConfigFields, kubeProxyFields, type ValueField } from '../../src/config/kube-proxy-fields.ts';

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
  expect(read(content)).toEqual({ options: { clusterCIDRs: ['10.244.0.0/16'], masqueradeAll: false }, found: [] });
});

test('a file that states every default gives no diagnostic either', () => {
  const content = readFileSync(join(import.meta.dirname, 'defaults-config.yaml'), 'utf8');
  expect(read(content)).toEqual({ options: { masqueradeAll: false, masqueradeBit: 14 }, found: [] });
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

test('a bind address that means all does not set an address of the node', () => {
  for (const bindAddress of ['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
    expect(readObject({ bindAddress })).toEqual({ options: {}, found: [] });
  }
});

test('durations are compared by value', () => {
  for (const tcpEstablishedTimeout of ['24h', '24h0m0s', '1440m', '86400s']) {
    expect(readObject({ conntrack: { tcpEstablishedTimeout } }).found).toEqual([]);
  }
  const path = 'conntrack.tcpEstablishedTimeout';
  expect(readObject({ conntrack: { tcpEstablishedTimeout: '23h' } }).found).toEqual([`config-without-effect ${path}`]);
  expect(readObject({ conntrack: { tcpEstablishedTimeout: '1 day' } }).found).toEqual([`invalid-config ${path}`]);
  expect(readObject({ conntrack: { tcpEstablishedTimeout: 0 } }).found).toEqual([`invalid-config ${path}`]);
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
  [{ featureGates: { A: 'yes' } }, 'invalid-config featureGates'],
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

// What is true by default and what is never worth a word have no unusual value.
const silent = ['iptables.localhostNodePorts', 'clientConnection.kubeconfig'];
const unused = leavesOf(kubeProxyFields).filter(({ field }) => field.quiet);

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

test('reads JSON and YAML, and reports anything else', () => {
  expect(read(`${head}clusterCIDR: 10.0.0.0/8\n`)).toEqual(readObject({ clusterCIDR: '10.0.0.0/8' }));
  expect(read('').found).toEqual(['empty-input ']);
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
