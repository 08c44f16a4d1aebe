import type { EndpointAddress, Family, Protocol } from '../../net/network.ts';
import { daddr, dportOf, originalDaddr, originalDport, protocolOf, saddr } from '../expressions.ts';
import { renderExpression } from '../print.ts';
import type { Element, Expression, Scalar, Statement } from '../ruleset.ts';
import { fieldsOf, isCount, listOf, onlyField, readAll } from './json-values.ts';
import { printAddress } from './read-element.ts';
import { readExpression, readExpressions, readProtocol } from './read-expression.ts';
import { readDuration } from './read-set.ts';

/** A statement of a rule; undefined for one that no rule of ours has. */
export function readStatement(json: unknown, { family, protocol }: TranslationContext): Statement | undefined {
  if (typeof json === 'string') {
    return readMapChangeText(json, family);
  }
  const [kind, body] = onlyField(json) ?? [];
  switch (kind) {
    case 'match':
      return readMatch(body, family);
    case 'mangle':
      return readMarkChange(body);
    case 'vmap':
      return readVerdictMap(body, family);
    case 'dnat':
      return readTranslation(body, { family, protocol });
    case 'set':
    case 'map':
      return readSetChange(body, family);
    case 'jump':
    case 'goto':
      return readJump(kind, body);
    case 'masquerade':
      return readMasquerade(body);
    case 'reject':
      return readReject(body, family);
    case 'drop':
    case 'return':
      return body === null ? { kind } : undefined;
    default:
      return undefined;
  }
}

/** A lookup in a named map, or in a map of its own from random numbers to chains. */
function readVerdictMap(json: unknown, family: Family): Statement | undefined {
  const { key: keyJson, data } = fieldsOf(json, ['key', 'data']) ?? {};
  const key = readExpressions(keyJson, family);
  if (key && typeof data === 'string' && data.startsWith('@')) {
    return { kind: 'vmap', key, map: data.slice(1) };
  }
  const [kind, entries] = onlyField(data) ?? [];
  return kind === 'set' && Array.isArray(entries) ? readRandomGoto(key, entries) : undefined;
}

function readRandomGoto(key: readonly Expression[] | undefined, entries: readonly unknown[]): Statement | undefined {
  const [expression, ...others] = key ?? [];
  if (expression?.kind !== 'numgen' || others.length > 0 || expression.modulus !== entries.length) {
    return undefined;
  }
  const chains: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const [number, verdict]: unknown[] = Array.isArray(entry) ? entry : [];
    const goto = readVerdict(verdict);
    if (number !== index || goto?.kind !== 'goto') {
      return undefined;
    }
    chains.push(goto.chain);
  }
  return { kind: 'random-goto', chains };
}

function readJump(kind: 'jump' | 'goto', json: unknown): Statement | undefined {
  const { target } = fieldsOf(json, ['target']) ?? {};
  return typeof target === 'string' ? { kind, chain: target } : undefined;
}

function readMasquerade(json: unknown): Statement | undefined {
  const [flag, ...others] = listOf(fieldsOf(json, ['flags'])?.['flags']);
  return flag === 'fully-random' && others.length === 0 ? { kind: 'masquerade' } : undefined;
}

/** Without a word on how, it is an ICMP error that says "port unreachable". */
function readReject(json: unknown, family: Family): Statement | undefined {
  const { type, expr } = fieldsOf(json, ['type', 'expr']) ?? {};
  const [icmp, code] = family === 'ip' ? ['icmp', 3] : ['icmpv6', 4];
  const isUsual = json === null || (type === icmp && (expr === 'port-unreachable' || expr === code));
  return isUsual ? { kind: 'reject' } : undefined;
}

