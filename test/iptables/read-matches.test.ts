import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/walk/fate.ts';
import { matches, rulesetFor, saved, walkSaved } from './saved-rules.ts';

const six = { source: '2001:db8:ff::9', destination: 'fd00:10:96::a' } as const;
const fromNode = { source: '192.0.2.11' } as const;
const output = { chain: 'OUTPUT' };

test.each<[rule: string, expected: string, changes?: Partial<Packet>, place?: { table?: string; chain?: string }]>([
  // Addresses
  ['-s 203.0.113.9/32', 'yes'],
  ['-s 203.0.113.0/24', 'yes'],
  ['-s 203.0.113.0/255.255.255.0', 'yes'],
  ['-s 203.0.114.0/24', 'no'],
  ['! -s 203.0.113.0/24', 'no'],
  ['! -s 10.0.0.0/8 -d 10.96.0.10', 'yes'],
  ['-d 10.96.0.10/32', 'yes'],
  ['-d 10.96.0.11/32', 'no'],
  ['-s 0.0.0.0/0', 'yes'],
  ['! -s 0.0.0.0/0', 'no'],
  ['-d 10.96.0.10/255.0.0.255', '?'],
  ['-d fd00:10:96::a/128', 'yes', six],
  ['-d fd00:10:96::/ffff:ffff:ffff::', 'yes', six],
  ['! -d fd00::/8', 'no', six],
  // Interfaces
  ['-i eth0', 'yes', { inputInterface: 'eth0' }],
  ['-i eth+', 'yes', { inputInterface: 'eth0' }],
  ['-i eth+', 'no', { inputInterface: 'pod0' }],
  ['! -i pod+', 'yes', { inputInterface: 'eth0' }],
  ['-i eth0', '?'],
  ['-i +', 'yes'],
  ['! -i +', 'no'],
  ['! -i pod+', 'yes', fromNode, output],
  ['-o eth0', '?', {}, { table: 'filter', chain: 'FORWARD' }],
  ['-o eth0 -s 10.0.0.0/8', 'no', {}, { table: 'filter', chain: 'FORWARD' }],
  ['-o lo', '?', fromNode, output],
  ['-o lo', 'yes', { ...fromNode, destination: '127.0.0.1' }, output],
  ['! -o lo', 'no', { ...fromNode, destination: '192.0.2.11' }, output],
  ['-o eth+', 'no', { ...fromNode, destination: '192.0.2.11' }, { table: 'mangle', chain: 'POSTROUTING' }],
  // Protocols and ports
  ['-p tcp', 'yes'],
  ['-p 6', 'yes'],
  ['-p udp', 'no'],
  ['! -p udp', 'yes'],
  ['-p all', 'yes'],
  ['-p icmp', 'no'],
  ['! -p icmp', 'yes'],
  ['-p icmp -m icmp --icmp-type 8', 'no'],
  ['-p ipv6-icmp -m icmp6 --icmpv6-type 128', 'no', six],
  ['-p tcp -m tcp --dport 80', 'yes'],
  ['-p tcp -m tcp --dport 81', 'no'],
  ['-p udp -m udp --dport 80', 'no'],
  ['-p sctp -m sctp --dport 80', 'yes', { protocol: 'sctp' }],
  ['-p tcp -m tcp ! --dport 80', 'no'],
  ['-p tcp -m tcp --dport 79:81', 'yes'],
  ['-p tcp -m tcp --dport 81:', 'no'],
  ['-p tcp -m tcp --dport :80', 'yes'],
  ['-p tcp -m tcp ! --dport 1:1024', 'no'],
  ['-p tcp -m tcp --sport 1024:65535', '?'],
  ['-p udp -m udp --sport 53', 'no'],
  ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', 'yes'],
  ['-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN', 'no'],
  ['-p tcp -m tcp --tcp-flags SYN,RST RST', 'no'],
  ['-p tcp -m tcp --tcp-flags FIN,RST NONE', 'yes'],
  ['-p tcp -m tcp --tcp-flags ALL SYN,ACK', 'no'],
  ['-p tcp -m tcp --tcp-option 3', '?'],
  ['-p tcp -m multiport --dports 53,80,8000:9000', 'yes'],
  ['-p tcp -m multiport --dports 53,8000:9000', 'no'],
  ['-p tcp -m multiport ! --dports 53,8000:9000', 'yes'],
  ['-p tcp -m multiport --dports 80', 'yes'],
  ['-p tcp -m multiport --sports 53', '?'],
  ['-p tcp -m multiport --ports 53,80', '?'],
  ['-f', 'no'],
  ['! -f', 'yes'],
  // Types of addresses
  ['-m addrtype --dst-type LOCAL', 'no'],
  ['-m addrtype --dst-type LOCAL', 'yes', { destination: '192.0.2.11' }],
  ['-m addrtype --dst-type LOCAL', 'yes', { destination: '127.0.0.1' }],
  ['-m addrtype ! --dst-type LOCAL', 'yes'],
  ['-m addrtype --src-type LOCAL', 'yes', fromNode, output],
  ['-m addrtype ! --src-type LOCAL --dst-type LOCAL', 'yes', { destination: '192.0.2.11' }],
  ['-m addrtype --dst-type LOCAL --limit-iface-in', 'no'],
  ['-m addrtype --dst-type LOCAL --limit-iface-in', '?', { destination: '192.0.2.11' }],
  ['-m addrtype ! --src-type LOCAL --limit-iface-out', '?'],
  ['-m addrtype --dst-type BROADCAST', 'no'],
  ['-m addrtype ! --dst-type MULTICAST,BROADCAST', 'yes'],
  ['-m addrtype --dst-type UNICAST', '?'],
  // Marks
  ['-m mark --mark 0x4000/0x4000', 'yes', { mark: 0x4001 }],
  ['-m mark --mark 0x4000/0x4000', 'no', { mark: 0x8000 }],
  ['-m mark ! --mark 0x4000/0x4000', 'yes'],
  ['-m mark --mark 0x4001/0xffff', 'yes', { mark: 0x14001 }],
  ['-m mark --mark 0x4001/0xffff', 'no', { mark: 0x4003 }],
  ['-m mark --mark 0x0/0x8000', 'yes'],
  ['-m mark ! --mark 0x0', 'no'],
  ['-m mark --mark 0x80000000/0x80000000', 'yes', { mark: 0x8000_0001 }],
  ['-m mark --mark 0xffffffff', 'yes', { mark: 0xffff_ffff }],
  ['-m mark --mark x', '?'],
  ['-m connmark --mark 0x0/0x80', 'yes'],
  ['-m connmark ! --mark 0x0/0x80', 'no'],
  // Connections
  ['-m conntrack --ctstate NEW', 'yes'],
  ['-m conntrack --ctstate INVALID,NEW,UNTRACKED', 'yes'],
  ['-m conntrack ! --ctstate NEW', 'no'],
  ['-m conntrack --ctstate RELATED,ESTABLISHED', 'no'],
  ['-m conntrack ! --ctstate RELATED,ESTABLISHED', 'yes'],
  ['-m conntrack --ctstate INVALID -m nfacct --nfacct-name  ct_state_invalid_dropped_pkts', 'no'],
  ['-m nfacct --nfacct-name  ct_state_invalid_dropped_pkts', 'yes'],
  ['-m state --state RELATED,ESTABLISHED', 'no'],
  ['-m state --state NEW', 'yes'],
  ['-m conntrack --ctstate DNAT', 'no'],
  ['-m conntrack ! --ctstate DNAT', 'yes'],
  ['-m conntrack --ctstate SOMETHING', '?'],
  ['-m conntrack --ctdir ORIGINAL', 'yes'],
  ['-m conntrack --ctdir REPLY', 'no'],
  ['-m conntrack --ctstatus EXPECTED,SEEN_REPLY', 'no'],
  ['-m conntrack ! --ctstatus ASSURED', 'yes'],
  ['-m conntrack --ctstatus CONFIRMED', '?'],
  ['-m conntrack --ctproto 6', 'yes'],
  ['-m conntrack --ctorigdst 10.96.0.0/12', 'yes'],
  ['-m conntrack ! --ctorigdst 10.96.0.10', 'no'],
  ['-m conntrack --ctorigdstport 80', 'yes'],
  ['-m conntrack --ctorigdstport 8000:9000', 'no'],
  ['-m conntrack --ctorigsrc 10.0.0.0/8', '?'],
  // Bridges
  ['-m physdev --physdev-is-in', '?'],
  ['-m physdev --physdev-is-in', 'no', fromNode, output],
  ['-m physdev ! --physdev-is-bridged', 'yes', fromNode, output],
  ['-m physdev --physdev-in cali0+', 'no', fromNode, output],
  // What cannot be known
  ['-m limit --limit 5/min', '?'],
  ['-m limit --limit 5/min -s 10.0.0.0/8', 'no'],
  ['-s 10.0.0.0/8 -m limit --limit 5/min', 'no'],
  ['-m set --match-set allowed src', '?'],
  ['-m set ! --match-set allowed src -p tcp -m tcp --dport 81', 'no'],
  ['-m rpfilter --invert', '?'],
  ['-m statistic --mode nth --every 2 --packet 0', '?'],
  ['-m recent --rcheck --hitcount 4 --name ssh --mask 255.255.255.255 --rsource', '?'],
  ['-m hasOwnProperty --x', '?'],
  ['--strange', '?'],
  // Comments, which may look like anything
  ['-m comment --comment "a \\"quoted\\" \\\\ text"', 'yes'],
  ['-m comment --comment -j', 'yes'],
  ['-m comment --comment "-s 10.0.0.0/8"', 'yes'],
  ['-m comment --comment ! -s 203.0.113.9/32', 'yes'],
])('%s matches: %s', (rule, expected, changes = {}, place = {}) => {
  expect(matches(rule, changes, place)).toBe(expected);
});

