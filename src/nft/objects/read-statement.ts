import { cidrsOfRange, cidrText } from '../../net/address.ts';
import type { EndpointAddress, Family, Protocol } from '../../net/network.ts';
import { protocolOf } from '../expressions.ts';
import type { Expression, Scalar, Statement } from '../ruleset.ts';
import type {
  NftAnonymousSet,
  NftDnat,
  NftElement,
  NftKey,
  NftMangle,
  NftMapChange,
  NftMasked,
  NftMasquerade,
  NftMatch,
  NftPart,
  NftReject,
  NftSetChange,
  NftStatement,
  NftVerdictMap,
} from './nft-json.ts';
import { pairOf, printAddress, readEndpointValue, readVerdict } from './read-element.ts';
import { isCount, onlyFlag, readAll, readExpressions, readField, readProtocol } from './read-expression.ts';

/** What the meaning of a statement depends on besides itself. */
interface StatementContext {
  readonly family: Family;
  /** The transport protocol that the statement before matches, if it does. */
  readonly protocol: Protocol | undefined;
  /** Whether the table is kube-proxy's, which writes some statements that svc2nft never does. */
  readonly isKubeProxy: boolean;
}

/** A statement of a rule; undefined for one that the writer of the table never writes. */
export function readStatement(statement: NftStatement, context: StatementContext): Statement | undefined {
  return readOwnStatement(statement, context) ?? (context.isKubeProxy ? readKubeProxys(statement, context) : undefined);
}

function readOwnStatement(statement: NftStatement, context: StatementContext): Statement | undefined {
  const { family } = context;
  if ('match' in statement) {
    return readMatch(statement.match, family);
  }
  if ('mangle' in statement) {
    return readMarkChange(statement.mangle);
  }
  if ('vmap' in statement) {
    return readVerdictMap(statement.vmap, family);
  }
  if ('dnat' in statement) {
    return readDestinationMap(statement.dnat, family) ?? readDestination(statement.dnat, context);
  }
  if ('set' in statement) {
    return readSetChange(statement.set.set, statement.set, family);
  }
  if ('map' in statement) {
    return readSetChange(statement.map.map, statement.map, family);
  }
  if ('jump' in statement) {
    return { kind: 'jump', chain: statement.jump.target };
  }
  if ('goto' in statement) {
    return { kind: 'goto', chain: statement.goto.target };
  }
  if ('masquerade' in statement) {
    return readMasquerade(statement.masquerade);
  }
  if ('reject' in statement) {
    return readReject(statement.reject, family);
  }
  if ('unknown' in statement || 'counter' in statement) {
    return undefined;
  }
  return { kind: 'drop' in statement ? 'drop' : 'return' };
}

/** What only kube-proxy writes: anonymous sets and maps, counters, `meta mark & 0x4000 == 0`. */
function readKubeProxys(statement: NftStatement, context: StatementContext): Statement | undefined {
  if ('counter' in statement) {
    return { kind: 'counter', ...(typeof statement.counter === 'string' && { name: statement.counter }) };
  }
  if ('match' in statement) {
    return readUnmarked(statement.match) ?? readListMatch(statement.match, context.family);
  }
  return 'dnat' in statement ? readRandomDnat(statement.dnat, context) : undefined;
}

function readUnmarked({ op, left, right }: NftMatch): Statement | undefined {
  const mark = op === '==' && right === 0 && isMasked(left) && '&' in left ? readBits(left['&']) : undefined;
  return mark === undefined ? undefined : { kind: 'match-mark', mark, negated: true };
}

/** `ip saddr != { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }`; nft joins adjacent ranges. */
function readListMatch({ op, left, right }: NftMatch, family: Family): Statement | undefined {
  const expression = isMasked(left) || 'concat' in left ? undefined : readField(left, family);
  if (expression?.kind !== 'address' || typeof right !== 'object' || (op !== '==' && op !== '!=')) {
    return undefined;
  }
  const values = readAll('set' in right ? right.set : [right], readRange)?.flat();
  return values && { kind: 'match-list', left: expression, ...(op === '!=' && { negated: true }), values };
}

/** An element as addresses or CIDRs; undefined for anything else. */
function readRange(element: NftElement): string[] | undefined {
  if (typeof element !== 'object') {
    const address = printAddress(element);
    return address === undefined ? undefined : [address];
  }
  if ('prefix' in element) {
    const cidr = printAddress(element);
    return cidr === undefined ? undefined : [cidr];
  }
  const [from, to] = 'range' in element ? element.range : [];
  return typeof from === 'string' && typeof to === 'string' ? cidrsOfRange(from, to)?.map(cidrText) : undefined;
}