/** A comparison, given the body of `match`; undefined for one that no rule of ours has. */
function readMatch(json: unknown, family: Family): Statement | undefined {
  const { op, left, right } = fieldsOf(json, ['op', 'left', 'right']) ?? {};
  const expression = readExpression(left, family);
  // The name of an interface may begin with @ as well.
  if (typeof right === 'string' && right.startsWith('@') && expression?.kind !== 'iifname') {
    const key = readExpressions(left, family);
    return key && negate({ kind: 'match-set', key, set: right.slice(1) }, op);
  }
  if (!expression) {
    return readMarkMatch(op, left, right);
  }
  const scalar = readScalar(expression, right);
  if (scalar === undefined) {
    return undefined;
  }
  const match = { kind: 'match', left: expression, right: scalar } as const;
  if (expression.kind === 'ct-state' || expression.kind === 'ct-status') {
    // `in` asks whether the bit is set, `==` whether it is the only one.
    return op === 'in' ? match : undefined;
  }
  return negate(match, op);
}

function negate(match: Extract<Statement, { negated?: boolean }>, op: unknown): Statement | undefined {
  if (op === '==') {
    return match;
  }
  return op === '!=' ? { ...match, negated: true } : undefined;
}

/** What is compared with. Symbols are the kernel's numbers when nft is asked for numbers (`-n`). */
function readScalar({ kind }: Expression, json: unknown): Scalar | undefined {
  switch (kind) {
    case 'address':
      return printAddress(json);
    case 'l4proto':
      return readProtocol(json);
    case 'iifname':
      return typeof json === 'string' ? json : undefined;
    case 'ct-state':
      return json === 'new' || json === 8 ? 'new' : undefined;
    case 'ct-status':
      return json === 'dnat' || json === 32 ? 'dnat' : undefined;
    case 'fib-type':
      return json === 'local' || json === 2 ? 'local' : undefined;
    default:
      return undefined;
  }
}

/** `meta mark and 0x4000 != 0`, given both sides of the comparison; undefined for all else. */
function readMarkMatch(op: unknown, left: unknown, right: unknown): Statement | undefined {
  const mark = right === 0 ? readOperand(left, '&') : readHighestBit(left, right);
  return op === '!=' && mark !== undefined ? { kind: 'match-mark', mark } : undefined;
}

/** `meta mark set meta mark or 0x4000`, given the body of `mangle`; undefined for all else. */
function readMarkChange(json: unknown): Statement | undefined {
  const { key, value } = fieldsOf(json, ['key', 'value']) ?? {};
  const or = readOperand(value, '|');
  const mark = or ?? readOperand(value, '^');
  return isMark(key) && mark !== undefined
    ? { kind: 'set-mark', operator: or === undefined ? 'xor' : 'or', mark }
    : undefined;
}

/** nft 1.0.6 prints `and 0x80000000 != 0` as `!= 0/1`, as if the mark were an address. */
function readHighestBit(left: unknown, right: unknown): number | undefined {
  const [kind, range] = onlyField(right) ?? [];
  const { addr, len } = fieldsOf(range, ['addr', 'len']) ?? {};
  return isMark(left) && kind === 'prefix' && addr === 0 && len === 1 ? 2 ** 31 : undefined;
}

/** The number that an operator joins to the mark, `{"|": [{"meta": {"key": "mark"}}, 16384]}`. */
function readOperand(json: unknown, operator: '&' | '|' | '^'): number | undefined {
  const [found, operands] = onlyField(json) ?? [];
  if (found !== operator || !Array.isArray(operands)) {
    return undefined;
  }
  const [mark, bits, ...others]: unknown[] = operands;
  return isMark(mark) && isCount(bits) && bits < 2 ** 32 && others.length === 0 ? bits : undefined;
}

function isMark(json: unknown): boolean {
  const [kind, body] = onlyField(json) ?? [];
  return kind === 'meta' && fieldsOf(body, ['key'])?.['key'] === 'mark';
}

