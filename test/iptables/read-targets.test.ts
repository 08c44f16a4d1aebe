import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/walk/fate.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { rulesetFor, saved, walkSaved } from './saved-rules.ts';

const toNode = { destination: '192.0.2.11' } as const;
const fromNode = { source: '192.0.2.11' } as const;

/** The fate of a packet in brief: `translated 10.1.1.1:8080`, `dropped`, with a question mark where it is not certain. */
function fateOf(tables: Readonly<Record<string, readonly string[]>>, changes: Partial<Packet> = {}): string {
  return walkSaved(saved(tables), changes)
    .map(({ verdict, endpoint, rejectedWith, masqueraded, isUncertain }) => {
      const end = [...(verdict === 'translated' ? [endpoint] : []), ...(rejectedWith ? [rejectedWith] : [])];
      return [verdict, ...end, ...(masqueraded ? ['masqueraded'] : []), ...(isUncertain ? ['?'] : [])].join(' ');
    })
    .join();
}

describe('targets of the filter table', () => {
  test.each<[rule: string, expected: string, changes?: Partial<Packet>]>([
    ['-j ACCEPT', 'untouched'],
    ['-j DROP', 'dropped'],
    ['-j REJECT --reject-with icmp-port-unreachable', 'rejected port-unreachable'],
    ['-j REJECT --reject-with icmp-host-prohibited', 'rejected port-unreachable'],
    ['-p tcp -j REJECT --reject-with tcp-reset', 'rejected tcp-reset'],
    ['-p udp -j REJECT --reject-with tcp-reset', 'untouched'],
    ['-j RETURN', 'untouched'],
    ['-j LOG --log-prefix "-j DROP " --log-level 4', 'untouched'],
    ['-m limit --limit 1/sec -j LOG', 'untouched'],
    ['-j NFLOG --nflog-prefix x --nflog-group 1', 'untouched'],
    ['-j NFQUEUE --queue-num 0', 'untouched ?'],
    ['-j cali-unknown', 'untouched ?'],
    ['-j DROP --destination 10.0.0.0/8', 'untouched ?'],
    ['-p tcp -j ACCEPT --dport 80', 'untouched ?'],
    ['constructor DROP', 'untouched'],
    ['-p icmp -j NFQUEUE --queue-num 0', 'untouched'],
    ['-m conntrack --ctstate RELATED,ESTABLISHED -j NFQUEUE --queue-num 0', 'untouched'],
    ['', 'untouched'],
  ])('%s', (rule, expected, changes) => {
    expect(fateOf({ filter: [`-A FORWARD ${rule}`] }, changes)).toBe(expected);
  });

  test('chains are called, left, and not returned to after a goto', () => {
    const chains = ['-A one -s 10.0.0.0/8 -j RETURN', '-A one -d 10.96.0.0/12 -j RETURN', '-A one -j DROP'];
    expect(fateOf({ filter: ['-A FORWARD -j one', '-A FORWARD -j DROP', ...chains] })).toBe('dropped');
    expect(fateOf({ filter: ['-A FORWARD -g one', '-A FORWARD -j DROP', ...chains] })).toBe('untouched');
    const nested = [
      '-A FORWARD -j two',
      '-A FORWARD -p tcp -j REJECT --reject-with tcp-reset',
      '-A two -g one',
      '-A two -j DROP',
    ];
    expect(fateOf({ filter: [...nested, ...chains] })).toBe('rejected tcp-reset');
  });

  test('a policy to drop is the last rule, and also behind RETURN', () => {
    expect(fateOf({ filter: [':FORWARD DROP [1:2]'] })).toBe('dropped');
    expect(fateOf({ filter: [':FORWARD DROP [1:2]', '-A FORWARD -j ACCEPT'] })).toBe('untouched');
    expect(fateOf({ filter: [':FORWARD DROP [1:2]', '-A FORWARD -j RETURN', '-A FORWARD -j ACCEPT'] })).toBe('dropped');
    expect(fateOf({ filter: [':INPUT DROP [1:2]'] })).toBe('untouched');
    expect(fateOf({ filter: [':INPUT DROP [1:2]'] }, toNode)).toBe('dropped');
    const { ruleset } = rulesetFor(saved({ filter: [':FORWARD DROP [1:2]', '-A FORWARD -j ACCEPT'] }));
    expect(ruleset.chains).toMatchObject([
      {
        name: 'filter FORWARD',
        lines: ['-A FORWARD -j ACCEPT', '-P FORWARD DROP'],
        rules: [[{ kind: 'accept' }], [{ kind: 'drop' }]],
      },
    ]);
  });

  test('accept is of one table', () => {
    expect(fateOf({ mangle: ['-A FORWARD -j ACCEPT'], filter: ['-A FORWARD -j DROP'] })).toBe('dropped');
    expect(fateOf({ filter: ['-A FORWARD -j ACCEPT', '-A FORWARD -j DROP'], security: ['-A FORWARD -j DROP'] })).toBe(
      'dropped',
    );
  });
});

