import { invariant } from '../lib/invariant.ts';
import type { Mutable } from '../lib/mutable.ts';
import { ipv4RangeContains } from '../net/address.ts';
import type { EndpointAddress, Protocol } from '../net/network.ts';
import type { Element, Expression, Scalar, Statement, StatementOf } from '../nft/ruleset.ts';
import { isOfIptables } from '../nft/ruleset-parts.ts';
import { branchOf, type Connection, copyConnection, setOf, type WalkContext } from './connection.ts';
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
import {
  changeMemory,
  drawEndpoints,
  evaluateKey,
  type Found,
  hasRoom,
  isAbsent,
  type LookupResult,
  lookUp,
  lookUpCertain,
  type MemoryChange,
  rangeAround,
  readCertain,
  readCertainKey,
  readEndpointAddress,
  readValues,
} from './look-up.ts';
import { decideIptables, isInterfaceUnknown, runIptables, runUncertain } from './run-iptables.ts';

const tcpReset: Control = { kind: 'tcp-reset' };

/**
 * Where evaluation continues after a statement that leaves the packet and the sets as they are; undefined for one that may
 * change them or depends on chance. Most statements are decided here, without a new object for any of them.
 *
 * @param found is set to the key and element of a lookup.
 */
export function decide(
  statement: Statement,
  connection: Connection,
  context: WalkContext,
  found: Mutable<Found>,
): Control | undefined {
  switch (statement.kind) {
    case 'match':
      return decideMatch(statement, connection, context);
    case 'match-set': {
      const { set, key, negated = false } = statement;
      if (!negated && isAbsent(set, { key, connection, context })) {
        return endRule;
      }
      const isFound = lookUpCertain(set, { key, connection, context }, found);
      return isFound === undefined ? undefined : controlOf(isFound !== negated);
    }
    case 'vmap': {
      const { map, key } = statement;
      if (isAbsent(map, { key, connection, context })) {
        return endRule;
      }
      return lookUpCertain(map, { key, connection, context }, found) === undefined ? undefined : verdictOf(found);
    }
    case 'match-list':
      return controlOf(isInList(statement, readCertain(statement.left, connection, context)));
    case 'match-mark':
      return controlOf(hasMark(statement, connection));
    case 'counter':
    case 'comment':
      return next;
    case 'jump':
    case 'goto':
      return statement;
    case 'drop':
    case 'reject':
    case 'return':
      return { kind: statement.kind };
    case 'tcp-reset':
      return resetOf(connection);
    default:
      return isOfIptables(statement) ? decideIptables(statement, connection, context) : undefined;
  }
}

function decideMatch(
  { left, right, negated = false }: StatementOf<'match'>,
  connection: Connection,
  context: WalkContext,
): Control | undefined {
  if (left.kind === 'iifname' && isInterfaceUnknown(connection, context)) {
    return right === 'lo' ? controlOf(negated) : undefined;
  }
  const value = readCertain(left, connection, context);
  return value === undefined ? undefined : controlOf(isEqual(left, value, right) !== negated);
}

function resetOf({ protocol }: Connection): Control {
  return protocol === 'tcp' ? tcpReset : endRule;
}

/** Whether the comparison holds; it does not for a packet without the field. */
function isInList({ left, values, negated = false }: StatementOf<'match-list'>, value: Scalar | undefined): boolean {
  return value !== undefined && values.some((one) => isEqual(left, value, one)) !== negated;
}

function hasMark({ mark, negated = false }: StatementOf<'match-mark'>, connection: Connection): boolean {
  return ((connection.mark & mark) !== 0) !== negated;
}

function verdictOf({ element }: Found): Control {
  const verdict = element?.value;
  return verdict && 'kind' in verdict ? verdict : endRule;
}

/** Executes a statement that is not decided ({@link decide}): one effect, or one for each branch that chance may take. */
export function runStatement(statement: Statement, connection: Connection, context: WalkContext): Effect[] {
  switch (statement.kind) {
    case 'match':
      return runMatch(statement, connection, context);
    case 'match-set':
      return runMatchSet(statement, connection, context);
    case 'set-mark':
      return [effectOf(withMark(connection, changeMark(connection.mark, statement)), next)];
    case 'vmap':
      return lookUp(statement.map, { key: statement.key, connection, context }).map((result) =>
        effectOf(result.connection, verdictOf(result), result),
      );
    case 'random-goto':
      return statement.chains.map((chain) =>
        effectOf(branchOf(connection, statement.chains.length), { kind: 'goto', chain }),
      );
    case 'dnat':
      return [translation(effectOf(connection, endRule), translateTo([statement], statement.protocol, connection))];
    case 'random-dnat':
      return runRandomDnat(statement, connection, context);
    case 'dnat-map':
      return runDnatMap(statement, connection, context);
    case 'update':
    case 'delete':
      return runChange(statement, connection, context);
    case 'masquerade':
      return [effectOf(withSource(connection, context), acceptPacket)];
    default:
      if (isOfIptables(statement)) {
        return runIptables(statement, connection, context);
      }
      invariant(false, `${statement.kind} is decided without an effect`);
  }
}

/** Once for each number that a `numgen` may draw. It fails when the packet lacks the field, and is a doubt where that is unknown. */
function runMatch(
  { left, right, negated = false }: StatementOf<'match'>,
  connection: Connection,
  context: WalkContext,
): Effect[] {
  if (left.kind === 'iifname') {
    return runUncertain(connection);
  }
  const values = readValues(left, connection, context);
  return values.length === 0
    ? [effectOf(connection, endRule)]
    : values.map((value) =>
        effectOf(branchOf(connection, values.length), controlOf(isEqual(left, value, right) !== negated)),
      );
}

