/** Something that somebody else does to our tables. */
export interface Damage {
  readonly name: string;
  /** For `nft -f`; `TABLE` is `ip svc2nft`. */
  readonly commands: string;
  /** What `apply` must say about it. */
  readonly said: RegExp;
}

/** What names a Service looks as if that had changed, so there is nothing that `apply` could know of. */
const likeAChange = /^table ip svc2nft: changed \((?![\s\S]*found)/;

const lost: readonly Damage[] = [
  { name: 'a base chain is gone', commands: 'delete chain TABLE filter-input', said: /filter-input/ },
  { name: 'the base chain that translates is gone', commands: 'delete chain TABLE nat-prerouting', said: /nat-prer/ },
  { name: 'a chain is empty', commands: 'flush chain TABLE services', said: /chain services/ },
  { name: 'a chain of a Service is empty', commands: 'flush chain TABLE tcp-cluster-3', said: /chain tcp-cluster-3/ },
  {
    name: 'a chain of a Service is gone',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      delete chain TABLE tcp-cluster-3`,
    said: likeAChange,
  },
  { name: 'all chains are empty', commands: 'flush table TABLE', said: /chain tcp-cluster-2 is empty/ },
  {
    name: 'a frontend is gone',
    commands: 'delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }',
    said: likeAChange,
  },
  { name: 'a map is empty', commands: 'flush map TABLE service-ips', said: likeAChange },
  {
    name: 'an endpoint is gone',
    commands: 'delete element TABLE tcp-endpoints { 10.96.0.10 . 80 . 1 }',
    said: /found: tcp-endpoints/,
  },
  {
    name: 'the last endpoint is gone',
    commands: 'delete element TABLE tcp-endpoints { 10.96.0.10 . 80 . 2 }',
    said: likeAChange,
  },
  {
    name: 'elements of other sets are gone',
    commands: `delete element TABLE cluster-ips { 10.96.0.10 }
      delete element TABLE service-cidrs { 10.96.0.0/16 }
      delete element TABLE hairpin-connections { 10.244.1.11 . 10.244.1.11 . tcp . 8080 }
      delete element TABLE firewall-ips { 198.51.100.50 . tcp . 80 }
      delete element TABLE firewall-sources { 198.51.100.50 . tcp . 80 . 203.0.113.0/24 }
      delete element TABLE service-nodeports { tcp . 30080 }
      delete element TABLE no-endpoint-services { 10.96.0.40 . tcp . 80 }
      delete element TABLE no-endpoint-nodeports { tcp . 30082 }
      delete element TABLE nodeport-ips { 192.0.2.11 }
      delete element TABLE tcp-sticky-10800 { 10.96.0.30 . 80 . 10.244.0.30 . 8080 }`,
    said: likeAChange,
  },
  {
    name: 'the set of pins is gone',
    commands: `flush chain TABLE tcp-sticky-cluster-2
      flush chain TABLE pin-tcp
      delete map TABLE tcp-pins`,
    said: /pin/,
  },
];

const foreign: readonly Damage[] = [
  {
    name: 'a foreign frontend',
    commands: 'add element TABLE service-ips { 10.96.0.77 . tcp . 80 : goto tcp-cluster-3 }',
    said: /service-ips has .*10\.96\.0\.77/,
  },
  {
    name: 'a frontend with another verdict',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : drop }`,
    said: likeAChange,
  },
  {
    name: 'a frontend with a verdict that is none of ours',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : accept }`,
    said: /service-ips/,
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
      add element TABLE hairpin-connections { 10.244.1.77 . 10.244.1.77 . tcp . 8080 }
      add element TABLE firewall-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE firewall-sources { 10.96.0.10 . tcp . 80-90 . 10.9.0.0-10.9.0.7 }
      add element TABLE nodeport-ips { 192.0.2.77 }
      add element TABLE tcp-sticky-10800 { 10.96.0.10 . 80 . 10.244.0.10 . 8080 }`,
    said: /cluster-ips has .*10\.96\.0\.77/,
  },
  {
    name: 'an endpoint that no number leads to',
    commands: 'add element TABLE tcp-endpoints { 10.96.0.10 . 80 . 7 : 10.244.0.77 . 8080 }',
    said: /tcp-endpoints has .*10\.96\.0\.10 \. 80 \. 7/,
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
    name: 'endpoints of nobody',
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
  { name: 'a foreign chain', commands: 'add chain TABLE mine', said: /chain mine/ },
  {
    name: 'foreign chains that use ours, and each other',
    commands: `add chain TABLE mine
      add chain TABLE yours
      add rule TABLE mine jump services
      add rule TABLE mine goto yours
      add rule TABLE yours ip daddr @cluster-ips drop`,
    said: /chain mine[\s\S]*chain yours/,
  },
  {
    name: 'a foreign chain that a frontend leads to',
    commands: `add chain TABLE mine
      add rule TABLE mine drop
      delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      add element TABLE service-ips { 10.96.0.10 . tcp . 80 : goto mine }`,
    said: /chain mine/,
  },
  {
    name: 'a foreign base chain',
    commands: 'add chain TABLE mine { type filter hook input priority 3; }',
    said: /mine/,
  },
  { name: 'a rule before ours', commands: 'insert rule TABLE services ip daddr 10.96.0.10 accept', said: /services/ },
  { name: 'a rule after ours', commands: 'add rule TABLE services counter', said: /services/ },
  { name: 'a rule of ours twice', commands: 'add rule TABLE nat-prerouting jump services', said: /nat-prerouting/ },
  {
    name: 'a rule in a chain of a Service',
    commands: 'insert rule TABLE tcp-cluster-3 ip saddr 10.9.9.9 drop',
    said: /tcp-cluster-3/,
  },
  {
    name: 'a rule with things of its own',
    commands: `add set TABLE mine { type ipv4_addr; }
      add chain TABLE yours
      add rule TABLE filter-input ip saddr @mine jump yours
      add rule TABLE filter-input ip saddr { 10.9.9.1, 10.9.9.2 } counter comment "mine"`,
    said: /filter-input/,
  },
  { name: 'a foreign set', commands: 'add set TABLE mine { type ipv4_addr; }', said: /mine/ },
  {
    name: 'a foreign verdict map',
    commands: 'add map TABLE mine { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto services }; }',
    said: /mine/,
  },
];

const otherTypes: readonly Damage[] = [
  { name: 'a named counter', commands: 'add counter TABLE mine', said: /counter mine/ },
  { name: 'a sleeping table', commands: 'add table TABLE { flags dormant; }', said: /svc2nft/ },
  {
    name: 'a base chain at another place',
    commands: `delete chain TABLE nat-prerouting
      add chain TABLE nat-prerouting { type nat hook prerouting priority -90; }
      add rule TABLE nat-prerouting jump services`,
    said: /nat-prerouting/,
  },
  {
    name: 'a base chain that drops',
    commands: 'add chain TABLE filter-forward { policy drop; }',
    said: /filter-forward/,
  },
  {
    name: 'a base chain that is none any more',
    commands: `delete chain TABLE filter-forward
      add chain TABLE filter-forward`,
    said: /filter-forward/,
  },
  {
    name: 'a set with other types',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ether_addr; elements = { 00:01:02:03:04:05 }; }`,
    said: /firewall-ips/,
  },
  {
    name: 'a set with other flags',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ipv4_addr . inet_proto . inet_service; flags timeout; timeout 1h; }`,
    said: /firewall-ips/,
  },
  {
    name: 'a set with another comment',
    commands: `flush chain TABLE firewall-check
      delete set TABLE firewall-ips
      add set TABLE firewall-ips { type ipv4_addr . inet_proto . inet_service; comment "mine"; }`,
    said: /firewall-(ips|check)/,
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
    said: /services/,
  },
  {
    // Nor has it our comment, but nft 1.0.6 does not tell.
    name: 'an empty table of the same name',
    commands: `delete table TABLE
      add table TABLE { comment "Kubernetes Services, by svc2nft"; }`,
    said: /chain services is missing/,
  },
];

/** Ways to break the tables of the snapshot in rich-snapshot.ts. */
export const damages: readonly Damage[] = [
  { name: 'the table is gone', commands: 'delete table TABLE', said: /^table ip svc2nft: made \(/ },
  {
    name: 'both tables are gone',
    commands: 'delete table TABLE\ndelete table ip6 svc2nft',
    said: /^table ip svc2nft: made [\s\S]*^table ip6 svc2nft: made /m,
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
  ...lost,
  ...foreign,
  ...otherTypes,
].map((damage) => ({ ...damage, commands: damage.commands.replaceAll('TABLE', 'ip svc2nft') }));
