import type { UdpExpectations } from '../conntrack/expect-udp.ts';
import { createFlowReader, isStale, type UdpFlow } from '../conntrack/stale-flows.ts';
import type { ProgramResult, RunProgram } from '../kernel/run-program.ts';
import { escapeControls } from '../lib/text.ts';
import { endpointText, type Family, nameOfFamily } from '../net/network.ts';

/** What became of the stale flows. */
export interface ConntrackOutcome {
  /** How many entries of the kernel's connection table were deleted. */
  readonly deleted: number;
  /** Why some may remain, as human-readable text; absent when all were deleted. */
  readonly failed?: string;
  /** conntrack is not installed, so nothing was checked. */
  readonly missing?: true;
  /** The families that were checked, where time is measured. */
  readonly families?: readonly FamilyCleanup[];
}

/** What became of the stale flows of one family. */
interface FamilyCleanup {
  readonly family: Family;
  readonly deleted: number;
  /** In milliseconds. */
  readonly duration: number;
}

/**
 * Deletes stale UDP flows, which no endpoint may answer, from the kernel's connection table, so that their next packet
 * meets the rules. TCP and SCTP are never touched. A family without UDP frontends is skipped. A listing that the
 * kernel interrupts is used as far as it goes.
 *
 * Flows with the same destination and answering endpoint are deleted by one `conntrack -D`, because each call walks the
 * whole table, which takes about 10 ms even if it is small. (`conntrack -R -` would read all deletions from stdin, but only
 * since 1.4.7, and it opens /dev/stdin, which fails with the sockets that Node gives its children for pipes.)
 *
 * @param request.expectations one for each family.
 * @param request.run runs conntrack, with messages in English.
 * @param request.now milliseconds on a monotonic clock; without it no time is measured.
 */
export async function cleanConntrack(request: {
  readonly expectations: readonly UdpExpectations[];
  readonly run: RunProgram;
  readonly now?: (() => number) | undefined;
}): Promise<ConntrackOutcome> {
  const { now = () => 0 } = request;
  let deleted = 0;
  const failures: string[] = [];
  const families: FamilyCleanup[] = [];
  for (const expectations of request.expectations) {
    const start = now();
    const outcome = await cleanFamily(expectations, request.run);
    deleted += outcome.deleted;
    if (outcome.missing) {
      return { deleted, missing: true };
    }
    if (outcome.isChecked) {
      families.push({ family: expectations.family, deleted: outcome.deleted, duration: now() - start });
    }
    if (outcome.failed !== undefined) {
      failures.push(`${nameOfFamily(expectations.family)}: ${outcome.failed}`);
    }
    if (outcome.isEnded) {
      // It would take as long for the other family.
      break;
    }
  }
  const total = { deleted, ...(request.now && { families }) };
  return failures.length > 0 ? { ...total, failed: failures.join('; ') } : total;
}

/** How many commands are run for a family at most: a thousand take about half a minute. */
const mostCommands = 1_000;

interface FamilyOutcome extends ConntrackOutcome {
  /** There were UDP frontends. */
  readonly isChecked?: boolean;
  /** A conntrack had to be ended, or was ended by others. */
  readonly isEnded?: boolean;
}

async function cleanFamily(expectations: UdpExpectations, run: RunProgram): Promise<FamilyOutcome> {
  const { family, endpointAddresses, nodePorts } = expectations;
  if (endpointAddresses.size === 0 && nodePorts.size === 0) {
    return { deleted: 0 };
  }
  const stale = new Map<string, UdpFlow>();
  const listed = await runConntrack(['-L', ...kindOfFlow(family)], run, (flow) => {
    if (isStale(flow, expectations)) {
      stale.set(groupOf(flow), flow);
    }
  });
  if (listed.missing) {
    return { deleted: 0, missing: true };
  }
  if (listed.exitCode !== 0 && !isInterrupted(listed)) {
    return { deleted: 0, failed: reasonOf(listed), isEnded: listed.exitCode === undefined };
  }
  const groups = [...stale.values()];
  const outcome = { ...(await deleteGroups(groups.slice(0, mostCommands), family, run)), isChecked: true };
  return groups.length > mostCommands && outcome.failed === undefined
    ? { ...outcome, failed: `stale flows to ${groups.length - mostCommands} more endpoints are left for the next run` }
    : outcome;
}