/** `update @pins { ... }` or `delete @pins { ... }`, given the body of `set` or `map`; undefined for all else. */
function readSetChange(json: unknown, family: Family): Statement | undefined {
  const { op, elem, set, map, data } = fieldsOf(json, ['op', 'elem', 'set', 'map', 'data']) ?? {};
  const name = set ?? map;
  const [kind, body] = onlyField(elem) ?? [];
  const { val, timeout } = (kind === 'elem' ? fieldsOf(body, ['val', 'timeout']) : { val: elem }) ?? {};
  const key = readExpressions(val, family);
  const value = data === undefined ? undefined : readExpressions(data, family);
  const isUnderstood = key && (value || data === undefined) && (timeout === undefined || isCount(timeout));
  if ((op !== 'update' && op !== 'delete') || typeof name !== 'string' || !name.startsWith('@') || !isUnderstood) {
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

/**
 * The same from the text that nft 1.0.6 prints, which has no JSON for changes of maps:
 * `update @tcp-pins { ip saddr . ct original ip daddr timeout 3h : ip daddr . tcp dport }`.
 */
function readMapChangeText(text: string, family: Family): Statement | undefined {
  const [, op, set, keyText = '', timeout, valueText = ''] = changePattern.exec(text) ?? [];
  const key = readExpressionTexts(keyText, family);
  const value = readExpressionTexts(valueText, family);
  const timeoutSeconds = timeout === undefined ? undefined : readDuration(timeout);
  const isUnderstood = key && value && (timeout === undefined || isCount(timeoutSeconds));
  if ((op !== 'update' && op !== 'delete') || set === undefined || !isUnderstood) {
    return undefined;
  }
  return { kind: op, set, key, value, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
}

const changePattern = /^(update|delete) @([^ ]+) \{ (.+?)(?: timeout ([0-9a-z]+))? : (.+) \}$/;

function readExpressionTexts(text: string, family: Family): Expression[] | undefined {
  return readAll(text.split(' . '), (part) =>
    expressionsInText.find((expression) => renderExpression(expression, family) === part),
  );
}

const expressionsInText: readonly Expression[] = [
  saddr,
  daddr,
  originalDaddr,
  originalDport,
  dportOf('tcp'),
  dportOf('udp'),
  dportOf('sctp'),
];

/** What a statement's meaning depends on besides itself. */
interface TranslationContext {
  readonly family: Family;
  /** The transport protocol that the statement before asked for, if it did. */
  readonly protocol: Protocol | undefined;
}

/** A new destination, given the body of `dnat`; undefined for one that no rule of ours has. */
function readTranslation(json: unknown, { family, protocol }: TranslationContext): Statement | undefined {
  return readDestinationMap(json, family) ?? readDestination(json, family, protocol);
}

/** `dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints` */
function readDestinationMap(json: unknown, family: Family): Statement | undefined {
  const { family: to = family, addr } = fieldsOf(json, ['family', 'addr']) ?? {};
  const [kind, body] = onlyField(addr) ?? [];
  const { key: keyJson, data } = (kind === 'map' && fieldsOf(body, ['key', 'data'])) || {};
  const key = readExpressions(keyJson, family);
  const protocol = key?.map(protocolOf).find((found) => found !== undefined);
  if (to !== family || !key || !protocol || typeof data !== 'string' || !data.startsWith('@')) {
    return undefined;
  }
  return { kind: 'dnat-map', protocol, key, map: data.slice(1) };
}

/** `dnat to 10.1.2.3:80` after `meta l4proto tcp` */
function readDestination(json: unknown, family: Family, protocol: Protocol | undefined): Statement | undefined {
  const { family: to = family, addr, port } = fieldsOf(json, ['family', 'addr', 'port']) ?? {};
  return to === family && protocol && typeof addr === 'string' && isCount(port)
    ? { kind: 'dnat', protocol, address: addr, port }
    : undefined;
}

/** What a verdict map leads to. */
type Verdict = Exclude<Element['value'], EndpointAddress | undefined>;

/** A verdict, `{"goto": {"target": "tcp-cluster-3"}}`; undefined for one that no verdict map of ours holds. */
export function readVerdict(json: unknown): Verdict | undefined {
  const [kind, body] = onlyField(json) ?? [];
  if (kind === 'drop') {
    return { kind };
  }
  const { target } = (kind === 'goto' && fieldsOf(body, ['target'])) || {};
  return typeof target === 'string' ? { kind: 'goto', chain: target } : undefined;
}
