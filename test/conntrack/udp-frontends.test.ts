import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { goneFrontends, udpFrontends } from '../../src/conntrack/expect-udp.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { conditions, nodeOptions, service, slice } from './support.ts';

const shop = service(
  'shop',
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.60.1',
    externalIPs: ['198.51.100.7'],
    ports: [
      { name: 'u', protocol: 'UDP', port: 4000, nodePort: 30400 },
      { name: 't', protocol: 'TCP', port: 4000, nodePort: 30400 },
    ],
  },
  { status: { loadBalancer: { ingress: [{ ip: '198.18.5.1' }] } } },
);

const ready = slice('shop', { '10.244.1.10': conditions.ready }, [
  { name: 'u', protocol: 'UDP', port: 4001 },
  { name: 't', protocol: 'TCP', port: 4002 },
]);

function rulesetOf(objects: readonly unknown[], family: 'ip' | 'ip6' = 'ip'): Ruleset {
  const ruleset = compile(documentsOf(objects), { ...nodeOptions, families: [family] }).rulesets?.[0];
  if (!ruleset) {
    throw new Error('no ruleset');
  }
  return ruleset;
}

describe('udpFrontends', () => {
  const all = [
    { address: '10.96.60.1', port: 4000 },
    { address: '198.18.5.1', port: 4000 },
    { address: '198.51.100.7', port: 4000 },
    { nodePort: 30400 },
  ];

  it('names every frontend with endpoints once, and none of TCP', () => {
    expect(udpFrontends(rulesetOf([shop, ready]))).toEqual(all);
  });

  it('names those that are refused as well', () => {
    expect(udpFrontends(rulesetOf([shop]))).toEqual(all);
  });

  it('names a frontend once that serves some clients and refuses others', () => {
    const local = { ...shop, spec: { ...(shop['spec'] as object), externalTrafficPolicy: 'Local' } };
    expect(udpFrontends(rulesetOf([local, ready]))).toEqual(all);
  });

  it('reads IPv6 keys', () => {
    const chat = service('chat', { clusterIP: 'fd00:10:96::a', ipFamilies: ['IPv6'], clusterIPs: ['fd00:10:96::a'] });
    expect(udpFrontends(rulesetOf([chat], 'ip6'))).toEqual([{ address: 'fd00:10:96::a', port: 4000 }]);
  });

  it('finds nothing in a ruleset without Services', () => {
    expect(udpFrontends(rulesetOf([]))).toEqual([]);
  });

  it('reads a ruleset that has only some of the maps', () => {
    const sets: Ruleset['sets'] = [
      {
        name: 'no-endpoint-nodeports',
        key: ['protocol', 'port'],
        value: 'verdict',
        comment: '',
        elements: [{ key: 'udp . 30400' }, { key: 'sctp . 30401' }],
      },
      { name: 'cluster-ips', key: ['address'], comment: '', elements: [{ key: '10.96.60.1' }] },
    ];
    expect(udpFrontends({ family: 'ip', table: 'svc2nft', comment: '', sets, chains: [] })).toEqual([
      { nodePort: 30400 },
    ]);
  });
});

describe('goneFrontends', () => {
  it('names nothing while a frontend is still there, served or refused', () => {
    expect(goneFrontends(rulesetOf([shop, ready]), rulesetOf([shop]))).toEqual([]);
    expect(goneFrontends(rulesetOf([shop]), rulesetOf([shop, ready]))).toEqual([]);
  });

  it('names everything of a Service that was removed', () => {
    expect(goneFrontends(rulesetOf([shop, ready]), rulesetOf([]))).toEqual([
      { address: '10.96.60.1', port: 4000 },
      { address: '198.18.5.1', port: 4000 },
      { address: '198.51.100.7', port: 4000 },
      { nodePort: 30400 },
    ]);
  });

  it('names a removed external IP, a changed port and a changed node port, and not what is new', () => {
    const changed = service('shop', {
      type: 'NodePort',
      clusterIP: '10.96.60.1',
      externalIPs: ['198.51.100.8'],
      ports: [{ name: 'u', protocol: 'UDP', port: 4010, nodePort: 30401 }],
    });
    expect(goneFrontends(rulesetOf([shop, ready]), rulesetOf([changed, ready]))).toEqual([
      { address: '10.96.60.1', port: 4000 },
      { address: '198.18.5.1', port: 4000 },
      { address: '198.51.100.7', port: 4000 },
      { nodePort: 30400 },
    ]);
  });

  it('takes a port that has become one of TCP for gone', () => {
    const tcp = service('shop', { clusterIP: '10.96.60.1', ports: [{ protocol: 'TCP', port: 4000 }] });
    const udp = service('shop', { clusterIP: '10.96.60.1' });
    expect(goneFrontends(rulesetOf([udp]), rulesetOf([tcp]))).toEqual([{ address: '10.96.60.1', port: 4000 }]);
  });
});
