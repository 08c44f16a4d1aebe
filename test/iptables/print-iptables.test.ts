import { describe, expect, test } from 'vitest';
import type { IptablesRule } from '../../src/iptables/iptables-ruleset.ts';
import { printIptables, printIptablesRule, probabilityText } from '../../src/iptables/print-iptables.ts';

describe('shares', () => {
  test('are equal to the printed digits for up to 1,000 endpoints, as the kernel stores them in 31 bits', () => {
    const stored = Array.from({ length: 1_001 }, (_, outOf) => (outOf < 2 ? 1 : storedProbability(outOf)));
    let worst = 0;
    for (let endpoints = 1; endpoints <= 1_000; endpoints += 1) {
      let left = 1;
      for (let remaining = endpoints; remaining > 0; remaining -= 1) {
        const share = left * (stored[remaining] ?? Number.NaN);
        worst = Math.max(worst, Math.abs(share - 1 / endpoints));
        left -= share;
      }
      expect(left).toBeCloseTo(0, 12);
    }
    // Each probability is off by half of 2^-31 at most, and is one of what is left.
    expect(worst).toBeLessThan(2 ** -31);
    expect(worst).toBeGreaterThan(0);
  });

  test('are printed so that iptables-save prints the same, and iptables reads the nearest number of 31 bits', () => {
    for (let outOf = 2; outOf <= 1_000; outOf += 1) {
      const text = probabilityText(outOf);
      const stored = Math.round(2 ** 31 * Number(text));
      expect(stored).toBe(Math.round(2 ** 31 / outOf));
      expect((stored / 2 ** 31).toFixed(11)).toBe(text);
    }
    expect([2, 3, 7].map(probabilityText)).toEqual(['0.50000000000', '0.33333333349', '0.14285714272']);
  });
});

/** As libxt_statistic stores what it reads. */
function storedProbability(outOf: number): number {
  return Math.round(2 ** 31 * Number(probabilityText(outOf))) / 2 ** 31;
}

describe('a rule', () => {
  test.each<[text: string, rule: IptablesRule]>([
    [
      '! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/web:http" -j MARK --set-xmark 0x4000/0x4000',
      {
        source: { range: '10.244.0.0/16', negated: true },
        destination: { range: '10.96.0.10' },
        protocol: 'tcp',
        port: 80,
        comment: 'shop/web:http',
        target: { kind: 'set-mark', operator: 'or', mark: 2 ** 14 },
      },
    ],
    [
      '-m mark ! --mark 0x80000000/0x80000000 -j RETURN',
      { matches: [{ kind: 'mark', mark: 2 ** 31, negated: true }], target: { kind: 'return' } },
    ],
    [
      '! -i veth+ -j SVC2NFT-SERVICES',
      {
        inInterface: { name: 'veth', prefix: true, negated: true },
        target: { kind: 'jump', chain: 'SVC2NFT-SERVICES' },
      },
    ],
    [
      '-i a-name-of-15-by -g SVC2NFT-SERVICES',
      {
        inInterface: { name: 'a-name-of-15-by', prefix: true },
        target: { kind: 'goto', chain: 'SVC2NFT-SERVICES' },
      },
    ],
  ])('%s', (text, rule) => {
    expect(printIptablesRule(rule, 'ip')).toBe(text);
  });

  test.each<[what: string, rule: IptablesRule]>([
    ['a comment with a quote', { comment: 'x" -j ACCEPT', target: { kind: 'drop' } }],
    ['a comment with a line break', { comment: 'x\nCOMMIT', target: { kind: 'drop' } }],
    ['a comment of 256 bytes', { comment: 'x'.repeat(256), target: { kind: 'drop' } }],
    ['an address that is none', { source: { range: '10.0.0.1 -j ACCEPT' }, target: { kind: 'drop' } }],
    ['the name of another chain', { target: { kind: 'jump', chain: 'KUBE-SERVICES' } }],
    ['a name of 29 bytes', { target: { kind: 'jump', chain: `SVC2NFT-${'X'.repeat(21)}` } }],
    ['an interface with a blank', { inInterface: { name: 'a b', prefix: false }, target: { kind: 'drop' } }],
  ])('with %s is a bug', (_, rule) => {
    expect(() => printIptablesRule(rule, 'ip')).toThrow('bug in svc2nft');
  });
});

test('jumps stand in the order of the table, ahead of those of others', () => {
  const jump = (chain: string) => ({ target: { kind: 'jump', chain } }) as const;
  const text = printIptables(
    {
      family: 'ip6',
      tables: [
        {
          name: 'filter',
          jumps: [
            { from: 'INPUT', rule: jump('SVC2NFT-A') },
            { from: 'OUTPUT', rule: jump('SVC2NFT-A') },
            { from: 'INPUT', rule: jump('SVC2NFT-B') },
          ],
          chains: [
            { name: 'SVC2NFT-A', rules: [{ target: { kind: 'reject', with: 'port-unreachable' } }] },
            { name: 'SVC2NFT-B', rules: [] },
          ],
        },
      ],
    },
    { heading: ['two lines,', 'in fact'], jumps: true },
  );
  expect(text).toBe(`# two lines,
# in fact
*filter
:SVC2NFT-A - [0:0]
:SVC2NFT-B - [0:0]
-I INPUT 1 -j SVC2NFT-A
-I OUTPUT 1 -j SVC2NFT-A
-I INPUT 2 -j SVC2NFT-B
-A SVC2NFT-A -j REJECT --reject-with icmp6-port-unreachable
COMMIT
`);
});
