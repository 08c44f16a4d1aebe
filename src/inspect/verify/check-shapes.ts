import { cutText, limitList, listWords } from '../../lib/text.ts';
import { endpointText, type Family } from '../../net/network.ts';
import { printRule } from '../../nft/print.ts';
import type { Chain, FilledSet, Hook, Rule, Ruleset, SetDeclaration, StatementInNft } from '../../nft/ruleset.ts';
import { isOfIptables, kindOfSet, ruleKey } from '../../nft/ruleset-parts.ts';
import { type KnownParts, planKnownParts } from '../../phases/5-plan/known-parts.ts';
import { calledChains } from '../../walk/find-damage.ts';
import type { Fault, FaultCode } from './verification.ts';

/**
 * A fault for each rule, chain, set and hook that svc2nft does not write in its place, whatever the cluster and the options
 * are. Walks try only some combinations of clients, marks and destinations; rules that no walk meets are found here. Empty
 * chains, and rules that the reader did not understand, have faults of their own. Chains that nothing leads to may be left
 * from before the options changed.
 *
 * @param isExplained whether the layout of the table explains a chain or set of this name (readEarlierLayout).
 */
export function checkShapes(ruleset: Ruleset, isExplained: (name: string) => boolean = () => false): Fault[] {
  const { family, sets } = ruleset;
  const called = calledChains(ruleset);
  const chains = ruleset.chains.filter(({ name, hook }) => hook !== undefined || called.has(name));
  const known = planKnownParts({ family, sets, chains });
  const names = new Set(ruleset.chains.map(({ name }) => name));
  return [
    ...chains.filter(({ name }) => !isExplained(name)).flatMap((chain) => checkChain(chain, { known, family })),
    ...[...known.required]
      .filter((name) => !names.has(name) && !isExplained(name))
      .map((name) => fault('missing-rule', `chain ${name} is missing`)),
    ...sets.filter(({ name }) => !isExplained(name)).flatMap((set) => checkSet(set, known)),
  ];
}

interface ShapeContext {
  readonly known: KnownParts;
  readonly family: Family;
}

function checkChain(chain: Chain, context: ShapeContext): Fault[] {
  const { name, hook, rules } = chain;
  const expected = context.known.chains.get(name);
  if (!expected) {
    const effects = limitList([...new Set(rules.map(effectOf))], shownEffects);
    const does = effects.length > 0 ? `it ${listWords(effects)}` : 'it is empty';
    return [fault('unknown-chain', `svc2nft writes no chain ${name}; ${does}`)];
  }
  return [...checkHook(name, hook, expected.hook), ...(rules.length > 0 ? checkRules(chain, expected, context) : [])];
}

/** How many effects of a chain are named. */
const shownEffects = 3;

function checkHook(chain: string, actual: Hook | undefined, expected: Hook | undefined): Fault[] {
  const [found, wanted] = [actual, expected].map((hook) =>
    hook ? `at ${hook.type} ${hook.hook} ${hook.priority}` : 'without a hook',
  );
  return found === wanted ? [] : [fault('wrong-hook', `chain ${chain} is ${found}, but should be ${wanted}`)];
}

/**
 * Compares the rules of a chain in order. A foreign rule where one is missing is a changed rule, reported as one fault.
 */
function checkRules({ name, rules }: Chain, expected: Chain, { known, family }: ShapeContext): Fault[] {
  const found = rules.map(ruleKey);
  const places = new Map(expected.rules.map((rule, place) => [ruleKey(rule), place]));
  const seen = new Set<string>();
  const present = new Set(found);
  const missing = expected.rules.filter((rule) => !present.has(ruleKey(rule)));
  const faults: Fault[] = [];
  let last = -1;
  for (const [index, rule] of rules.entries()) {
    const key = found[index] ?? '';
    const place = places.get(key) ?? -1;
    const at = `chain ${name}, rule ${index + 1}`;
    const text = (): string => ruleText(rule, family);
    if (place === -1) {
      const replaced = missing.shift();
      if (rule.length > 0) {
        faults.push(fault('unknown-rule', `${at} ${foreignText(rule, text(), { replaced, known, family })}`));
      }
    } else if (seen.has(key)) {
      faults.push(fault('misplaced-rule', `${at} is there twice; it ${effectOf(rule)}: ${text()}`));
    } else if (place < last) {
      faults.push(fault('misplaced-rule', `${at} should come earlier; it ${effectOf(rule)}: ${text()}`));
    }
    seen.add(key);
    last = Math.max(last, place);
  }
  return [
    ...faults,
    ...missing.map((rule) =>
      fault('missing-rule', `chain ${name} lacks the rule that ${effectOf(rule)}: ${ruleText(rule, family)}`),
    ),
  ];
}

