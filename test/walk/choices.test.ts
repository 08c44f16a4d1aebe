import { describe, expect, test } from 'vitest';
import type { FilledSet, Rule, Statement } from '../../src/nft/ruleset.ts';
import type { Packet } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkBranches, walkInContext } from '../../src/walk/walk-packet.ts';
import {
  chain,
  daddr,
  drop,
  filterForward,
  goto,
  hook,
  isTranslated,
  match,
  natPostrouting,
  natPrerouting,
  node,
  numgen,
  outcomesOf,
  packet,
  requestMasquerade,
  ruleset,
  saddr,
  set,
  tcpDport,
  thDport,
} from './support.ts';

/** Endpoints that rules may tell apart: by address, by port, because one is the node, and because one is the frontend. */
const endpointAddresses = [
  { address: '10.0.1.1', port: 80 },
  { address: '10.0.1.2', port: 80 },
  { address: '10.0.2.1', port: 8080 },
  { address: '192.168.0.2', port: 80 },
  { address: '172.30.0.1', port: 80 },
  { address: '10.0.2.2', port: 8080 },
];

const sets: readonly FilledSet[] = [
  set('endpoints', {
    key: ['address', 'port', 'index'],
    value: 'endpoint',
    lists: [
      { key: '172.30.0.1 . 80', endpointAddresses },
      { key: '172.30.0.2 . 80', endpointAddresses: endpointAddresses.slice(0, 2) },
    ],
  }),
  set('some', { key: ['address'], elements: [{ key: '10.0.1.2' }, { key: '10.0.2.2' }] }),
  set('ways', {
    key: ['address', 'port'],
    value: 'verdict',
    elements: [
      { key: '10.0.1.1 . 80', value: { kind: 'drop' } },
      { key: '10.0.1.2 . 80', value: { kind: 'goto', chain: 'mark' } },
      { key: '10.0.2.1 . 8080', value: { kind: 'goto', chain: 'mark' } },
    ],
  }),
  set('seen', { key: ['address', 'address'], flags: ['dynamic', 'timeout'], size: 3 }),
];

function pick(modulus: number): Statement {
  return { kind: 'dnat-map', protocol: 'tcp', key: [daddr, tcpDport, numgen(modulus)], map: 'endpoints' };
}

function contextOf(rules: readonly Rule[], { modulus = 6, keepsSteps = false } = {}) {
  const chains = [
    chain('mark', [[requestMasquerade]]),
    chain('pick', [[pick(modulus)]], natPrerouting),
    chain('early', rules, hook('filter', 'prerouting', 0)),
    chain('late', rules, filterForward),
    chain('postrouting', [[{ kind: 'match-mark', mark: 0x4000 }, { kind: 'masquerade' }]], natPostrouting),
  ];
  return createWalkContext(indexRuleset(ruleset(chains, sets)), node, { keepsSteps });
}

const toService = packet('172.30.0.1', 80);
const fibLocal = match({ kind: 'fib-type', field: 'daddr' }, 'local');
const remember: Statement = { kind: 'update', set: 'seen', key: [saddr, daddr], timeoutSeconds: 9 };

const alike: readonly (readonly [string, Rule])[] = [
  ['another source', [match(saddr, '203.0.113.9'), requestMasquerade]],
  ['the protocol', [match({ kind: 'l4proto' }, 'tcp'), requestMasquerade]],
  ['the original destination', [match({ kind: 'ct-original-daddr' }, '172.30.0.1'), requestMasquerade]],
  ['a range that has none of them', [match(daddr, '10.9.0.0/16'), drop]],
];

