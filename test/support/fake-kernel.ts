import { cidrContains, parseCidr, singleAddress } from '../../src/net/address.ts';
import type { Command, Transaction } from '../../src/nft/command.ts';
import type { Element, Rule, Ruleset, SetDeclaration, Statement } from '../../src/nft/ruleset.ts';
import {
  type Contents,
  closeContents,
  type FakeSet,
  isChainInUse,
  isSetInUse,
  need,
  openContents,
  setOfStatement,
  targetsOf,
} from './fake-contents.ts';

/**
 * What nft and the kernel make of a transaction, as far as plain data can tell. Refused is what they refuse, and also
 * what they accept without doing anything, such as adding what is there: no good difference has that.
 *
 * @param held the table before; undefined when there is none.
 * @returns the table after it, with every element by itself.
 * @throws Error for the first command that is refused.
 */
export function carryOut(held: Ruleset | undefined, { family, table, commands }: Transaction): Ruleset | undefined {
  let now = held && openContents(held);
  for (const command of commands) {
    if (command.kind === 'delete-table') {
      now = undefined;
    } else if (command.kind === 'add-table') {
      need(!now, 'the table exists');
      now = { comment: command.comment, sets: new Map(), chains: new Map() };
    } else {
      need(now, 'there is no table');
      change(now, command);
    }
  }
  return now && { family, table, ...closeContents(now) };
}

function change(now: Contents, command: Command): void {
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
      // These are more than changes; see above.
      return;
    case 'flush-chain':
      chainOf(now, command.chain).rules.length = 0;
      return;
    case 'delete-chain':
      // Rules of its own go with it.
      need(now.chains.delete(command.chain), `there is no chain ${command.chain}`);
      need(!isChainInUse(now, command.chain), `chain ${command.chain} is in use`);
      return;
    case 'add-chain':
      need(!now.chains.has(command.chain.name), `chain ${command.chain.name} exists`);
      now.chains.set(command.chain.name, { chain: command.chain, rules: [] });
      return;
    case 'add-rule':
      checkRule(now, command.rule);
      chainOf(now, command.chain).rules.push(command.rule);
      return;
    case 'add-set':
      need(!now.sets.has(command.set.name), `set ${command.set.name} exists`);
      now.sets.set(command.set.name, { declaration: command.set, elements: new Map() });
      return;
    case 'delete-set':
      need(now.sets.delete(command.set.name), `there is no set ${command.set.name}`);
      need(!isSetInUse(now, command.set.name), `set ${command.set.name} is in use`);
      return;
    case 'flush-set':
      need(
        setOf(now, command.set).declaration.value === undefined,
        `${command.set} is a map, which is flushed otherwise`,
      );
      setOf(now, command.set).elements.clear();
      return;
    case 'delete-elements':
    case 'add-elements':
      changeElements(now, command);
      return;
    case 'add-pins':
      need(setOf(now, command.set).declaration.flags?.includes('timeout'), `${command.set} holds no pins`);
      for (const { key, value } of command.pins) {
        // One that is there stays as it is.
        const { elements } = setOf(now, command.set);
        elements.set(key, elements.get(key) ?? (value ? { key, value } : { key }));
      }
  }
}

function changeElements(
  now: Contents,
  { kind, set, elements }: Extract<Command, { kind: 'add-elements' | 'delete-elements' }>,
): void {
  need(elements.length > 0, 'an empty list of elements is a syntax error');
  for (const element of elements) {
    if (kind === 'delete-elements') {
      need(setOf(now, set).elements.delete(element.key), `${set} has no ${element.key}`);
    } else {
      checkElement(now, setOf(now, set), element);
      setOf(now, set).elements.set(element.key, element);
    }
  }
}

function checkElement(now: Contents, { declaration, elements }: FakeSet, { key, value }: Element): void {
  need(key.split(' . ').length === declaration.key.length, `${key} is not a key for ${declaration.name}`);
  need(!elements.has(key), `${declaration.name} has ${key}`);
  need(kindOf(value) === declaration.value, `the value of ${key} does not fit ${declaration.name}`);
  need(!value || !('chain' in value) || now.chains.has(value.chain), `${key} leads nowhere`);
  if (declaration.flags?.includes('interval')) {
    need(![...elements.keys()].some((other) => overlap(other, key)), `${key} overlaps another one`);
  }
}

function kindOf(value: Element['value']): SetDeclaration['value'] {
  if (value === undefined) {
    return undefined;
  }
  return 'kind' in value ? 'verdict' : 'endpoint';
}

/** Whether two keys that end with a range or an address have something in common. */
function overlap(a: string, b: string): boolean {
  const [headA, headB] = [a, b].map((key) => key.replace(/\S+$/, ''));
  const [rangeA, rangeB] = [a, b]
    .map((key) => key.replace(/^.* /, ''))
    .map((text) => parseCidr(text) ?? singleAddress(text));
  return (
    headA === headB &&
    rangeA !== undefined &&
    rangeB !== undefined &&
    (cidrContains(rangeA, rangeB.address) || cidrContains(rangeB, rangeA.address))
  );
}

function checkRule(now: Contents, rule: Rule): void {
  for (const chain of rule.flatMap(targetsOf)) {
    need(chainOf(now, chain).chain.hook === undefined, `${chain} is a base chain`);
  }
  for (const statement of rule) {
    const name = setOfStatement(statement);
    need(
      name === undefined || setOf(now, name).declaration.value === neededValue(statement),
      `${name} is not what ${statement.kind} needs`,
    );
  }
}

function neededValue(statement: Statement): SetDeclaration['value'] {
  switch (statement.kind) {
    case 'vmap':
      return 'verdict';
    case 'dnat-map':
      return 'endpoint';
    case 'update':
    case 'delete':
      return statement.value ? 'endpoint' : undefined;
    default:
      return undefined;
  }
}

function chainOf(
  { chains }: Contents,
  name: string,
): { readonly chain: { readonly hook?: unknown }; readonly rules: Rule[] } {
  const chain = chains.get(name);
  need(chain, `there is no chain ${name}`);
  return chain;
}

function setOf({ sets }: Contents, name: string): FakeSet {
  const set = sets.get(name);
  need(set, `there is no set ${name}`);
  return set;
}
