import { escapeControls } from '../../lib/text.ts';
import type { EndpointRow, FrontendRow } from './inventory.ts';

/** One column: its heading, and its cells. */
type Column = readonly [heading: string, cell: (row: FrontendRow) => string];

const narrowColumns: readonly Column[] = [
  ['NAMESPACE', ({ namespace }) => namespace],
  ['NAME', ({ service }) => service],
  ['PORT', ({ portName }) => portName ?? ''],
  ['TYPE', ({ type }) => type ?? ''],
  ['FRONTEND', ({ frontend }) => frontend ?? ''],
  ['POLICY', ({ policy }) => policy ?? ''],
  ['ENDPOINTS', ({ endpointsUsed }) => `${endpointsUsed}`],
  ['LOCAL', ({ endpointsLocal }) => `${endpointsLocal}`],
];

const wideColumns: readonly Column[] = [
  ...narrowColumns,
  ['USED', ({ endpoints }) => cutList(endpoints.filter(isUsed).map(usedText), ',')],
  ['LEFT-OUT', ({ endpoints }) => cutList(endpoints.filter((row) => !isUsed(row)).map(leftOutText), ',')],
];

/**
 * Rows as kubectl prints them, a line for each below a line of headings; no lines for no rows. Nothing is wrapped, and no
 * cell but the last one, REMARK, is empty or has blanks.
 *
 * @param wide adds the endpoints.
 */
export function renderFrontendTable(rows: readonly FrontendRow[], { wide }: { readonly wide: boolean }): string[] {
  if (rows.length === 0) {
    return [];
  }
  const columns = (wide ? wideColumns : narrowColumns).map(([heading, cellOf]) => {
    const cells = [heading, ...rows.map((row) => escapeControls(cellOf(row)) || '<none>')];
    const width = cells.reduce((widest, cell) => Math.max(widest, cell.length), 0);
    return cells.map((cell) => cell.padEnd(width));
  });
  const remarks = ['REMARK', ...rows.map((row) => escapeControls(row.remarks.join('; ')))];
  return remarks.map((remark, index) => [...columns.map((cells) => cells[index]), remark].join('   ').trimEnd());
}

function isUsed({ usedBy }: EndpointRow): boolean {
  return usedBy !== 'none';
}

/** `10.1.2.3:8080`, with tags for anything special: `10.1.2.3:8080(external;terminating)`. */
function usedText({ endpoint, usedBy, state }: EndpointRow): string {
  return tagged(endpoint, [...(usedBy === 'all' ? [] : [usedBy]), ...(state === 'terminating' ? [state] : [])]);
}

/** `10.1.2.3:8080(not-ready)`. */
function leftOutText({ endpoint, leftOut }: EndpointRow): string {
  return tagged(endpoint, leftOut === null ? [] : [leftOut]);
}

function tagged(endpoint: string, tags: readonly string[]): string {
  return tags.length === 0 ? endpoint : `${endpoint}(${tags.join(';')})`;
}

/** How many of a list a cell of a table shows. */
const shown = 10;

/** `a,b,c` or, of a long list, `a,b,c,+12`. */
export function cutList(texts: readonly string[], separator: ',' | ' '): string {
  const more = texts.length > shown ? [`+${texts.length - shown}`] : [];
  return [...texts.slice(0, shown), ...more].join(separator);
}
