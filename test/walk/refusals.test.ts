import { expect, test } from 'vitest';
import type { Chain, FilledSet, Hook, Statement } from '../../src/nft/ruleset.ts';
import { UnknownRule } from '../../src/walk/check-ruleset.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import {
  chain,
  daddr,
  drop,
  filterForward,
  goto,
  hook,
  jump,
  l4proto,
  match,
  natPostrouting,
  natPrerouting,
  numgen,
  ruleset,
  saddr,
  set,
  tcpDport,
  thDport,
  udpDport,
} from './support.ts';

const sets: FilledSet[] = [
  set('hosts', { key: ['address'] }),
  set('frontends', { key: ['address', 'protocol', 'port'], value: 'verdict' }),
  set('endpoints', { key: ['port', 'index'], protocol: 'tcp', value: 'endpoint' }),
  set('pins', { key: ['address'], value: 'endpoint', flags: ['dynamic'] }),
];

/** A value that the types do not allow, as data from elsewhere may have. */
function unknown<T>(value: unknown): T {
  return value as T;
}

test.each<[string, Statement]>([
  ['unknown statement log', unknown({ kind: 'log' })],
  ['unknown expression icmp-type', match(unknown({ kind: 'icmp-type' }), 8)],
  ['unknown expression icmp-type', { kind: 'match-set', key: [unknown({ kind: 'icmp-type' })], set: 'hosts' }],
  ['unknown dccp dport', match(unknown({ kind: 'dport', protocol: 'dccp' }), 8)],
  ['unknown field', match(unknown({ kind: 'address', field: 'oaddr' }), '10.0.0.1')],
  ['there is no chain nowhere', jump('nowhere')],
  ['there is no chain nowhere', goto('nowhere')],
  ['there is no chain nowhere', { kind: 'random-goto', chains: ['nowhere'] }],
  ['no chains to choose from', { kind: 'random-goto', chains: [] }],
  ['base is a base chain', jump('base')],
  ['there is no set nothing', { kind: 'match-set', key: [daddr], set: 'nothing' }],
  ['there is no set nothing', { kind: 'vmap', key: [daddr], map: 'nothing' }],
  ['there is no set nothing', { kind: 'update', key: [daddr], set: 'nothing' }],
  ['the key of hosts is address, not address . protocol', { kind: 'match-set', key: [daddr, l4proto], set: 'hosts' }],
  ['the key of hosts is address, not port', { kind: 'match-set', key: [thDport], set: 'hosts' }],
  ['the key of hosts is address, not other', { kind: 'match-set', key: [{ kind: 'iifname' }], set: 'hosts' }],
  ['hosts has the wrong type for vmap', { kind: 'vmap', key: [daddr], map: 'hosts' }],
  [
    'frontends has the wrong type for match-set',
    { kind: 'match-set', key: [daddr, l4proto, thDport], set: 'frontends' },
  ],
  ['endpoints holds ports of tcp', { kind: 'dnat-map', protocol: 'udp', key: [udpDport, numgen(2)], map: 'endpoints' }],
  ['modulus', { kind: 'dnat-map', protocol: 'tcp', key: [tcpDport, numgen(0)], map: 'endpoints' }],
  ['unknown protocol', { kind: 'dnat-map', protocol: unknown('icmp'), key: [tcpDport, numgen(2)], map: 'endpoints' }],
  ['invalid address or port', { kind: 'dnat', protocol: 'tcp', address: 'fd00::1', port: 80 }],
  ['invalid address or port', { kind: 'dnat', protocol: 'tcp', address: '10.0.0.1', port: 70_000 }],
  ['hosts is not dynamic', { kind: 'update', key: [daddr], set: 'hosts' }],
  ['pins needs a value', { kind: 'update', key: [daddr], set: 'pins' }],
  [
    'the value of pins is address . port, not port . address',
    { kind: 'update', key: [daddr], value: [thDport, daddr], set: 'pins' },
  ],
  ['pins has no timeouts', { kind: 'update', key: [daddr], value: [daddr, thDport], timeoutSeconds: 5, set: 'pins' }],
  ['300.0.0.1 is not a valid address', match(saddr, '300.0.0.1')],
  ['fd00::/8 is not a valid address', match(saddr, 'fd00::/8')],
  ['icmp is not a valid protocol', match(l4proto, 'icmp')],
  ['80 is not a valid port', match(thDport, '80')],
  ['70000 is not a valid port', match(thDport, 70_000)],
  ['missing interface name', match({ kind: 'iifname' }, '*')],
  ['unknown ct-state snat', match({ kind: 'ct-state' }, 'snat')],
  ['unknown ct-status snat', match({ kind: 'ct-status' }, 'snat')],
  ['unknown ct-status snat', match({ kind: 'ct-status' }, 'snat', true)],
  ['unknown fib-type broadcast', match({ kind: 'fib-type', field: 'daddr' }, 'broadcast')],
  ['invalid mark', { kind: 'match-mark', mark: 2 ** 32 }],
  ['invalid mark', { kind: 'set-mark', operator: unknown('and'), mark: 1 }],
])('refuses a rule: %s', (reason, statement) => {
  const chains = [chain('odd', [[drop], [statement]]), chain('base', [], filterForward)];
  const refused = refusalOf(chains, sets);
  expect(refused.message).toContain(`chain odd, rule 2: ${reason}`);
  expect(refused.place).toEqual({ chain: 'odd', rule: 1 });
});

