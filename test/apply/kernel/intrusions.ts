import { type Damage, likeAChange } from './damage.ts';

/** Something is there that svc2nft never writes. */
export const intrusions: readonly Damage[] = [
  {
    name: 'a foreign frontend',
    commands: 'add element TABLE service-ips { 10.96.0.77 . tcp . 80 : goto tcp-cluster-3 }',
    said: /found: .*service-ips has .*10\.96\.0\.77/,
  },
  {
    name: 'a frontend with another verdict',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : drop }`,
    said: likeAChange,
  },
  {
    name: 'a frontend with a unknown verdict',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : accept }`,
    said: /found: .*service-ips/,
  },
  {
    name: 'a frontend with another comment',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 comment "mine" : goto tcp-cluster-3 }`,
    said: likeAChange,
  },
  {
    name: 'foreign elements in sets',
    commands: `add element TABLE cluster-ips { 10.96.0.77 }
      add element TABLE service-cidrs { 10.99.0.0/24 }
      add element TABLE hairpin-connections { 10.244.1.77 . 10.244.1.77 }
      add element TABLE firewall-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE firewall-sources { 10.96.0.10 . tcp . 80-90 . 10.9.0.0-10.9.0.7 }
      add element TABLE nodeport-ips { 192.0.2.77 }
      add element TABLE tcp-sticky-10800 { 10.96.0.10 . 80 . 10.244.0.10 . 8080 }`,
    said: /found: .*cluster-ips has .*10\.96\.0\.77/,
  },
  {
    name: 'an endpoint that no number leads to',
    commands: 'add element TABLE tcp-endpoints { 10.96.0.10 . 80 . 7 : 10.244.0.77 . 8080 }',
    said: /found: .*tcp-endpoints has .*10\.96\.0\.10 \. 80 \. 7/,
  },
  {
    name: 'an endpoint more than there are',
    commands: 'add element TABLE tcp-endpoints { 10.96.0.10 . 80 . 3 : 10.244.0.77 . 8080 }',
    said: likeAChange,
  },
  {
    name: 'another endpoint',
    commands: `delete element TABLE tcp-endpoints { 10.96.0.10 . 80 . 0 }
      add element TABLE tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.0.77 . 8080 }`,
    said: likeAChange,
  },
  {
    name: 'endpoints without a frontend',
    commands: 'add element TABLE tcp-endpoints { 10.96.0.77 . 80 . 0 : 10.244.0.77 . 8080 }',
    said: likeAChange,
  },
  {
    name: 'ranges that cover ours',
    commands: `flush set TABLE service-cidrs
      add element TABLE service-cidrs { 10.0.0.0/8 }
      flush set TABLE firewall-sources
      add element TABLE firewall-sources { 198.51.100.50 . tcp . 80 . 0.0.0.0/0 }`,
    said: likeAChange,
  },
  { name: 'a foreign chain', commands: 'add chain TABLE mine', said: /found: .*chain mine/ },
  {
    name: 'foreign chains that use ours, and each other',
    commands: `add chain TABLE mine
      add chain TABLE yours
      add rule TABLE mine jump services
      add rule TABLE mine goto yours
      add rule TABLE yours ip daddr @cluster-ips drop`,
    said: /found: .*chain mine.*\n {2}found: unknown chain yours/,
  },
  {
    name: 'a foreign chain that a frontend leads to',
    commands: `add chain TABLE mine
      add rule TABLE mine drop
      delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 : goto mine }`,
    said: /found: .*chain mine/,
  },
  {
    name: 'a foreign base chain',
    commands: 'add chain TABLE mine { type filter hook input priority 3; }',
    said: /found: .*mine/,
  },
  {
    name: 'a rule before ours',
    commands: 'insert rule TABLE services ip daddr 10.96.0.10 accept',
    said: /found: .*services/,
  },
  { name: 'a rule after ours', commands: 'add rule TABLE services counter', said: /found: .*services/ },
  {
    name: 'an existing rule twice',
    commands: 'add rule TABLE nat-prerouting jump services',
    said: /found: .*nat-prerouting/,
  },
  {
    name: 'a rule in a chain of a Service',
    commands: 'insert rule TABLE tcp-cluster-3 ip saddr 10.9.9.9 drop',
    said: /found: .*tcp-cluster-3/,
  },
  {
    name: 'a rule with things of its own',
    commands: `add set TABLE mine { type ipv4_addr; }
      add chain TABLE yours
      add rule TABLE refusals-prerouting ip saddr @mine jump yours
      add rule TABLE refusals-prerouting ip saddr { 10.9.9.1, 10.9.9.2 } counter comment "mine"`,
    said: /found: .*refusals-prerouting/,
  },
  { name: 'a foreign set', commands: 'add set TABLE mine { type ipv4_addr; }', said: /found: .*mine/ },
  {
    name: 'a foreign verdict map',
    commands: 'add map TABLE mine { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto services }; }',
    said: /found: .*mine/,
  },
];
