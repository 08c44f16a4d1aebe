import { describe, expect, test } from 'vitest';
import { dnsObjects, localPods, outsideAddresses, rangesOf } from '../../src/lab/lab-cluster.ts';
import { planLab } from '../../src/lab/plan-lab.ts';
import { mappingIn } from '../../src/lib/unknown-values.ts';
import { parseCidr } from '../../src/net/address.ts';

const range = (text: string) => [parseCidr(text) ?? []].flat();
const service = (name: string, namespace: string, clusterIP: string) => ({
  kind: 'Service',
  metadata: { name, namespace },
  spec: { clusterIP },
});

describe('the DNS of a lab', () => {
  const addressOf = (objects: readonly object[], cidr = '10.96.0.0/12') => {
    const [dns] = dnsObjects(objects, range(cidr));
    return dns && mappingIn(dns, 'spec')['clusterIP'];
  };

  test('has the tenth address of Services', () => {
    expect(addressOf([])).toBe('10.96.0.10');
    expect(addressOf([], 'fd00:10:96::/112')).toBe('fd00:10:96::a');
  });

  test('leaves its address to a Service that asks for it, and to the control plane where the input has ranges', () => {
    expect(addressOf([service('web', 'shop', '10.96.0.10')])).toBeUndefined();
    expect(addressOf([{ kind: 'Service', spec: { clusterIPs: ['fd00::1', '10.96.0.10'] } }])).toBeUndefined();
    expect(addressOf([{ kind: 'ServiceCIDR', spec: { cidrs: ['10.0.0.0/24'] } }])).toBeUndefined();
  });

  test('is that of the input where it has one', () => {
    expect(dnsObjects([service('kube-dns', 'kube-system', '10.0.0.10')], range('10.96.0.0/12'))).toEqual([]);
    expect(dnsObjects([service('kube-dns', 'shop', '10.0.0.10')], range('10.96.0.0/12'))).toHaveLength(2);
  });
});

const pod = (address: string) => ({
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'shop' },
  spec: { nodeName: 'node-1', containers: [] },
  status: { phase: 'Running', podIP: address },
});
const node = (address: string) => ({
  kind: 'Node',
  metadata: { name: 'node-1' },
  status: { addresses: [{ type: 'InternalIP', address }] },
});

test('rules tell Pods by their range, or by their interfaces where they have other addresses', () => {
  const ranges = range('10.244.0.0/16');
  expect(localPods(planLab([node('198.18.0.1'), pod('10.244.1.5')]), ranges)).toEqual({
    clusterCIDRs: ['10.244.0.0/16'],
  });
  expect(localPods(planLab([node('198.18.0.1'), pod('10.0.0.5')]), ranges)).toEqual({
    detectLocalMode: 'InterfaceNamePrefix',
    detectLocalInterface: 'p',
  });
});

test('what is outside has addresses that nobody else has', () => {
  expect(outsideAddresses(planLab([node('203.0.113.1')]), ['203.0.113.2'])).toEqual([
    '203.0.113.3',
    '2001:db8:ffff::1',
  ]);
});

test('without IPv6 there are no ranges of it', () => {
  expect(rangesOf(['ip'])).toEqual({
    serviceCidr: '10.96.0.0/12',
    podCidr: '10.244.0.0/16',
    loadBalancerCidr: '198.51.100.0/24',
  });
});
