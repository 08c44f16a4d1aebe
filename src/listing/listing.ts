/** A table as the kernel holds it, in the words of the compiler's own ruleset. Types only. */
import type { Socket } from '../network.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';

/** Something in the table that no compiler of this program makes. */
export interface Oddity {
  /** What and where, for people: `chain services: rule 2 is not understood`. */
  readonly message: string;
  /** True when commands on single parts cannot mend it, so that the table must be made anew. */
  readonly needsRebuild: boolean;
}

/** An element that traffic wrote into a dynamic set or map: a pin. */
export interface DynamicElement {
  readonly key: string;
  readonly value?: Socket;
  /** How long it lives after a refresh, and how long still, in seconds; absent when the listing does not say. */
  readonly timeoutSeconds?: number;
  readonly expiresSeconds?: number;
}

/** One table of ours, or what claims to be one. */
export interface Listing {
  /**
   * Whether the kernel keeps the table but runs none of its rules (`flags dormant`). nft 1.0.6 misprints the only flag of a
   * table in JSON, as any text at all; as tables have other flags only while the program that made them runs, that counts too.
   */
  readonly isDormant: boolean;
  /**
   * Sets and chains as far as they are understood; dynamic sets without elements, as compiled. A rule that is not
   * understood is an empty list of statements, which no compiler makes.
   */
  readonly ruleset: Ruleset;
  /** What traffic wrote, by the name of the dynamic set. */
  readonly dynamic: ReadonlyMap<string, readonly DynamicElement[]>;
  readonly oddities: readonly Oddity[];
}