describe('random', () => {
  const share = (rule: string): string | undefined => {
    const [one] = walkSaved(saved({ raw: [`-A PREROUTING ${rule} -j DROP`] })).filter(
      ({ verdict }) => verdict === 'dropped',
    );
    return one && `${one.share.numerator}/${one.share.denominator}`;
  };

  test('probabilities of one in n are exact, as iptables rounds them and as kube-proxy writes them', () => {
    for (let n = 1; n <= 2_000; n++) {
      const exact = (Math.round(2 ** 31 / n) / 2 ** 31).toFixed(11);
      const ofKubeProxy = (Math.round(Number((1 / n).toFixed(10)) * 2 ** 31) / 2 ** 31).toFixed(11);
      for (const text of [exact, ofKubeProxy]) {
        expect(share(`-m statistic --mode random --probability ${text}`)).toBe(`1/${n}`);
      }
    }
  });

  test.each([
    ['0.75000000000', '3/4'],
    ['0.66666666651', '1431655765/2147483648'],
    ['0.00000000000', undefined],
    ['1.00000000000', '1/1'],
  ])('%s is %s', (probability, expected) => {
    expect(share(`-m statistic --mode random --probability ${probability}`)).toBe(expected);
  });

  test('negated, it is the rest', () => {
    expect(share('-m statistic --mode random ! --probability 0.33333333349')).toBe('2/3');
  });

  test('a probability that is none is not understood', () => {
    expect(matches('-m statistic --mode random --probability 1.5')).toBe('?');
  });

  test('shares stay sensible where they are no longer exact', () => {
    const rules = Array.from(
      { length: 12 },
      () => '-A PREROUTING -m statistic --mode random --probability 0.12345678901 -j DROP',
    );
    const outcomes = walkSaved(saved({ raw: rules }));
    const sum = outcomes.reduce((total, { probability }) => total + probability, 0);
    expect(sum).toBeCloseTo(1, 9);
    expect(outcomes.find(({ verdict }) => verdict === 'untouched')?.probability).toBeCloseTo(
      (1 - 0.12345678901) ** 12,
      6,
    );
  });

  test('a chain of n endpoints gives each 1/n', () => {
    const n = 250;
    const rules = Array.from({ length: n }, (_, index) => {
      const left = n - index;
      const random = left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
      return `-A PREROUTING -p tcp ${random}-m tcp -j DNAT --to-destination 10.1.0.${index}:80`;
    });
    const outcomes = walkSaved(saved({ nat: rules }));
    expect(outcomes).toHaveLength(n);
    expect(new Set(outcomes.map(({ share: { numerator, denominator } }) => `${numerator}/${denominator}`))).toEqual(
      new Set([`1/${n}`]),
    );
  });
});

