import type { FamilyOutcome, Outcome } from '../../apply/outcome.ts';
import type { Target } from '../../apply/target.ts';
import { formatNftError, type NftError } from '../../kernel/nft-error.ts';
import { type Streams, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderTable, type TableChange } from './render-table-change.ts';

interface ReportContext {
  readonly target: Target;
  readonly streams: Streams;
  /** Nothing was changed. */
  readonly isRehearsal: boolean;
}

/** Tells what became of each table, in Service terms, and what could not be done. */
export function reportOutcome({ families, conntrack }: Outcome, context: ReportContext): void {
  const { stdout, stderr } = context.streams;
  reportErrors(families, context);
  for (const family of families) {
    stdout.write(
      renderFamily(family, context)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  if (conntrack?.missing) {
    stderr.write('warning: conntrack is not installed: UDP flows to endpoints that are gone go on until they pause\n');
  }
  if (conntrack?.failed !== undefined) {
    stderr.write(`warning: stale UDP flows may be left: ${conntrack.failed}\n`);
  }
  if (conntrack && conntrack.deleted > 0) {
    stdout.write(`${conntrack.deleted} stale UDP ${conntrack.deleted === 1 ? 'flow' : 'flows'} deleted\n`);
  }
}

/** What the program ends with after an outcome. */
export function exitCodeOf({ ok, families }: Outcome): number {
  const error = families.find(({ result }) => result === 'failed')?.error;
  if (error) {
    return exitCodeOfError(error);
  }
  return ok ? exitCodes.done : exitCodes.refused;
}

/** What the program ends with after an error of nft. */
export function exitCodeOfError({ kind }: NftError): number {
  return kind === 'not-found' || kind === 'no-permission' ? exitCodes.noPermission : exitCodes.refused;
}

/** What several tables have in common is said once. */
function reportErrors(families: readonly FamilyOutcome[], { target, streams }: ReportContext): void {
  const complaints = new Map<string, Complaint & { readonly tables: string[] }>();
  for (const outcome of families) {
    for (const complaint of complaintsOf(outcome)) {
      const known = complaints.get(complaint.text) ?? { ...complaint, tables: [] };
      known.tables.push(`table ${outcome.family} ${target.table}`);
      complaints.set(complaint.text, known);
    }
  }
  for (const { severity, tables, text } of complaints.values()) {
    streams.stderr.write(`${severity}: ${tables.join(', ')}: ${text}\n`);
  }
}

interface Complaint {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

function complaintsOf({ result, error, leftOut }: FamilyOutcome): Complaint[] {
  const complaints: Complaint[] = [];
  if (error && (result === 'failed' || leftOut.length > 0)) {
    complaints.push({ severity: result === 'failed' ? 'error' : 'warning', text: formatNftError(error) });
  } else if (error) {
    // What helps when nothing else does is not asked for: to make the table anew did help.
    const lines = error.said.map((line) => `\n    ${line}`);
    complaints.push({ severity: 'warning', text: `made anew because of nft: ${error.kind}${lines.join('')}` });
  }
  if (leftOut.length > 0) {
    complaints.push({ severity: 'error', text: `left out, because nft refuses them: ${leftOut.join(', ')}` });
  }
  return complaints;
}

function renderFamily(outcome: FamilyOutcome, { target, streams, isRehearsal }: ReportContext): string[] {
  const { family, result, before, error } = outcome;
  const { table } = target;
  if (result === 'failed') {
    return [`table ${family} ${table}: ${isRehearsal ? describeRefusal(error) : 'not changed'}`];
  }
  const change: TableChange = {
    family,
    table,
    result: result === 'changed' && !before ? 'made' : result,
    before: before?.ruleset,
    after: target.rulesets().find((ruleset) => ruleset.family === family),
    commands: outcome.commands,
    findings: outcome.found,
  };
  return renderTable(change, { would: isRehearsal, color: wantsColor(streams, 'stdout'), limit: 50 });
}

/** Who may not ask the kernel does not know what it would say. */
function describeRefusal(error: NftError | undefined): string {
  return error && exitCodeOfError(error) === exitCodes.noPermission ? 'not checked' : 'would be refused';
}
