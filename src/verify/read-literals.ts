import { type Cidr, rangeOf } from '../address.ts';
import type { Ruleset, Statement } from '../phases/5-plan/ruleset.ts';

/** What rules compare packets with by name. All else that they ask is asked of sets. */
export interface Literals {
  readonly sources: readonly Cidr[];
  readonly destinations: readonly Cidr[];
  readonly ports: readonly number[];
  /** As rules name them, with `*` for a prefix. */
  readonly interfaces: readonly string[];
}

/** Collects the literals of all rules of a ruleset, each once. */
export function readLiterals({ chains }: Pick<Ruleset, 'chains'>): Literals {
  const sources = new Map<string, Cidr>();
  const destinations = new Map<string, Cidr>();
  const ports = new Set<number>();
  const interfaces = new Set<string>();
  for (const { left, right } of chains.flatMap(({ rules }) => rules.flatMap((rule) => rule.filter(isMatch)))) {
    if (typeof right === 'number') {
      ports.add(right);
    } else if (left.kind === 'iifname') {
      interfaces.add(right);
    } else if (left.kind === 'address' || left.kind === 'ct-original-daddr') {
      const isSource = left.kind === 'address' && left.field === 'saddr';
      addRange(isSource ? sources : destinations, right);
    }
  }
  return {
    sources: [...sources.values()],
    destinations: [...destinations.values()],
    ports: [...ports],
    interfaces: [...interfaces],
  };
}

function isMatch(statement: Statement): statement is Extract<Statement, { kind: 'match' }> {
  return statement.kind === 'match';
}

function addRange(ranges: Map<string, Cidr>, text: string): void {
  const range = rangeOf(text);
  if (range) {
    ranges.set(text, range);
  }
}
