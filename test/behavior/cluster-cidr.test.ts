import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { service } from '../inspect/changes/shop.ts';

const options: Partial<CompileOptions> = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], families: ['ip'] };

function node(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec };
}

function said(
  nodes: readonly object[],
  more: Partial<CompileOptions>,
  objects: readonly unknown[] = service('cart', ['2.5']),
): string[] {
  const { diagnostics } = compile(documentsOf([...nodes, ...objects]), { ...options, ...more });
  return diagnostics.map(({ code }) => code);
}

const nodes = [
  node('worker-1', { podCIDR: '10.244.1.0/24' }),
  node('worker-2', { podCIDRs: ['10.244.2.0/24', 'fd00::/64'] }),
];

describe('a CIDR of pods', () => {
  test.each([['10.200.0.0/16'], ['10.244.3.0/24'], ['192.168.0.0/16']])(
    '%s, which has no podCIDR, gets a warning',
    (cidr) => {
      expect(said(nodes, { clusterCIDRs: [cidr] })).toEqual(['pods-outside-cluster-cidr']);
    },
  );

  test.each([['10.244.0.0/16'], ['0.0.0.0/0'], ['10.244.1.0/24'], ['10.244.2.128/25']])('%s gets none', (cidr) => {
    expect(said(nodes, { clusterCIDRs: [cidr] })).toEqual([]);
  });

  test('gets none without podCIDRs, without Services, or where it does not recognize pods', () => {
    const clusterCIDRs = ['10.200.0.0/16'];
    expect(said([node('worker-1', {})], { clusterCIDRs })).toEqual([]);
    expect(said([node('worker-1', { podCIDRs: ['fd00::/64'] })], { clusterCIDRs })).toEqual([]);
    expect(said(nodes, { clusterCIDRs }, [])).toEqual([]);
    expect(said(nodes, { clusterCIDRs, detectLocalMode: 'NodeCIDR' })).toEqual([]);
    expect(said(nodes, { clusterCIDRs, detectLocalMode: 'BridgeInterface', detectLocalInterface: 'cni0' })).toEqual([]);
  });
});
