/** What is known of a machine before anything is judged. Types only. */

import type { NftError } from '../../kernel/nft-error.ts';
import type { NftProbe } from '../../kernel/probe-nft.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import type { Family } from '../../net/network.ts';
import type { FileName, FirewallService } from './known-files.ts';

/** How the doctor looks at the machine. */
export interface Instruments {
  readonly run: RunProgram;
  /** The first part of a file, as text; undefined when it is not there or may not be read. */
  readonly readText: (path: string) => Promise<string | undefined>;
}

/** A chain of nft or of iptables, in nft's words. Its rules are not read: other programs may have very many. */
export interface ChainFact {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Of base chains: `nat`, `filter`. */
  readonly type?: string;
  /** Of base chains: `forward`. */
  readonly hook?: string;
  /** Of base chains: `accept`, `drop`. */
  readonly policy?: string;
  /** It belongs to the old iptables, which nft does not see. */
  readonly legacy?: true;
}

/** Tables of the old iptables that are in use, and that no program could list. */
export interface UnreadTables {
  readonly program: 'iptables' | 'ip6tables';
  readonly tables: readonly string[];
}

/** A bridge that pods are known to be on, with its own switches as the kernel writes them: `1\n`. */
export interface BridgeFact {
  readonly name: string;
  /** IPv4 packets between its ports pass the rules. */
  readonly calls: string | undefined;
  /** IPv6 packets do. */
  readonly calls6: string | undefined;
}

/** What stands at the head of our table. */
export interface OwnTable {
  readonly family: Family;
  readonly comment: string | undefined;
  /** As `dormant` or `owner`. */
  readonly flags: readonly string[];
}

/** A kernel feature that a family lacks. */
export interface MissingFeature {
  readonly family: Family;
  readonly feature: string;
  /** The module that has it. */
  readonly module: string;
  /** What nft said first. */
  readonly said: string;
}

/** What became of the trial rules. */
export type FeatureProbe =
  | { readonly kind: 'probed'; readonly missing: readonly MissingFeature[] }
  /** No network namespace could be made for them; `said` tells why. */
  | { readonly kind: 'not-probed'; readonly said: string };

/** All that is looked at. */
export interface Facts {
  /** The name of our table. */
  readonly table: string;
  readonly nft: NftProbe | NftError;
  /** nft was asked for JSON, and was not made with it. */
  readonly lacksJson: boolean;
  /** The chains of all tables of nft and of the old iptables; an error of nft where they could not be listed. */
  readonly chains: readonly ChainFact[] | NftError;
  readonly unread: readonly UnreadTables[];
  readonly ownTables: readonly OwnTable[];
  readonly features: FeatureProbe;
  readonly hasConntrack: boolean;
  /** The files that are there and may be read. */
  readonly files: Readonly<Partial<Record<FileName, string>>>;
  readonly bridges: readonly BridgeFact[];
  /** The services that are started with the machine, and their unit or script. */
  readonly services: Readonly<Partial<Record<FirewallService, string>>>;
}
