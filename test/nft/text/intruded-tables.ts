/** Tables with the name of svc2nft's that hold what another program may have put there, as nft 1.0.6 loads it. */
export const intrudedTables = `
table ip svc2nft {
  counter seen { }
  quota much { over 100 bytes }
  limit few { rate 3/second }
  ct helper ftp { type "ftp" protocol tcp; l3proto ip; }
  synproxy proxy { mss 1460
    wscale 7
  }
  map udp-pins { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr . inet_service; flags dynamic,timeout; size 100; comment "pins"; elements = { 10.1.1.1 . 10.96.0.1 . 53 timeout 1d2h30s500ms : 10.2.2.2 . 53 }
  }
  set sticky { type ipv4_addr; flags dynamic,timeout; timeout 3h; comment "c"; elements = { 10.0.0.1, 10.0.0.2 timeout 5m comment "x" }
  }
  set merging { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 11.0.0.1-11.0.0.9, 12.0.0.1 } }
  set collecting { type ipv4_addr; flags timeout; gc-interval 10s; timeout 1d2h30s500ms; elements = { 1.1.1.1 timeout 5s500ms } }
  set saving { type ipv4_addr; policy memory; }
  set counting { type ipv4_addr; counter; elements = { 10.0.0.1 counter packets 0 bytes 0 comment "x" } }
  set hardware { type ether_addr; elements = { 00:01:02:03:04:05 } }
  set interfaces { type ifname; elements = { "eth0" } ; }
  set protos { type inet_proto . inet_service; elements = { tcp . 80, icmp . 53, 99 . 65535 } }
  map counters { type ipv4_addr : counter; elements = { 10.0.0.1 : "seen" } }
  map marks { type ipv4_addr : mark; elements = { 10.0.0.1 : 7 } }
  map verdicts { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump other, 10.0.0.2 : accept, 10.0.0.3 : drop, 10.0.0.4 : goto other } }
  map stars { type ipv4_addr : verdict; flags interval; elements = { * : drop } }
  chain forwarding { type filter hook forward priority -7; policy drop; }
  chain services {
    comment "a chain's comment";
    numgen random mod 2 vmap { 0 : goto other, 1 : drop }
    iifname "@eth0" drop
    iifname "eth\\\\*" drop
    iifname "eth*" drop
    iifname lo drop
    meta mark and 0x80000000 != 0 drop
    reject with icmp port-unreachable
    reject with tcp reset
    reject with icmp host-unreachable
    meta l4proto tcp dnat to 10.0.0.1:80
    meta l4proto tcp dnat to 10.0.0.1:80 random
    ip saddr 10.0.0.0/9 drop
    ct state new,established drop
    fib daddr . iif type local drop
    fib saddr type local drop
    jump { drop; }
    tcp dport 80 drop
    log prefix "a;b}" drop
    drop comment "mine"
    ip daddr . tcp dport { 1.2.3.4 . 80, 5.6.7.8 . 90 } drop
    ip daddr . tcp dport vmap { 1.2.3.4 . 80 : drop }
  }
  chain other { }
}
table ip6 svc2nft { chain services { meta l4proto tcp dnat to [fd00::1]:80; ip6 saddr fd00::/8 drop; reject with icmpv6 port-unreachable ; }
}
`;
