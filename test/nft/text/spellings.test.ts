import { describe, expect, test } from 'vitest';
import type { ListedTable } from '../../../src/nft/listed-table.ts';
import type { FilledSet, Hook, Rule } from '../../../src/nft/ruleset.ts';
import { parseOne } from './parse-one.ts';

function parse(body: string, family: 'ip' | 'ip6' = 'ip'): ListedTable | undefined {
  return parseOne(`table ${family} svc2nft {\n${body}\n}`, { family, table: 'svc2nft' });
}

function parseRule(text: string, family?: 'ip' | 'ip6'): Rule | undefined {
  return parse(`chain c {\n\t\t${text}\n\t}`, family)?.ruleset.chains[0]?.rules[0];
}

function parseSet(text: string): FilledSet | undefined {
  return parse(text)?.ruleset.sets[0];
}

const from = { kind: 'address', field: 'saddr' } as const;
const to = { kind: 'address', field: 'daddr' } as const;
const tcpPort = { kind: 'dport', protocol: 'tcp' } as const;

/** Versions of nft print the same rule in different ways, and compile prints it in yet another. */
describe('several spellings of one rule', () => {
  const spellings: readonly (readonly [Rule, readonly string[]])[] = [
    [
      [{ kind: 'set-mark', operator: 'or', mark: 0x4000 }],
      [
        'meta mark set meta mark | 0x00004000',
        'meta mark set meta mark or 0x4000',
        'meta mark set meta mark | 16384',
        'meta mark set meta mark | 0x00004000 # handle 7',
      ],
    ],
    [
      [{ kind: 'match-mark', mark: 0x4000 }, { kind: 'masquerade' }],
      [
        'meta mark & 0x00004000 != 0x00000000 masquerade fully-random',
        'meta mark and 0x00004000 != 0 masquerade fully-random',
      ],
    ],
    [
      [{ kind: 'match-mark', mark: 2 ** 31 }, { kind: 'drop' }],
      ['meta mark != 0x00000000/1 drop', 'meta mark & 0x80000000 != 0 drop'],
    ],
    [
      [{ kind: 'match-set', key: [{ kind: 'ct-original-daddr' }], set: 'nodeport-ips' }, { kind: 'return' }],
      ['ct original ip daddr @nodeport-ips return', 'ct original ip daddr == @nodeport-ips return'],
    ],
    [
      [{ kind: 'match-set', key: [{ kind: 'ct-original-daddr' }], negated: true, set: 'a' }, { kind: 'return' }],
      ['ct original ip daddr != @a return'],
    ],
    [
      [{ kind: 'match', left: { kind: 'ct-state' }, right: 'new' }, { kind: 'return' }],
      ['ct state new return', 'ct state 0x8 return', 'ct state 8 return'],
    ],
    [
      [{ kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' }, { kind: 'drop' }],
      ['ct status dnat drop', 'ct status 0x20 drop', 'ct status 32 drop'],
    ],
    [
      [{ kind: 'match', left: { kind: 'ct-status' }, negated: true, right: 'dnat' }, { kind: 'drop' }],
      ['ct status ! dnat drop', 'ct status ! 0x20 drop', 'ct status !dnat drop'],
    ],
    [
      [{ kind: 'match', left: { kind: 'iifname' }, negated: true, right: '@eth0*' }, { kind: 'drop' }],
      ['iifname != "@eth0*" drop', 'meta iifname != "@eth0*" drop'],
    ],
    [
      [{ kind: 'dnat', protocol: 'tcp', address: '10.0.0.1', port: 80 }],
      ['meta l4proto tcp dnat to 10.0.0.1:80', 'meta l4proto 6 dnat ip to 10.0.0.1:80'],
    ],
    [
      [{ kind: 'update', set: 'pins', key: [from], value: [to, tcpPort], timeoutSeconds: 10800 }],
      [
        'update @pins { ip saddr timeout 3h : ip daddr . tcp dport }',
        'update @pins { ip saddr timeout 10800s : ip daddr . tcp dport }',
        'update @pins {ip saddr timeout 2h59m60s : ip daddr . tcp dport}',
      ],
    ],
    [
      [{ kind: 'reject' }],
      ['reject', 'reject with icmp port-unreachable', 'reject with icmp type port-unreachable', 'reject with icmp 3'],
    ],
    [[{ kind: 'tcp-reset' }], ['reject with tcp reset', 'meta l4proto tcp reject with tcp reset']],
    [
      [{ kind: 'match-set', key: [to], set: 'cluster-ips' }, { kind: 'tcp-reset' }],
      ['ip daddr @cluster-ips reject with tcp reset', 'ip daddr @cluster-ips meta l4proto 6 reject with tcp reset'],
    ],
    [
      [{ kind: 'random-goto', chains: ['a', 'b'] }],
      ['numgen random mod 2 vmap { 0 : goto a, 1 : goto b }', 'numgen random mod 2 vmap {0 : goto a,\n1 : goto b }'],
    ],
    [
      [
        { kind: 'match', left: from, right: '10.0.0.0/8' },
        { kind: 'goto', chain: 'a' },
      ],
      ['ip saddr 10.0.0.0/8 goto a', 'ip saddr == 10.0.0.0/8 goto a;', 'ip saddr 10.0.0.0/8 goto a\r'],
    ],
  ];
  test.each(spellings)('%j', (rule, texts) => {
    for (const text of texts) {
      expect(parseRule(text), text).toEqual(rule);
    }
  });

  test('IPv6 destinations are in brackets', () => {
    expect(parseRule('meta l4proto udp dnat ip6 to [fd00::1]:53', 'ip6')).toEqual([
      { kind: 'dnat', protocol: 'udp', address: 'fd00::1', port: 53 },
    ]);
  });
});

describe('rules that svc2nft never writes are not understood', () => {
  test.each([
    'accept',
    'counter packets 0 bytes 0 drop',
    'ip daddr "@cluster-ips" drop',
    'iifname @names drop',
    'iifname { "a", "b" } drop',
    'ct state established,new drop',
    'ct state ! new drop',
    'ct status != dnat drop',
    'ct status == dnat drop',
    'ct status ! snat drop',
    'ct status ! dnat,snat drop',
    'ct status and dnat == 0 drop',
    'ip daddr ! 10.0.0.1 drop',
    'ip saddr . drop',
    'ip saddr & 255.0.0.0 10.0.0.0 drop',
    'ip saddr and 5 10.0.0.1 drop',
    'ip saddr . ip daddr & 5 @pins drop',
    'meta mark set meta mark',
    'meta mark set meta mark | soon',
    'ip saddr . ip daddr set meta mark | 4',
    'ip saddr 10.0.0.1-10.0.0.9 drop',
    'ip6 saddr fd00::1 drop',
    'dnat to 10.0.0.1',
    'dnat to 10.0.0.1:80',
    'meta l4proto tcp dnat to 10.0.0.1:80-90',
    'meta l4proto tcp dnat to 10.0.0.1:80 persistent',
    'dnat ip to ip daddr . tcp dport map { 10.0.0.1 . 80 : 10.0.0.2 . 80 }',
    'snat to 10.0.0.1',
    'masquerade',
    'masquerade random,fully-random',
    'reject with tcp',
    'reject with tcp type reset',
    'reject with reset tcp',
    'reject with icmp host-unreachable',
    'reject with icmpv6 port-unreachable',
    'reject with icmpx port-unreachable',
    'numgen inc mod 2 vmap { 0 : goto a, 1 : goto b }',
    'numgen random mod 2 offset 1 vmap { 1 : goto a, 2 : goto b }',
    'numgen random mod 3 vmap { 0 : goto a, 1 : goto b }',
    'meta mark set 0x00004000',
    'meta mark set meta mark & 0x00004000',
    'update @pins { ip saddr timeout soon }',
    'add @pins { ip saddr }',
    'jump {\n\t\t\tdrop\n\t\t}',
    'goto',
    'fib daddr . iif type local drop',
    'log prefix "; }" drop',
  ])('%s', (text) => {
    const listing = parse(`chain c {\n\t\tdrop\n\t\t${text}\n\t\treturn\n\t}`);
    expect(listing?.ruleset.chains[0]?.rules).toEqual([[{ kind: 'drop' }], [], [{ kind: 'return' }]]);
    expect(listing?.deviations).toEqual([
      { message: 'chain c: rule 2 is not understood', chain: 'c', needsRebuild: false },
    ]);
  });
});

describe('quoted text in the rules of other programs is text, whatever it contains', () => {
  const texts = ['}', '{', '};', 'drop', '} chain d { drop', '# no comment', 'comment', 'a\n}', ''];
  // svc2nft gives no rule a comment.
  test.each(texts)('comment %j', (text) => {
    const listing = parse(`chain c {\n\t\tlog comment "${text}"\n\t\tdrop comment "${text}"\n\t\treturn\n\t}`);
    expect(listing?.ruleset.chains).toEqual([{ name: 'c', rules: [[], [], [{ kind: 'return' }]] }]);
    expect(listing?.deviations.map(({ message }) => message)).toEqual([
      'chain c: rule 1 has a comment',
      'chain c: rule 2 has a comment',
    ]);
  });

  test.each(texts.filter((text) => text !== ''))('instead of a word, %j', (text) => {
    const listing = parse(`chain c {\n\t\t"${text}"\n\t\tip daddr "${text}" drop\n\t\treturn\n\t}`);
    expect(listing?.ruleset.chains).toEqual([{ name: 'c', rules: [[], [], [{ kind: 'return' }]] }]);
  });

  test.each(['drop', 'return', 'jump', 'type', 'policy', 'comment', 'counter', 'ip', 'meta'])('the word %s', (word) => {
    const listing = parse(`chain c {\n\t\t"${word}"\n\t\treturn\n\t}`);
    expect(listing?.ruleset.chains).toEqual([{ name: 'c', rules: [[], [{ kind: 'return' }]] }]);
    expect(listing?.deviations.map(({ message }) => message)).toEqual(['chain c: rule 1 is not understood']);
  });

  test.each(texts)('of another table, %j', (text) => {
    const other = `table ip other {\n\tchain c {\n\t\tcounter drop comment "${text}"\n\t}\n}\n`;
    const own = 'table ip svc2nft {\n\tchain d {\n\t\tdrop\n\t}\n}\n';
    const chains = [{ name: 'd', rules: [[{ kind: 'drop' }]] }];
    const name = { family: 'ip', table: 'svc2nft' } as const;
    expect(parseOne(other + own, name)?.ruleset.chains).toEqual(chains);
    expect(parseOne(own + other, name)?.ruleset.chains).toEqual(chains);
  });
});

test.each<[string, Hook]>([
  ['type nat hook prerouting priority dstnat', { type: 'nat', hook: 'prerouting', priority: -100 }],
  ['type filter hook prerouting priority dstnat - 10', { type: 'filter', hook: 'prerouting', priority: -110 }],
  ['type filter hook prerouting priority dstnat + 1', { type: 'filter', hook: 'prerouting', priority: -99 }],
  ['type filter hook forward priority filter', { type: 'filter', hook: 'forward', priority: 0 }],
  ['type filter hook output priority -110', { type: 'filter', hook: 'output', priority: -110 }],
  ['type filter hook output priority mangle+7', { type: 'filter', hook: 'output', priority: -143 }],
  ['type nat hook postrouting priority srcnat', { type: 'nat', hook: 'postrouting', priority: 100 }],
  ['type filter hook prerouting priority raw', { type: 'filter', hook: 'prerouting', priority: -300 }],
  ['type filter hook prerouting priority mangle', { type: 'filter', hook: 'prerouting', priority: -150 }],
  ['type filter hook input priority security', { type: 'filter', hook: 'input', priority: 50 }],
])('%s', (text, hook) => {
  const { ruleset, deviations } = parse(`chain c {\n\t\t${text}; policy accept;\n\t}`) ?? {};
  expect(ruleset?.chains).toEqual([{ name: 'c', hook, rules: [] }]);
  expect(deviations).toEqual([]);
});

test('an unknown priority is a deviation', () => {
  const { deviations } = parse('chain c { type nat hook output priority early - 3; policy drop; }') ?? {};
  expect(deviations?.map(({ message }) => message)).toEqual([
    'chain c: unexpected type nat hook output priority early - 3',
    'chain c: unexpected policy drop',
  ]);
});

describe('sets', () => {
  test('on one line, over several lines, with counts and handles, with a trailing comma', () => {
    const set = { name: 's', key: ['address', 'port'], size: 65535, comment: 'c' };
    const elements = [{ key: '10.0.0.1 . 80' }, { key: '10.0.0.2 . 81', comment: 'x' }];
    const texts = [
      'set s { type ipv4_addr . inet_service; size 65535; comment "c"; elements = { 10.0.0.1 . 80, 10.0.0.2 . 81 comment "x" }; }',
      'set s { # handle 3\ntype ipv4_addr . inet_service\nsize 65535\t# count 2\ncomment "c"\nelements = { 10.0.0.1 . 80,\n\t\t     10.0.0.2 . 81 comment "x" }\n}',
      'set s {\ntype ipv4_addr . inet_service\nsize 65535\ncomment "c"\nelements = {\n10.0.0.1 . 80,\n10.0.0.2 . 81 comment "x",\n}\n}',
    ];
    for (const text of texts) {
      expect(parseSet(text)).toEqual({ ...set, elements });
    }
  });

  test('pins with their times, in whole seconds', () => {
    const listing = parse(`map udp-pins {
      type ipv4_addr . ipv4_addr . inet_service : ipv4_addr . inet_service
      size 100
      flags dynamic,timeout
      comment "c"
      elements = { 10.1.1.1 . 10.0.0.1 . 53 timeout 3h expires 2h59m59s996ms : 10.2.2.2 . 5353,
           10.1.1.2 . 10.0.0.1 . 53 expires 500ms : 10.2.2.3 . 5353 }
    }`);
    expect(listing?.deviations).toEqual([]);
    expect(listing?.ruleset.sets[0]?.elements).toEqual([]);
    expect(listing?.ruleset.sets[0]?.flags).toEqual(['dynamic', 'timeout']);
    expect(listing?.dynamic.get('udp-pins')).toEqual([
      {
        key: '10.1.1.1 . 10.0.0.1 . 53',
        value: { address: '10.2.2.2', port: 5353 },
        timeoutSeconds: 10800,
        expiresSeconds: 10799,
      },
      { key: '10.1.1.2 . 10.0.0.1 . 53', value: { address: '10.2.2.3', port: 5353 }, expiresSeconds: 0 },
    ]);
  });

  test('types by example give the protocol and form lists of endpoints', () => {
    const text = `map m {
      typeof ip daddr . sctp dport . numgen random mod 2 : ip daddr . sctp dport
      elements = { 10.0.0.1 . 80 . 0x00000001 : 10.2.2.3 . 81, 10.0.0.1 . 80 . 0 : 10.2.2.2 . 81 }
    }`;
    expect(parseSet(text)).toMatchObject({
      key: ['address', 'port', 'index'],
      protocol: 'sctp',
      value: 'endpoint',
      elements: [],
      lists: [
        {
          key: '10.0.0.1 . 80',
          endpointAddresses: [
            { address: '10.2.2.2', port: 81 },
            { address: '10.2.2.3', port: 81 },
          ],
        },
      ],
    });
  });
});

test('a table of another name or family is ignored', () => {
  expect(parseOne('table ip6 svc2nft { }\ntable ip other { }', { family: 'ip', table: 'svc2nft' })).toBeUndefined();
});
