import { type Damage, likeAChange } from './damage.ts';

/** Something is missing. */
export const losses: readonly Damage[] = [
  { name: 'a base chain is gone', commands: 'delete chain TABLE refusals-output', said: /found: .*refusals-output/ },
  {
    name: 'the base chain that translates is gone',
    commands: 'delete chain TABLE nat-prerouting',
    said: /found: .*nat-prer/,
  },
  { name: 'a chain is empty', commands: 'flush chain TABLE services', said: /found: .*chain services/ },
  {
    name: 'a chain of a Service is empty',
    commands: 'flush chain TABLE tcp-cluster-3',
    said: /found: .*chain tcp-cluster-3/,
  },
  {
    name: 'a chain of a Service is gone',
    commands: `delete element TABLE service-ips { 10.96.0.10 . tcp . 80 }
      delete chain TABLE tcp-cluster-3`,
    said: likeAChange,
  },
  { name: 'all chains are empty', commands: 'flush table TABLE', said: /found: .*chain tcp-cluster-2 is empty/ },
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
      delete element TABLE hairpin-connections { 10.244.1.11 . 10.244.1.11 }
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
    said: /found: .*pin/,
  },
];
