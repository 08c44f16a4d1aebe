import type { Mutable } from '../lib/mutable.ts';
import type { EndpointAddress } from '../net/network.ts';
import { branchOf, type Connection, copyConnection, type WalkContext } from './connection.ts';
import type { Found, LookupResult } from './look-up.ts';

/** Where evaluation continues: `end-rule` with the next rule; accept, drop, reject and tcp-reset end the base chain. */
export type Control =
  | { readonly kind: 'next' | 'end-rule' | 'return' | 'accept' | 'drop' | 'reject' | 'tcp-reset' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** What one statement does in one branch, with the lookup that it made. */
export interface Effect extends LookupResult {
  readonly control: Control;
}

/** With the next statement of the rule. */
export const next: Control = { kind: 'next' };
/** With the next rule. */
export const endRule: Control = { kind: 'end-rule' };
/** With the next base chain. */
export const acceptPacket: Control = { kind: 'accept' };

/** Where evaluation continues after a match. */
export function controlOf(holds: boolean): Control {
  return holds ? next : endRule;
}

const noLookup: Found = { key: undefined, element: undefined };

/** The effect of a statement that leads to this connection. */
export function effectOf(connection: Connection, control: Control, { key, element }: Found = noLookup): Effect {
  return { connection, control, key, element };
}

/**
 * The connection with a new destination, one of those that chance picks from with equal probability. NAT has then decided about
 * the destination.
 */
export function withDestination(
  connection: Connection,
  choices: readonly [EndpointAddress, ...EndpointAddress[]],
): Connection {
  const moved: Mutable<Connection> = copyConnection(branchOf(connection, choices.length));
  moved.destination = choices[0].address;
  moved.port = choices[0].port;
  moved.choices = choices.length > 1 ? choices : undefined;
  moved.translated = true;
  moved.destinationSettled = true;
  return moved;
}

/**
 * The connection with an address of the node as source, or with the given one; the source stays where no address of the node is
 * known.
 */
export function withSource(connection: Connection, { ownAddress }: WalkContext, address?: string): Connection {
  const masked: Mutable<Connection> = copyConnection(connection);
  masked.source = address ?? ownAddress ?? connection.source;
  masked.masqueraded = true;
  masked.sourceSettled = true;
  return masked;
}
