import { expectUdp, type UdpFrontend } from '../conntrack/expect-udp.ts';
import type { DesiredIptables } from '../engine/desired-state.ts';
import { diffIptables, type IptablesDifference, printDifference } from '../iptables/diff-iptables.ts';
import type { IptablesTable } from '../iptables/iptables-ruleset.ts';
import { hasOwnChains, readSavedFrontends, type SavedRules } from '../iptables/saved-rules.ts';
import {
  type IptablesError,
  type IptablesListing,
  type IptablesName,
  isIptablesError,
  listIptables,
  restoreIptables,
  testIptables,
} from '../kernel/iptables-programs.ts';
import { type Pause, pauseWithClock } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { type ConntrackOutcome, cleanConntrack } from './clean-conntrack.ts';
import type { DryRun } from './sync-table.ts';

/** What became of the rules of one family. */
export interface IptablesOutcome {
  readonly family: Family;
  /**
   * `created`: there was no chain of svc2nft. `failed`: nothing is changed but `changedTables`. `skipped`: the machine has no iptables
   * for this family, and the cluster no Service.
   */
  readonly result: 'unchanged' | 'created' | 'changed' | 'failed' | 'skipped';
  /** The rules before; undefined where they were not, or could not be, read. */
  readonly before: SavedRules | undefined;
  /** What led, or was to lead, from there to the desired rules; undefined with `before`. */
  readonly difference: IptablesDifference | undefined;
  readonly error: IptablesError | undefined;
  /** After a failure, tables that have all that they should have: each is a transaction of its own. */
  readonly changedTables: readonly IptablesTable['name'][];
}

/** What rules are brought to the kernel with. */
export interface ApplyIptablesOptions {
  readonly run: RunProgram;
  /** Waits before another attempt; default: with the clock. */
  readonly pause?: Pause;
  /** `server` lets iptables-restore read the text without loading it. */
  readonly dryRun?: DryRun | undefined;
  /** Rules that are being read already. */
  readonly listings?: ReadonlyMap<Family, Promise<IptablesListing | IptablesError>>;
  /** Rules that are known to be there, which are not read then. */
  readonly known?: ReadonlyMap<Family, SavedRules>;
  /** Default: the machine's choice. */
  readonly variant?: IptablesName['variant'];
}

/**
 * Brings the rules of each family to what is desired: reads them, and loads what differs by one iptables-restore, a transaction
 * for each table. Where both tables differ, iptables-restore first reads the text without loading it, so that a line that it does
 * not understand leaves both as they were. What fails in one family does not keep the other from being changed. Nothing is thrown
 * for what a program does.
 */
export async function applyIptables(
  desired: readonly DesiredIptables[],
  options: ApplyIptablesOptions,
): Promise<IptablesOutcome[]> {
  const outcomes: IptablesOutcome[] = [];
  for (const one of desired) {
    outcomes.push(await applyFamily(one, options));
  }
  return outcomes;
}

/** In milliseconds, before the second and the third attempt. */
const pauses = [50, 500];

async function applyFamily(desired: DesiredIptables, options: ApplyIptablesOptions): Promise<IptablesOutcome> {
  const { family } = desired;
  const { run, dryRun, listings, known, variant = '', pause = pauseWithClock } = options;
  const name = { family, variant };
  const listing = known?.has(family) ? undefined : await (listings?.get(family) ?? listIptables(run, name));
  if (isIptablesError(listing)) {
    const isSkipped = !desired.hasServices && ['not-found', 'no-extension'].includes(listing.kind);
    const result = isSkipped ? 'skipped' : 'failed';
    return { family, result, before: undefined, difference: undefined, error: listing, changedTables: [] };
  }
  const before = listing?.rules ?? known?.get(family) ?? new Map();
  const difference = diffIptables(before, desired.rulesetOver(before));
  const plan = { family, before, difference, changedTables: [], error: undefined };
  if (difference.tables.length === 0) {
    return { ...plan, result: 'unchanged' };
  }
  const job = { run, name, dryRun, pause };
  const error = await send(job, difference);
  const end =
    error && !dryRun ? await sendAgain(job, desired, { left: difference, error }) : { left: difference, error };
  if (end.error) {
    const changedTables = difference.tables
      .map((table) => table.name)
      .filter((table) => !namesOf(end.left).includes(table));
    return { ...plan, result: 'failed', error: end.error, changedTables };
  }
  return { ...plan, result: hasOwnChains(before) ? 'changed' : 'created' };
}

