import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { parseNftJson, readNftJson } from './parse-nft-json.ts';

const table = { table: { family: 'ip', name: 'svc2nft', handle: 1 } };
const place = { family: 'ip', table: 'svc2nft' };

/** Reads objects of the table `ip svc2nft`, which itself need not be given. */
const read = (...objects: unknown[]) =>
  readNftJson(
    { nftables: [{ metainfo: { version: '1.0.6' } }, table, ...objects] },
    { family: 'ip', table: 'svc2nft' },
    knownNames,
  );

describe('a listing without the table', () => {
  const missing = {
    isDormant: false,
    ruleset: { family: 'ip', table: 'svc2nft', comment: 'Kubernetes Services, by svc2nft', sets: [], chains: [] },
    dynamic: new Map(),
    deviations: [{ message: 'table ip svc2nft is missing from the listing', needsRebuild: true }],
  };

  test.each([
    [undefined],
    [null],
    [[]],
    ['text'],
    [{}],
    [{ nftables: null }],
    [{ nftables: {} }],
    [{ nftables: [null, 1, 'text', [], {}, { set: null }, { set: [] }, { table: {} }, { set: {}, map: {} }] }],
    [{ nftables: [{ table: { family: 'ip6', name: 'svc2nft' } }, { table: { family: 'ip', name: 'other' } }] }],
    [{ nftables: [{ set: { family: 'ip', table: 'other', name: 'a', type: 'ipv4_addr' } }] }],
    [{ nftables: [{ counter: { family: 'ip6', table: 'svc2nft', name: 'a' } }] }],
  ])('%j', (json) => {
    expect(readNftJson(json, { family: 'ip', table: 'svc2nft' }, knownNames)).toEqual(missing);
  });

  test('never throws, whatever value is anywhere in it', () => {
    const text = readFileSync(new URL('client-affinity-over-udp-and-sctp.ip.json', import.meta.url), 'utf8');
    const strange = fc.oneof(fc.jsonValue(), fc.constantFrom('@', '@a', {}, [], -1, 1.5, 1e300, { concat: [] }, [[]]));
    fc.assert(
      fc.property(fc.nat(), strange, (seed, value) => {
        const json: unknown = JSON.parse(text);
        replaceSomewhere(json, seed, value);
        readNftJson(json, { family: 'ip', table: 'svc2nft' }, knownNames);
      }),
      { numRuns: 300 },
    );
  });
});

/** The text of a value inside so many concatenations. */
function nested(depth: number): string {
  return `${'{"concat":['.repeat(depth)}1${']}'.repeat(depth)}`;
}

test('values nested deeper than the stack are not understood', () => {
  const deep = 'deep';
  const objects = [
    table,
    { set: { ...place, name: 'a', type: 'ipv4_addr', elem: [deep, { elem: { val: deep } }] } },
    { map: { ...place, name: 'b', type: { typeof: deep }, map: 'verdict' } },
    { chain: { ...place, name: 'c' } },
    { rule: { ...place, chain: 'c', expr: [{ match: { op: '==', left: deep, right: deep } }, { set: deep }] } },
  ];
  const text = JSON.stringify({ nftables: objects }).replaceAll('"deep"', nested(200_000));
  const { ruleset, deviations } = parseNftJson(text, { family: 'ip', table: 'svc2nft' }, knownNames);
  expect(ruleset.chains).toEqual([{ name: 'c', rules: [[]] }]);
  expect(deviations.map(({ message }) => message)).toEqual([
    'set a: 2 elements have a key that cannot be written as nft text',
    'map b: unexpected type typeof : verdict',
    'chain c: rule 1 is not understood',
  ]);
});

const asleep = { message: 'table ip svc2nft is dormant: none of its rules are in force', needsRebuild: true };

