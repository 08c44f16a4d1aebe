import { type Family, protocols } from '../net/network.ts';
import type {
  Chain,
  Expression,
  FilledSet,
  Hook,
  IptablesStatement,
  KeyType,
  Rule,
  Statement,
  StatementInNft,
  StatementOf,
} from '../nft/ruleset.ts';
import { isCanonical, isOfIptables, isWithin, targetsOf as targetsOfStatement } from '../nft/ruleset-parts.ts';
import type { RulesetNames } from './lookup-tables.ts';

/**
 * Checks what a single rule does not show.
 *
 * @throws UnknownRule for verdict maps to missing chains, chains that loop, and statements that the kernel refuses in a hook
 * from which their chain can be reached.
 */
export function checkChains(names: RulesetNames): void {
  for (const [set, { targets }] of names.sets) {
    for (const target of targets) {
      refuseUnless(names.chains.get(target)?.hook === undefined, { set }, `${target} is a base chain`);
      refuseUnless(names.chains.has(target), { set }, `there is no chain ${target}`);
    }
  }
  const whole = new Set<string>();
  for (const chain of names.chains.values()) {
    visit(chain, { names, whole, open: new Set() });
    if (chain.hook) {
      checkHook(chain, chain.hook, names);
    }
  }
}

interface Visit {
  readonly names: RulesetNames;
  /** Chains from which every path ends. */
  readonly whole: Set<string>;
  /** Chains on the path to the current one. */
  readonly open: Set<string>;
}

/** The kernel lets nft nest 16 jumps; iptables-legacy allows more. */
const deepest = 512;

function visit(chain: Chain, context: Visit): void {
  const { names, whole, open } = context;
  if (whole.has(chain.name)) {
    return;
  }
  refuseUnless(!open.has(chain.name), { chain: chain.name }, 'loops back to itself');
  refuseUnless(open.size < deepest, { chain: chain.name }, 'is called through too many chains');
  open.add(chain.name);
  for (const target of targetsOf(chain, names)) {
    visit(target, context);
  }
  open.delete(chain.name);
  whole.add(chain.name);
}

function checkHook(base: Chain, { type, hook }: Hook, names: RulesetNames): void {
  const reached = new Set([base]);
  // Iterating over a Set includes the chains added meanwhile.
  for (const chain of reached) {
    for (const target of targetsOf(chain, names)) {
      reached.add(target);
    }
    for (const [rule, statements] of chain.rules.entries()) {
      const misplaced = statements.find((statement) => !isAllowed(statement, `${type} ${hook}`));
      if (misplaced) {
        throw new UnknownRule(
          { chain: chain.name, rule },
          `${misplaced.kind} is not allowed in ${base.name}, a ${type} ${hook} chain`,
        );
      }
    }
  }
}

function isAllowed({ kind }: Statement, place: `${Hook['type']} ${Hook['hook']}`): boolean {
  switch (kind) {
    case 'dnat':
    case 'random-dnat':
    case 'dnat-map':
    case 'translate':
    case 'redirect':
      return place === 'nat prerouting' || place === 'nat output';
    case 'snat':
      return place === 'nat postrouting' || place === 'nat input';
    case 'masquerade':
      return place === 'nat postrouting';
    case 'tcp-reset':
    case 'reject':
      return !place.endsWith('postrouting');
    default:
      return true;
  }
}

/** The chains that a chain can send a packet to. */
function targetsOf(chain: Chain, names: RulesetNames): Chain[] {
  const targets = new Set(chain.rules.flatMap((rule) => namesIn(rule, names)));
  return [...targets].flatMap((name) => names.chains.get(name) ?? []);
}

function namesIn(rule: Rule, { sets }: RulesetNames): string[] {
  return rule.flatMap((statement) =>
    statement.kind === 'vmap' ? [...(sets.get(statement.map)?.targets ?? [])] : targetsOfStatement(statement),
  );
}

/** @throws UnknownRule for a statement that the walker does not understand, or that names a missing set or chain. */
export function checkStatement(statement: Statement, names: RulesetNames, place: RulesetPlace): void {
  if (isOfIptables(statement)) {
    refuseUnless(isValid(statement, names.family), place, `invalid ${statement.kind}`);
  } else {
    checkStatementInNft(statement, names, place);
  }
}

function checkStatementInNft(statement: StatementInNft, names: RulesetNames, place: RulesetPlace): void {
  const { kind } = statement;
  switch (statement.kind) {
    case 'match':
      checkMatch(statement, names, place);
      break;
    case 'match-list':
      checkListMatch(statement, names, place);
      break;
    case 'match-set':
      checkLookup(statement.set, { statement, value: undefined, names, place });
      break;
    case 'match-mark':
    case 'set-mark':
      checkMark(statement, place);
      break;
    case 'vmap':
      checkLookup(statement.map, { statement, value: 'verdict', names, place });
      break;
    case 'random-goto':
      checkRandomGoto(statement, names, place);
      break;
    case 'dnat':
      checkDnat(statement, names, place);
      break;
    case 'random-dnat':
      checkRandomDnat(statement, names, place);
      break;
    case 'dnat-map':
      refuseUnless(protocols.includes(statement.protocol), place, `unknown protocol ${statement.protocol}`);
      checkLookup(statement.map, { statement, value: 'endpoint', names, place });
      break;
    case 'update':
    case 'delete':
      checkChange(statement, names, place);
      break;
    case 'jump':
    case 'goto':
      checkChain(statement.chain, names, place);
      break;
    case 'tcp-reset':
    case 'drop':
    case 'reject':
    case 'return':
    case 'masquerade':
    case 'counter':
    case 'comment':
      break;
    default:
      statement satisfies never;
      throw new UnknownRule(place, `unknown statement ${kind}`);
  }
}