/** `dnat ip to numgen random mod 2 map { 0 : 10.1.2.3 . 80, 1 : 10.1.2.4 . 80 }` after `meta l4proto tcp` */
function readRandomDnat(
  { family: to, addr, port }: NftDnat,
  { family, protocol }: StatementContext,
): Statement | undefined {
  if (typeof addr === 'string' || typeof addr.map.data === 'string' || port !== undefined || !protocol) {
    return undefined;
  }
  const { key, data } = addr.map;
  const endpointAddresses = readNumbered(readExpressions(key, family), data, readEndpointValue);
  return endpointAddresses && (to === undefined || to === family)
    ? { kind: 'random-dnat', protocol, endpointAddresses }
    : undefined;
}

/** A comparison with a value or a set. */
function readMatch({ op, left, right }: NftMatch, family: Family): Statement | undefined {
  if (typeof right === 'object' && 'set' in right) {
    return undefined;
  }
  if (isMasked(left)) {
    return op === '!=' && right === 0 && '&' in left ? readMarkMatch(left['&']) : undefined;
  }
  const expression = 'concat' in left ? undefined : readField(left, family);
  // The name of an interface may begin with @ as well.
  if (typeof right === 'string' && right.startsWith('@') && expression?.kind !== 'iifname') {
    const key = readExpressions(left, family);
    return key && withOperator({ kind: 'match-set', key, set: right.slice(1) }, op);
  }
  if (expression) {
    return readComparison(expression, op, right);
  }
  return op === '!=' && isMark(left) && isHighestBit(right) ? { kind: 'match-mark', mark: 2 ** 31 } : undefined;
}

function readComparison(left: Expression, op: string, listedRight: NftPart): Statement | undefined {
  const right = readScalar(left, listedRight);
  if (right === undefined) {
    return undefined;
  }
  const match = { kind: 'match', left, right } as const;
  if (left.kind === 'ct-state' || left.kind === 'ct-status') {
    // `in` asks whether the bit is set, `!` whether it is not, `==` and `!=` whether it is the only one.
    if (op === '!' && left.kind === 'ct-status') {
      return { ...match, negated: true };
    }
    return op === 'in' ? match : undefined;
  }
  return withOperator(match, op);
}

function withOperator(match: Extract<Statement, { negated?: boolean }>, op: string): Statement | undefined {
  if (op === '==') {
    return match;
  }
  return op === '!=' ? { ...match, negated: true } : undefined;
}

/** The right side of a comparison. Symbols are the kernel's numbers where nft is asked for numbers (`-n`). */
function readScalar({ kind }: Expression, right: NftPart): Scalar | undefined {
  switch (kind) {
    case 'address':
      return printAddress(right);
    case 'l4proto':
      return readProtocol(right);
    case 'iifname':
      return typeof right === 'string' ? right : undefined;
    case 'ct-state':
      return right === 'new' || right === 8 ? 'new' : undefined;
    case 'ct-status':
      return right === 'dnat' || right === 32 ? 'dnat' : undefined;
    case 'fib-type':
      return right === 'local' || right === 2 ? 'local' : undefined;
    case 'dport':
      return typeof right === 'number' && right >= 0 && right <= 0xffff ? right : undefined;
    default:
      return undefined;
  }
}

function isMasked(left: NftMatch['left']): left is NftMasked {
  return '&' in left || '|' in left || '^' in left;
}

/** `meta mark and 0x4000 != 0` */
function readMarkMatch(operands: Operands): Statement | undefined {
  const mark = readBits(operands);
  return mark === undefined ? undefined : { kind: 'match-mark', mark };
}

/** `meta mark set meta mark or 0x4000` */
function readMarkChange({ key, value }: NftMangle): Statement | undefined {
  if ('&' in value || !isMark(key)) {
    return undefined;
  }
  const mark = readBits('|' in value ? value['|'] : value['^']);
  return mark === undefined ? undefined : { kind: 'set-mark', operator: '|' in value ? 'or' : 'xor', mark };
}

/** nft 1.0.6 prints `and 0x80000000 != 0` as `!= 0/1`, as if the mark were an address. */
function isHighestBit(right: NftPart): boolean {
  return typeof right === 'object' && 'prefix' in right && right.prefix.addr === 0 && right.prefix.len === 1;
}

