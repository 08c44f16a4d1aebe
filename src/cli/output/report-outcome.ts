import type { Outcome, TableOutcome } from '../../apply/outcome.ts';
import type { StaleFlowsFate } from '../../inspect/changes/render-changes.ts';
import type { Judgment } from '../../inspect/doctor/finding.ts';
import type { IptablesError } from '../../kernel/iptables-programs.ts';
import { formatNftError, type NftError } from '../../kernel/nft-error.ts';
import { describeOwner, readTableHead } from '../../kernel/run-nft.ts';
import { countOf, escapeControls } from '../../lib/text.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import { type Context, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { fitLines } from './fit-text.ts';
import { type DescribedPlan, planData, renderPlan } from './render-plan.ts';

type Descriptions = ReadonlyMap<Ruleset | undefined, DescribedPlan>;

interface ReportSettings {
  readonly context: Context;
  /** What the tables were planned from. */
  readonly views: readonly NodeView[];
  /** Plans that were described while nft worked on them, by the table afterward. */
  readonly descriptions: Descriptions;
  /** Nothing was changed. */
  readonly dryRun: boolean;
  readonly output: 'text' | 'json';
}

/** Prints what became of each table, in Service terms, and what failed. */
export function reportOutcome(outcome: Outcome, settings: ReportSettings): void {
  const { families, conntrack } = outcome;
  const { context, output } = settings;
  reportErrors(families, settings);
  if (settings.dryRun) {
    noteOnPermission(
      families.map(({ error }) => error),
      context,
    );
  }
  context.stdout.write(output === 'json' ? jsonOf(outcome, settings) : textOf(outcome, settings));
  reportConntrack(conntrack, context);
}

/** Says on stderr which stale UDP flows may remain, and why. */
export function reportConntrack(conntrack: Outcome['conntrack'], { stderr }: Pick<Context, 'stderr'>): void {
  if (conntrack?.missing) {
    stderr.write('warning: existing UDP flows to removed endpoints continue until idle; install conntrack-tools\n');
  }
  if (conntrack?.failed !== undefined) {
    stderr.write(`warning: some stale UDP flows may remain: ${conntrack.failed}\n`);
  }
}

function textOf({ families, conntrack }: Outcome, settings: ReportSettings): string {
  const staleFlows = fateOfStaleFlows(conntrack, settings);
  const deleted = conntrack?.deleted ?? 0;
  const lines = [
    ...families.flatMap((family) => renderOutcome(family, { ...settings, staleFlows })),
    ...(deleted > 0 ? [`${countOf(deleted, 'stale UDP flow')} deleted`] : []),
  ];
  return fitLines(lines, settings.context.stdout);
}

/** What became of stale UDP flows, for programs. */
export function conntrackData(conntrack: Outcome['conntrack']): object | null {
  return conntrack
    ? { deleted: conntrack.deleted, missing: conntrack.missing === true, failed: conntrack.failed ?? null }
    : null;
}

function jsonOf({ families, conntrack }: Outcome, { views, descriptions, dryRun }: ReportSettings): string {
  const tables = families.map((outcome) => {
    const { family, table, result, commands, error, rejectedServices } = outcome;
    return {
      ...(result === 'failed'
        ? { family, table, result, commands: commands.length }
        : planData({ ...outcome, result, view: viewOf(family, views), description: descriptions.get(outcome.after) })),
      rejectedServices,
      error: error ? { kind: error.kind, said: error.said, advice: error.advice } : null,
    };
  });
  return `${JSON.stringify({ dryRun, tables, conntrack: conntrackData(conntrack) }, undefined, 2)}\n`;
}

function viewOf(family: NodeView['family'], views: readonly NodeView[]): NodeView | undefined {
  return views.find((view) => view.family === family);
}

/** The exit code of an outcome. */
export function exitCodeOf({ ok, families }: Outcome): number {
  const error = families.find(({ result }) => result === 'failed')?.error;
  if (error) {
    return exitCodeOfError(error);
  }
  return ok ? exitCodes.done : exitCodes.refused;
}

/** The exit code of an error of nft or iptables. */
export function exitCodeOfError({ kind }: Pick<NftError | IptablesError, 'kind'>): number {
  return kind === 'not-found' || kind === 'no-permission' ? exitCodes.noPermission : exitCodes.refused;
}