interface Lookup {
  readonly statement: StatementOf<'match-set' | 'vmap' | 'dnat-map'>;
  /** What the elements must lead to. */
  readonly value: FilledSet['value'];
  readonly names: RulesetNames;
  readonly place: RulesetPlace;
}

function checkLookup(name: string, { statement, value, names, place }: Lookup): void {
  const set = declarationOf(name, names, place);
  checkKey(statement.key, set, place);
  refuseUnless(set.value === value, place, `${name} has the wrong type for ${statement.kind}`);
}

function checkChange(statement: StatementOf<'update' | 'delete'>, names: RulesetNames, place: RulesetPlace): void {
  const set = declarationOf(statement.set, names, place);
  refuseUnless(set.flags?.includes('dynamic') === true, place, `${set.name} is not dynamic`);
  checkKey(statement.key, set, place);
  refuseUnless(set.value !== 'verdict', place, `${set.name} holds verdicts`);
  refuseUnless(
    (statement.value === undefined) === (set.value === undefined),
    place,
    `${set.name} ${set.value === undefined ? 'takes no value' : 'needs a value'}`,
  );
  if (statement.value) {
    checkTypes(statement.value, { name: `the value of ${set.name}`, types: ['address', 'port'], place });
  }
  const timed = statement.timeoutSeconds === undefined || set.flags?.includes('timeout') === true;
  refuseUnless(timed, place, `${set.name} has no timeouts`);
}

function checkMark(statement: StatementOf<'match-mark' | 'set-mark'>, place: RulesetPlace): void {
  const isKnown = statement.kind === 'match-mark' || ['or', 'xor'].includes(statement.operator);
  refuseUnless(isMark(statement.mark) && isKnown, place, 'invalid mark');
}

function checkListMatch(
  { left, values }: StatementOf<'match-list'>,
  { family }: RulesetNames,
  place: RulesetPlace,
): void {
  refuseUnless(checkExpression(left, place) === 'address', place, `a list of addresses for ${left.kind}`);
  const wrong = values.find((value) => !isCanonical(value, 'address', family));
  refuseUnless(wrong === undefined, place, `${wrong} is not a valid address`);
}

function checkMatch({ left, right }: StatementOf<'match'>, { family }: RulesetNames, place: RulesetPlace): void {
  const type = checkExpression(left, place);
  if (type !== 'other') {
    const isNumber = type === 'port' || type === 'index';
    const fits = isNumber === (typeof right === 'number') && isCanonical(String(right), type, family);
    refuseUnless(fits, place, `${right} is not a valid ${type}`);
    return;
  }
  if (left.kind === 'iifname') {
    // nft: "All-wildcard strings are not supported".
    refuseUnless(typeof right === 'string' && right.replace('*', '') !== '', place, 'missing interface name');
    return;
  }
  const words = knownWords[left.kind] ?? [];
  refuseUnless(words.includes(right), place, `unknown ${left.kind} ${right}`);
}

const knownWords: Partial<Record<StatementOf<'match'>['left']['kind'], readonly (string | number)[]>> = {
  'ct-state': ['new', 'established', 'related', 'invalid'],
  'ct-status': ['dnat'],
  'fib-type': ['local'],
};

function checkDnat(
  { protocol, address, port }: StatementOf<'dnat'>,
  { family }: RulesetNames,
  place: RulesetPlace,
): void {
  const known = protocols.includes(protocol) && isWithin(port, 0xffff) && !address.includes('/');
  refuseUnless(known && isCanonical(address, 'address', family), place, 'invalid address or port');
}

function checkRandomDnat(
  { protocol, endpointAddresses }: StatementOf<'random-dnat'>,
  names: RulesetNames,
  place: RulesetPlace,
): void {
  refuseUnless(endpointAddresses.length > 0, place, 'no endpoints to choose from');
  for (const { address, port } of endpointAddresses) {
    checkDnat({ kind: 'dnat', protocol, address, port }, names, place);
  }
}

function checkRandomGoto({ chains }: StatementOf<'random-goto'>, names: RulesetNames, place: RulesetPlace): void {
  refuseUnless(chains.length > 0, place, 'no chains to choose from');
  for (const chain of chains) {
    checkChain(chain, names, place);
  }
}

