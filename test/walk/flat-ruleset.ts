import type { Chain, FilledSet, Rule, Ruleset } from '../../src/nft/ruleset.ts';
import {
  chain,
  daddr,
  drop,
  frontend,
  goto,
  hook,
  isNew,
  isTranslated,
  jump,
  l4proto,
  mark,
  match,
  natOutput,
  natPostrouting,
  natPrerouting,
  numgen,
  reject,
  requestMasquerade,
  ruleset,
  saddr,
  set,
  tcpDport,
  tcpReset,
  thDport,
} from './support.ts';

const address = ['address', 'protocol', 'port'] as const;
const index = ['address', 'port', 'index'] as const;
const isFromNode = match({ kind: 'fib-type', field: 'saddr' }, 'local');

function endpointAddress(host: string, port = 8080): { address: string; port: number } {
  return { address: host, port };
}

const sets: FilledSet[] = [
  set('cluster-ips', { key: ['address'], elements: [{ key: '172.30.0.1' }, { key: '172.30.0.2' }] }),
  set('service-cidrs', { key: ['address'], flags: ['interval'], elements: [{ key: '172.30.0.0/16' }] }),
  set('nodeport-ips', { key: ['address'], elements: [{ key: '192.168.0.2' }] }),
  set('hairpin-connections', {
    key: ['address', 'address'],
    elements: [{ key: '10.0.1.1 . 10.0.1.1' }],
  }),
  set('firewall-ips', { key: address, elements: [{ key: '5.5.5.7 . tcp . 80' }] }),
  set('firewall-sources', {
    key: [...address, 'address'],
    flags: ['interval'],
    elements: [{ key: '5.5.5.7 . tcp . 80 . 203.0.113.0/24' }, { key: '5.5.5.7 . tcp . 80 . 198.51.100.7' }],
  }),
  set('service-ips', {
    key: address,
    value: 'verdict',
    elements: [
      { key: '172.30.0.1 . tcp . 80', comment: 'shop/web:http', value: { kind: 'goto', chain: 'tcp-cluster-3' } },
      { key: '5.5.5.5 . tcp . 80', value: { kind: 'goto', chain: 'tcp-external-local-3-1' } },
      { key: '5.5.5.6 . tcp . 80', value: { kind: 'goto', chain: 'tcp-external-3' } },
      { key: '5.5.5.7 . tcp . 80', value: { kind: 'goto', chain: 'tcp-external-3' } },
      { key: '5.5.5.8 . tcp . 80', value: { kind: 'goto', chain: 'tcp-external-local-3-0' } },
    ],
  }),
  set('service-nodeports', {
    key: ['protocol', 'port'],
    value: 'verdict',
    elements: [{ key: 'tcp . 30080', value: { kind: 'goto', chain: 'tcp-nodeport-external-2' } }],
  }),
  set('no-endpoint-services', {
    key: address,
    value: 'verdict',
    elements: [
      { key: '172.30.0.2 . tcp . 80', comment: 'shop/idle', value: { kind: 'goto', chain: 'reject-chain' } },
      { key: '5.5.5.8 . tcp . 80', value: { kind: 'drop' } },
    ],
  }),
  set('no-endpoint-nodeports', {
    key: ['protocol', 'port'],
    value: 'verdict',
    elements: [{ key: 'tcp . 30081', value: { kind: 'goto', chain: 'reject-chain' } }],
  }),
  set('tcp-endpoints', {
    key: index,
    protocol: 'tcp',
    value: 'endpoint',
    elements: ['172.30.0.1', '5.5.5.5', '5.5.5.6', '5.5.5.7', '5.5.5.8'].flatMap((host) =>
      ['10.0.1.1', '10.0.2.1', '10.0.3.1'].map((endpoint, place) => ({
        key: `${host} . 80 . ${place}`,
        value: endpointAddress(endpoint),
      })),
    ),
  }),
  set('tcp-local-endpoints', {
    key: index,
    protocol: 'tcp',
    value: 'endpoint',
    elements: [{ key: '5.5.5.5 . 80 . 0', value: endpointAddress('10.0.1.1') }],
  }),
  set('tcp-nodeport-endpoints', {
    key: ['port', 'index'],
    protocol: 'tcp',
    value: 'endpoint',
    elements: [
      { key: '30080 . 0', value: endpointAddress('10.0.1.1') },
      { key: '30080 . 1', value: endpointAddress('192.168.0.2') },
    ],
  }),
];

