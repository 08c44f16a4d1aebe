/** What changes a table, as data: one nft command each. Types only. */
import type { DynamicElement } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import type { Chain, Element, Rule, SetDeclaration } from '../phases/5-plan/ruleset.ts';

/** A command about one table; its place in the list is the order in which nft must see it. */
export type Command =
  | { readonly kind: 'add-table'; readonly comment: string }
  /** Works whether there is such a table or not. */
  | { readonly kind: 'delete-table' }
  | { readonly kind: 'flush-chain' | 'delete-chain'; readonly chain: string }
  | { readonly kind: 'add-chain'; readonly chain: Chain }
  | { readonly kind: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly kind: 'add-set' | 'delete-set'; readonly set: SetDeclaration }
  | { readonly kind: 'flush-set'; readonly set: string }
  | { readonly kind: 'add-elements'; readonly set: string; readonly elements: readonly Element[] }
  /** Only the keys count. */
  | { readonly kind: 'delete-elements'; readonly set: string; readonly elements: readonly Element[] }
  /** Writes what traffic had written before: a pin with the time that it has left. */
  | { readonly kind: 'add-pins'; readonly set: string; readonly pins: readonly DynamicElement[] };

/** All commands for one table; nft carries out all of them or none. */
export interface Transaction {
  readonly family: Family;
  readonly table: string;
  readonly commands: readonly Command[];
}
