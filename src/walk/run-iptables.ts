import { familyOfAddress } from '../net/address.ts';
import type { IptablesStatement, StatementOf } from '../nft/ruleset.ts';
import {
  branchWithShare,
  type Connection,
  copyConnection,
  hasNewDestination,
  isLocal,
  type WalkContext,
} from './connection.ts';
import {
  acceptPacket,
  type Control,
  controlOf,
  type Effect,
  effectOf,
  endRule,
  next,
  withDestination,
  withSource,
} from './effect.ts';

/**
 * Where evaluation continues after a statement of iptables that leaves the packet as it is; undefined for one that changes it,
 * depends on chance, or is uncertain.
 */
export function decideIptables(
  statement: IptablesStatement,
  connection: Connection,
  context: WalkContext,
): Control | undefined {
  switch (statement.kind) {
    case 'accept':
      return acceptPacket;
    case 'never':
      return endRule;
    case 'match-ports':
      return controlOf(isInPorts(statement, connection) !== (statement.negated ?? false));
    case 'match-masked': {
      const mark = statement.place === 'packet' ? connection.mark : connection.connectionMark;
      return controlOf(((mark & statement.mask) >>> 0 === statement.bits) !== (statement.negated ?? false));
    }
    case 'match-translated':
      return controlOf(isTranslated(statement, connection) !== (statement.negated ?? false));
    case 'match-oifname': {
      const name = outputInterfaceOf(connection, context);
      return name === undefined ? undefined : controlOf(hasName(statement, name) !== (statement.negated ?? false));
    }
    case 'uncertain': {
      const isFromNode = isLocal(connection.source, context) && !connection.masqueraded;
      const { fromNode } = statement;
      return fromNode !== undefined && isFromNode ? controlOf(fromNode) : undefined;
    }
    case 'match-random':
    case 'write-mark':
    case 'copy-mark':
    case 'translate':
    case 'redirect':
    case 'snat':
      return undefined;
  }
}

/** Whether the packet has come in at an interface of which nothing is known but that it is not `lo`. */
export function isInterfaceUnknown({ inputInterface, source }: Connection, context: WalkContext): boolean {
  const { ruleset, hook } = context;
  const isFromNode = hook === 'output' || (hook === 'postrouting' && isLocal(source, context));
  return ruleset.language === 'iptables' && inputInterface === '' && !isFromNode;
}

function isInPorts({ port, ranges }: StatementOf<'match-ports'>, connection: Connection): boolean {
  const value = port === 'destination' ? connection.port : connection.originalPort;
  return ranges.some(([first, last]) => value >= first && value <= last);
}

function isTranslated({ of }: StatementOf<'match-translated'>, connection: Connection): boolean {
  return (of.includes('dnat') && hasNewDestination(connection)) || (of.includes('snat') && connection.masqueraded);
}

/**
 * `lo` for a packet to the node itself, otherwise undefined: the walk knows no routes. Empty in hooks before routing and behind
 * it, where a packet has none. In the output hook the packet leaves on the way that was found before its translation, even
 * behind the chain that translates it (ip_local_out).
 */
function outputInterfaceOf(connection: Connection, context: WalkContext): string | undefined {
  if (context.hook === 'prerouting' || context.hook === 'input') {
    return '';
  }
  const address = context.hook === 'output' ? connection.originalDestination : connection.destination;
  return isLocal(address, context) ? 'lo' : undefined;
}

function hasName({ name: pattern }: StatementOf<'match-oifname'>, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Executes a statement that {@link decideIptables} does not decide: one effect, or two where chance or doubt splits the walk. */
export function runIptables(statement: IptablesStatement, connection: Connection, context: WalkContext): Effect[] {
  switch (statement.kind) {
    case 'match-random':
      return runRandom(statement, connection);
    case 'write-mark':
      return [effectOf(writeMark(statement, connection), next)];
    case 'copy-mark':
      return [effectOf(copyMark(statement, connection), next)];
    case 'translate': {
      const { address = connection.destination, port = connection.port } = statement;
      return [effectOf(withDestination(connection, [{ address, port }]), acceptPacket)];
    }
    case 'redirect':
      return [effectOf(redirect(statement, connection, context), acceptPacket)];
    case 'snat':
      return [effectOf(withSource(connection, context, statement.address), acceptPacket)];
    default:
      return 'isTarget' in statement ? [effectOf(uncertain(connection), endRule)] : runUncertain(connection);
  }
}

/** How often a branch is split by doubt; behind that, what happens is not certain. */
const mostDoubts = 4;

/** A match that may hold or not: it does not hold, or, to see whether that makes a difference, it does. */
export function runUncertain(connection: Connection): Effect[] {
  const { of = {}, matches = 0, isOther = false } = connection.doubt ?? {};
  if (matches === mostDoubts) {
    return [effectOf(uncertain(connection), endRule)];
  }
  const [missed, held] = [copyConnection(connection), copyConnection(connection)];
  missed.doubt = { of, matches: matches + 1, isOther };
  held.doubt = { of, matches: matches + 1, isOther: true };
  return [effectOf(missed, endRule), effectOf(held, next)];
}

function runRandom({ numerator, denominator }: StatementOf<'match-random'>, connection: Connection): Effect[] {
  const others = denominator - numerator;
  return [
    ...(numerator > 0 ? [effectOf(branchWithShare(connection, { numerator, denominator }), next)] : []),
    ...(others > 0 ? [effectOf(branchWithShare(connection, { numerator: others, denominator }), endRule)] : []),
  ];
}

/** JavaScript computes with signed 32 bits, a mark is unsigned. */
function writeMark({ place, mask, bits }: StatementOf<'write-mark'>, connection: Connection): Connection {
  const marked = copyConnection(connection);
  const field = place === 'packet' ? 'mark' : 'connectionMark';
  marked[field] = ((connection[field] & ~mask) ^ bits) >>> 0;
  return marked;
}

function copyMark({ to, fromMask, toMask }: StatementOf<'copy-mark'>, connection: Connection): Connection {
  const marked = copyConnection(connection);
  const [source, target] =
    to === 'packet' ? (['connectionMark', 'mark'] as const) : (['mark', 'connectionMark'] as const);
  marked[target] = ((connection[target] & ~toMask) ^ (connection[source] & fromMask)) >>> 0;
  return marked;
}

/**
 * Packets of the node go to its loopback address, others to an address of the interface at which they arrive, which is not known
 * where the node has several.
 */
function redirect({ port }: StatementOf<'redirect'>, connection: Connection, context: WalkContext): Connection {
  const { ruleset, hook } = context;
  const loopback = ruleset.family === 'ip' ? '127.0.0.1' : '::1';
  const address = hook === 'output' ? loopback : onlyAddressOf(context);
  return address === undefined
    ? uncertain(connection)
    : withDestination(connection, [{ address, port: port ?? connection.port }]);
}

/** The only address of the node in the family of its rules, beside loopback addresses. */
function onlyAddressOf({ ownAddress, localAddresses, ruleset }: WalkContext): string | undefined {
  const isOther = (address: string): boolean =>
    address !== ownAddress &&
    familyOfAddress(address) === ruleset.family &&
    address !== '::1' &&
    !/^127\./.test(address);
  return [...localAddresses].some(isOther) ? undefined : ownAddress;
}

function uncertain(connection: Connection): Connection {
  const doubtful = copyConnection(connection);
  doubtful.isUncertain = true;
  return doubtful;
}
