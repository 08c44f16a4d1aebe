import type { ConnectionCount } from '../../frontends/count-connections.ts';
import { compareNames, countOf } from '../../lib/text.ts';

/** By what rows are sorted: `rate` and `total` with the largest first. */
export const connectionOrders = ['rate', 'total', 'name'] as const;
export type ConnectionOrder = (typeof connectionOrders)[number];

/** How connections are printed. */
export interface ConnectionTableOptions {
  /** With a row for each endpoint below the row of its service port. */
  readonly withEndpoints: boolean;
  /** The size of the terminal that the table is to fit; undefined for output that is not read on one. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
}

/** Service ports in the order asked for, each followed by its endpoints in the same order. */
export function sortConnections(counts: readonly ConnectionCount[], order: ConnectionOrder): ConnectionCount[] {
  const groups: ConnectionCount[][] = [];
  for (const count of counts) {
    if (count.endpoint === null) {
      groups.push([count]);
    } else {
      groups.at(-1)?.push(count);
    }
  }
  const compare = comparisons[order];
  return groups
    .sort(([a], [b]) => (a && b ? compare(a, b) : 0))
    .flatMap(([all, ...endpoints]) => (all ? [all, ...endpoints.sort(compare)] : []));
}

type Compare = (a: ConnectionCount, b: ConnectionCount) => number;

const comparisons: Readonly<Record<ConnectionOrder, Compare>> = {
  rate: (a, b) => (b.perSecond ?? 0) - (a.perSecond ?? 0) || b.connections - a.connections,
  total: (a, b) => b.connections - a.connections,
  name: (a, b) => compareNames(`${a.namespace}/${a.service}`, `${b.namespace}/${b.service}`),
};

/**
 * A table as lines, headings first. On a terminal numbers have separators, and what does not fit is left out: the last line says how
 * many rows that are.
 */
export function renderConnections(
  counts: readonly ConnectionCount[],
  { withEndpoints, size }: ConnectionTableOptions,
): string[] {
  const number = (value: number): string => (size ? value.toLocaleString('en') : `${value}`);
  // The headings take a line, and so does the cursor.
  const room = size ? Math.max(1, size.rows - 2) : counts.length;
  const shown = counts.length > room ? counts.slice(0, Math.max(1, room - 1)) : counts;
  const rows = shown.map(({ namespace, service, portName, protocol, endpoint, perSecond, connections }) => [
    namespace,
    service,
    portName || noCell,
    protocol,
    ...(withEndpoints ? [endpoint ?? allEndpoints] : []),
    perSecond === null ? noCell : rateText(perSecond, number),
    number(connections),
  ]);
  const headings = ['NAMESPACE', 'NAME', 'PORT', 'PROTOCOL', ...(withEndpoints ? ['ENDPOINT'] : []), 'CONN/S', 'TOTAL'];
  const left = counts.length - shown.length;
  const lines = alignRows([headings, ...rows], headings.length - 2);
  const all = left > 0 ? [...lines, `... and ${countOf(left, 'row')} more`] : lines;
  return size ? all.map((line) => line.slice(0, size.columns)) : all;
}

const noCell = '<none>';
const allEndpoints = '<all>';

/** One decimal, as long as it says something. */
function rateText(perSecond: number, number: (value: number) => string): string {
  return perSecond < 100 ? perSecond.toFixed(1) : number(Math.round(perSecond));
}

/** Rows as lines; the columns from `firstNumber` on are aligned to the right. */
function alignRows(rows: readonly (readonly string[])[], firstNumber: number): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < firstNumber ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('   '),
  );
}
