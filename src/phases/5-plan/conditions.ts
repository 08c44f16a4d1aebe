import type { Family } from '../../net/network.ts';
import { daddr, saddr } from '../../nft/expressions.ts';
import type { Statement } from '../../nft/ruleset.ts';
import type { LocalDetector } from '../3-model/model.ts';

type Match = Extract<Statement, { kind: 'match' }>;

/** `ct state new`: the first packet of a connection. */
export const isNew: Statement = { kind: 'match', left: { kind: 'ct-state' }, right: 'new' };

/** `ct status dnat`: the connection's destination was translated. */
export const isTranslated: Statement = { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' };

/** `fib saddr type local`: the packet comes from this node itself. */
export const isFromNode: Statement = { kind: 'match', left: { kind: 'fib-type', field: 'saddr' }, right: 'local' };

/** `fib daddr type local`: the packet is for this node itself. */
export const isForNode: Statement = { kind: 'match', left: { kind: 'fib-type', field: 'daddr' }, right: 'local' };

/** Node ports do not work on loopback addresses: the answer could not leave the node (net.ipv4.conf.*.route_localnet). */
export function isNotForLoopback(family: Family): Statement {
  return { kind: 'match', left: daddr, negated: true, right: family === 'ip' ? '127.0.0.0/8' : '::1' };
}

/**
 * Whether the packet comes from a pod of this node. Interfaces are compared by name (iifname), as an index would have to
 * exist when the ruleset is loaded.
 */
export function isFromPod(detector: LocalDetector): Match {
  if (detector.kind === 'source') {
    return { kind: 'match', left: saddr, right: detector.cidr };
  }
  // A name has 15 bytes at most, so a prefix that long is the whole name, and nft has no room for its asterisk.
  const isPrefix = detector.prefix && detector.name.length < 15;
  return { kind: 'match', left: { kind: 'iifname' }, right: isPrefix ? `${detector.name}*` : detector.name };
}

/** The opposite of {@link isFromPod}. */
export function isNotFromPod(detector: LocalDetector): Match {
  return { ...isFromPod(detector), negated: true };
}

/** Sets the bit that asks the chain `masquerading` for a new source; other bits of the mark stay. */
export function requestMasquerade(mark: number): Statement {
  return { kind: 'set-mark', operator: 'or', mark };
}