test.each<[string, FilledSet]>([
  [
    'the key 10.0.0.1 . 80 is not of type address',
    set('s', { key: ['address'], elements: [{ key: '10.0.0.1 . 80' }] }),
  ],
  ['the key 10.0.0.01 is not of type address', set('s', { key: ['address'], elements: [{ key: '10.0.0.01' }] })],
  ['the key 080 is not of type port', set('s', { key: ['port'], elements: [{ key: '080' }] })],
  ['the key 65536 is not of type port', set('s', { key: ['port'], elements: [{ key: '65536' }] })],
  ['the key 4294967296 is not of type index', set('s', { key: ['index'], elements: [{ key: '4294967296' }] })],
  ['the key icmp is not of type protocol', set('s', { key: ['protocol'], elements: [{ key: 'icmp' }] })],
  ['the range 10.0.0.0/8 needs the flag', set('s', { key: ['address'], elements: [{ key: '10.0.0.0/8' }] })],
  ['the value of 80', set('s', { key: ['port'], elements: [{ key: '80', value: { kind: 'drop' } }] })],
  ['the value of 80', set('s', { key: ['port'], value: 'verdict', elements: [{ key: '80' }] })],
  [
    'the value of 80',
    set('s', { key: ['port'], value: 'verdict', elements: [{ key: '80', value: unknown({ kind: 'accept' }) }] }),
  ],
  [
    'the value of 80',
    set('s', { key: ['port'], value: 'endpoint', elements: [{ key: '80', value: { address: 'fd00::1', port: 80 } }] }),
  ],
  [
    'there is no chain nowhere',
    set('s', { key: ['port'], value: 'verdict', elements: [{ key: '80', value: { kind: 'goto', chain: 'nowhere' } }] }),
  ],
  [
    'base is a base chain',
    set('s', { key: ['port'], value: 'verdict', elements: [{ key: '80', value: { kind: 'goto', chain: 'base' } }] }),
  ],
  [
    'two values for 80',
    set('s', {
      key: ['port'],
      value: 'verdict',
      elements: [
        { key: '80', value: { kind: 'drop' } },
        { key: '80', value: { kind: 'goto', chain: 'a' } },
      ],
    }),
  ],
  ['unknown interface', set('s', { key: [unknown('interface')] })],
  ['unknown verdicts', set('s', { key: ['port'], value: unknown('verdicts') })],
  ['unknown constant', set('s', { key: ['port'], flags: [unknown('constant')] })],
])('refuses a set: %s', (reason, odd) => {
  const refused = refusalOf([chain('a', []), chain('base', [], filterForward)], [odd]);
  expect(refused.message).toContain(`set s: ${reason}`);
  expect(refused.place).toEqual({ set: 's' });
});

test('refuses two chains or sets of one name', () => {
  expect(refusalOf([chain('a', []), chain('a', [])]).message).toBe('chain a: declared twice');
  const one = set('s', { key: ['port'] });
  expect(refusalOf([], [one, one]).message).toBe('set s: declared twice');
});

test('refuses chains that are nested very deeply', () => {
  const nested = Array.from({ length: 20_000 }, (_, index) => chain(`c${index}`, [[jump(`c${index + 1}`)]]));
  expect(refusalOf([...nested, chain('c20000', [])]).message).toBe('chain c512: is called through too many chains');
});

test('refuses chains that loop back to themselves, also through a map', () => {
  const circle = [chain('a', [[goto('b')]]), chain('b', [[jump('a')]])];
  expect(refusalOf(circle).message).toBe('chain a: loops back to itself');
  const map = set('m', {
    key: ['address'],
    value: 'verdict',
    elements: [{ key: '10.0.0.1', value: { kind: 'goto', chain: 'a' } }],
  });
  const throughMap = [chain('a', [[{ kind: 'vmap', key: [daddr], map: 'm' }]])];
  expect(refusalOf(throughMap, [map]).message).toBe('chain a: loops back to itself');
});

test.each<[Statement, Hook]>([
  [{ kind: 'dnat', protocol: 'tcp', address: '10.0.0.1', port: 80 }, natPostrouting],
  [{ kind: 'dnat', protocol: 'tcp', address: '10.0.0.1', port: 80 }, hook('filter', 'prerouting', 0)],
  [{ kind: 'masquerade' }, natPrerouting],
  [{ kind: 'masquerade' }, hook('filter', 'postrouting', 0)],
  [{ kind: 'reject' }, hook('filter', 'postrouting', 0)],
  [{ kind: 'tcp-reset' }, natPostrouting],
  [{ kind: 'tcp-reset' }, hook('filter', 'postrouting', 0)],
])('refuses %j where the kernel does, even two chains away', (statement, base) => {
  const chains = [chain('far', [[statement]]), chain('near', [[goto('far')]]), chain('base', [[jump('near')]], base)];
  expect(refusalOf(chains).place).toEqual({ chain: 'far', rule: 0 });
});

test('refuses base chains whose order only the kernel knows', () => {
  const twice = [chain('a', [], filterForward), chain('b', [], filterForward)];
  expect(refusalOf(twice).message).toContain('same priority');
  const besideNat = [chain('a', [], natPrerouting), chain('b', [], hook('filter', 'prerouting', -100))];
  expect(refusalOf(besideNat).message).toContain('same priority');
});

function refusalOf(chains: readonly Chain[], declared: readonly FilledSet[] = []): UnknownRule {
  try {
    indexRuleset(ruleset(chains, declared));
  } catch (error) {
    if (error instanceof UnknownRule) {
      return error;
    }
    throw error;
  }
  throw new Error('nothing was refused');
}
