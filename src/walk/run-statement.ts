import { canonicalAddress, cidrContains, parseCidr } from '../net/address.ts';
import type { EndpointAddress, Protocol } from '../net/network.ts';
import type { Element, Scalar, Statement, StatementOf } from '../nft/ruleset.ts';
import { branchOf, type Connection, copyConnection, setOf, type WalkContext } from './connection.ts';
import {
  changeMemory,
  evaluateKey,
  type LookupResult,
  lookUp,
  type MemoryChange,
  readCertain,
  readEndpointAddress,
  readValues,
} from './look-up.ts';

/** Where evaluation continues: `end-rule` with the next rule; accept, drop, reject and tcp-reset end the base chain. */
type Control =
  | { readonly kind: 'next' | 'end-rule' | 'return' | 'accept' | 'drop' | 'reject' | 'tcp-reset' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** What one statement does in one branch, with the lookup that it made. */
export interface Effect extends LookupResult {
  readonly control: Control;
}

const next: Control = { kind: 'next' };
const endRule: Control = { kind: 'end-rule' };
const accept: Control = { kind: 'accept' };

/** Executes one statement: one effect, or one for each branch that chance may take. */
export function runStatement(statement: Statement, connection: Connection, context: WalkContext): Effect[] {
  switch (statement.kind) {
    case 'match':
      return runMatch(statement, connection, context);
    case 'match-set':
      return runMatchSet(statement, connection, context);
    case 'match-mark':
      return [effectOf(connection, (connection.mark & statement.mark) !== 0 ? next : endRule)];
    case 'set-mark':
      return [effectOf(withMark(connection, changeMark(connection.mark, statement)), next)];
    case 'vmap':
      return lookUp(statement.map, { key: statement.key, connection, context }).map(followVerdict);
    case 'random-goto':
      return statement.chains.map((chain) =>
        effectOf(branchOf(connection, statement.chains.length), { kind: 'goto', chain }),
      );
    case 'dnat':
      return [translation(effectOf(connection, endRule), translateTo(statement, connection))];
    case 'dnat-map':
      return lookUp(statement.map, { key: statement.key, connection, context }).map((result) =>
        translation(result, translateByMap(statement, result.connection, result.element?.value)),
      );
    case 'update':
    case 'delete':
      return runChange(statement, connection, context);
    case 'jump':
    case 'goto':
      return [effectOf(connection, statement)];
    case 'masquerade':
      return [effectOf(masquerade(connection, context), accept)];
    case 'tcp-reset':
      return [effectOf(connection, connection.protocol === 'tcp' ? { kind: 'tcp-reset' } : endRule)];
    case 'drop':
    case 'reject':
    case 'return':
      return [effectOf(connection, { kind: statement.kind })];
  }
}

const noLookup = { key: undefined, element: undefined };

function effectOf(
  connection: Connection,
  control: Control,
  { key, element }: Pick<LookupResult, 'key' | 'element'> = noLookup,
): Effect {
  return { connection, control, key, element };
}

function runMatch(statement: StatementOf<'match'>, connection: Connection, context: WalkContext): Effect[] {
  const answers = matchStatement(statement, connection, context);
  return answers.map((holds) => effectOf(branchOf(connection, answers.length), holds ? next : endRule));
}

function runMatchSet(
  { set, key, negated = false }: StatementOf<'match-set'>,
  connection: Connection,
  context: WalkContext,
): Effect[] {
  return lookUp(set, { key, connection, context }).map((result) => {
    const holds = result.key !== undefined && (result.element !== undefined) !== negated;
    return effectOf(result.connection, holds ? next : endRule, result);
  });
}

function followVerdict(result: LookupResult): Effect {
  const verdict = result.element?.value;
  return effectOf(result.connection, verdict && 'kind' in verdict ? verdict : endRule, result);
}

/** A translation is a verdict as well: it ends the base chain. */
function translation(result: LookupResult, translated: Connection | undefined): Effect {
  return translated ? effectOf(translated, accept, result) : effectOf(result.connection, endRule, result);
}

function runChange(
  statement: StatementOf<'update' | 'delete'>,
  connection: Connection,
  context: WalkContext,
): Effect[] {
  const set = setOf(statement.set, context);
  const value = statement.value && readEndpointAddress(statement.value, connection, context);
  const readings = statement.value && !value ? [] : evaluateKey(statement.key, connection, context);
  if (readings.length === 0) {
    return [effectOf(connection, endRule)];
  }
  return readings.map(({ key, oneIn }) =>
    change(branchOf(connection, oneIn), { statement, set, key, ...(value && { value }) }),
  );
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

type Match = StatementOf<'match'>;

/** Whether a match holds: once, or for each number that a `numgen` may draw. It fails when the packet lacks the field. */
function matchStatement(statement: Match, connection: Connection, context: WalkContext): readonly boolean[] {
  const { left, right, negated = false } = statement;
  const certain = readCertain(left, connection, context);
  if (certain !== undefined) {
    return isEqual(left, certain, right) === negated ? fails : holds;
  }
  const values = readValues(left, connection, context);
  return values.length === 0 ? fails : values.map((value) => isEqual(left, value, right) !== negated);
}

const holds: readonly boolean[] = [true];
const fails: readonly boolean[] = [false];

function isEqual(left: Match['left'], value: Scalar, right: Scalar): boolean {
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

function isInRange(address: string, range: string): boolean {
  if (!range.includes('/')) {
    return address === canonicalAddress(range);
  }
  const cidr = parseCidr(range);
  return cidr !== undefined && cidrContains(cidr, address);
}

/** The connection with the destination that a rule names; undefined when the rule is for another protocol. */
function translateTo(
  { protocol, address, port }: EndpointAddress & { readonly protocol: Protocol },
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

/** The connection with the destination that a map holds; undefined when it has none or is for another protocol. */
function translateByMap(
  { protocol }: { readonly protocol: Protocol },
  connection: Connection,
  value: Element['value'],
): Connection | undefined {
  return value && 'address' in value ? translateTo({ ...value, protocol }, connection) : undefined;
}

/** The connection with an address of the node as source; the source stays where no address of the node is known. */
function masquerade(connection: Connection, { ownAddress }: WalkContext): Connection {
  const masked = copyConnection(connection);
  masked.source = ownAddress ?? connection.source;
  masked.masqueraded = true;
  masked.sourceSettled = true;
  return masked;
}
