/** A table as nft lists it, in the words of the compiler's own ruleset. Types only. */

import type { EndpointAddress, Family, Protocol } from '../net/network.ts';
import type { Element, Ruleset } from './ruleset.ts';

/** A table's name and family. */
export interface TableName {
  readonly family: Family;
  readonly table: string;
}

/**
 * Who may change a table: with `owner` only the nft that created or adopted it, for as long as that runs. Then the table vanishes,
 * or with `persist` stays and is anybody's to change or to adopt.
 */
export type TableFlag = 'owner' | 'persist';

/** Something in a table that svc2nft never writes. */
export interface Deviation {
  /** What and where, human-readable: `chain services: rule 2 is not understood`. */
  readonly message: string;
  /** The chain that it is about, if it is about one. */
  readonly chain?: string;
  /** True when no command on a single part can repair it, so that the table must be rebuilt. */
  readonly needsRebuild: boolean;
}

/** An element that traffic wrote into a dynamic set or map: a pin. */
export interface DynamicElement {
  readonly key: string;
  readonly value?: EndpointAddress;
  /** The lifetime after a refresh and the time left, both in seconds; absent when nft does not print them. */
  readonly timeoutSeconds?: number;
  readonly expiresSeconds?: number;
}

/** One table, whichever program wrote it: what is understood as a ruleset, the rest as deviations. */
export interface ListedTable {
  /**
   * Whether the kernel keeps the table but runs none of its rules (`flags dormant`). nft 1.0.6 misprints the only flag of a
   * table in JSON as arbitrary text; as it cannot read tables with `persist`, and others have `owner` only while the program
   * that created them runs, that counts as dormant too.
   */
  readonly isDormant: boolean;
  /** Who may change it; absent for everybody. */
  readonly flags?: readonly TableFlag[];
  /**
   * Sets and chains as far as they are understood; dynamic sets without elements, as compiled. A rule that is not
   * understood is an empty list of statements, which the compiler never writes.
   */
  readonly ruleset: Ruleset;
  /** What traffic wrote, by the name of the dynamic set. */
  readonly dynamic: ReadonlyMap<string, readonly DynamicElement[]>;
  readonly deviations: readonly Deviation[];
}

/** An element, and how many packets have found it since it was added: in the maps of dispatch, the first ones of connections. */
export interface CountedElement extends Element {
  readonly packets: number;
}

/** A map with its counters. */
export interface CountedMap {
  readonly name: string;
  /** Whether it is declared with a counter for each element; without, all counts are 0. */
  readonly hasCounters: boolean;
  readonly elements: readonly CountedElement[];
}

/** What a file has of the tables that were asked for. */
export interface ListedTables {
  /** In the order of the names asked for; a table that is not there is left out. */
  readonly tables: readonly ListedTable[];
  /** The names of all tables in the file, `ip6 kube-proxy`. */
  readonly found: readonly string[];
}

/** What nft 1.0.6 does not print in JSON; the names that the compiler gives tell it. */
export interface KnownNames {
  /** The comment of a table. */
  readonly tableComment: string;
  /** The transport protocol whose ports a map to endpoints holds, by the name of the map. */
  readonly mapProtocols: ReadonlyMap<string, Protocol>;
  /**
   * Whether a table is kube-proxy's: then comments, counters and anonymous sets and maps are parts of its ruleset. Absent where
   * they are to be deviations in every table, because it is brought to svc2nft's own form.
   */
  readonly isKubeProxyTable?: (table: TableMarks) => boolean;
}

/** What shows who wrote a table. */
export interface TableMarks {
  /** Undefined where there is none, or nft does not print it. */
  readonly comment: string | undefined;
  /** The names of its chains. */
  readonly chains: readonly string[];
}
