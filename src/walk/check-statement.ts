import type { FilledSet, Statement } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import { checkExpression, checkKey, checkTypes, refuseUnless } from './check-key.ts';
import type { RulesetNames } from './indexed-ruleset.ts';
import { isCanonical, isWithin } from './key-text.ts';
import { type RulesetPlace, UnknownRule } from './unknown-rule.ts';

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/** Throws `UnknownRule` for a statement that the walker does not understand or that refers to nothing. */
export function checkStatement(statement: Statement, names: RulesetNames, place: RulesetPlace): void {
  const { kind } = statement;
  switch (statement.kind) {
    case 'match':
      checkMatch(statement, names, place);
      break;
    case 'match-set':
      checkLookup(statement.set, { statement, value: undefined, names, place });
      break;
    case 'match-mark':
      refuseUnless(isMark(statement.mark), place, 'no mark');
      break;
    case 'set-mark':
      refuseUnless(isMark(statement.mark) && ['or', 'xor'].includes(statement.operator), place, 'no mark');
      break;
    case 'vmap':
      checkLookup(statement.map, { statement, value: 'verdict', names, place });
      break;
    case 'random-goto':
      refuseUnless(statement.chains.length > 0, place, 'no chain to go to');
      for (const chain of statement.chains) {
        checkChain(chain, names, place);
      }
      break;
    case 'dnat':
      checkDnat(statement, names, place);
      break;
    case 'dnat-map':
      refuseUnless(protocols.includes(statement.protocol), place, `unknown protocol ${statement.protocol}`);
      checkLookup(statement.map, { statement, value: 'socket', names, place });
      break;
    case 'update':
    case 'delete':
      checkChange(statement, names, place);
      break;
    case 'jump':
    case 'goto':
      checkChain(statement.chain, names, place);
      break;
    case 'drop':
    case 'reject':
    case 'return':
    case 'masquerade':
      break;
    default:
      statement satisfies never;
      throw new UnknownRule(place, `unknown statement ${kind}`);
  }
}

interface Lookup {
  readonly statement: Of<'match-set' | 'vmap' | 'dnat-map'>;
  /** What the set has to be a map to. */
  readonly value: FilledSet['value'];
  readonly names: RulesetNames;
  readonly place: RulesetPlace;
}

function checkLookup(name: string, { statement, value, names, place }: Lookup): void {
  const set = declarationOf(name, names, place);
  checkKey(statement.key, set, place);
  refuseUnless(set.value === value, place, `${name} is not of the kind that ${statement.kind} needs`);
}

function checkChange(statement: Of<'update' | 'delete'>, names: RulesetNames, place: RulesetPlace): void {
  const set = declarationOf(statement.set, names, place);
  refuseUnless(set.flags?.includes('dynamic') === true, place, `${set.name} is not dynamic`);
  checkKey(statement.key, set, place);
  refuseUnless(set.value !== 'verdict', place, `${set.name} holds verdicts`);
  refuseUnless((statement.value === undefined) === (set.value === undefined), place, `${set.name} and a value`);
  if (statement.value) {
    checkTypes(statement.value, { name: `the value of ${set.name}`, types: ['address', 'port'], place });
  }
  const timed = statement.timeoutSeconds === undefined || set.flags?.includes('timeout') === true;
  refuseUnless(timed, place, `${set.name} has no timeouts`);
}

function checkMatch({ left, right, negated }: Of<'match'>, { family }: RulesetNames, place: RulesetPlace): void {
  const type = checkExpression(left, place);
  if (type !== 'other') {
    const isNumber = type === 'port' || type === 'index';
    const fits = isNumber === (typeof right === 'number') && isCanonical(String(right), type, family);
    refuseUnless(fits, place, `${right} is no ${type}`);
    return;
  }
  if (left.kind === 'iifname') {
    // nft: "All-wildcard strings are not supported".
    refuseUnless(typeof right === 'string' && right.replace('*', '') !== '', place, 'no interface name');
    return;
  }
  const words = knownWords[left.kind] ?? [];
  refuseUnless(words.includes(right), place, `${left.kind} is not known to have ${right}`);
  // nft compares the whole status then, which is never meant.
  refuseUnless(left.kind !== 'ct-status' || negated !== true, place, 'a negated ct-status');
}

const knownWords: Partial<Record<Of<'match'>['left']['kind'], readonly (string | number)[]>> = {
  'ct-state': ['new', 'established', 'related', 'invalid'],
  'ct-status': ['dnat'],
  'fib-type': ['local'],
};

function checkDnat({ protocol, address, port }: Of<'dnat'>, { family }: RulesetNames, place: RulesetPlace): void {
  const known = protocols.includes(protocol) && isWithin(port, 0xffff) && !address.includes('/');
  refuseUnless(known && isCanonical(address, 'address', family), place, 'no address and port');
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