type Operands = Extract<NftMasked, { readonly '&': unknown }>['&'];

/** The number that is joined to the mark; undefined for any other field. */
function readBits([field, bits]: Operands): number | undefined {
  return isMark(field) && isCount(bits) && bits < 2 ** 32 ? bits : undefined;
}

function isMark(key: NftKey): boolean {
  return 'meta' in key && key.meta.key === 'mark';
}

/** A lookup in a named map, or in a map of its own from random numbers to chains. */
function readVerdictMap({ key: listedKey, data }: NftVerdictMap, family: Family): Statement | undefined {
  const key = readExpressions(listedKey, family);
  if (typeof data !== 'string') {
    return readRandomGoto(key, data);
  }
  return key && data.startsWith('@') ? { kind: 'vmap', key, map: data.slice(1) } : undefined;
}

function readRandomGoto(key: readonly Expression[] | undefined, data: NftAnonymousSet): Statement | undefined {
  const chains = readNumbered(key, data, (value) => {
    const verdict = readVerdict(value);
    return verdict?.kind === 'goto' ? verdict.chain : undefined;
  });
  return chains && { kind: 'random-goto', chains };
}

/** The values of a map from each number that `numgen` may draw; undefined for any other map. */
function readNumbered<T extends string | EndpointAddress>(
  key: readonly Expression[] | undefined,
  { set: entries }: NftAnonymousSet,
  read: (value: ReturnType<typeof pairOf>[1]) => T | undefined,
): T[] | undefined {
  const [expression, ...others] = key ?? [];
  if (expression?.kind !== 'numgen' || others.length > 0 || expression.modulus !== entries.length) {
    return undefined;
  }
  return readAll([...entries.entries()], ([index, entry]) => {
    const [number, value] = pairOf(entry);
    return number === index ? read(value) : undefined;
  });
}

/** `dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints` */
function readDestinationMap({ family: to, addr, port }: NftDnat, family: Family): Statement | undefined {
  if (typeof addr === 'string' || port !== undefined || (to !== undefined && to !== family)) {
    return undefined;
  }
  const { key: listedKey, data } = addr.map;
  if (typeof data !== 'string') {
    return undefined;
  }
  const key = readExpressions(listedKey, family);
  const protocol = key?.map(protocolOf).find((found) => found !== undefined);
  return key && protocol && data.startsWith('@') ? { kind: 'dnat-map', protocol, key, map: data.slice(1) } : undefined;
}

/** `dnat to 10.1.2.3:80` after `meta l4proto tcp` */
function readDestination(
  { family: to, addr, port }: NftDnat,
  { family, protocol }: StatementContext,
): Statement | undefined {
  const isFamily = to === undefined || to === family;
  return isFamily && protocol && typeof addr === 'string' && isCount(port)
    ? { kind: 'dnat', protocol, address: addr, port }
    : undefined;
}

/** `update @pins { ... }` or `delete @pins { ... }` */
function readSetChange(
  name: string,
  { op, elem, data }: NftSetChange | NftMapChange,
  family: Family,
): Statement | undefined {
  const { val, timeout } = 'elem' in elem ? elem.elem : { val: elem, timeout: undefined };
  const key = readExpressions(val, family);
  const value = data && readExpressions(data, family);
  const isUnderstood = key && (value || !data) && (timeout === undefined || isCount(timeout));
  if ((op !== 'update' && op !== 'delete') || !name.startsWith('@') || !isUnderstood) {
    return undefined;
  }
  return {
    kind: op,
    set: name.slice(1),
    key,
    ...(value && { value }),
    ...(timeout !== undefined && { timeoutSeconds: timeout }),
  };
}

function readMasquerade(masquerade: NftMasquerade | null): Statement | undefined {
  return onlyFlag(masquerade?.flags) === 'fully-random' ? { kind: 'masquerade' } : undefined;
}

/** Without further details it is an ICMP error that says "port unreachable". */
function readReject(reject: NftReject | null, family: Family): Statement | undefined {
  const { type, expr } = reject ?? {};
  if (type === 'tcp reset') {
    return expr === undefined ? { kind: 'tcp-reset' } : undefined;
  }
  const [icmp, code] = family === 'ip' ? ['icmp', 3] : ['icmpv6', 4];
  const isUsual = !reject || (type === icmp && (expr === 'port-unreachable' || expr === code));
  return isUsual ? { kind: 'reject' } : undefined;
}
