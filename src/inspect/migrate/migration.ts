/**
 * What changes for whom when a node goes from one proxy to another. Types only; plain data, and what `migrate -o json` prints.
 */

import type { Family } from '../../net/network.ts';
import type { ProxyKind } from '../verify/proxy-model.ts';
import type { ClientKind, PlaceKind } from './list-probes.ts';
import type { ProxyFate } from './proxy-fate.ts';

/** One end of a migration. */
export interface MigrationEnd {
  /** Who writes, or wrote, the rules; null for rules whose author is not known. */
  readonly proxy: ProxyKind | null;
  /** `prediction`, or where the rules are from: `kernel`, or the name of a file. */
  readonly source: string;
}

/** What becomes of connections, the worst first. */
export const migrationEffects = [
  /** They reached an endpoint, and do not any more, or more seldom. */
  'breaks',
  /** They reach an endpoint, and did not before. */
  'opens',
  /** They reach other endpoints, or get other shares of them. */
  'endpoints',
  /** Endpoints see another source address. */
  'source',
  /** They reach no endpoint before and after, and learn of it in another way. */
  'refusal',
  /** Clients keep their endpoint for another time, or not. */
  'affinity',
  /** Packets arrive with other bits in their mark. */
  'mark',
] as const;

export type MigrationEffect = (typeof migrationEffects)[number];

/** Why connections go otherwise; programs may rely on these words. */
export type CauseCode =
  | 'contested-frontend'
  | 'localhost-node-ports'
  | 'node-port-addresses'
  | 'node-port-refusals'
  | 'cluster-ip-ports'
  | 'unallocated-cluster-ips'
  | 'health-check-ports'
  | 'source-ranges'
  | 'node-to-external'
  | 'refusal-answer'
  | 'masquerade-all'
  | 'hairpins'
  | 'refused-endpoints'
  | 'load-balancer-at-node'
  | 'external-at-cluster-ip'
  | 'affinity'
  | 'masquerade-bit'
  /** Rules of other programs decide, which a proxy's rules came ahead of, or will. */
  | 'other-rules'
  /** The rules are not those that their proxy would write for this snapshot. */
  | 'rules-differ'
  | 'other';

/** What the two proxies do otherwise where no first packet of a connection shows it. */
type NoteCode =
  | 'forward-policy'
  | 'health-check-policy'
  | 'invalid-packets'
  | 'contested-frontends'
  | 'affinity-clients'
  | 'affinity-scope'
  | 'affinity-restarts'
  | 'route-localnet'
  | 'mark-bit';

/** Everything that changes. */
export interface Migration {
  readonly node: string;
  readonly from: MigrationEnd;
  readonly to: MigrationEnd;
  /** How many connections were compared: one from each kind of client to each frontend. */
  readonly connections: number;
  /** Services with a frontend, in any family. */
  readonly services: number;
  /** The worst first, then those of most Services. Empty if nobody notices. */
  readonly changes: readonly MigrationChange[];
  /** What no connection shows by itself. */
  readonly notes: readonly MigrationNote[];
}

/** Differences with one cause and one effect. */
export interface MigrationChange {
  readonly cause: CauseCode;
  readonly effect: MigrationEffect;
  /** In one line, without a number of Services. */
  readonly message: string;
  /** How to keep the old behavior, or what to do; null where there is nothing. */
  readonly advice: string | null;
  readonly clients: readonly ClientKind[];
  /** `namespace/name`, sorted; empty where it concerns no Service in particular. */
  readonly services: readonly string[];
  readonly cases: readonly MigrationCase[];
}

/** What some clients notice at one frontend. */
export interface MigrationCase {
  readonly family: Family;
  readonly service: string;
  /** `10.96.0.10:80/tcp` */
  readonly frontend: string;
  readonly place: PlaceKind;
  readonly clients: readonly ClientKind[];
  readonly before: ProxyFate;
  readonly after: ProxyFate;
}

/** A difference that depends on more than rules for Services. */
export interface MigrationNote {
  readonly code: NoteCode;
  readonly message: string;
  readonly advice: string | null;
  readonly services: readonly string[];
}
