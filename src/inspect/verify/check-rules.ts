import type { Element, Rule, SetDeclaration, Statement } from '../../nft/ruleset.ts';
import type { IndexedRuleset, IndexedSet } from '../../walk/index-ruleset.ts';
import { ownerOf, placeOf } from './check-elements.ts';
import type { Expectations } from './expectations.ts';
import type { Fault } from './verify-ruleset.ts';

/**
 * What no first packet of a connection shows: rules behind one that ends their chain, filter chains that ask about packets
 * of connections that are under way, sets for pins that are too small, and comments that name another Service.
 */
export function checkRules({ chains, sets }: IndexedRuleset, expectations: Expectations): Fault[] {
  const all = [...chains.values()];
  const filters = all.filter(({ hook }) => hook?.type === 'filter');
  return [
    ...all.flatMap(({ name, rules }) => unreachableRule(name, rules)),
    ...filters.flatMap(({ name, rules }) => staleRule(name, rules)),
    ...[...sets.values()].flatMap(({ declaration, isDynamic }) => (isDynamic ? wrongSize(declaration) : [])),
    ...[...sets.values()].flatMap((set) => wrongComments(set, expectations)),
  ];
}

function unreachableRule(chain: string, rules: readonly Rule[]): Fault[] {
  const end = rules.findIndex(endsChain);
  if (end === -1 || end === rules.length - 1) {
    return [];
  }
  const message = `chain ${chain} ends with rule ${end + 1}: nothing reaches rule ${end + 2}`;
  return [{ code: 'unreachable-rule', message }];
}

/** Whether a rule lets no packet on to the next one: nothing in it can fail before its verdict. */
function endsChain(rule: Rule): boolean {
  const verdict = rule.findIndex(({ kind }) => verdicts.has(kind));
  return verdict !== -1 && rule.slice(0, verdict).every(({ kind }) => kind === 'set-mark');
}

const verdicts: ReadonlySet<Statement['kind']> = new Set([
  'goto',
  'random-goto',
  'drop',
  'reject',
  'return',
  'masquerade',
] as const);

/** A Service that goes, or a source range that comes, leaves connections alone that are there (docs/ruleset.md). */
function staleRule(chain: string, rules: readonly Rule[]): Fault[] {
  const found = rules.findIndex(([first]) => first && !asksWhetherNew(first));
  const message = `chain ${chain}, rule ${found + 1} is for packets of all connections, should be for new ones (ct state new)`;
  return found === -1 ? [] : [{ code: 'wrong-state', message }];
}

function asksWhetherNew(statement: Statement): boolean {
  return (
    statement.kind === 'match' &&
    statement.left.kind === 'ct-state' &&
    statement.right === 'new' &&
    statement.negated !== true
  );
}

/** Pins of all clients of a protocol, and those of one endpoint (docs/ruleset.md); the latter is the kernel's default too. */
const sizes = { ofProtocol: 1_048_576, ofEndpoint: 65_535 } as const;

function wrongSize({ name, key, size = sizes.ofEndpoint }: SetDeclaration): Fault[] {
  const wanted = key.length > 1 ? sizes.ofProtocol : sizes.ofEndpoint;
  const message = `${name} holds at most ${size} pins, should ${wanted}`;
  return size === wanted ? [] : [{ code: 'wrong-affinity', message }];
}

/** nft takes no longer comments. */
const longestComment = 128;

/** People find out by comments whose an element is. */
function wrongComments({ declaration, isDynamic, entries }: IndexedSet, expectations: Expectations): Fault[] {
  const asksFrontends = declaration.key.includes('port') && declaration.key.includes('protocol');
  if (isDynamic || !asksFrontends) {
    return [];
  }
  return [...entries.values()].flatMap((element) => wrongComment(element, declaration, expectations));
}

function wrongComment(element: Element, declaration: SetDeclaration, expectations: Expectations): Fault[] {
  const { key, comment } = element;
  const owner = comment === undefined ? undefined : ownerOf(element, declaration, expectations);
  if (!owner || comment === owner.service.label.slice(0, longestComment)) {
    return [];
  }
  const message = `${declaration.name} says that ${key} belongs to ${comment}`;
  return [{ code: 'wrong-comment', ...placeOf(owner), message }];
}