describe('a table', () => {
  test('has no flags, and its comment if nft prints it', () => {
    const own = { table: { family: 'ip', name: 'svc2nft', flags: 'dormant', comment: 'older' } };
    const { ruleset, deviations } = readNftJson({ nftables: [own] }, { family: 'ip', table: 'svc2nft' }, knownNames);
    expect(ruleset.comment).toBe('older');
    expect(deviations).toEqual([asleep]);
  });

  test.each([
    ['no flags', undefined, false, []],
    ['an empty list', [], false, []],
    ['newer nft', ['dormant'], true, [asleep]],
    ['several flags', ['owner', 'dormant'], true, [asleep]],
    ['other flags', ['owner', 'persist'], false, []],
    ['a misprint of nft 1.0.6', 'ip', true, [asleep]],
    ['another one', 7, true, [asleep]],
  ])('is dormant or not: %s', (_, flags, isDormant, deviations) => {
    const own = { table: { family: 'ip', name: 'svc2nft', ...(flags !== undefined && { flags }) } };
    expect(readNftJson({ nftables: [own] }, { family: 'ip', table: 'svc2nft' }, knownNames)).toMatchObject({
      isDormant,
      deviations,
    });
  });

  test('has no names that commands cannot use', () => {
    const { ruleset, deviations } = read(
      { chain: { ...place, name: 'a b' } },
      { chain: { ...place, name: '\u001b[1m' } },
      { set: { ...place, name: '_a', type: 'ipv4_addr' } },
      { map: { ...place, type: 'ipv4_addr', map: 'verdict' } },
      { flowtable: { ...place, name: 'a' } },
      { rule: { ...place, chain: 'a b', expr: [{ drop: null }] } },
      { rule: { ...place, chain: 'gone', expr: [{ drop: null }] } },
      { rule: { ...place, expr: [{ drop: null }] } },
    );
    expect(ruleset.chains).toEqual([]);
    expect(ruleset.sets).toEqual([]);
    expect(deviations.map(({ message, needsRebuild }) => `${needsRebuild} ${message}`)).toEqual([
      'true unknown flowtable a',
      'true unknown set _a',
      'true unknown map without a name',
      'true unknown chain a b',
      'true unknown chain \\u001b[1m',
      'true chain gone has rules but is not listed',
      'true a chain without a name has rules but is not listed',
    ]);
  });
});

describe('a chain', () => {
  test('may lack the policy, and names what is unexpected', () => {
    const base = { type: 'filter', hook: 'input', prio: -5 };
    const { ruleset, deviations } = read(
      { chain: { ...place, name: 'a', ...base } },
      { chain: { ...place, name: 'b', ...base, policy: 'drop', dev: 'lo', comment: 'mine' } },
      { chain: { ...place, name: 'c', ...base, hook: 'ingress' } },
      { chain: { ...place, name: 'd', type: 'filter' } },
      { chain: { ...place, name: 'e', type: '' } },
      { chain: { ...place, name: 'f', ...base, prio: {}, policy: [] } },
    );
    const hook = { type: 'filter', hook: 'input', priority: -5 };
    expect(ruleset.chains).toEqual([
      { name: 'a', hook, rules: [] },
      { name: 'b', hook, rules: [[]] },
      { name: 'c', rules: [] },
      { name: 'd', rules: [] },
      { name: 'e', rules: [] },
      { name: 'f', rules: [[]] },
    ]);
    expect(deviations).toEqual(
      [
        'chain b: unexpected policy drop',
        'chain b: unexpected comment',
        'chain b: unexpected dev',
        'chain c: unexpected type filter hook ingress priority -5',
        'chain d: unexpected type filter without hook and priority',
        'chain e: unexpected empty type',
        'chain f: unexpected type filter hook input priority a mapping',
        'chain f: unexpected policy an empty list',
      ].map((message) => ({ message, chain: message.charAt('chain '.length), needsRebuild: true })),
    );
  });
});

/** Changes one value in a parsed text, which one depends on the seed. */
function replaceSomewhere(json: unknown, seed: number, value: unknown): void {
  const places: { owner: Record<string, unknown>; key: string }[] = [];
  const visit = (owner: unknown): void => {
    if (typeof owner === 'object' && owner !== null) {
      for (const [key, child] of Object.entries(owner)) {
        places.push({ owner: owner as Record<string, unknown>, key });
        visit(child);
      }
    }
  };
  visit(json);
  const chosen = places[seed % places.length];
  if (chosen) {
    chosen.owner[chosen.key] = value;
  }
}