const dispatchChains: Chain[] = [
  chain('tcp-cluster-3', [
    [{ kind: 'dnat-map', protocol: 'tcp', key: [daddr, tcpDport, numgen(3)], map: 'tcp-endpoints' }],
  ]),
  chain('tcp-local-1', [
    [{ kind: 'dnat-map', protocol: 'tcp', key: [daddr, tcpDport, numgen(1)], map: 'tcp-local-endpoints' }],
  ]),
  chain('tcp-nodeport-2', [
    [{ kind: 'dnat-map', protocol: 'tcp', key: [tcpDport, numgen(2)], map: 'tcp-nodeport-endpoints' }],
  ]),
  chain('tcp-external-3', [[requestMasquerade], [goto('tcp-cluster-3')]]),
  chain('tcp-nodeport-external-2', [[requestMasquerade], [goto('tcp-nodeport-2')]]),
  ...[1, 0].map((local) =>
    chain(`tcp-external-local-3-${local}`, [
      [match(saddr, '10.0.0.0/8'), goto('tcp-cluster-3')],
      [isFromNode, requestMasquerade],
      [isFromNode, goto('tcp-cluster-3')],
      ...(local === 1 ? [[goto('tcp-local-1')]] : []),
    ]),
  ),
];

const isForOthers = match({ kind: 'fib-type', field: 'daddr' }, 'local', true);

const refuseNodePorts: Rule = [
  { kind: 'match-set', key: [daddr], set: 'nodeport-ips' },
  { kind: 'vmap', key: [l4proto, thDport], map: 'no-endpoint-nodeports' },
];

const fixedChains: Chain[] = [
  chain('reject-chain', [[tcpReset], [reject]]),
  chain('firewall-check', [
    [
      { kind: 'match-set', key: frontend, set: 'firewall-ips' },
      { kind: 'match-set', key: [...frontend, saddr], negated: true, set: 'firewall-sources' },
      drop,
    ],
  ]),
  chain('services', [
    [match(saddr, '10.0.0.0/8', true), { kind: 'match-set', key: [daddr], set: 'cluster-ips' }, requestMasquerade],
    [{ kind: 'vmap', key: frontend, map: 'service-ips' }],
    [
      { kind: 'match-set', key: [daddr], set: 'nodeport-ips' },
      { kind: 'vmap', key: [l4proto, thDport], map: 'service-nodeports' },
    ],
  ]),
  chain('incoming-refusals', [
    refuseNodePorts,
    [{ kind: 'vmap', key: frontend, map: 'no-endpoint-services' }],
    [{ kind: 'match-set', key: [daddr], set: 'cluster-ips' }, isForOthers, goto('reject-chain')],
    [{ kind: 'match-set', key: [daddr], set: 'service-cidrs' }, isForOthers, drop],
  ]),
  chain('outgoing-refusals', [
    [{ kind: 'vmap', key: frontend, map: 'no-endpoint-services' }],
    [{ kind: 'match-set', key: [daddr], set: 'cluster-ips' }, goto('reject-chain')],
    [{ kind: 'match-set', key: [daddr], set: 'service-cidrs' }, drop],
    refuseNodePorts,
  ]),
];

// Not in the order of their priorities, which is what counts.
const baseChains: Chain[] = [
  chain('nat-prerouting', [[jump('services')]], natPrerouting),
  chain('nat-output', [[jump('services')]], natOutput),
  chain(
    'nat-postrouting',
    [
      [{ kind: 'match-mark', mark }, { kind: 'set-mark', operator: 'xor', mark }, { kind: 'masquerade' }],
      [isTranslated, { kind: 'match-set', key: [saddr, daddr], set: 'hairpin-connections' }, { kind: 'masquerade' }],
    ],
    natPostrouting,
  ),
  chain('refusals-prerouting', [[isNew, jump('incoming-refusals')]], hook('nat', 'prerouting', -90)),
  chain('refusals-output', [[isNew, jump('outgoing-refusals')]], hook('nat', 'output', -90)),
  chain('firewall-prerouting', [[isNew, jump('firewall-check')]], hook('nat', 'prerouting', -110)),
  chain('firewall-output', [[isNew, jump('firewall-check')]], hook('nat', 'output', -110)),
];

/**
 * Services with three endpoints, of which 10.0.1.1 is local: 172.30.0.1 (cluster IP), 5.5.5.6 (external), 5.5.5.5
 * (external, policy Local), 5.5.5.7 (with source ranges), 5.5.5.8 (policy Local, without local endpoints); node port 30080 with
 * an endpoint on the node's own address; 172.30.0.2 and node port 30081 without endpoints.
 */
export const flatRuleset: Ruleset = ruleset([...dispatchChains, ...fixedChains, ...baseChains], sets);
