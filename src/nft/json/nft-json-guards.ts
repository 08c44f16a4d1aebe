import { isMapping } from '../../lib/unknown-values.ts';
import type {
  NftAnonymousSet,
  NftCounter,
  NftDetails,
  NftDnat,
  NftElement,
  NftElementKey,
  NftField,
  NftFlags,
  NftKey,
  NftMasked,
  NftMatch,
  NftPart,
  NftSetChange,
  NftStatement,
  NftTarget,
  NftValue,
  NftVerdict,
  NftWord,
} from '../objects/nft-json.ts';

type Guard<T> = (json: unknown) => json is T;
type Guards<T> = { readonly [K in keyof T]: Guard<T[K]> };

/** A mapping with these fields and no others: a field that is not known may change the meaning. */
function fields<R extends object, O extends object>(required: Guards<R>, optional?: Guards<O>): Guard<R & Partial<O>> {
  const known = new Map<string, Guard<unknown>>(Object.entries({ ...optional, ...required }));
  const names = Object.keys(required);
  return (json): json is R & Partial<O> =>
    isMapping(json) &&
    names.every((name) => Object.hasOwn(json, name)) &&
    Object.entries(json).every(([name, value]) => known.get(name)?.(value));
}

/** A mapping with one field, `{"match": ...}`. */
function single<K extends string, T>(key: K, isBody: Guard<T>): Guard<{ readonly [P in K]: T }> {
  return (json): json is { readonly [P in K]: T } => {
    const [found, body] = onlyField(json) ?? [];
    return found === key && isBody(body);
  };
}

function oneOf<G extends readonly Guard<unknown>[]>(
  ...guards: G
): Guard<G[number] extends infer One ? (One extends Guard<infer T> ? T : never) : never> {
  return (json): json is never => guards.some((guard) => guard(json));
}

export function isString(json: unknown): json is string {
  return typeof json === 'string';
}

export function isNumber(json: unknown): json is number {
  return typeof json === 'number';
}

function isNull(json: unknown): json is null {
  return json === null;
}

function isWord(json: unknown): json is NftWord {
  return typeof json === 'string' || typeof json === 'number';
}

function isFlags(json: unknown): json is NftFlags {
  return isString(json) || (Array.isArray(json) && json.every(isString));
}

const isTarget: Guard<NftTarget> = fields({ target: isString });
const isPrefix = single('prefix', fields({ addr: isWord, len: isNumber }));
const isRange = single('range', isPair);

function isPair(json: unknown): json is readonly [NftWord, NftWord] {
  return Array.isArray(json) && json.length === 2 && json.every(isWord);
}

// Elements are checked by hand: there may be a million of them.

export function isElement(json: unknown): json is NftElement {
  return Array.isArray(json)
    ? json.length === 2 && isElementKey(json[0]) && isElementValue(json[1])
    : isElementKey(json);
}

export function isElementKey(json: unknown): json is NftElementKey {
  return isValue(json) || (isMapping(json) && isDetails(json['elem']));
}

function isDetails(json: unknown): json is NftDetails {
  if (!isMapping(json)) {
    return false;
  }
  const { val, comment = '', timeout = 0, expires = 0 } = json;
  return isValue(val) && isString(comment) && isNumber(timeout) && isNumber(expires);
}

export function isElementValue(json: unknown): json is NftValue | NftVerdict {
  return isValue(json) || isVerdict(json);
}

function isValue(json: unknown): json is NftValue {
  return isWord(json) || isConcat(json) || isPart(json);
}

function isConcat(json: unknown): json is { readonly concat: readonly NftPart[] } {
  const parts = isMapping(json) ? json['concat'] : undefined;
  return Array.isArray(parts) && parts.every(isPart);
}

function isPart(json: unknown): json is NftPart {
  return isWord(json) || isPrefix(json) || isRange(json);
}

const isVerdict: Guard<NftVerdict> = oneOf(single('goto', isTarget), single('drop', isNull));

const isField: Guard<NftField> = oneOf(
  single('payload', fields({ protocol: isString, field: isString })),
  single('meta', fields({ key: isString })),
  single('ct', fields({ key: isString }, { dir: isString })),
  single('fib', fields({ result: isString, flags: isFlags })),
  single('numgen', fields({ mode: isString, mod: isNumber }, { offset: isNumber })),
);
const isKey: Guard<NftKey> = oneOf(isField, single('concat', isFields));
export const isTypeof: Guard<{ readonly typeof: NftKey }> = single('typeof', isKey);

function isFields(json: unknown): json is readonly NftField[] {
  return Array.isArray(json) && json.length > 0 && json.every(isField);
}

const isMasked: Guard<NftMasked> = oneOf(single('&', isOperands), single('|', isOperands), single('^', isOperands));

function isOperands(json: unknown): json is readonly [NftField, number] {
  return Array.isArray(json) && json.length === 2 && isField(json[0]) && isNumber(json[1]);
}

const isAnonymousSet: Guard<NftAnonymousSet> = single('set', isElements);

function isElements(json: unknown): json is readonly NftElement[] {
  return Array.isArray(json) && json.every(isElement);
}

const isMatch: Guard<NftMatch> = fields({
  op: isString,
  left: oneOf(isKey, isMasked),
  right: oneOf(isPart, isAnonymousSet),
});
const isLookup = fields({ key: isKey, data: oneOf(isString, isAnonymousSet) });
const isCounter: Guard<NftCounter> = oneOf(isString, fields({ packets: isNumber, bytes: isNumber }));
const isTranslation: Guard<NftDnat> = fields(
  { addr: oneOf(isString, single('map', isLookup)) },
  { family: isString, port: isPart },
);
const isChangedElement: Guard<NftSetChange['elem']> = oneOf(
  isKey,
  single('elem', fields({ val: isKey }, { timeout: isNumber })),
);

export const isStatement: Guard<NftStatement> = oneOf(
  single('match', isMatch),
  single('mangle', fields({ key: isField, value: isMasked })),
  single('vmap', fields({ key: isKey, data: oneOf(isString, isAnonymousSet) })),
  single('dnat', isTranslation),
  single('set', fields({ op: isString, elem: isChangedElement, set: isString }, { data: isKey })),
  single('map', fields({ op: isString, elem: isChangedElement, map: isString }, { data: isKey })),
  single('jump', isTarget),
  single('goto', isTarget),
  single('masquerade', oneOf(isNull, fields({}, { flags: isFlags }))),
  single('reject', oneOf(isNull, fields({}, { type: isString, expr: isWord }))),
  single('drop', isNull),
  single('return', isNull),
  single('counter', isCounter),
);

/** The key and the value of a mapping that has one key, `{"drop": null}`; undefined for all else. */
export function onlyField(json: unknown): readonly [string, unknown] | undefined {
  if (!isMapping(json)) {
    return undefined;
  }
  const [key, ...others] = Object.keys(json);
  return key !== undefined && others.length === 0 ? [key, json[key]] : undefined;
}
