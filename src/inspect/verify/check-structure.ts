import type { Chain, Element, Hook, Rule, Ruleset, SetDeclaration, Statement } from '../../nft/ruleset.ts';
import { setsOf } from '../../nft/ruleset-parts.ts';
import { findDamage } from '../../walk/find-damage.ts';
import type { IndexedRuleset, IndexedSet } from '../../walk/lookup-tables.ts';
import { frontendOf, rejectChain } from './check-elements.ts';
import type { Expectations } from './expectations.ts';
import { placeOf } from './fault-collector.ts';
import type { Fault } from './verification.ts';

/** What was flushed or deleted from a table: the cause of most other faults, so that it comes before them. */
export function checkDamage(ruleset: Ruleset): Fault[] {
  const damage = findDamage(ruleset);
  return damage ? [{ code: 'damaged-table', message: damage.text }] : [];
}

/** What the structure of a ruleset is compared with. */
interface StructureContext {
  readonly expectations: Expectations;
  /** Whether idle chains may be left (VerifyOptions). */
  readonly isActual: boolean;
  /** Whether the layout of the table is one of earlier versions, which have other hooks. */
  readonly isEarlier: boolean;
}

/**
 * Faults that no first packet of a connection shows: base chains in the wrong place, chains and sets that no rule uses,
 * unreachable rules, filter rules that apply to established connections, dynamic sets of the wrong size, and comments
 * that name another Service.
 */
export function checkStructure(ruleset: IndexedRuleset, context: StructureContext): Fault[] {
  const chains = [...ruleset.chains.values()];
  const sets = [...ruleset.sets.values()];
  const filters = chains.filter(({ hook }) => hook?.type === 'filter');
  return [
    ...(context.isEarlier ? [] : checkHooks(ruleset, context.expectations)),
    ...danglingParts(ruleset, context),
    ...chains.flatMap(({ name, rules }) => unreachableRule(name, rules)),
    ...filters.flatMap(({ name, rules }) => statelessRule(name, rules)),
    ...sets.flatMap(({ declaration, isDynamic }) => (isDynamic ? wrongSize(declaration) : [])),
    ...sets.flatMap((set) => wrongComments(set, context.expectations)),
  ];
}

/** The hooks that every table needs (docs/ruleset.md). */
const hooks: readonly Hook[] = [
  { type: 'nat', hook: 'prerouting', priority: -100 },
  { type: 'nat', hook: 'output', priority: -100 },
  { type: 'nat', hook: 'prerouting', priority: -90 },
  { type: 'nat', hook: 'output', priority: -90 },
  { type: 'nat', hook: 'postrouting', priority: 100 },
];

/** Those that refuse translated connections, needed only with endpoints that are refused themselves. */
const filterHooks: readonly Hook[] = [
  { type: 'filter', hook: 'input', priority: 0 },
  { type: 'filter', hook: 'forward', priority: 0 },
  { type: 'filter', hook: 'output', priority: 0 },
];

/** Those for source ranges, there only if a frontend has some: before the translation. */
const firewallHooks: readonly Hook[] = [
  { type: 'nat', hook: 'prerouting', priority: -110 },
  { type: 'nat', hook: 'output', priority: -110 },
];

/** Those for pins, needed only with affinity: after the translation, before any filter. */
const pinHooks: readonly Hook[] = [
  { type: 'filter', hook: 'prerouting', priority: -99 },
  { type: 'filter', hook: 'output', priority: -99 },
];

function checkHooks({ chains }: IndexedRuleset, { ips }: Expectations): Fault[] {
  const based = [...chains.values()].flatMap(({ name, hook }) => (hook ? [{ name, hook }] : []));
  const places = based.map(({ hook }) => placeText(hook));
  const isGuarded = [...ips.values()].some(({ kind, service }) => kind === 'LoadBalancer' && service.allowed);
  const needed = [...(isGuarded ? firewallHooks : []), ...hooks].map(placeText);
  const known = [...needed, ...[...pinHooks, ...filterHooks].map(placeText)];
  return [
    ...needed
      .filter((place) => !places.includes(place))
      .map((place): Fault => ({ code: 'wrong-hook', message: `there is no base chain at ${place}` })),
    ...based
      .filter(({ hook }, index) => !known.includes(placeText(hook)) || places.indexOf(placeText(hook)) !== index)
      .map(
        ({ name, hook }): Fault => ({
          code: 'wrong-hook',
          message: `chain ${name} is at ${placeText(hook)}, where no base chain should be`,
        }),
      ),
  ];
}

function placeText({ type, hook, priority }: Hook): string {
  return `${type} ${hook} ${priority}`;
}

/**
 * Chains for numbers of endpoints that no Service has at the moment; a table in the kernel keeps some of them for a
 * while.
 */
const idleChain = /^(tcp|udp|sctp)-(nodeport-)?(sticky-)?(cluster|local|external|external-local)(-[0-9]+)+$/;
const mostIdleChains = 64;