function kindOfFlow(family: Family): string[] {
  return ['-p', 'udp', '-f', family === 'ip' ? 'ipv4' : 'ipv6'];
}

/** What one command deletes: the flows of a destination and an answering endpoint. */
function groupOf({ originalDestination, replySource }: UdpFlow): string {
  return `${endpointText(originalDestination)} ${endpointText(replySource)}`;
}

/** Runs conntrack and reads the flows that it prints as they come: they may be millions, or never end. */
async function runConntrack(
  args: readonly string[],
  run: RunProgram,
  onFlow: (flow: UdpFlow) => void,
): Promise<ProgramResult> {
  const reader = createFlowReader(onFlow);
  const result = await run('conntrack', args, undefined, { onOutput: reader.push });
  reader.push(new TextEncoder().encode(result.stdout));
  reader.end();
  return result;
}

/** A group that cannot be deleted does not block the others, unless programs can no longer be run at all. */
async function deleteGroups(groups: readonly UdpFlow[], family: Family, run: RunProgram): Promise<FamilyOutcome> {
  let deleted = 0;
  let failed: string | undefined;
  let isEnded = false;
  for (const flow of groups) {
    const { count, failure } = await deleteGroup(['-D', ...kindOfFlow(family), ...filtersOf(flow)], run);
    deleted += count;
    failed ??= failure && reasonOf(failure);
    if (failure && failure.exitCode === undefined) {
      isEnded = true;
      break;
    }
  }
  return failed === undefined ? { deleted } : { deleted, failed, isEnded };
}

function filtersOf({ originalDestination, replySource }: UdpFlow): string[] {
  return [
    ...['--orig-dst', originalDestination.address, '--orig-port-dst', `${originalDestination.port}`],
    ...['--reply-src', replySource.address, '--reply-port-src', `${replySource.port}`],
  ];
}

/** conntrack 1.4.7 and older give up when a flow expires between being found and being deleted. */
const mostAttempts = 3;

async function deleteGroup(
  args: readonly string[],
  run: RunProgram,
): Promise<{ count: number; failure: ProgramResult | undefined }> {
  let count = 0;
  for (let attempt = 1; ; attempt += 1) {
    // Deleted flows are printed like listed ones; the total at the end is missing when conntrack gives up.
    const result = await runConntrack(args, run, () => {
      count += 1;
    });
    if (result.exitCode === 0 || foundNone(result)) {
      return { count, failure: undefined };
    }
    if (attempt === mostAttempts || !result.stderr.includes("such conntrack doesn't exist")) {
      return { count, failure: result };
    }
  }
}

/** conntrack's exit code is 1 both for errors and when there was nothing to delete. */
function foundNone({ exitCode, stderr }: ProgramResult): boolean {
  return exitCode === 1 && stderr.includes(' 0 flow entries have been deleted');
}

/** EINTR: the table changed too much while it was read. */
function isInterrupted({ exitCode, stderr }: ProgramResult): boolean {
  return exitCode === 1 && stderr.includes('Interrupted system call');
}

/** conntrack's own first line, without its name and version. */
function reasonOf({ denied, exitCode, signal, stderr, timedOut }: ProgramResult): string {
  if (timedOut !== undefined) {
    return `conntrack did not finish in ${timedOut / 1_000} s`;
  }
  if (denied) {
    return 'conntrack is not executable';
  }
  const line = stderr.split('\n').find((text) => text.trim() !== '');
  if (line?.startsWith('printed more than')) {
    return `conntrack ${line}`;
  }
  if (line !== undefined) {
    return escapeControls(line.replace(/^conntrack v\S+ \(conntrack-tools\): /, '')).slice(0, 200);
  }
  return signal === undefined ? `conntrack ended with exit code ${exitCode}` : `conntrack was ended by ${signal}`;
}
