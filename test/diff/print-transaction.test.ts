import { describe, expect, test } from 'vitest';
import type { Family } from '../../src/net/network.ts';
import { type Command, printTransaction } from '../../src/nft/command.ts';
import type { SetDeclaration } from '../../src/nft/ruleset.ts';

function render(command: Command, family: Family = 'ip'): string {
  return printTransaction({ family, table: 'svc2nft', commands: [command] });
}

const endpointAddress = { address: '10.244.1.10', port: 8080 };
const plainSet: SetDeclaration = { name: 'cluster-ips', key: ['address'], comment: 'cluster IPs in use' };
const verdictMap: SetDeclaration = {
  name: 'service-ips',
  key: ['address', 'protocol', 'port'],
  value: 'verdict',
  comment: 'frontends',
};
const endpointMap: SetDeclaration = {
  name: 'tcp-endpoints',
  key: ['address', 'port', 'index'],
  value: 'endpoint',
  protocol: 'tcp',
  comment: 'endpoints',
};
const dynamicSet: SetDeclaration = {
  name: 'pinned/shop/web',
  key: ['address'],
  flags: ['dynamic', 'timeout'],
  size: 65535,
  timeoutSeconds: 900,
  comment: 'clients',
};

describe('a command', () => {
  const commands: [Command, string][] = [
    [{ kind: 'add-table', comment: 'by svc2nft' }, 'add table ip svc2nft { comment "by svc2nft"; }\n'],
    [{ kind: 'delete-table' }, 'add table ip svc2nft\ndelete table ip svc2nft\n'],
    [{ kind: 'flush-chain', chain: 'services' }, 'flush chain ip svc2nft services\n'],
    [{ kind: 'delete-chain', chain: 'tcp-cluster-2' }, 'delete chain ip svc2nft tcp-cluster-2\n'],
    [{ kind: 'add-chain', chain: { name: 'tcp-cluster-2', rules: [] } }, 'add chain ip svc2nft tcp-cluster-2\n'],
    [
      {
        kind: 'add-chain',
        chain: { name: 'nat-output', hook: { type: 'nat', hook: 'output', priority: -100 }, rules: [] },
      },
      'add chain ip svc2nft nat-output { type nat hook output priority -100; policy accept; }\n',
    ],
    [
      {
        kind: 'add-rule',
        chain: 'filter-input',
        rule: [
          { kind: 'match', left: { kind: 'ct-state' }, right: 'new' },
          { kind: 'jump', chain: 'check' },
        ],
      },
      'add rule ip svc2nft filter-input ct state new jump check\n',
    ],
    [
      { kind: 'add-set', set: plainSet },
      'add set ip svc2nft cluster-ips { type ipv4_addr; comment "cluster IPs in use"; }\n',
    ],
    [
      { kind: 'add-set', set: endpointMap },
      'add map ip svc2nft tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport; comment "endpoints"; }\n',
    ],
    [
      { kind: 'add-set', set: dynamicSet },
      'add set ip svc2nft pinned/shop/web { type ipv4_addr; flags dynamic,timeout; size 65535; timeout 900s; comment "clients"; }\n',
    ],
    [{ kind: 'delete-set', set: plainSet }, 'delete set ip svc2nft cluster-ips\n'],
    [{ kind: 'delete-set', set: verdictMap }, 'delete map ip svc2nft service-ips\n'],
    [{ kind: 'flush-set', set: 'service-cidrs' }, 'flush set ip svc2nft service-cidrs\n'],
    [
      { kind: 'add-elements', set: 'cluster-ips', elements: [{ key: '10.96.0.1', comment: 'shop/web' }] },
      'add element ip svc2nft cluster-ips { 10.96.0.1 comment "shop/web" }\n',
    ],
    [
      {
        kind: 'add-elements',
        set: 'service-ips',
        elements: [
          { key: '10.96.0.1 . tcp . 80', comment: 'shop/web', value: { kind: 'goto', chain: 'tcp-cluster-1' } },
          { key: '10.96.0.2 . tcp . 80', value: { kind: 'drop' } },
        ],
      },
      'add element ip svc2nft service-ips {\n' +
        '\t10.96.0.1 . tcp . 80 comment "shop/web" : goto tcp-cluster-1,\n' +
        '\t10.96.0.2 . tcp . 80 : drop\n' +
        '}\n',
    ],
    [
      { kind: 'add-elements', set: 'tcp-endpoints', elements: [{ key: '10.96.0.1 . 80 . 0', value: endpointAddress }] },
      'add element ip svc2nft tcp-endpoints { 10.96.0.1 . 80 . 0 : 10.244.1.10 . 8080 }\n',
    ],
    [
      {
        kind: 'delete-elements',
        set: 'tcp-endpoints',
        elements: [
          { key: '10.96.0.1 . 80 . 0', value: endpointAddress },
          { key: '10.96.0.1 . 80 . 1', comment: 'x' },
        ],
      },
      'delete element ip svc2nft tcp-endpoints {\n\t10.96.0.1 . 80 . 0,\n\t10.96.0.1 . 80 . 1\n}\n',
    ],
    [
      {
        kind: 'add-pins',
        set: 'tcp-pins',
        pins: [{ key: '192.0.2.1 . 10.96.0.1 . 80', value: endpointAddress, timeoutSeconds: 900, expiresSeconds: 12 }],
      },
      'add element ip svc2nft tcp-pins { 192.0.2.1 . 10.96.0.1 . 80 timeout 900s expires 12s : 10.244.1.10 . 8080 }\n',
    ],
    [
      { kind: 'add-pins', set: 'tcp-pinned', pins: [{ key: '192.0.2.1', timeoutSeconds: 9 }, { key: '192.0.2.2' }] },
      'add element ip svc2nft tcp-pinned {\n\t192.0.2.1 timeout 9s,\n\t192.0.2.2\n}\n',
    ],
  ];

  test.each(commands)('%j', (command, text) => {
    expect(render(command)).toBe(text);
  });

  test('has the words of its family', () => {
    expect(render({ kind: 'add-set', set: plainSet }, 'ip6')).toBe(
      'add set ip6 svc2nft cluster-ips { type ipv6_addr; comment "cluster IPs in use"; }\n',
    );
    expect(
      render(
        { kind: 'add-rule', chain: 'a', rule: [{ kind: 'dnat', protocol: 'udp', address: 'fd00::1', port: 53 }] },
        'ip6',
      ),
    ).toBe('add rule ip6 svc2nft a meta l4proto udp dnat to [fd00::1]:53\n');
  });
});