function checkChain(name: string, { chains }: RulesetNames, place: RulesetPlace): void {
  refuseUnless(chains.has(name), place, `there is no chain ${name}`);
  refuseUnless(chains.get(name)?.hook === undefined, place, `${name} is a base chain`);
}

function declarationOf(name: string, { sets }: RulesetNames, place: RulesetPlace): FilledSet {
  const set = sets.get(name);
  if (!set) {
    throw new UnknownRule(place, `there is no set ${name}`);
  }
  return set.declaration;
}

function isMark(mark: number): boolean {
  return isWithin(mark, 0xffffffff) && mark > 0;
}

/** @throws UnknownRule unless the expressions form a key of the set. */
function checkKey(key: readonly Expression[], set: FilledSet, place: RulesetPlace): void {
  checkTypes(key, { name: `the key of ${set.name}`, types: set.key, place });
  const foreign = key.find(
    (expression) => expression.kind === 'dport' && set.protocol !== undefined && expression.protocol !== set.protocol,
  );
  if (foreign) {
    // nft accepts such a set and then refuses the rule or silently narrows it to the set's protocol.
    throw new UnknownRule(place, `${set.name} holds ports of ${set.protocol}`);
  }
}

/** @throws UnknownRule unless the expressions read these types; `name` says what they form. */
function checkTypes(
  expressions: readonly Expression[],
  { name, types, place }: { name: string; types: readonly KeyType[]; place: RulesetPlace },
): void {
  const found = expressions.map((expression) => checkExpression(expression, place));
  refuseUnless(found.join() === types.join(), place, `${name} is ${types.join(' . ')}, not ${found.join(' . ')}`);
}

/**
 * What an expression reads: the type of a part of a key, or `other` for what cannot be part of one.
 *
 * @throws UnknownRule for an expression that is not understood.
 */
function checkExpression(expression: Expression, place: RulesetPlace): KeyType | 'other' {
  const { kind } = expression;
  switch (expression.kind) {
    case 'address':
      refuseUnless(expression.field === 'saddr' || expression.field === 'daddr', place, 'unknown field');
      return 'address';
    case 'ct-original-daddr':
      return 'address';
    case 'l4proto':
      return 'protocol';
    case 'dport':
      refuseUnless(['th', ...protocols].includes(expression.protocol), place, `unknown ${expression.protocol} dport`);
      return 'port';
    case 'ct-original-dport':
      return 'port';
    case 'numgen':
      // A walk tries every number.
      refuseUnless(isWithin(expression.modulus, 262_144) && expression.modulus > 0, place, 'modulus out of range');
      return 'index';
    case 'fib-type':
      refuseUnless(expression.field === 'saddr' || expression.field === 'daddr', place, 'unknown field');
      return 'other';
    case 'iifname':
    case 'ct-state':
    case 'ct-status':
      return 'other';
    default:
      expression satisfies never;
      throw new UnknownRule(place, `unknown expression ${kind}`);
  }
}

function isValid(statement: IptablesStatement, family: Family): boolean {
  const isAddress = (address: string): boolean => !address.includes('/') && isCanonical(address, 'address', family);
  switch (statement.kind) {
    case 'match-random':
      return isWithin(statement.denominator, 2 ** 31) && isWithin(statement.numerator, statement.denominator);
    case 'match-ports':
      return statement.ranges.flat().every((port) => isWithin(port, 0xffff));
    case 'match-masked':
    case 'write-mark':
      return isWithin(statement.mask, 0xffffffff) && isWithin(statement.bits, 0xffffffff);
    case 'copy-mark':
      return isWithin(statement.fromMask, 0xffffffff) && isWithin(statement.toMask, 0xffffffff);
    case 'translate':
      return isAddress(statement.address ?? anyAddress[family]) && isWithin(statement.port ?? 0, 0xffff);
    case 'redirect':
      return isWithin(statement.port ?? 0, 0xffff);
    case 'snat':
      return isAddress(statement.address);
    default:
      return true;
  }
}

const anyAddress: Readonly<Record<Family, string>> = { ip: '0.0.0.0', ip6: '::' };

/** @throws UnknownRule with the reason if the condition is false. */
export function refuseUnless(condition: boolean, place: RulesetPlace, reason: string): void {
  if (!condition) {
    throw new UnknownRule(place, reason);
  }
}

/** A place in a ruleset. */
type RulesetPlace =
  | { readonly set: string }
  | { readonly chain: string /** From 0; absent for the chain itself. */; readonly rule?: number };

/** Thrown for a ruleset that the walker does not understand or that nft would refuse: no answer beats a wrong one. */
export class UnknownRule extends Error {
  override readonly name = 'UnknownRule';
  readonly place: RulesetPlace;

  constructor(place: RulesetPlace, reason: string) {
    super(`${describe(place)}: ${reason}`);
    this.place = place;
  }
}

function describe(place: RulesetPlace): string {
  if ('set' in place) {
    return `set ${place.set}`;
  }
  // Rules are counted from 1, as in deviations.
  return place.rule === undefined ? `chain ${place.chain}` : `chain ${place.chain}, rule ${place.rule + 1}`;
}