function runMatchSet(
  { set, key, negated = false }: StatementOf<'match-set'>,
  connection: Connection,
  context: WalkContext,
): Effect[] {
  return lookUp(set, { key, connection, context }).map((result) => {
    const holds = result.key !== undefined && (result.element !== undefined) !== negated;
    return effectOf(result.connection, controlOf(holds), result);
  });
}

function runRandomDnat(
  { endpointAddresses, protocol }: StatementOf<'random-dnat'>,
  connection: Connection,
  { keepsSteps }: WalkContext,
): Effect[] {
  const lists = keepsSteps ? endpointAddresses.map((one) => [one]) : [endpointAddresses];
  return lists.map((list) => {
    const branch = branchOf(connection, lists.length);
    return translation(effectOf(branch, endRule), translateTo(list, protocol, branch));
  });
}

function runDnatMap(statement: StatementOf<'dnat-map'>, connection: Connection, context: WalkContext): Effect[] {
  const lookup = { key: statement.key, connection, context };
  const choices = context.keepsSteps ? undefined : drawEndpoints(statement.map, lookup);
  const together = choices && translateTo(choices, statement.protocol, connection);
  return together
    ? [effectOf(together, acceptPacket)]
    : lookUp(statement.map, lookup).map((result) =>
        translation(result, translateByMap(statement, result.connection, result.element?.value)),
      );
}

/** A translation is a verdict as well: it ends the base chain. */
function translation(result: LookupResult, translated: Connection | undefined): Effect {
  return translated ? effectOf(translated, acceptPacket, result) : effectOf(result.connection, endRule, result);
}

function runChange(
  statement: StatementOf<'update' | 'delete'>,
  connection: Connection,
  context: WalkContext,
): Effect[] {
  const set = setOf(statement.set, context);
  if (connection.choices) {
    return [effectOf(postpone(statement, connection, context), next)];
  }
  const value = statement.value && readEndpointAddress(statement.value, connection, context);
  const readings = statement.value && !value ? [] : evaluateKey(statement.key, connection, context);
  if (readings.length === 0) {
    return [effectOf(connection, endRule)];
  }
  return readings.map(({ key, oneIn }) =>
    change(branchOf(connection, oneIn), { statement, set, key, ...(value && { value }) }),
  );
}

/**
 * Whether a statement is an update that can be made later for each choice: if the set has room, all go on in the same way,
 * whatever it writes.
 */
export function canPostpone(statement: Statement, connection: Connection, context: WalkContext): boolean {
  if (statement.kind !== 'update') {
    return false;
  }
  const { set, key, value = [] } = statement;
  const isCertain = (expression: Expression): boolean => readCertain(expression, connection, context) !== undefined;
  return [...key, ...value].every(isCertain) && hasRoom(setOf(set, context), connection.memory);
}

/** The connection, with an update to be made for each choice as the packet is now. */
function postpone(
  statement: StatementOf<'update' | 'delete'>,
  connection: Connection,
  context: WalkContext,
): Connection {
  const set = setOf(statement.set, context);
  const postponed = copyConnection(connection);
  postponed.postponed = [
    ...connection.postponed,
    {
      set: statement.set,
      make: (branch, { address, port }) => {
        const one = copyConnection(connection);
        one.destination = address;
        one.port = port;
        const key = readCertainKey(statement.key, one, context);
        const value = statement.value && readEndpointAddress(statement.value, one, context);
        const updated =
          key === undefined ? undefined : changeMemory(branch, { statement, set, key, ...(value && { value }) });
        invariant(updated, `a postponed update of ${statement.set} fails`);
        return updated;
      },
    },
  ];
  return postponed;
}

function change(connection: Connection, memoryChange: MemoryChange): Effect {
  const found = { key: memoryChange.key, element: undefined };
  const changed = changeMemory(connection, memoryChange);
  return changed ? effectOf(changed, next, found) : effectOf(connection, endRule, found);
}

function withMark(connection: Connection, mark: number): Connection {
  const marked = copyConnection(connection);
  marked.mark = mark;
  return marked;
}

/** JavaScript computes with signed 32 bits, a mark is unsigned. */
function changeMark(mark: number, { operator, mark: bit }: StatementOf<'set-mark'>): number {
  return (operator === 'or' ? mark | bit : mark ^ bit) >>> 0;
}

function isEqual(left: StatementOf<'match'>['left'], value: Scalar, right: Scalar): boolean {
  if (typeof right === 'number' || typeof value === 'number') {
    return value === right;
  }
  switch (left.kind) {
    case 'address':
    case 'ct-original-daddr':
      return isInRange(value, right);
    case 'iifname':
      // In nft a name with a trailing `*` is a prefix.
      return right.endsWith('*') ? value.startsWith(right.slice(0, -1)) : value === right;
    default:
      return value === right;
  }
}

/** Whether a range, in canonical text, contains an address. */
function isInRange(address: string, range: string): boolean {
  if (!address.includes(':')) {
    return ipv4RangeContains(range, address);
  }
  const slash = range.indexOf('/');
  return range === (slash === -1 ? address : rangeAround(address, Number(range.slice(slash + 1))));
}

/** The branches to the destinations that chance may pick, or to the only one; undefined when the rule is for another protocol. */
function translateTo(
  choices: readonly EndpointAddress[],
  protocol: Protocol,
  connection: Connection,
): Connection | undefined {
  const [first] = choices;
  if (!first || connection.protocol !== protocol) {
    return undefined;
  }
  return withDestination(connection, [first, ...choices.slice(1)]);
}

/** The connection with the destination that a map holds; undefined when it has none or is for another protocol. */
function translateByMap(
  { protocol }: { readonly protocol: Protocol },
  connection: Connection,
  value: Element['value'],
): Connection | undefined {
  return value && 'address' in value ? translateTo([value], protocol, connection) : undefined;
}