/**
 * Chains that nothing leads to and sets that no rule uses, but for those of idle chains and of service ports that lost
 * a frontend.
 */
function danglingParts(ruleset: IndexedRuleset, { expectations: { losers }, isActual }: StructureContext): Fault[] {
  const chains = [...ruleset.chains.values()];
  const reached = reachFrom(
    chains.filter(({ hook }) => hook !== undefined),
    ruleset,
  );
  const unreached = chains.filter((chain) => !reached.has(chain));
  const idle = isActual ? unreached.filter(({ name }) => idleChain.test(name)).slice(0, mostIdleChains) : [];
  const lost = unreached.filter(({ name }) => losers.has(ownerIn(name)));
  const kept = new Set([...reached, ...reachFrom([...idle, ...lost], ruleset)]);
  const used = new Set([...kept].flatMap(({ rules }) => rules.flatMap(setsOf)));
  const dangling = unreached.filter((chain) => !kept.has(chain) && chain.name !== rejectChain);
  return [
    ...dangling.map(({ name }): Fault => ({ code: 'dangling-chain', message: `no rule leads to chain ${name}` })),
    ...[...ruleset.sets.keys()]
      .filter((name) => !used.has(name))
      .map((name): Fault => ({ code: 'dangling-set', message: `no rule uses set ${name}` })),
  ];
}

/**
 * The service port that a chain belongs to, `namespace/name/protocol/port name`; empty for a shared chain. Over IPv6,
 * each service port with affinity has its own chains, even if another one owns its frontends.
 */
function ownerIn(chain: string): string {
  return chain.startsWith('sticky-') ? chain.slice(chain.indexOf('/') + 1) : '';
}

/** These chains and all that they lead to. */
function reachFrom(start: readonly Chain[], { chains, sets }: IndexedRuleset): Set<Chain> {
  const reached = new Set(start);
  // Iterating over a Set also visits what is added on the way.
  for (const { rules } of reached) {
    for (const name of new Set(rules.flat().flatMap((statement) => chainsOf(statement, sets)))) {
      const chain = chains.get(name);
      if (chain) {
        reached.add(chain);
      }
    }
  }
  return reached;
}

function chainsOf(statement: Statement, sets: IndexedRuleset['sets']): readonly string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return [statement.chain];
    case 'random-goto':
      return statement.chains;
    case 'vmap':
      return [...(sets.get(statement.map)?.targets ?? [])];
    default:
      return [];
  }
}

function unreachableRule(chain: string, rules: readonly Rule[]): Fault[] {
  const end = rules.findIndex(endsChain);
  if (end === -1 || end === rules.length - 1) {
    return [];
  }
  const message = `chain ${chain} ends at rule ${end + 1}: rule ${end + 2} is unreachable`;
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

/** Removing a Service or adding a source range must not affect established connections (docs/ruleset.md). */
export function statelessRule(chain: string, rules: readonly Rule[]): Fault[] {
  const found = rules.findIndex(([first]) => first && !matchesNew(first));
  const message = `chain ${chain}, rule ${found + 1} applies to all connections, but should apply only to new ones (ct state new)`;
  return found === -1 ? [] : [{ code: 'wrong-state', message }];
}

function matchesNew(statement: Statement): boolean {
  return (
    statement.kind === 'match' &&
    statement.left.kind === 'ct-state' &&
    statement.right === 'new' &&
    statement.negated !== true
  );
}

/**
 * Room for the pins of one protocol, and of one endpoint (docs/ruleset.md); the latter is also the kernel's default.
 */
const sizes = { ofProtocol: 1_048_576, ofEndpoint: 65_535 } as const;

function wrongSize({ name, key, size = sizes.ofEndpoint }: SetDeclaration): Fault[] {
  const expected = key.length > 1 ? sizes.ofProtocol : sizes.ofEndpoint;
  const message = `${name} holds at most ${size} pins, but should hold ${expected}`;
  return size === expected ? [] : [{ code: 'wrong-affinity', message }];
}

/** In characters; nft rejects longer ones. */
const longestComment = 128;

/** Comments say which Service an element belongs to. */
function wrongComments({ declaration, isDynamic, entries }: IndexedSet, expectations: Expectations): Fault[] {
  const isOfFrontends = declaration.key.includes('port') && declaration.key.includes('protocol');
  if (isDynamic || !isOfFrontends) {
    return [];
  }
  return [...entries.values()].flatMap((element) => wrongComment(element, declaration, expectations));
}

function wrongComment(element: Element, declaration: SetDeclaration, expectations: Expectations): Fault[] {
  const { key, comment } = element;
  const frontend = comment === undefined ? undefined : frontendOf(element, declaration, expectations);
  if (!frontend || comment === frontend.service.label.slice(0, longestComment)) {
    return [];
  }
  const message = `${declaration.name} has ${key} with the comment of another Service: ${comment}`;
  return [{ code: 'wrong-comment', ...placeOf(frontend, expectations.family), message }];
}