const different: readonly (readonly [string, Rule])[] = [
  ['an address', [match(daddr, '10.0.2.1'), drop]],
  ['a range', [match(daddr, '10.0.1.0/24'), requestMasquerade]],
  ['all but an address', [match(daddr, '10.0.1.2', true), drop]],
  ['a port', [match(thDport, 8080), drop]],
  ['an address of the node', [fibLocal, drop]],
  ['a new destination', [isTranslated, requestMasquerade]],
  ['a set', [{ kind: 'match-set', key: [daddr], set: 'some' }, drop]],
  ['what is not in a set', [{ kind: 'match-set', key: [daddr], set: 'some', negated: true }, requestMasquerade]],
  ['a verdict map', [{ kind: 'vmap', key: [daddr, thDport], map: 'ways' }]],
  ['what is written to a set', [remember]],
  ['what is written, until the set is full', [remember, requestMasquerade]],
  ['what is written twice', [remember, remember, requestMasquerade]],
  ['a set that was just written', [remember, { kind: 'match-set', key: [saddr, daddr], set: 'seen' }, drop]],
  ['what is written and deleted', [remember, { kind: 'delete', set: 'seen', key: [saddr, daddr] }]],
  ['an address after what is written', [remember, match(daddr, '10.0.1.2'), drop]],
  ['a set that rules write to', [{ kind: 'match-set', key: [saddr, daddr], set: 'seen' }, drop]],
  ['chance', [match(numgen(2), 1), match(daddr, '10.0.1.1'), drop]],
  ['chance and a port', [{ kind: 'vmap', key: [daddr, thDport], map: 'ways' }, match(numgen(3), 0), drop]],
];

/** What can be seen of outcomes, in any order. */
function textsOf(fate: ReturnType<typeof walkInContext>): string[] {
  return fate.outcomes
    .map(({ verdict, endpoint, share, masqueraded, mark, memory }) =>
      JSON.stringify([verdict, endpoint, share, masqueraded, mark, [...memory].map(([name, all]) => [name, [...all]])]),
    )
    .sort();
}

describe('endpoints that are walked together meet the fate that each meets alone', () => {
  test.each([...alike, ...different])('%s', (_, rule) => {
    const sources: Packet[] = [
      toService,
      { ...toService, source: '192.168.0.2' },
      { ...toService, source: '10.0.1.2' },
    ];
    for (const modulus of [1, 2, 6]) {
      const together = contextOf([rule], { modulus });
      const alone = contextOf([rule], { modulus, keepsSteps: true });
      for (const sent of sources) {
        const first = walkInContext(sent, alone);
        expect(textsOf(walkInContext(sent, together))).toEqual(textsOf(first));
        for (const { memory } of first.outcomes) {
          expect(textsOf(walkInContext(sent, together, memory))).toEqual(textsOf(walkInContext(sent, alone, memory)));
        }
      }
    }
  });
});

test.each(alike)('no branch is made for each endpoint where rules read only %s', (_, rule) => {
  // One of the endpoints is the node itself.
  expect(walkBranches(toService, contextOf([rule]))).toHaveLength(2);
});

test('a number without an endpoint leaves the packet as it is', () => {
  const fate = walkInContext(packet('172.30.0.2', 80), contextOf([], { modulus: 6 }));
  expect(outcomesOf(fate)).toEqual([
    'translated 10.0.1.1:80 1/6',
    'translated 10.0.1.2:80 1/6',
    'untouched 172.30.0.2:80 2/3',
  ]);
});

test('an endpoint that is in a list twice gets two shares', () => {
  const [first, second] = endpointAddresses;
  const twice = { key: '172.30.0.1 . 80', endpointAddresses: [first, second, first].flatMap((one) => one ?? []) };
  const map = set('endpoints', { key: ['address', 'port', 'index'], value: 'endpoint', lists: [twice] });
  const rules = [[{ kind: 'match-set', key: [saddr, daddr], set: 'seen' }, goto('none')]] as const;
  const chains = [chain('none', []), chain('pick', [[pick(3)]], natPrerouting), chain('late', rules, filterForward)];
  const indexed = indexRuleset(ruleset(chains, [map, ...sets.slice(1, 2), ...sets.slice(3)]));
  const fate = walkInContext(toService, createWalkContext(indexed, node, { keepsSteps: false }));
  expect(outcomesOf(fate)).toEqual(['translated 10.0.1.1:80 2/3', 'translated 10.0.1.2:80 1/3']);
});
