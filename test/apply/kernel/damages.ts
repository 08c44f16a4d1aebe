import type { Damage } from './damage.ts';
import { intrusions } from './intrusions.ts';
import { losses } from './losses.ts';

/** What takes a new table, or at least new sets and chains. */
const otherTypes: readonly Damage[] = [
  { name: 'a named counter', commands: 'add counter TABLE mine', said: /found: .*counter mine/ },
  { name: 'a sleeping table', commands: 'add table TABLE { flags dormant; }', said: /found: .*svc2nft/ },
  {
    name: 'a base chain at another place',
    commands: `delete chain TABLE nat-prerouting
      add chain TABLE nat-prerouting { type nat hook prerouting priority -90; }
      add rule TABLE nat-prerouting jump services`,
    said: /found: .*nat-prerouting/,
  },
  {
    name: 'a base chain that drops',
    commands: 'add chain TABLE refusals-output { policy drop; }',
    said: /found: .*refusals-output/,
  },
  {
    name: 'a base chain that is none any more',
    commands: `delete chain TABLE refusals-output
      add chain TABLE refusals-output`,
    said: /found: .*refusals-output/,
  },
  {
    name: 'a set with other types',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ether_addr; elements = { 00:01:02:03:04:05 }; }`,
    said: /found: .*firewall-ips/,
  },
  {
    name: 'a set with other flags',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ipv4_addr . inet_proto . inet_service; flags timeout; timeout 1h; }`,
    said: /found: .*firewall-ips/,
  },
  {
    name: 'a set with another comment',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ipv4_addr . inet_proto . inet_service; comment "mine"; }`,
    said: /found: .*firewall-(ips|check)/,
  },
  {
    name: 'another table of the same name',
    commands: `delete table TABLE
      add table TABLE
      add set TABLE cluster-ips { type ether_addr; }
      add map TABLE service-ips { type ipv4_addr : ipv4_addr; elements = { 10.0.0.1 : 10.0.0.2 }; }
      add chain TABLE services { type filter hook prerouting priority 5; policy drop; }
      add chain TABLE tcp-cluster-3 { type route hook output priority 5; }
      add counter TABLE pin
      add rule TABLE services ip saddr { 10.0.0.1 } counter name pin jump { drop; }`,
    said: /found: .*services/,
  },
  {
    // Nor has it our comment, but nft 1.0.6 does not tell.
    name: 'an empty table of the same name',
    commands: `delete table TABLE
      add table TABLE { comment "Kubernetes Services, by svc2nft"; }`,
    said: /found: the table has no base chains, so no packet passes it; an apply that was interrupted leaves it like this$/m,
  },
];

/** Ways to break the tables of the snapshot in rich-snapshot.ts. */
export const damages: readonly Damage[] = [
  { name: 'the table is gone', commands: 'delete table TABLE', said: /^table ip svc2nft: created \(/ },
  {
    name: 'the rejections are those of an older version',
    commands: `flush chain TABLE reject-chain
      add rule TABLE reject-chain reject
      flush chain TABLE outgoing-refusals
      add rule TABLE outgoing-refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      add rule TABLE outgoing-refusals ip daddr @cluster-ips reject
      add rule TABLE outgoing-refusals ip daddr @service-cidrs drop`,
    said: /^table ip svc2nft: changed \(2 chains /,
  },
  {
    name: 'the chains are those of an older version',
    commands: `delete chain TABLE refusals-prerouting
      delete chain TABLE refusals-output
      delete chain TABLE incoming-refusals
      delete chain TABLE outgoing-refusals
      flush chain TABLE nat-postrouting
      delete set TABLE hairpin-connections
      add set TABLE hairpin-connections { type ipv4_addr . ipv4_addr . inet_proto . inet_service; }
      add element TABLE hairpin-connections { 10.244.1.11 . 10.244.1.11 . tcp . 8080 }
      add chain TABLE refusals
      add chain TABLE input-refusals
      add chain TABLE masquerading
      add chain TABLE filter-input { type filter hook input priority 0; policy accept; }
      add chain TABLE filter-forward { type filter hook forward priority 0; policy accept; }
      add chain TABLE filter-output { type filter hook output priority 0; policy accept; }
      add rule TABLE refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      add rule TABLE refusals ip daddr @cluster-ips goto reject-chain
      add rule TABLE refusals ip daddr @service-cidrs drop
      add rule TABLE input-refusals ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
      add rule TABLE input-refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      add rule TABLE masquerading meta mark and 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random
      add rule TABLE masquerading ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
      add rule TABLE filter-input ct state new ct status and dnat == 0 jump input-refusals
      add rule TABLE filter-forward ct state new ct status and dnat == 0 jump refusals
      add rule TABLE filter-output ct state new ct status and dnat == 0 jump refusals
      add rule TABLE nat-postrouting jump masquerading`,
    said: /^table ip svc2nft: changed [\s\S]*found: unknown chain masquerading/,
  },
  {
    name: 'both tables are gone',
    commands: 'delete table TABLE\ndelete table ip6 svc2nft',
    said: /^table ip svc2nft: created [\s\S]*^table ip6 svc2nft: created /m,
  },
  {
    name: 'the table of the other family is changed',
    commands: `flush chain ip6 svc2nft services
      add chain ip6 svc2nft mine
      add element ip6 svc2nft cluster-ips { fd00:10:96::77 }
      delete element ip6 svc2nft service-ips { fd00:10:96::10 . tcp . 80 }`,
    said: /^table ip6 svc2nft: [\s\S]*found: .*mine/m,
  },
  {
    name: 'all chains of the other family are empty',
    commands: 'flush table ip6 svc2nft',
    said: /^table ip6 svc2nft: [\s\S]*found: .* is empty/m,
  },
  ...losses,
  ...intrusions,
  ...otherTypes,
].map((damage) => ({ ...damage, commands: damage.commands.replaceAll('TABLE', 'ip svc2nft') }));