test('commands come one after the other, and none is nothing', () => {
  const commands: Command[] = [
    { kind: 'flush-chain', chain: 'b' },
    { kind: 'delete-chain', chain: 'a' },
  ];
  expect(printTransaction({ family: 'ip6', table: 'mine', commands })).toBe(
    'flush chain ip6 mine b\ndelete chain ip6 mine a\n',
  );
  expect(printTransaction({ family: 'ip', table: 'mine', commands: [] })).toBe('');
});

describe.each(['a; flush ruleset', 'a b', 'a\nb', '1a', '', 'a}', `a${'b'.repeat(255)}`])(
  'the hostile name %j',
  (name) => {
    const commands: Command[] = [
      { kind: 'flush-chain', chain: name },
      { kind: 'delete-chain', chain: name },
      { kind: 'add-chain', chain: { name, rules: [] } },
      { kind: 'add-rule', chain: name, rule: [{ kind: 'drop' }] },
      { kind: 'add-rule', chain: 'a', rule: [{ kind: 'goto', chain: name }] },
      { kind: 'add-rule', chain: 'a', rule: [{ kind: 'vmap', key: [{ kind: 'l4proto' }], map: name }] },
      { kind: 'add-set', set: { ...plainSet, name } },
      { kind: 'delete-set', set: { ...plainSet, name } },
      { kind: 'flush-set', set: name },
      { kind: 'add-elements', set: name, elements: [{ key: '10.96.0.1' }] },
      { kind: 'delete-elements', set: name, elements: [{ key: '10.96.0.1' }] },
      { kind: 'add-pins', set: name, pins: [{ key: '10.96.0.1' }] },
    ];

    test.each(commands)('is refused: $kind', (command) => {
      expect(() => render(command)).toThrow('is not an nft identifier');
    });

    test('is refused: table', () => {
      const all: Command[] = [
        { kind: 'add-table', comment: 'x' },
        { kind: 'delete-table' },
        { kind: 'flush-set', set: 'a' },
      ];
      for (const command of all) {
        expect(() => printTransaction({ family: 'ip', table: name, commands: [command] })).toThrow(
          'is not an nft identifier',
        );
      }
    });
  },
);

describe.each(['a" drop', 'a\nb', '', 'é', 'a'.repeat(129), '$x', '{'])('the hostile comment %j', (comment) => {
  const commands: Command[] = [
    { kind: 'add-table', comment },
    { kind: 'add-set', set: { ...plainSet, comment } },
    { kind: 'add-elements', set: 'a', elements: [{ key: '10.96.0.1', comment }] },
    { kind: 'add-elements', set: 'a', elements: [{ key: '10.96.0.1', comment, value: { kind: 'drop' } }] },
  ];

  test.each(commands)('is refused: $kind', (command) => {
    expect(() => render(command)).toThrow('a text cannot be quoted in nft');
  });
});
