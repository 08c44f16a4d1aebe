// @ts-check

/** Of the generated cluster's Node. */
const nodeAddress = '192.0.2.11';
/** The pods' range of the generated cluster. */
export const clusterCIDR = '10.128.0.0/9';
/** The same of one with IPv6. */
export const clusterCIDR6 = 'fd00:10:128::/48';

const baseChains = [
  ['filter-prerouting-pre-dnat', 'filter', 'prerouting', -110],
  ['filter-output-pre-dnat', 'filter', 'output', -110],
  ['filter-input', 'filter', 'input', 0],
  ['filter-forward', 'filter', 'forward', 0],
  ['filter-output', 'filter', 'output', 0],
  ['nat-prerouting', 'nat', 'prerouting', -100],
  ['nat-output', 'nat', 'output', -100],
  ['nat-postrouting', 'nat', 'postrouting', 100],
];

const sets = [
  ['set', 'cluster-ips', 'type ipv4_addr'],
  ['set', 'nodeport-ips', 'type ipv4_addr'],
  ['set', 'hairpin-connections', 'type ipv4_addr . ipv4_addr . inet_proto . inet_service'],
  ['map', 'service-ips', 'type ipv4_addr . inet_proto . inet_service : verdict'],
  ['map', 'service-nodeports', 'type inet_proto . inet_service : verdict'],
  ['map', 'no-endpoint-services', 'type ipv4_addr . inet_proto . inet_service : verdict'],
  ['map', 'no-endpoint-nodeports', 'type inet_proto . inet_service : verdict'],
  ['map', 'firewall-ips', 'type ipv4_addr . inet_proto . inet_service : verdict'],
];

const rules = [
  ['reject-chain', 'reject'],
  ['cluster-ips-check', 'ip daddr @cluster-ips reject'],
  ['service-endpoints-check', 'ip daddr . meta l4proto . th dport vmap @no-endpoint-services'],
  ['nodeport-endpoints-check', 'ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports'],
  ['firewall-check', 'ip daddr . meta l4proto . th dport vmap @firewall-ips'],
  ['filter-prerouting-pre-dnat', 'ct state new jump firewall-check'],
  ['filter-output-pre-dnat', 'ct state new jump firewall-check'],
  ['filter-input', 'ct state new jump nodeport-endpoints-check'],
  ['filter-input', 'ct state new jump service-endpoints-check'],
  ['filter-forward', 'ct state new jump service-endpoints-check'],
  ['filter-forward', 'ct state new jump cluster-ips-check'],
  ['filter-output', 'ct state new jump service-endpoints-check'],
  ['filter-output', 'ct state new jump cluster-ips-check'],
  ['nat-prerouting', 'jump services'],
  ['nat-output', 'jump services'],
  ['nat-postrouting', 'jump masquerading'],
];

const dispatch = [
  ['services', 'ip daddr . meta l4proto . th dport vmap @service-ips'],
  ['services', 'ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports'],
];

/**
 * What kube-proxy's table has besides Services: base chains, sets, maps and the rules between them, as 1.38 has them.
 * Until 1.35 some base chains had another priority; a packet passes as many.
 *
 * @param {string[][]} ownRules rules that the releases do not share, chain and text; they come before the dispatch
 * @returns {string} nft commands, one on a line
 */
export function writeFixedPart(ownRules) {
  const written = [...rules, ...ownRules, ...dispatch];
  const base = new Set(baseChains.map(([name]) => name));
  const regular = [...new Set(written.map(([chain]) => chain))].filter((chain) => !base.has(chain));
  const lines = [
    'add table ip kube-proxy',
    ...baseChains.map(
      ([name, type, hook, priority]) =>
        `add chain ip kube-proxy ${name} { type ${type} hook ${hook} priority ${priority} ; }`,
    ),
    ...regular.map((name) => `add chain ip kube-proxy ${name}`),
    ...sets.map(([kind, name, type]) => `add ${kind} ip kube-proxy ${name} { ${type} ; }`),
    `add element ip kube-proxy nodeport-ips { ${nodeAddress} }`,
    ...written.map(([chain, rule]) => `add rule ip kube-proxy ${chain} ${rule}`),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The same text for the table of IPv6: kube-proxy, too, writes both families with the same rules.
 *
 * @param {string} text
 */
export function toIPv6(text) {
  return text
    .replaceAll(clusterCIDR, clusterCIDR6)
    .replaceAll(nodeAddress, '2001:db8::11')
    .replaceAll('ipv4_addr', 'ipv6_addr')
    .replaceAll(/\bip (?=kube-proxy|saddr|daddr|addr)/g, 'ip6 ');
}