function foreignText(
  rule: Rule,
  text: string,
  { replaced, known, family }: ShapeContext & { readonly replaced: Rule | undefined },
): string {
  const owner = [...known.chains.values()].find(({ rules }) => rules.some((one) => ruleKey(one) === ruleKey(rule)));
  const expected = replaced ? `, in place of: ${ruleText(replaced, family)}` : '';
  const belongs = owner ? ` (it belongs to chain ${owner.name})` : '';
  return `is not one that svc2nft writes there${belongs}; it ${effectOf(rule)}: ${text}${expected}`;
}

/** In characters; a rule may name thousands of chains. */
const longestRule = 300;

/** A rule as nft has it. Names that nft would not read come from a file that somebody wrote by hand. */
function ruleText(rule: Rule, family: Family): string {
  try {
    return cutText(printRule(rule, family), longestRule);
  } catch {
    return cutText(JSON.stringify(rule), longestRule);
  }
}

/** What a rule does with the packets that it matches: `translates packets to 10.6.6.6:80`. */
function effectOf(rule: Rule): string {
  const effects = rule.flatMap((statement) => (isOfIptables(statement) ? [] : effectsOf(statement)));
  return effects.length > 0 ? listWords(effects) : 'does nothing';
}

function effectsOf(statement: StatementInNft): string[] {
  switch (statement.kind) {
    case 'match':
    case 'match-list':
    case 'match-set':
    case 'match-mark':
    case 'counter':
    case 'comment':
      return [];
    case 'set-mark':
      return ['changes marks'];
    case 'vmap':
      return [`sends packets where ${statement.map} says`];
    case 'random-goto':
      return ['sends packets to a chain at random'];
    case 'dnat':
      return [`translates packets to ${endpointText(statement)}`];
    case 'random-dnat':
      return [`translates packets to one of ${statement.endpointAddresses.length} endpoints`];
    case 'dnat-map':
      return [`translates packets to endpoints in ${statement.map}`];
    case 'update':
      return [`writes to ${statement.set}`];
    case 'delete':
      return [`deletes from ${statement.set}`];
    case 'jump':
    case 'goto':
      return [`sends packets to chain ${statement.chain}`];
    case 'tcp-reset':
    case 'reject':
      return ['rejects packets'];
    case 'drop':
      return ['drops packets'];
    case 'masquerade':
      return ['masquerades packets'];
    case 'return':
      return ['ends the chain'];
  }
}

function checkSet(set: FilledSet, { sets }: KnownParts): Fault[] {
  const { name } = set;
  const expected = sets.get(name);
  const kind = kindOfSet(set);
  if (!expected) {
    return [fault('unknown-set', `svc2nft declares no ${kind} ${name}`)];
  }
  const wanted = propertiesOf(expected);
  const differences = Object.entries(propertiesOf(set)).flatMap(([property, value]) =>
    value === wanted[property] ? [] : [`${property} ${value}, but should have ${wanted[property]}`],
  );
  return differences.map((difference) => fault('wrong-declaration', `${kind} ${name} has ${difference}`));
}

/** What decides which elements a set can have. Of dynamic sets, checkStructure compares the sizes. */
function propertiesOf({
  key,
  value,
  flags = [],
  size,
  timeoutSeconds,
  counter,
}: SetDeclaration): Record<string, string> {
  return {
    type: [key.join(' . '), ...(value ? [value] : [])].join(' : '),
    flags: [...flags].sort().join(', ') || 'none',
    counter: counter ? 'for each element' : 'none',
    timeout: timeoutSeconds === undefined ? 'none' : `${timeoutSeconds} s`,
    ...(!flags.includes('dynamic') && { size: size === undefined ? 'unlimited' : String(size) }),
  };
}

function fault(code: FaultCode, message: string): Fault {
  return { code, message };
}