function namesOf({ tables }: IptablesDifference): string[] {
  return tables.map(({ name }) => name);
}

interface RestoreJob extends Required<Pick<ApplyIptablesOptions, 'run' | 'pause'>> {
  readonly name: IptablesName;
  readonly dryRun: DryRun | undefined;
}

/** Loads a difference, or as a dry run only lets iptables-restore read it. */
async function send(
  { run, name, dryRun }: RestoreJob,
  difference: IptablesDifference,
): Promise<IptablesError | undefined> {
  if (dryRun === 'client') {
    return undefined;
  }
  const text = printDifference(difference);
  const isRead = dryRun === 'server' || difference.tables.length > 1;
  const error = isRead ? await testIptables(run, name, text) : undefined;
  return error || dryRun ? error : restoreIptables(run, name, text);
}

/** How loading a difference has ended. */
interface RestoreEnd {
  /** What still differs, as far as it is known. */
  readonly left: IptablesDifference;
  readonly error: IptablesError | undefined;
}

/**
 * Reads the rules after a failure, and loads what is left: another program may have changed rules at the same time, or kept the
 * lock, or ended iptables-restore. Where nothing of that may be so, the failure stands.
 */
async function sendAgain(
  job: RestoreJob,
  desired: DesiredIptables,
  { left, error }: RestoreEnd & { readonly error: IptablesError },
): Promise<RestoreEnd> {
  let end: RestoreEnd & { readonly error: IptablesError } = { left, error };
  for (const milliseconds of pauses) {
    await job.pause(milliseconds);
    const now = (await findLeft(job, desired)) ?? end.left;
    const isSame = printDifference(now) === printDifference(end.left);
    if (now.tables.length === 0 || (isSame && !mayPass(end.error))) {
      return { left: now, error: now.tables.length === 0 ? undefined : end.error };
    }
    const next = await send(job, now);
    if (!next) {
      return { left: now, error: undefined };
    }
    end = { left: now, error: next };
  }
  return { left: (await findLeft(job, desired)) ?? end.left, error: end.error };
}

function mayPass({ kind }: IptablesError): boolean {
  return kind === 'busy' || kind === 'interrupted';
}

async function findLeft({ run, name }: RestoreJob, desired: DesiredIptables): Promise<IptablesDifference | undefined> {
  const listing = await listIptables(run, name);
  return isIptablesError(listing) ? undefined : diffIptables(listing.rules, desired.rulesetOver(listing.rules));
}

/**
 * Deletes UDP flows that no endpoint may answer, in families whose rules have changed. Undefined where there is nothing to check.
 *
 * @param views what the rules were planned from.
 */
export async function cleanFlowsOfIptables(
  outcomes: readonly IptablesOutcome[],
  views: readonly NodeView[],
  run: RunProgram,
): Promise<ConntrackOutcome | undefined> {
  const expectations = outcomes
    .filter(({ result }) => result === 'created' || result === 'changed')
    .flatMap(({ family, before = new Map() }) => {
      const view = views.find((one) => one.family === family);
      return view ? [expectUdp(view, udpFrontendsOf(before), view.addresses)] : [];
    })
    .filter(({ endpointAddresses, nodePorts }) => endpointAddresses.size + nodePorts.size > 0);
  return expectations.length === 0 ? undefined : cleanConntrack({ expectations, run });
}

function udpFrontendsOf(saved: SavedRules): UdpFrontend[] {
  const frontends = readSavedFrontends(saved).filter(({ protocol }) => protocol === 'udp');
  return frontends.map(({ address, port }) => (address === undefined ? { nodePort: port } : { address, port }));
}
