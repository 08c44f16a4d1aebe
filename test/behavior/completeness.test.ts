import { expect, test } from 'vitest';
import { generateCluster } from '../../bench/generate-cluster.js';
import { compile } from '../../src/compile.ts';
import type { Chain, Expression, IptablesStatement, Ruleset, Statement } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';

/** Every kind of statement and expression; the type checker keeps these lists complete. */
const statements: Record<Exclude<Statement['kind'], IptablesStatement['kind']>, true> = {
  match: true,
  'match-set': true,
  'match-mark': true,
  'set-mark': true,
  vmap: true,
  'random-goto': true,
  dnat: true,
  'dnat-map': true,
  update: true,
  delete: true,
  jump: true,
  goto: true,
  drop: true,
  reject: true,
  'tcp-reset': true,
  return: true,
  masquerade: true,
  'match-list': true,
  'random-dnat': true,
  counter: true,
  comment: true,
};
/** Only kube-proxy writes these; test/behavior/kube-proxy-tables.test.ts has tables with each. */
const foreign: readonly string[] = ['match-list', 'random-dnat', 'counter', 'comment'];
const expressions: Record<Expression['kind'], true> = {
  address: true,
  l4proto: true,
  dport: true,
  iifname: true,
  'ct-state': true,
  'ct-status': true,
  'fib-type': true,
  'ct-original-daddr': true,
  'ct-original-dport': true,
  numgen: true,
};

const rulesets = listFixtures().flatMap((name) => compileFixture(name).rulesets);

test('every kind of statement and expression stands in a golden file, in each family', () => {
  for (const family of ['ip', 'ip6']) {
    const chains = rulesets.filter((ruleset) => ruleset.family === family).flatMap((ruleset) => ruleset.chains);
    const used = chains.flatMap((chain) => chain.rules.flat());
    // Affinity over IPv6 needs chains of its own on nft 1.0.6, and nothing else does.
    const missing = (kind: string): boolean =>
      (family === 'ip' && ['random-goto', 'dnat'].includes(kind)) ||
      (family === 'ip6' && ['delete', 'return', 'ct-original-daddr', 'ct-original-dport'].includes(kind));
    expect(kindsOf(used)).toEqual(namesOf(statements).filter((kind) => !missing(kind) && !foreign.includes(kind)));
    expect(kindsOf(used.flatMap(expressionsOf))).toEqual(namesOf(expressions).filter((kind) => !missing(kind)));
  }
});

test('ten thousand Services have the chains of ten', () => {
  const chainsFor = (services: number): number => {
    const { rulesets: compiled } = compile(documentsOf(generateCluster({ services, endpoints: 10 }).items));
    return compiled?.[0]?.chains.length ?? Number.NaN;
  };
  const few = chainsFor(10);
  expect(few).toBeGreaterThan(12);
  expect(chainsFor(10_000) - few).toBeLessThanOrEqual(40);
});

test('no Service owns a chain over IPv4', () => {
  const named = rulesets
    .filter(({ family }) => family === 'ip')
    .flatMap((ruleset: Ruleset): readonly Chain[] => ruleset.chains);
  expect(named.filter(({ name }) => name.includes('/'))).toEqual([]);
});

function expressionsOf(statement: Statement): readonly Expression[] {
  const key = 'key' in statement ? statement.key : [];
  const value = 'value' in statement ? statement.value : [];
  return [...key, ...(value ?? []), ...('left' in statement ? [statement.left] : [])];
}

function kindsOf(items: readonly { readonly kind: string }[]): string[] {
  return [...new Set(items.map(({ kind }) => kind))].sort();
}

function namesOf(kinds: Readonly<Record<string, true>>): string[] {
  return Object.keys(kinds).sort();
}
