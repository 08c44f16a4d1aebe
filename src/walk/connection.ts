import type { Protocol } from '../network.ts';
import type { Memory } from './fate.ts';

/** A packet as it stands at one place of its way, and what conntrack and the walk know about it. */
export interface Connection {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly originalDestination: string;
  readonly originalPort: number;
  /** Empty in the output hook, where a packet has none. */
  readonly inputInterface: string;
  /** An unsigned number of 32 bits. */
  readonly mark: number;
  readonly translated: boolean;
  readonly masqueraded: boolean;
  /** Whether NAT chains have had their say about the destination, and about the source. */
  readonly destinationSettled: boolean;
  readonly sourceSettled: boolean;
  /** This branch of the walk is taken once in so many times. */
  readonly oneIn: number;
  readonly memory: Memory;
  /** The changes to the memory as text, to compare branches by. */
  readonly changes: string;
}

/** Whether conntrack's status has `dnat`: a translation to the same address and port leaves it unset. */
export function hasNewDestination(connection: Connection): boolean {
  const { destination, port, originalDestination, originalPort } = connection;
  return destination !== originalDestination || port !== originalPort;
}

/** A connection that is being made out of another. */
export type ConnectionDraft = { -readonly [Field in keyof Connection]: Connection[Field] };

/** A copy to change. It names the fields because a spread costs several times as much, and each branch needs copies. */
export function copyConnection(connection: Connection): ConnectionDraft {
  return {
    source: connection.source,
    destination: connection.destination,
    protocol: connection.protocol,
    port: connection.port,
    originalDestination: connection.originalDestination,
    originalPort: connection.originalPort,
    inputInterface: connection.inputInterface,
    mark: connection.mark,
    translated: connection.translated,
    masqueraded: connection.masqueraded,
    destinationSettled: connection.destinationSettled,
    sourceSettled: connection.sourceSettled,
    oneIn: connection.oneIn,
    memory: connection.memory,
    changes: connection.changes,
  };
}

/** A branch of the walk that is taken once in `oneIn` times. */
export function branchOf(connection: Connection, oneIn: number): Connection {
  if (oneIn === 1) {
    return connection;
  }
  const branch = copyConnection(connection);
  branch.oneIn *= oneIn;
  return branch;
}
