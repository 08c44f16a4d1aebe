/** Changes of a table as data, each one nft command, and their text. */

import type { Family } from '../net/network.ts';
import type { DynamicElement, TableFlag } from './listed-table.ts';
import { elementText, identifier, printDeclaration, printHook, printRule, quote } from './print.ts';
import type { Chain, Element, Rule, SetDeclaration } from './ruleset.ts';
import { kindOfSet } from './ruleset-parts.ts';

/** A command on one table; nft must see the commands of a list in their order. */
export type Command =
  | { readonly kind: 'add-table'; readonly comment: string; readonly flags?: readonly TableFlag[] }
  /** Succeeds whether the table exists or not. `flags`: those that it has. */
  | { readonly kind: 'delete-table'; readonly flags?: readonly TableFlag[] }
  | { readonly kind: 'flush-chain' | 'delete-chain'; readonly chain: string }
  | { readonly kind: 'add-chain'; readonly chain: Chain }
  | { readonly kind: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly kind: 'add-set' | 'delete-set'; readonly set: SetDeclaration }
  | { readonly kind: 'flush-set'; readonly set: string }
  | { readonly kind: 'add-elements'; readonly set: string; readonly elements: readonly Element[] }
  /** Only the keys matter. */
  | { readonly kind: 'delete-elements'; readonly set: string; readonly elements: readonly Element[] }
  /** Restores what traffic had written: pins with their remaining times. */
  | { readonly kind: 'add-pins'; readonly set: string; readonly pins: readonly DynamicElement[] };

/** All commands for one table; nft executes all of them or none. */
export interface Transaction {
  readonly family: Family;
  readonly table: string;
  readonly commands: readonly Command[];
}

/** The text for `nft -f`, a line for each command, or several lines for many elements; empty for no commands. */
export function printTransaction(transaction: Transaction): string {
  const lines = transaction.commands.map((command) => `${printCommand(command, transaction)}\n`);
  return lines.join('');
}

function printCommand(command: Command, { family, table }: Transaction): string {
  const place = `${family} ${identifier(table)}`;
  switch (command.kind) {
    case 'add-table':
      return `add table ${place} { ${printFlags(command.flags)}comment ${quote(command.comment)}; }`;
    case 'delete-table':
      // nft before 1.0.8 has no `destroy`; adding the table first makes the deletion succeed whether it existed or not.
      // With other flags than it has, the kernel refuses to add a table that exists.
      return `add table ${place}${command.flags?.length ? ` { ${printFlags(command.flags)}}` : ''}\ndelete table ${place}`;
    case 'flush-chain':
      return `flush chain ${place} ${identifier(command.chain)}`;
    case 'delete-chain':
      return `delete chain ${place} ${identifier(command.chain)}`;
    case 'add-chain': {
      const { name, hook } = command.chain;
      return `add chain ${place} ${identifier(name)}${hook ? ` { ${printHook(hook)} }` : ''}`;
    }
    case 'add-rule':
      return `add rule ${place} ${identifier(command.chain)} ${printRule(command.rule, family)}`;
    case 'add-set':
      return `add ${kindOfSet(command.set)} ${place} ${identifier(command.set.name)} { ${printDeclaration(command.set, family).join(' ')} }`;
    case 'delete-set':
      return `delete ${kindOfSet(command.set)} ${place} ${identifier(command.set.name)}`;
    case 'flush-set':
      return `flush set ${place} ${identifier(command.set)}`;
    case 'add-elements':
      return `add element ${place} ${identifier(command.set)} ${braced(command.elements.map(elementText))}`;
    case 'delete-elements':
      // The key alone names an element, and its value in the kernel may differ from the expected one.
      return `delete element ${place} ${identifier(command.set)} ${braced(command.elements.map(({ key }) => key))}`;
    case 'add-pins':
      return `add element ${place} ${identifier(command.set)} ${braced(command.pins.map(pinText))}`;
  }
}

function printFlags(flags: readonly TableFlag[] = []): string {
  return flags.length === 0 ? '' : `flags ${flags.join(', ')}; `;
}

function braced(texts: readonly string[]): string {
  return texts.length === 1 ? `{ ${texts[0]} }` : `{\n\t${texts.join(',\n\t')}\n}`;
}

function pinText({ key, value, timeoutSeconds, expiresSeconds }: DynamicElement): string {
  const timeout = timeoutSeconds === undefined ? '' : ` timeout ${timeoutSeconds}s`;
  const expires = expiresSeconds === undefined ? '' : ` expires ${expiresSeconds}s`;
  const data = value === undefined ? '' : ` : ${value.address} . ${value.port}`;
  return `${key}${timeout}${expires}${data}`;
}
