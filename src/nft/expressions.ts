import type { Protocol } from '../net/network.ts';
import type { Expression } from './ruleset.ts';

/** The expressions that rules consist of, named after nft's words. */
export const saddr: Expression = { kind: 'address', field: 'saddr' };
export const daddr: Expression = { kind: 'address', field: 'daddr' };
export const l4proto: Expression = { kind: 'l4proto' };
export const thDport: Expression = { kind: 'dport', protocol: 'th' };
export const originalDaddr: Expression = { kind: 'ct-original-daddr' };
export const originalDport: Expression = { kind: 'ct-original-dport' };

/** `tcp dport`: also matches the protocol of the packet. */
export function dportOf(protocol: Protocol): Expression {
  return { kind: 'dport', protocol };
}

/** The transport protocol whose port an expression reads; undefined for `th dport`, which reads that of any. */
export function protocolOf(expression: Expression): Protocol | undefined {
  return expression.kind === 'dport' && expression.protocol !== 'th' ? expression.protocol : undefined;
}
