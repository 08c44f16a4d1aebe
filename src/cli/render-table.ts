import { renderChanges } from '../report/render-changes.ts';
import { describeTable, type TableChange } from './describe-table.ts';
import { summariseCommands, summariseParts } from './summarise-commands.ts';

/** How a change is told. */
export interface RenderTableOptions {
  /** It has not happened. */
  readonly would: boolean;
  readonly colour: boolean;
  /** How many service ports get a line. */
  readonly limit: number;
}

/**
 * A heading, and below it what was found and what differs in Service terms; where that is nothing, the sets and chains
 * that differ. Lines without line feeds at their ends.
 */
export function renderTable(change: TableChange, options: RenderTableOptions): string[] {
  const { family, table, result, commands } = change;
  const name = `table ${family} ${table}`;
  if (result === 'unchanged') {
    return [`${name}: up to date`, ...indentSome(change.findings.map(foundText), 'findings')];
  }
  const lines = renderLines(change, options);
  const parts = lines.length === 0 && result === 'changed' ? summariseParts(commands) : [];
  return [
    `${name}: ${options.would ? 'would be ' : ''}${words[result]} (${summariseCommands(commands)})`,
    ...lines,
    ...indentSome(parts, 'sets and chains'),
  ];
}

const words = { made: 'made', changed: 'changed', rebuilt: 'made anew' } as const;

function renderLines(change: TableChange, { colour, limit }: RenderTableOptions): string[] {
  const { changes, findings } = describeTable(change);
  // What differs from a table that nobody could read is not known.
  const isComparable = change.result !== 'rebuilt' || change.before !== undefined;
  // That a table is new is in the heading, and the findings name the chains.
  const others = { ...changes, tableChange: 'kept', chains: [] } as const;
  return [
    ...indentSome(findings.map(foundText), 'findings'),
    ...(isComparable ? renderChanges(others, { colour, limit }).map(indent) : []),
  ];
}

function foundText(finding: string): string {
  return `found: ${finding}`;
}

/** How many lines of one kind there are at most. */
const shown = 20;

function indentSome(lines: readonly string[], noun: string): string[] {
  const more = lines.length - shown;
  return (more > 1 ? [...lines.slice(0, shown), `... and ${more} more ${noun}`] : lines).map(indent);
}

function indent(line: string): string {
  return `  ${line}`;
}