/** Says what works without root, where only reading the tables takes it. */
export function noteOnPermission(errors: readonly (NftError | undefined)[], { stderr }: Pick<Context, 'stderr'>): void {
  if (errors.some((error) => error?.kind === 'no-permission')) {
    stderr.write(
      'note: without root, svc2nft compile prints the ruleset, and svc2nft diff OLD NEW compares two snapshots\n',
    );
  }
}

/** Says on stderr which tables of the kernel are owned, by whom: nobody else can change them. */
export async function noteOwners(
  tables: readonly ListedTable[],
  { run, stderr }: Pick<Context, 'run' | 'stderr'>,
): Promise<void> {
  const owned = tables.filter(({ flags }) => flags?.includes('owner'));
  for (const { ruleset: name } of owned) {
    const { owner } = (await readTableHead(run, name)) ?? {};
    if (owner !== undefined) {
      stderr.write(`note: ${describeOwner(name, owner)}\n`);
    }
  }
}

/** What several tables have in common is printed once. */
function reportErrors(families: readonly TableOutcome[], { context, dryRun }: ReportSettings): void {
  const complaints = new Map<string, Complaint & { readonly tables: string[] }>();
  for (const outcome of families) {
    for (const complaint of complaintsOf(outcome, dryRun)) {
      const known = complaints.get(complaint.text) ?? { ...complaint, tables: [] };
      known.tables.push(`table ${outcome.family} ${outcome.table}`);
      complaints.set(complaint.text, known);
    }
  }
  for (const { severity, tables, text } of complaints.values()) {
    context.stderr.write(`${severity}: ${tables.join(', ')}: ${text}\n`);
  }
}

interface Complaint {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

function complaintsOf({ result, error, rejectedServices }: TableOutcome, dryRun: boolean): Complaint[] {
  const complaints: Complaint[] = [];
  if (error && (result === 'failed' || rejectedServices.length > 0)) {
    complaints.push({ severity: result === 'failed' ? 'error' : 'warning', text: formatNftError(error) });
  } else if (error) {
    // Without the advice, which is for errors that a new table did not solve.
    const lines = error.said.map((line) => `\n    ${line}`);
    const verb = dryRun ? 'would be rebuilt' : 'rebuilt';
    const fate = result === 'rebuilt' ? `${verb} because of` : 'holds the change in spite of';
    complaints.push({ severity: 'warning', text: `${fate} nft: ${error.kind}${lines.join('')}` });
  }
  if (rejectedServices.length > 0) {
    complaints.push({ severity: 'error', text: `left out, because nft rejects them: ${rejectedServices.join(', ')}` });
  }
  return complaints;
}

/** What became of stale UDP flows, as far as it is known for each frontend. */
function fateOfStaleFlows(conntrack: Outcome['conntrack'], { dryRun }: ReportSettings): StaleFlowsFate {
  if (dryRun) {
    return 'would be deleted';
  }
  if (conntrack?.missing) {
    return 'continue until idle';
  }
  return conntrack?.failed === undefined ? 'counted' : 'may continue until idle';
}

function renderOutcome(
  outcome: TableOutcome,
  { context, views, descriptions, dryRun, staleFlows }: ReportSettings & { readonly staleFlows: StaleFlowsFate },
): string[] {
  const { family, table, result, error } = outcome;
  if (result === 'failed') {
    return [`table ${family} ${table}: ${dryRun ? describeRefusal(error) : fateOf(outcome)}`];
  }
  return renderPlan(
    { ...outcome, result, view: viewOf(family, views), description: descriptions.get(outcome.after) },
    { would: dryRun, color: wantsColor(context, 'stdout'), limit: 50, staleFlows },
  );
}

function fateOf({ isOpen, isUnfinished }: TableOutcome): string {
  if (isOpen) {
    return 'changed or not, which could not be read';
  }
  return isUnfinished ? 'loaded in part, which no packet passes; the next apply finishes it' : 'not changed';
}

/** Without permission, the kernel was not asked. */
function describeRefusal(error: NftError | undefined): string {
  return error && exitCodeOfError(error) === exitCodes.noPermission ? 'not checked' : 'would be refused';
}

/** Warns of what else translates Services, on stderr. */
export function reportCompetitors(found: readonly Judgment[], { stderr }: Pick<Context, 'stderr'>): void {
  for (const { status, what, advice } of found) {
    stderr.write(`${status === 'note' ? 'note' : 'warning'}: ${escapeControls(what)}\n    ${advice}\n`);
  }
}
