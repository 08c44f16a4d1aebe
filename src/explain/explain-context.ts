/** What explanations are made of. Types only. */
import type { CompileOptions } from '../options.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Places } from '../places/places.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';
import type { Fate, Memory, Packet } from '../walk/fate.ts';
import type { FateSummary } from '../walk/summarise-fate.ts';
import type { FrontendMatch } from './find-frontends.ts';
import type { RuleFacts } from './read-rule-facts.ts';
import type { Way } from './read-way.ts';

/** What is known of the cluster besides the rules; without a snapshot there is none of it. */
export interface Knowledge {
  readonly view: NodeView;
  readonly places: Places;
  readonly notes: readonly ServiceNote[];
  readonly options: Pick<CompileOptions, 'nodePortAddresses'>;
}

/** A question about one packet. */
export interface Question {
  readonly packet: Packet;
  /** That of the packet's family; undefined where there is no such table. */
  readonly ruleset: Ruleset | undefined;
  /** Whether the table is switched off (flags dormant). */
  readonly isDormant?: boolean;
  /** The node's own addresses, the primary ones first. */
  readonly localAddresses: readonly string[];
  /** What earlier connections left in dynamic sets. */
  readonly memory?: Memory;
  readonly knowledge?: Knowledge;
}

/** A question, and what the walk answers. */
export interface Findings extends Question {
  readonly ruleset: Ruleset;
  readonly facts: RuleFacts;
  readonly fate: Fate;
  readonly summary: FateSummary;
  /** For each outcome what was decided on the way. */
  readonly ways: readonly [Way, ...Way[]];
  /** The service ports that want packets to the destination, the one first that the rules chose. */
  readonly frontends: readonly FrontendMatch[];
}