describe('NAT', () => {
  test.each<[rule: string, expected: string, changes?: Partial<Packet>]>([
    ['-p tcp -m tcp -j DNAT --to-destination 10.1.1.1:8080', 'translated 10.1.1.1:8080'],
    ['-p udp -m udp -j DNAT --to-destination 10.1.1.1:8080', 'untouched'],
    ['-p tcp -j DNAT --to-destination 10.1.1.1:8080 --random --persistent', 'translated 10.1.1.1:8080'],
    ['-j DNAT --to-destination 10.1.1.1', 'translated 10.1.1.1:80'],
    ['-p tcp -j DNAT --to-destination :8080', 'translated 10.96.0.10:8080'],
    ['-p tcp -j DNAT --to-destination 10.1.1.1-10.1.1.9:8080', 'untouched ?'],
    ['-p tcp -j DNAT --to-destination 10.1.1.1:8080-8090', 'untouched ?'],
    ['-p tcp -j DNAT --to-destination fd00::1', 'untouched ?'],
    ['-p tcp -j DNAT --to-destination 10.1.1.1:99999', 'untouched ?'],
    ['-p tcp -j REDIRECT --to-ports 15001', 'translated 192.0.2.11:15001'],
    ['-j REDIRECT', 'translated 192.0.2.11:80'],
    ['-p tcp -j REDIRECT --to-ports 1-9', 'untouched ?'],
    ['-j ACCEPT', 'untouched'],
  ])('%s', (rule, expected, changes) => {
    expect(fateOf({ nat: [`-A PREROUTING ${rule}`] }, changes)).toBe(expected);
  });

  test('over IPv6', () => {
    const six = { source: '2001:db8:ff::9', destination: 'fd00:10:96::a' };
    const dnat = (to: string): string => fateOf({ nat: [`-A PREROUTING -p tcp -j DNAT --to-destination ${to}`] }, six);
    expect(dnat('[fd00:10:244::1]:8080')).toBe('translated [fd00:10:244::1]:8080');
    expect(fateOf({ nat: ['-A PREROUTING -d fd00::/8 -p tcp -j DNAT --to-destination :81'] }, six)).toBe(
      'translated [fd00:10:96::a]:81',
    );
  });

  test('a packet of the node is redirected to its loopback address', () => {
    const rules = { nat: ['-A OUTPUT -d 10.96.0.0/12 -p tcp -j REDIRECT --to-ports 15001'] };
    expect(fateOf(rules, fromNode)).toBe('translated 127.0.0.1:15001');
  });

  test('at a node with several addresses, where a redirection leads is not certain', () => {
    const { ruleset } = rulesetFor(saved({ nat: ['-A PREROUTING -p tcp -j REDIRECT'] }));
    const sent: Packet = { source: '203.0.113.9', destination: '192.0.2.11', protocol: 'tcp', port: 80 };
    const isCertain = (...localAddresses: string[]): boolean =>
      walkPacket(ruleset, sent, { localAddresses }).outcomes.every(({ isUncertain = false }) => !isUncertain);
    expect(isCertain('192.0.2.11', '2001:db8:a::11', '127.0.0.1')).toBe(true);
    expect(isCertain('192.0.2.11', '198.51.100.11')).toBe(false);
  });

  test('without an address of the node, where a redirection leads is not certain', () => {
    const six = { source: '2001:db8:ff::9', destination: 'fd00:10:96::a' };
    const text = saved({ nat: ['-A PREROUTING -d fd00::/8 -j REDIRECT'] });
    expect(walkSaved(text, six)).toMatchObject([{ verdict: 'translated', endpoint: '[2001:db8:a::11]:80' }]);
  });

  test.each([
    ['-j MASQUERADE --random-fully', 'untouched masqueraded'],
    ['-j MASQUERADE', 'untouched masqueraded'],
    ['-j SNAT --to-source 192.0.2.99', 'untouched masqueraded'],
    ['-p tcp -j SNAT --to-source 192.0.2.50-192.0.2.99:1024-2048 --random-fully', 'untouched masqueraded'],
    ['-j SNAT --to-source x', 'untouched ?'],
    ['-o eth0 -j MASQUERADE', 'untouched ?'],
  ])('postrouting: %s', (rule, expected) => {
    expect(fateOf({ nat: [`-A POSTROUTING ${rule}`] })).toBe(expected);
  });

  test('the new destination and the new source are seen behind them', () => {
    const nat = ['-A PREROUTING -p tcp -j DNAT --to-destination 10.1.1.1:8080'];
    const states = (rule: string): string => fateOf({ nat, filter: [`-A FORWARD ${rule} -j DROP`] });
    expect(states('-m conntrack --ctstate DNAT')).toBe('dropped');
    expect(states('-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT')).toBe('translated 10.1.1.1:8080');
    expect(states('-m conntrack --ctstate SNAT')).toBe('translated 10.1.1.1:8080');
    expect(states('-m conntrack --ctstate SNAT,DNAT')).toBe('dropped');
    expect(states('-m conntrack --ctorigdst 10.96.0.10 --ctorigdstport 80')).toBe('dropped');
    expect(states('-p tcp -m multiport --dports 8000:8999')).toBe('dropped');
    const looped = { nat: ['-A POSTROUTING -j MASQUERADE'], filter: ['-A INPUT -m conntrack --ctstate SNAT -j DROP'] };
    expect(fateOf(looped, { ...fromNode, ...toNode })).toBe('dropped masqueraded');
  });

  test('the interface is that of the way before translation in output, of the new way behind it', () => {
    const nat = ['-A OUTPUT -p tcp -j DNAT --to-destination 192.0.2.11:8080'];
    const drop = (chain: string) => ({ nat, mangle: [`-A ${chain} -o lo -j DROP`], filter: ['-A OUTPUT -j ACCEPT'] });
    expect(fateOf(drop('POSTROUTING'), fromNode)).toBe('dropped');
    expect(fateOf({ nat, filter: ['-A OUTPUT -o lo -j DROP'] }, fromNode)).toBe('translated 192.0.2.11:8080 ?');
  });
});

