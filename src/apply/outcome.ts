/** What became of an update. Types only. */

import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { TablePlan } from '../diff/plan-table.ts';
import type { WaitsFor } from '../engine/engine.ts';
import type { HealthCheck } from '../engine/health-checks.ts';
import type { LocalhostPort } from '../engine/localhost-ports.ts';
import type { EndpointTrigger } from '../engine/object-store.ts';
import type { NftError } from '../kernel/nft-error.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { ConntrackOutcome } from './clean-conntrack.ts';

/** What became of one family's table. */
export interface TableOutcome extends Omit<TablePlan, 'result' | 'pinCommands' | 'isUnused' | 'after'> {
  /**
   * `unchanged`: it held everything already. `created`: it did not exist. `changed`: it took the difference. `rebuilt`: it
   * was deleted and created. `failed`: it holds what it held before, unless `isOpen` or `isUnfinished`.
   */
  readonly result: TablePlan['result'] | 'failed';
  /** nft ended in a way that leaves open what the table holds, the old or all of the new, and it could not be read since. */
  readonly isOpen?: true;
  /** The first parts of a table that no packet passes were loaded, but not its base chains, so packets still do not. */
  readonly isUnfinished?: true;
  /** The table afterward, where it was read before: at the start, and after an error. */
  readonly after: Ruleset | undefined;
  /** It was not as it had been left, so another program had changed it. */
  readonly isRepaired?: true;
  /** Services, `namespace/name`, that are left out because nft rejected them, now or before. */
  readonly rejectedServices: readonly string[];
  /** Why it failed, or why it had to be rebuilt. */
  readonly error: NftError | undefined;
}

/** What became of all tables. */
export interface Outcome {
  /** Whether every table holds what it should, all Services included. */
  readonly ok: boolean;
  /** Empty while the objects are not complete or the node is not known. */
  readonly families: readonly TableOutcome[];
  /** What became of stale UDP flows; undefined when there was nothing to check. */
  readonly conntrack: ConntrackOutcome | undefined;
}

/** What became of an update of a service proxy. */
export interface UpdateOutcome extends Outcome {
  /** About the objects of the update, the node, and Services that claim the same address. */
  readonly diagnostics: readonly Diagnostic[];
  /**
   * The health checks of load balancers that have changed, now that all tables hold what they should; empty while one does not.
   * What a failed update changed comes with the next one that succeeds.
   */
  readonly healthChecks: readonly HealthCheck[];
  /** The node ports of TCP that have changed where loopback addresses serve them (localhostNodePorts); as above. */
  readonly localhostPorts: readonly LocalhostPort[];
  /** When the endpoints changed whose changes all tables hold now; empty while one does not. Not those of the first lists. */
  readonly triggers: readonly EndpointTrigger[];
  /** In milliseconds: how long planning and changing the tables took, without waiting for changes before. */
  readonly duration: number;
  /** Why no table was touched: the objects are not complete, or the node is not known; undefined once they are. */
  readonly waitsFor: WaitsFor | undefined;
}
