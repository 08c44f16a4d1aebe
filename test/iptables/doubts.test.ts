import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/walk/fate.ts';
import { matches, rulesetFor, saved, walkSaved } from './saved-rules.ts';

/** How a packet ends, with a question mark where that is not certain. */
function endOf(tables: Readonly<Record<string, readonly string[]>>, changes: Partial<Packet> = {}): string {
  return walkSaved(saved(tables), changes)
    .map(({ verdict, isUncertain }) => `${verdict}${isUncertain ? '?' : ''}`)
    .join();
}

describe('a match that may hold or not is no doubt where both ways end alike', () => {
  test.each<[what: string, rules: readonly string[], end: string]>([
    ['an accept where all is accepted', ['-A FORWARD -o docker0 -j ACCEPT'], 'untouched'],
    [
      'a chain for another port',
      ['-A FORWARD -o docker0 -j DOCKER', '-A DOCKER -p tcp -m tcp --dport 81 -j DROP'],
      'untouched',
    ],
    ['a chain that drops the packet', ['-A FORWARD -o docker0 -j DOCKER', '-A DOCKER -p tcp -j DROP'], 'untouched?'],
    ['an accept before a drop', ['-A FORWARD -o docker0 -j ACCEPT', '-A FORWARD -j DROP'], 'dropped?'],
    [
      'an accept before the same',
      ['-A FORWARD -o docker0 -j ACCEPT', '-A FORWARD -p tcp -j ACCEPT', '-A FORWARD -j DROP'],
      'untouched',
    ],
    [
      'a policy that drops all the same',
      [':FORWARD DROP [0:0]', '-A FORWARD -m set --match-set x dst -j DROP'],
      'dropped',
    ],
    ['another mark', ['-A FORWARD -m set --match-set x dst -j MARK --set-xmark 0x1/0x1'], 'untouched?'],
    ['a target that is not understood', ['-A FORWARD -j NFQUEUE --queue-num 0'], 'untouched?'],
    [
      'a goto to a chain that only logs, which leaves the chain',
      ['-A FORWARD -j one', '-A one -m set --match-set x dst -g logging', '-A one -j DROP', '-A logging -j LOG'],
      'dropped?',
    ],
    ['an interface that is not known', ['-A FORWARD -i eth0 -j DROP'], 'untouched?'],
    ['any interface but that', ['-A FORWARD ! -i eth+ -j DROP'], 'untouched?'],
    ['an interface at which nothing arrives from outside', ['-A FORWARD -i lo -j DROP'], 'untouched'],
    ['any interface but lo', ['-A FORWARD ! -i lo -j DROP'], 'dropped'],
    [
      'an address listed perhaps',
      [
        '-A FORWARD -m set --match-set x src -m recent --set --name a --mask 255.255.255.255 --rsource',
        '-A FORWARD -m recent --rcheck --name a --mask 255.255.255.255 --rsource -j DROP',
      ],
      'untouched?',
    ],
    [
      'an address listed before a match that fails',
      [
        '-A FORWARD -m recent --set --name a --mask 255.255.255.255 --rsource -m conntrack --ctstate RELATED -j ACCEPT',
        '-A FORWARD -m recent --rcheck --name a --mask 255.255.255.255 --rsource -j DROP',
      ],
      'dropped',
    ],
    ['such a target, perhaps', ['-A FORWARD -o docker0 -j NFQUEUE --queue-num 0'], 'untouched?'],
  ])('%s', (_what, rules, end) => {
    expect(endOf({ filter: rules })).toBe(end);
  });

  test('each endpoint by itself', () => {
    const nat = [
      '-A PREROUTING -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.1.1',
      '-A PREROUTING -j DNAT --to-destination 10.1.1.2',
    ];
    const filter = ['-A FORWARD -d 10.1.1.1/32 -o docker0 -j DROP', '-A FORWARD -o docker0 -j ACCEPT'];
    expect(endOf({ nat, filter })).toBe('translated?,translated');
  });

  test('two matches that cancel each other out', () => {
    const marks = [
      '-A PREROUTING -m set --match-set x dst -j MARK --set-xmark 0x1/0x1',
      '-A PREROUTING -m set --match-set y dst -j MARK --set-xmark 0x2/0x2',
      '-A PREROUTING -j MARK --set-xmark 0x0/0x3',
    ];
    expect(endOf({ mangle: marks })).toBe('untouched');
  });

  test('only so many of them, as each doubles the walk', () => {
    const doubts = (count: number) => Array.from({ length: count }, () => '-A FORWARD -o docker0 -j ACCEPT');
    expect(endOf({ filter: doubts(4) })).toBe('untouched');
    expect(endOf({ filter: doubts(40) })).toBe('untouched?');
  });
});

test('interfaces are known where packets say so, and where the node sends them', () => {
  const rules = { filter: ['-A FORWARD -i eth0 -j DROP'], mangle: ['-A OUTPUT -j one', '-A one -i eth0 -j DROP'] };
  expect(endOf(rules, { inputInterface: 'eth0' })).toBe('dropped');
  expect(endOf(rules, { inputInterface: 'eth1' })).toBe('untouched');
  expect(endOf(rules, { source: '192.0.2.11' })).toBe('untouched');
  const onlyInput = { mangle: ['-A PREROUTING -j one', '-A OUTPUT -j one', '-A one ! -o lo -j DROP'] };
  expect(endOf(onlyInput, { destination: '192.0.2.11' })).toBe('dropped');
  expect(endOf(onlyInput, { source: '192.0.2.11', destination: '192.0.2.11' })).toBe('dropped');
});

describe('a source port is not known, and asked for last', () => {
  test.each([
    ['-p udp -m udp --sport 67 --dport 68', 'no'],
    ['-p udp -m udp --sport 67 --dport 80', '?'],
  ])('%s', (rule, expected) => {
    expect(matches(rule, { protocol: 'udp' })).toBe(expected);
  });
});

describe('a limit before what only logs is understood', () => {
  const limit = '-m limit --limit 3/min --limit-burst 10';
  test.each<[what: string, rules: readonly string[], deviations: number]>([
    ['LOG', [`-A INPUT ${limit} -j LOG --log-prefix "x "`], 0],
    ['a chain that logs', [`-A INPUT ${limit} -j logging`, '-A logging -j LOG', '-A logging -j RETURN'], 0],
    ['a chain without rules', [':logging - [0:0]', `-A INPUT ${limit} -j logging`], 0],
    ['a chain of such chains', [`-A INPUT ${limit} -j deny`, '-A deny -p tcp -j logging', '-A logging -j LOG'], 0],
    ['a chain that also drops', [`-A INPUT ${limit} -j logging`, '-A logging -j LOG', '-A logging -j DROP'], 1],
    ['a chain that lists addresses', [`-A INPUT ${limit} -j seen`, '-A seen -m recent --set --name seen --rsource'], 1],
    ['a chain left for good', [`-A INPUT ${limit} -j other`, '-A other -g logging', '-A logging -j LOG'], 1],
    ['DROP', [`-A INPUT ${limit} -j DROP`], 1],
  ])('%s', (_what, rules, count) => {
    expect(rulesetFor(saved({ filter: rules })).deviations).toHaveLength(count);
  });
});
