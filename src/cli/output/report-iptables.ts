import type { IptablesOutcome } from '../../apply/apply-iptables.ts';
import type { ConntrackOutcome } from '../../apply/clean-conntrack.ts';
import { type IptablesDifference, printDifference } from '../../iptables/diff-iptables.ts';
import { formatIptablesError, type IptablesError } from '../../kernel/iptables-programs.ts';
import { routeLocalnet, type SettingOutcome } from '../../kernel/kernel-files.ts';
import { pushTo } from '../../lib/lists.ts';
import { countNames, countOf, escapeControls } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { fitLines } from './fit-text.ts';
import { conntrackData, exitCodeOfError, reportConntrack } from './report-outcome.ts';

/** What became of rules for iptables. */
interface IptablesResult {
  readonly families: readonly IptablesOutcome[];
  readonly conntrack: ConntrackOutcome | undefined;
  /** Of the setting for node ports at loopback addresses; undefined where it is not needed, or not known. */
  readonly localnet: SettingOutcome | undefined;
}

/** How it is printed. */
interface ReportSettings {
  readonly context: Pick<Context, 'stdout' | 'stderr'>;
  /** Nothing was changed. */
  readonly dryRun: boolean;
  readonly output: 'text' | 'json';
}

/** Prints what became of the rules of each family, and what failed; resolves to the exit code. */
export function reportIptables(
  { families, conntrack, localnet }: IptablesResult,
  { context, dryRun, output }: ReportSettings,
): number {
  reportIptablesErrors(families, context);
  for (const { family } of families.filter(({ result }) => result === 'skipped')) {
    context.stderr.write(`note: no ${iptablesName(family)} here, and no Service that needs it\n`);
  }
  const deleted = conntrack?.deleted ?? 0;
  const lines = [
    ...families.flatMap((outcome) => describeOutcome(outcome, dryRun)),
    ...(deleted > 0 ? [`${countOf(deleted, 'stale UDP flow')} deleted`] : []),
    ...(localnet?.isChanged ? [`${routeLocalnet.name}: ${dryRun ? 'would be ' : ''}set to 1`] : []),
  ];
  const text = output === 'json' ? jsonOf({ families, conntrack, localnet }, dryRun) : fitLines(lines, context.stdout);
  context.stdout.write(text);
  reportConntrack(conntrack, context);
  if (localnet?.failed !== undefined) {
    context.stderr.write(
      `warning: node ports do not answer at loopback addresses; set ${routeLocalnet.name} to 1: ${escapeControls(localnet.failed)}\n`,
    );
  }
  const error = families.find(({ result }) => result === 'failed')?.error;
  return error ? exitCodeOfError(error) : exitCodes.done;
}

/** Says what was removed, in each family once, and what failed; resolves to the exit code. */
export function reportRemoval(
  outcomes: readonly IptablesOutcome[],
  { isNamed, context }: { readonly isNamed: boolean; readonly context: Pick<Context, 'stdout' | 'stderr'> },
): number {
  const failed = outcomes.filter(({ result }) => result === 'failed');
  reportIptablesErrors(failed, context);
  for (const family of new Set(outcomes.map((outcome) => outcome.family))) {
    const ofFamily = outcomes.filter((outcome) => outcome.family === family);
    const isRemoved = ofFamily.some(({ result }) => result === 'changed');
    if (isRemoved || (isNamed && !failed.some((outcome) => outcome.family === family))) {
      context.stdout.write(`${iptablesName(family)}: ${isRemoved ? 'removed' : 'not found'}\n`);
    }
    const kept = ofFamily.flatMap(({ difference }) => difference?.tables.flatMap(({ emptied }) => emptied) ?? []);
    if (kept.length > 0) {
      context.stderr.write(
        `note: ${iptablesName(family)} keeps ${countNames(kept, 'empty chain')}, to which rules of others go\n`,
      );
    }
  }
  const [first] = failed;
  return first?.error ? exitCodeOfError(first.error) : exitCodes.done;
}

/** `iptables` or `ip6tables`. */
function iptablesName(family: Family): string {
  return family === 'ip' ? 'iptables' : 'ip6tables';
}

/** Prints errors on stderr; what both families have in common, once. */
export function reportIptablesErrors(
  families: readonly Pick<IptablesOutcome, 'family' | 'result' | 'error'>[],
  { stderr }: Pick<Context, 'stderr'>,
): void {
  const programs = new Map<string, string[]>();
  for (const { family, result, error } of families) {
    if (error && result === 'failed') {
      pushTo(programs, formatIptablesError(error), iptablesName(family));
    }
  }
  for (const [text, names] of programs) {
    stderr.write(`error: ${names.join(', ')}: ${text}\n`);
  }
}

function describeOutcome(
  { family, result, difference, error, changedTables }: IptablesOutcome,
  would: boolean,
): string[] {
  const name = iptablesName(family);
  switch (result) {
    case 'skipped':
      return [];
    case 'unchanged':
      return [`${name}: up to date`];
    case 'failed':
      return [`${name}: ${would ? describeRefusal(error) : describeFailure(difference, changedTables)}`];
    default:
      return [
        `${name}: ${would ? 'would be ' : ''}${result}${difference ? ` (${summarizeDifference(difference)})` : ''}`,
      ];
  }
}