describe('marks', () => {
  const markAfter = (rules: readonly string[], mark = 0): string => {
    const [outcome] = walkSaved(saved({ mangle: rules.map((rule) => `-A PREROUTING ${rule}`) }), { mark });
    return outcome ? `0x${outcome.mark.toString(16)}${outcome.isUncertain ? '?' : ''}` : '';
  };

  test.each([
    [['-j MARK --set-xmark 0x4000/0x4000'], 0x1, '0x4001'],
    [['-j MARK --set-xmark 0x4000/0x0'], 0x4001, '0x1'],
    [['-j MARK --set-xmark 0x0/0x0'], 0x4001, '0x4001'],
    [['-j MARK --set-xmark 0x10/0xff'], 0x4001, '0x4010'],
    [['-j MARK --set-xmark 0x5/0xffffffff'], 0x4001, '0x5'],
    [['-j MARK --set-mark 0x10/0xf'], 0x4001, '0x4010'],
    [['-j MARK --set-mark 0x7'], 0x4001, '0x7'],
    [['-j MARK --or-mark 0x8000'], 0x1, '0x8001'],
    [['-j MARK --and-mark 0xfffeffff'], 0xf_0001, '0xe0001'],
    [['-j MARK --xor-mark 0x3'], 0x1, '0x2'],
    [['-j MARK --set-xmark 0x80000000/0x80000000'], 0x1, '0x80000001'],
    [['-j MARK --set-strange 1'], 0x1, '0x1?'],
    [['-j CONNMARK --set-xmark 0x80/0x80', '-j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xff'], 0x71, '0x81'],
    [
      [
        '-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
        '-j MARK --set-xmark 0x0/0xffffffff',
        '-j CONNMARK --restore-mark --mask 0xf',
      ],
      0x35,
      '0x5',
    ],
    [['-j CONNMARK --set-xmark 0x2/0x2', '-m connmark --mark 0x2/0x2 -j MARK --set-xmark 0x9/0xf'], 0, '0x9'],
    [['-j CONNMARK --save-mark --nfmask x --ctmask y'], 0x1, '0x1?'],
  ])('%j', (rules, mark, expected) => {
    expect(markAfter(rules, mark)).toBe(expected);
  });
});

test('connection tracking that is switched off is not certain', () => {
  expect(fateOf({ raw: ['-A PREROUTING -p udp -j CT --notrack'] }, { protocol: 'udp' })).toBe('untouched ?');
  expect(fateOf({ raw: ['-A PREROUTING -p tcp -j CT --helper ftp'] })).toBe('untouched');
  expect(fateOf({ raw: ['-A PREROUTING -p udp -j NOTRACK'] }, { protocol: 'udp' })).toBe('untouched ?');
});
