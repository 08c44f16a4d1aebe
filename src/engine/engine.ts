/** What callers of the engine see. Types only. */

import type { Diagnostic, ObjectReference } from '../diagnostics/diagnostic.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import type { DesiredState } from './desired-state.ts';
import type { FollowUp } from './follow-up.ts';
import type { HealthCheck } from './health-checks.ts';
import type { LocalhostPort } from './localhost-ports.ts';
import type { EndpointTrigger, KubernetesObject } from './object-store.ts';
import type { Statistics } from './statistics.ts';

/** Changes of a cluster, as a watch of its API reports them. New and changed objects are treated alike. */
export interface Changes {
  /** Whole objects of kinds Service, EndpointSlice, Node and ServiceCIDR; others are ignored. `kind: List` is expanded. */
  readonly apply?: readonly unknown[];
  /** Objects that were deleted. An object in both lists was deleted, then created again. */
  readonly remove?: readonly ObjectReference[];
  /**
   * All objects are there: the lists of all Services, EndpointSlices and ServiceCIDRs, and of Nodes or this Node, were
   * read to their ends and given, up to and with this call, as after the first sync of informers. Until a call says so
   * nothing is changed in the kernel, because Services that were not read yet would seem to be gone. It stays so
   * afterward. It is disregarded in a call with an error of the API server, a list that is not whole, something that is
   * not an object, or an unknown key, which may be a mistyped `apply`. A diagnostic reports these: say it again with the
   * rest.
   */
  readonly complete?: true;
}

/**
 * What is missing before tables can be changed: all objects of the cluster, or the Node with an address, without which
 * node ports would be open on all addresses. A Node that is lost later is not waited for: its last version counts.
 */
export type WaitsFor = 'complete' | 'node';

/** What changes have to do in one family's table. */
export interface TableUpdate {
  readonly family: Family;
  readonly table: string;
  /** One transaction; empty when only the follow-up is left to do. */
  readonly commands: readonly Command[];
  readonly followUp: FollowUp;
}

/** What `commit` returns. */
export interface Commit {
  /** The families with something to do; none when the changes make no difference to any packet. */
  readonly families: readonly TableUpdate[];
  /** About the node, and about Services that claim the same address. */
  readonly diagnostics: readonly Diagnostic[];
  /** When the endpoints changed of which new versions of EndpointSlices tell; not those of the first lists. */
  readonly triggers: readonly EndpointTrigger[];
  /** Why nothing is changed yet; undefined once everything is known. */
  readonly waitsFor: WaitsFor | undefined;
}

/** What `update` returns. */
export interface Update extends Commit {
  /** The commands of all families for `nft -f`, as one transaction; empty for none. */
  readonly text: string;
  /** About the objects of this call, the node, and Services that claim the same address. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Keeps the ruleset of one node up to date. It holds everything that follows from the objects it was given, and assumes
 * that the commands it returns are carried out, in order. Objects are copied as far as they are needed: the caller may
 * change them afterward.
 */
export interface Engine extends DesiredState {
  /**
   * Takes changes, and returns what they have to do in the kernel: `accept` and `commit` in one call. The cost depends on
   * the Services that the changes touch, not on how many there are.
   */
  update(changes: Changes): Update;
  /**
   * Takes changes without planning anything yet. Returns what is wrong with the objects: an invalid object is left out
   * until a valid version of it comes. Nothing is thrown for wrong input, whatever its type.
   */
  accept(changes: Changes): readonly Diagnostic[];
  /** Plans everything accepted since the last time, as one change; nothing before the objects are complete. */
  commit(): Commit;
  /** Lets the next commit try the Services again that nft rejected; otherwise they wait until they or their slices change. */
  retryRejected(): void;
  /** What is missing before something can be planned; undefined when it is ready. */
  waitsFor(): WaitsFor | undefined;
  /**
   * The health checks of load balancers that have changed since the last call, by everything committed since. Ask once the
   * kernel holds that: only then do packets go to the endpoints that a health check tells of.
   */
  takeHealthChecks(): readonly HealthCheck[];
  /**
   * The node ports of TCP that have changed since the last call, in families where loopback addresses serve them, as above. Some may
   * be as they were.
   */
  takeLocalhostPorts(): readonly LocalhostPort[];
  /** Copies of all valid objects, as far as rules depend on them. */
  objects(): readonly KubernetesObject[];
  /** How much the tables hold, and what is left out; cheap enough to ask for now and then. */
  statistics(): Statistics;
  /** How rules see this node, one for each family; none before the node is known. */
  nodeSettings(): readonly NodeSettings[];
  /** The tables once all commands are carried out, one for each family. */
  rulesets(): readonly Ruleset[];
  /** The same for `nft -f`, as one transaction that replaces the tables, whatever they held; empty until it is ready. */
  text(): string;
}