describe('recent', () => {
  const mask = '--mask 255.255.255.255 --rsource';
  const check = (action: string): string =>
    saved({
      raw: [
        `-A PREROUTING -m recent ${action} --name one ${mask} -j DROP`,
        `-A PREROUTING -m recent --set --name one ${mask}`,
      ],
    });

  test('a source that was listed is found, for as long as rules look back', () => {
    const text = check('--rcheck --seconds 60 --reap');
    const [first] = walkSaved(text);
    expect(first).toMatchObject({ verdict: 'untouched' });
    expect(first?.memory.get('one')?.get('203.0.113.9')).toMatchObject({ timeoutSeconds: 60 });
    expect(walkSaved(text, {}, first?.memory)).toMatchObject([{ verdict: 'dropped' }]);
    expect(walkSaved(text, { source: '203.0.113.10' }, first?.memory)).toMatchObject([{ verdict: 'untouched' }]);
  });

  test('an update lists again, a removal ends it', () => {
    const [first] = walkSaved(check('--rcheck --seconds 60 --reap'));
    const [updated] = walkSaved(check('--update --seconds 90'), {}, first?.memory);
    expect(updated).toMatchObject({ verdict: 'dropped' });
    expect(updated?.memory.get('one')?.get('203.0.113.9')).toMatchObject({ timeoutSeconds: 90 });
    const [removed] = walkSaved(check('--remove'), {}, first?.memory);
    expect(removed).toMatchObject({ verdict: 'dropped' });
    expect(removed?.memory.get('one')?.has('203.0.113.9')).toBe(false);
  });

  test('negated, it is for sources that are not listed', () => {
    expect(walkSaved(check('! --rcheck --seconds 60'))).toMatchObject([{ verdict: 'dropped' }]);
  });

  test('a source is listed before the matches behind it fail, and not where one before it fails', () => {
    const list = (rule: string): boolean =>
      walkSaved(saved({ raw: [`-A PREROUTING ${rule} -j DROP`] }))[0]
        ?.memory.get('one')
        ?.has('203.0.113.9') ?? false;
    const set = `-m recent --set --name one ${mask}`;
    expect([list(`${set} -m tcp --dport 81`), list(`-p tcp -m tcp --dport 81 ${set}`)]).toEqual([true, false]);
  });

  test.each([
    ['rules that look back for different times', ['--rcheck --seconds 60', '--rcheck --seconds 90']],
    ['a mask', ['--rcheck --seconds 60 --mask 255.255.255.0']],
    ['a count', ['--update --seconds 60 --hitcount 3']],
  ])('%s are not understood', (_what, actions) => {
    const rules = actions.map((action) => `-A PREROUTING -m recent ${action} --name one --rsource -j DROP`);
    expect(rulesetFor(saved({ raw: rules })).deviations).toHaveLength(actions.length);
  });

  test('destinations can be listed, and a list without a name is DEFAULT', () => {
    const [outcome] = walkSaved(saved({ raw: ['-A PREROUTING -m recent --set --rdest'] }));
    expect([...(outcome?.memory.get('DEFAULT')?.keys() ?? [])]).toEqual(['10.96.0.10']);
  });
});
