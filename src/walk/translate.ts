import { canonicalAddress } from '../address.ts';
import type { Protocol, Socket } from '../network.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';
import { type Connection, copyConnection } from './connection.ts';
import type { WalkContext } from './walk-context.ts';

/** The connection with the destination that a rule names, or undefined where the rule is for another protocol. */
export function translateTo(
  { protocol, address, port }: Socket & { readonly protocol: Protocol },
  connection: Connection,
): Connection | undefined {
  const destination = canonicalAddress(address);
  if (connection.protocol !== protocol || destination === undefined) {
    return undefined;
  }
  const moved = copyConnection(connection);
  moved.destination = destination;
  moved.port = port;
  moved.translated = true;
  moved.destinationSettled = true;
  return moved;
}

/** The connection with the destination that a map holds, or undefined where it holds none or is for another protocol. */
export function translateByMap(
  { protocol }: { readonly protocol: Protocol },
  connection: Connection,
  value: Element['value'],
): Connection | undefined {
  return value && 'address' in value ? translateTo({ ...value, protocol }, connection) : undefined;
}

/** The connection with the node's own source; the source stays where the node is not known to have an address. */
export function masquerade(connection: Connection, { ownAddress }: WalkContext): Connection {
  const masked = copyConnection(connection);
  masked.source = ownAddress ?? connection.source;
  masked.masqueraded = true;
  masked.sourceSettled = true;
  return masked;
}
