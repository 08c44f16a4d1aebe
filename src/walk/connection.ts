import { invariant } from '../lib/invariant.ts';
import type { Mutable } from '../lib/mutable.ts';
import type { EndpointAddress, Protocol } from '../net/network.ts';
import type { Chain, Element, EndpointList, Hook } from '../nft/ruleset.ts';
import { type Memory, multiplyShares, type Share } from './fate.ts';
import type { IndexedRuleset, IndexedSet } from './lookup-tables.ts';

/** A packet at one point of its path, with what conntrack and the walk know about it. */
export interface Connection {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
  /**
   * Where chance picked among endpoints that no rule has told apart yet: the destinations of as many branches, each with the
   * probability `share`, which are walked together; destination and port are those of the first. Undefined for one branch.
   */
  readonly choices: readonly EndpointAddress[] | undefined;
  readonly originalDestination: string;
  readonly originalPort: number;
  /** Empty in the output hook, where a packet has no input interface. */
  readonly inputInterface: string;
  /** An unsigned number of 32 bits. */
  readonly mark: number;
  /** The mark of the connection, which only rules of iptables have. */
  readonly connectionMark: number;
  readonly translated: boolean;
  readonly masqueraded: boolean;
  /** Whether NAT has decided about the destination, and about the source. */
  readonly destinationSettled: boolean;
  readonly sourceSettled: boolean;
  /** The probability of the branch. */
  readonly share: Share;
  /** Whether the packet met a rule that may have done something else. */
  readonly isUncertain: boolean;
  /** Undefined until it meets a match that may hold or not. */
  readonly doubt: Doubt | undefined;
  readonly memory: Memory;
  /** The changes to the memory as text, by which branches are compared. */
  readonly changes: string;
  /** What is still to be written to the memory of each choice; empty for a single branch. */
  readonly postponed: readonly PostponedUpdate[];
}

/** Both ways are walked at a match of which it is not known whether it holds, to see whether they end alike. */
interface Doubt {
  /** The same one in all branches that came from the first such match of a branch. */
  readonly of: object;
  /** How many such matches there were. */
  readonly matches: number;
  /** Whether one of them was taken to hold; the outcomes are those without such branches. */
  readonly isOther: boolean;
}

/** An update that depends on the destination, of a set that no statement has read since. */
interface PostponedUpdate {
  readonly set: string;
  /** The branch of one choice, updated. */
  readonly make: (branch: Connection, choice: EndpointAddress) => Connection;
}

/** Whether conntrack's status has `dnat`; a translation to the same address and port does not set it. */
export function hasNewDestination(connection: Connection): boolean {
  const { destination, port, originalDestination, originalPort } = connection;
  return destination !== originalDestination || port !== originalPort;
}

/** A copy of a connection, to be changed. */
type ConnectionDraft = Mutable<Connection>;

/** A copy to change. It names all fields because a spread takes several times as long, and every branch needs copies. */
export function copyConnection(connection: Connection): ConnectionDraft {
  return {
    source: connection.source,
    destination: connection.destination,
    protocol: connection.protocol,
    port: connection.port,
    choices: connection.choices,
    originalDestination: connection.originalDestination,
    originalPort: connection.originalPort,
    inputInterface: connection.inputInterface,
    mark: connection.mark,
    connectionMark: connection.connectionMark,
    translated: connection.translated,
    masqueraded: connection.masqueraded,
    destinationSettled: connection.destinationSettled,
    sourceSettled: connection.sourceSettled,
    share: connection.share,
    isUncertain: connection.isUncertain,
    doubt: connection.doubt,
    memory: connection.memory,
    changes: connection.changes,
    postponed: connection.postponed,
  };
}

/** A branch of the walk that is taken once in `oneIn` times. */
export function branchOf(connection: Connection, oneIn: number): Connection {
  return oneIn === 1 ? connection : branchWithShare(connection, { numerator: 1, denominator: oneIn });
}

/** A branch of the walk that is taken with a probability. */
export function branchWithShare(connection: Connection, share: Share): Connection {
  const branch = copyConnection(connection);
  branch.share = multiplyShares(branch.share, share);
  return branch;
}

/** What stays the same during one walk. */
export interface WalkContext {
  readonly ruleset: IndexedRuleset;
  /** Where the packet is; the walk sets it. */
  readonly hook: Hook['hook'];
  readonly localAddresses: ReadonlySet<string>;
  /** The source that masquerading sets; undefined where no address of the node is known. */
  readonly ownAddress: string | undefined;
  /** Whether outcomes include their steps, which takes longer than the walk itself: each branch is walked on its own. */
  readonly keepsSteps: boolean;
  /** Called for every element that a lookup finds, in any branch, but for those of endpoint lists. */
  readonly onElement: ((element: Element) => void) | undefined;
  /** Called where chance picks among endpoints of a list; they are those with an index below `count`. */
  readonly onDraw: ((list: EndpointList, count: number) => void) | undefined;
}

/** Whether an address, in canonical text, is one of the node's own. */
export function isLocal(address: string, { localAddresses }: WalkContext): boolean {
  return localAddresses.has(address) || address === '::1' || address.startsWith('127.');
}

/** The set of this name; an indexed ruleset has every set that it names. */
export function setOf(name: string, { ruleset }: WalkContext): IndexedSet {
  const set = ruleset.sets.get(name);
  invariant(set, `an indexed ruleset has no set ${name}`);
  return set;
}

/** The chain of this name; an indexed ruleset has every chain that it names. */
export function chainOf(name: string, { ruleset }: WalkContext): Chain {
  const chain = ruleset.chains.get(name);
  invariant(chain, `an indexed ruleset has no chain ${name}`);
  return chain;
}