/** Without permission, iptables-restore was not asked. */
function describeRefusal(error: IptablesError | undefined): string {
  return error && exitCodeOfError(error) === exitCodes.noPermission ? 'not checked' : 'would be refused';
}

function describeFailure(difference: IptablesDifference | undefined, changed: readonly string[]): string {
  const others = difference?.tables.map(({ name }) => name).filter((name) => !changed.includes(name)) ?? [];
  return changed.length === 0 ? 'not changed' : `table ${changed.join(', ')} changed, table ${others.join(', ')} not`;
}

/** How much differs: `31 chains added, 2 chains written, 1 chain deleted, 10 jumps placed`. */
function summarizeDifference({ tables }: IptablesDifference): string {
  const count = (numberOf: (table: IptablesDifference['tables'][number]) => number): number =>
    tables.reduce((sum, table) => sum + numberOf(table), 0);
  const isNew = ({ before }: { readonly before: unknown }): boolean => before === undefined;
  const parts: readonly (readonly [number, string, string])[] = [
    [count(({ written }) => written.filter(isNew).length), 'chain', 'added'],
    [count(({ written }) => written.filter((chain) => !isNew(chain)).length), 'chain', 'written'],
    [count(({ emptied }) => emptied.length), 'chain', 'emptied'],
    [count(({ deleted }) => deleted.length), 'chain', 'deleted'],
    [count(({ jumps }) => jumps.filter((jump) => jump.startsWith('-I ')).length), 'jump', 'put first'],
  ];
  return parts
    .filter(([number]) => number > 0)
    .map(([number, noun, verb]) => `${countOf(number, noun)} ${verb}`)
    .join(', ');
}

function jsonOf({ families, conntrack, localnet }: IptablesResult, dryRun: boolean): string {
  const rules = families.map(({ family, result, difference, error, changedTables }) => ({
    family,
    result,
    tables: difference ? differenceData(difference) : [],
    changedTables,
    error: error ? { kind: error.kind, said: error.said, advice: error.advice } : null,
  }));
  const setting = localnet ? { changed: localnet.isChanged, failed: localnet.failed ?? null } : null;
  return `${JSON.stringify({ dryRun, rules, conntrack: conntrackData(conntrack), routeLocalnet: setting }, undefined, 2)}\n`;
}

/** What differs, for programs: names of chains, and texts of jumps. */
function differenceData({ tables }: IptablesDifference): object[] {
  return tables.map(({ name, written, jumps, emptied, deleted }) => ({
    table: name,
    added: written.filter(({ before }) => before === undefined).map((chain) => chain.name),
    written: written.filter(({ before }) => before !== undefined).map((chain) => chain.name),
    emptied,
    deleted,
    jumps,
  }));
}

/** How differences are printed. */
interface DifferenceSettings {
  readonly output: 'text' | 'nft' | 'iptables' | 'json';
  /** Nothing has changed yet. */
  readonly would: boolean;
  readonly context: Pick<Context, 'stdout'>;
}

/** Differences in a format: text for nothing is empty, as is that for iptables-restore. */
export function renderDifferences(
  differences: readonly IptablesDifference[],
  { output, would, context }: DifferenceSettings,
): string {
  if (output === 'json') {
    const rules = differences.map((difference) => ({ family: difference.family, tables: differenceData(difference) }));
    return `${JSON.stringify({ rules }, undefined, 2)}\n`;
  }
  if (output === 'iptables') {
    return differences.map(printDifference).join('');
  }
  const lines = differences.filter(({ tables }) => tables.length > 0).flatMap((one) => renderDifference(one, would));
  return fitLines(lines, context.stdout);
}

/** How many rules of one family are printed at most. */
const mostRules = 1_000;

function renderDifference(difference: IptablesDifference, would: boolean): string[] {
  const rules = difference.tables.flatMap(renderTable);
  const more = rules.length - mostRules;
  return [
    `${iptablesName(difference.family)}: ${would ? 'would be ' : ''}changed (${summarizeDifference(difference)})`,
    ...rules.slice(0, mostRules),
    ...(more > 0 ? [`  ... and ${more} more rules and chains; -o iptables has all`] : []),
  ];
}

/** Rules that go and come, as in diff(1), with `-D`, `-A` and `-X` as iptables has them. */
function renderTable({ name, written, jumps, emptied, deleted }: IptablesDifference['tables'][number]): string[] {
  const lines = [
    ...jumps,
    ...written.flatMap((chain) => {
      const [before, after] = [new Set(chain.before), new Set(chain.rules)];
      const gone = [...before].filter((rule) => !after.has(rule)).map((rule) => `-D ${chain.name} ${rule}`);
      const added = [...after].filter((rule) => !before.has(rule)).map((rule) => `-A ${chain.name} ${rule}`);
      return gone.length + added.length === 0 ? [`# ${chain.name}: in another order`] : [...gone, ...added];
    }),
    ...emptied.map((chain) => `-F ${chain}`),
    ...deleted.map((chain) => `-X ${chain}`),
  ];
  return lines.map((line) => `  ${name}  ${line}`);
}
