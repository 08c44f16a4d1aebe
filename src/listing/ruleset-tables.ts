/** What a text with rulesets has. Types only. */
import type { Listing } from './listing.ts';

/** What a text has of the tables that were asked for. */
export interface RulesetTables {
  readonly listings: readonly Listing[];
  /** What all tables of the text are called, `ip6 kube-proxy`. */
  readonly found: readonly string[];
}
