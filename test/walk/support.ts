import type { Chain, Expression, FilledSet, Hook, Rule, Ruleset, Statement } from '../../src/nft/ruleset.ts';
import type { Fate, NodeFacts, Packet } from '../../src/walk/fate.ts';

export const saddr: Expression = { kind: 'address', field: 'saddr' };
export const daddr: Expression = { kind: 'address', field: 'daddr' };
export const l4proto: Expression = { kind: 'l4proto' };
export const thDport: Expression = { kind: 'dport', protocol: 'th' };
export const tcpDport: Expression = { kind: 'dport', protocol: 'tcp' };
export const udpDport: Expression = { kind: 'dport', protocol: 'udp' };
export const originalDaddr: Expression = { kind: 'ct-original-daddr' };
export const originalDport: Expression = { kind: 'ct-original-dport' };
export const frontend: readonly Expression[] = [daddr, l4proto, thDport];

export const drop: Statement = { kind: 'drop' };
export const reject: Statement = { kind: 'reject' };
export const tcpReset: Statement = { kind: 'tcp-reset' };
export const mark = 0x4000;
export const requestMasquerade: Statement = { kind: 'set-mark', operator: 'or', mark };
export const isNew: Statement = { kind: 'match', left: { kind: 'ct-state' }, right: 'new' };
export const isTranslated: Statement = { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' };

export function match(left: Expression, right: string | number, negated = false): Statement {
  return { kind: 'match', left, right, negated };
}

export function goto(chain: string): Statement {
  return { kind: 'goto', chain };
}

export function jump(chain: string): Statement {
  return { kind: 'jump', chain };
}

export function numgen(modulus: number): Expression {
  return { kind: 'numgen', modulus };
}

export function hook(type: Hook['type'], name: Hook['hook'], priority: number): Hook {
  return { type, hook: name, priority };
}

export const natPrerouting: Hook = hook('nat', 'prerouting', -100);
export const natOutput: Hook = hook('nat', 'output', -100);
export const natPostrouting: Hook = hook('nat', 'postrouting', 100);
export const filterForward: Hook = hook('filter', 'forward', 0);

export function chain(name: string, rules: readonly Rule[], base?: Hook): Chain {
  return { name, rules, ...(base && { hook: base }) };
}

/** A set with its parts that matter to a test. */
export function set(
  name: string,
  rest: Omit<FilledSet, 'name' | 'comment' | 'elements'> & Partial<FilledSet>,
): FilledSet {
  return { name, comment: '', elements: [], ...rest };
}

export function ruleset(
  chains: readonly Chain[],
  sets: readonly FilledSet[] = [],
  family: 'ip' | 'ip6' = 'ip',
): Ruleset {
  return { family, table: 'svc2nft', comment: '', sets, chains };
}

export const node: NodeFacts = { localAddresses: ['192.168.0.2', '192.168.0.3', 'fd00:168::2'] };

/** A packet of TCP from outside the cluster unless the test says otherwise. */
export function packet(destination: string, port: number, rest: Partial<Packet> = {}): Packet {
  return { source: '203.0.113.9', destination, protocol: 'tcp', port, ...rest };
}

/** `verdict endpoint numerator/denominator`, `masqueraded` after it. */
export function outcomesOf({ outcomes }: Fate): string[] {
  return outcomes.map(({ verdict, endpoint, share, masqueraded }) =>
    [verdict, endpoint, `${share.numerator}/${share.denominator}`, ...(masqueraded ? ['masqueraded'] : [])].join(' '),
  );
}
