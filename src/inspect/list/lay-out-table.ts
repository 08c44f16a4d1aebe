import { wrapText } from '../../lib/text.ts';

/** A column of a table: its heading, a shorter one for where there is little room, and its cells. */
export interface TableColumn {
  readonly heading: string;
  readonly short: string;
  readonly cells: readonly string[];
}

/** A table: columns whose cells have no blanks, and prose at the end of some rows. */
export interface TextTable {
  /** The first columns: they are the same for the rows of a group. */
  readonly shared: readonly TableColumn[];
  readonly columns: readonly TableColumn[];
  /** Whether a row is the first one of its group. */
  readonly isFirst: readonly boolean[];
  /** The last column: cells may be empty, and have blanks at which lines may be broken. */
  readonly prose: { readonly heading: string; readonly cells: readonly string[] };
}

/**
 * A table as lines, headings first. Nothing is ever cut. Without a width, each row is a line, whatever its length. Within a
 * width, the first of these that fits: as without one; closer columns with short headings, and prose broken between words,
 * if there is room for it in its column, or else below its row; groups, with a line for what their rows share. In the end
 * also these lines are broken, between columns.
 *
 * @param options.width how many characters a line should have at most.
 * @param options.headings false leaves the headings out.
 */
export function layOutTable(
  table: TextTable,
  { width, headings = true }: { readonly width?: number | undefined; readonly headings?: boolean },
): string[] {
  return linesOfRows(table, width)
    .slice(headings ? 0 : 1)
    .flat();
}

/** The lines of the headings, then those of each row. */
function linesOfRows(table: TextTable, width: number | undefined): string[][] {
  const columns = [...table.shared, ...table.columns];
  const prose = [table.prose.heading, ...table.prose.cells];
  const roomy = measure(columns, ({ heading }) => heading, 3);
  if (width === undefined || totalOf(roomy) + roomy.gap + widest(prose) <= width) {
    return prose.map((text, row) => [joined(roomy, row, text)]);
  }
  const close = measure(columns, ({ short }) => short, 2);
  return totalOf(close) <= width ? layOutRows(close, prose, width) : layOutGroups(table, { prose, width });
}

function layOutRows(columns: Measured, prose: readonly string[], width: number): string[][] {
  const start = totalOf(columns) + columns.gap;
  const room = width - start;
  const longestWord = widest(prose.flatMap((text) => text.split(' ')));
  if (room >= Math.min(widest(prose), Math.max(leastRoom, longestWord))) {
    return prose.map((text, row) => {
      const [first = '', ...others] = wrapText(text, room);
      return [joined(columns, row, first), ...others.map((line) => ' '.repeat(start) + line)];
    });
  }
  return prose.map((text, row) => [...brokenRow(columns, row, width), ...proseBelow(row, text, width)]);
}

/** With less room than this, prose is easier to read below its row. */
const leastRoom = 24;

/** Without its heading, which would look like a row. */
function proseBelow(row: number, text: string, width: number): string[] {
  return row === 0 || text === '' ? [] : wrapText(text, width - indent.length).map((line) => indent + line);
}

const indent = '  ';

/** A line for what the rows of a group share, and below it these rows. */
function layOutGroups(
  { shared, columns, isFirst }: TextTable,
  { prose, width }: { readonly prose: readonly string[]; readonly width: number },
): string[][] {
  const [heads, rest] = [shared, columns].map((some) => measure(some, ({ short }) => short, 2));
  if (!heads || !rest) {
    return [];
  }
  const rows = layOutRows(rest, prose, width - indent.length);
  return rows.map((lines, row) => [
    ...(row === 0 || isFirst[row - 1] ? groupHead(heads, row, width) : []),
    ...(row > 0 && isEmpty(rest, row) ? proseBelow(row, prose[row] ?? '', width) : lines.map((line) => indent + line)),
  ]);
}

/** In columns if all fit; else one long name would push the others out of sight, and so each group is as short as it can be. */
function groupHead(heads: Measured, row: number, width: number): string[] {
  if (totalOf(heads) <= width) {
    return [joined(heads, row, '')];
  }
  const lines = [''];
  for (const { cells } of heads.columns) {
    const [line = '', cell = ''] = [lines.at(-1), cells[row]];
    if (line === '' || line.length + heads.gap + cell.length <= width) {
      lines[lines.length - 1] = line === '' ? cell : line + ' '.repeat(heads.gap) + cell;
    } else {
      lines.push(indent + indent + cell);
    }
  }
  return lines;
}

/** How tables write that there is nothing. */
export const noCell = '<none>';

function isEmpty({ columns }: Measured, row: number): boolean {
  return columns.every(({ cells }) => cells[row] === noCell);
}

/** Columns with their cells, the heading first. */
interface Measured {
  readonly columns: readonly { readonly width: number; readonly cells: readonly string[] }[];
  readonly gap: number;
}

function measure(columns: readonly TableColumn[], headingOf: (column: TableColumn) => string, gap: number): Measured {
  const measured = columns.map((column) => {
    const cells = [headingOf(column), ...column.cells];
    return { width: widest(cells), cells };
  });
  return { columns: measured, gap };
}

function widest(texts: readonly string[]): number {
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0);
}

function totalOf({ columns, gap }: Measured): number {
  return columns.reduce((sum, { width }) => sum + width + gap, -gap);
}

function joined({ columns, gap }: Measured, row: number, prose: string): string {
  const cells = columns.map(({ width, cells: own }) => (own[row] ?? '').padEnd(width));
  return [...cells, prose].join(' '.repeat(gap)).trimEnd();
}

/** A row with as many columns in each line as fit there; one that is too wide for any line has its own. */
function brokenRow({ columns, gap }: Measured, row: number, width: number): string[] {
  const lines: Measured['columns'][number][][] = [];
  let left = 0;
  for (const column of columns) {
    const line = lines.at(-1);
    if (line && column.width + gap <= left) {
      line.push(column);
      left -= column.width + gap;
    } else {
      lines.push([column]);
      left = width - (line ? indent.length : 0) - column.width;
    }
  }
  return lines.map((line, index) => (index === 0 ? '' : indent) + joined({ columns: line, gap }, row, ''));
}
