import { leftOutTexts, refusedToo } from '../../frontends/endpoints.ts';
import { collectAll } from '../../lib/lists.ts';
import { escapeControls } from '../../lib/text.ts';
import type { EndpointRow, FrontendRow } from './inventory.ts';
import { layOutTable, noCell, type TableColumn } from './lay-out-table.ts';

/** How frontends are printed. */
export interface TableOptions {
  /** A line for each endpoint instead of one for each frontend. */
  readonly wide: boolean;
  /** The width of the terminal; undefined for output that is not read on one: then each row is one line. */
  readonly width?: number | undefined;
  /** Names the namespace in each row, even if there is only one. */
  readonly withNamespace?: boolean;
  /** False leaves the headings out. */
  readonly headings?: boolean;
}

/** A row of a table: a frontend, and in wide tables one of its endpoints, if it has any. */
interface Line {
  readonly row: FrontendRow;
  readonly endpoint: EndpointRow | undefined;
  /** It is the first one of its frontend. */
  readonly isFirst: boolean;
}

/** One column: its heading, a short one, and its cells. */
type Column = readonly [heading: string, short: string, cell: (line: Line, count: (value: number) => string) => string];

const namespaceColumn: Column = ['NAMESPACE', 'NAMESPACE', ({ row }) => row.namespace];

const servicePortColumns: readonly Column[] = [
  ['NAME', 'NAME', ({ row }) => row.service],
  ['PORT', 'PORT', ({ row }) => portText(row)],
];

const frontendColumns: readonly Column[] = [
  ['TYPE', 'TYPE', ({ row }) => row.type ?? ''],
  ['FRONTEND', 'FRONTEND', ({ row }) => row.frontend ?? ''],
  ['POLICY', 'POLICY', ({ row }) => row.policy ?? ''],
];

const countColumns: readonly Column[] = [
  ['ENDPOINTS', 'EPS', ({ row }, count) => count(row.endpointsUsed)],
  ['LOCAL', 'LOC', ({ row }, count) => (row.endpointsLocal === null ? notKnown : count(row.endpointsLocal))],
];

/** As kubectl has it. */
const notKnown = '<unknown>';

const endpointColumns: readonly Column[] = [
  ['ENDPOINT', 'ENDPOINT', ({ endpoint }) => endpoint?.endpoint ?? ''],
  ['NODE', 'NODE', ({ endpoint }) => endpoint?.node ?? ''],
  ['LOCAL', 'LOC', ({ endpoint }) => (endpoint ? yesOrNo(endpoint.local) : '')],
  ['STATE', 'STATE', ({ endpoint }) => endpoint?.state ?? ''],
  ['USED-BY', 'USED', ({ endpoint }) => endpoint?.usedBy ?? ''],
];

/**
 * Rows as kubectl prints them, below a line of headings; no lines for no rows. No cell but the last one, REMARK, is empty or
 * has blanks. The namespace is left out where it is the same for all rows.
 */
export function renderFrontendTable(
  rows: readonly FrontendRow[],
  { wide, width, withNamespace = false, headings = true }: TableOptions,
): string[] {
  if (rows.length === 0) {
    return [];
  }
  const hasNamespaces = withNamespace || onlyNamespace(rows) === undefined;
  const lines = wide ? collectAll(rows, linesOf) : rows.map((row) => ({ row, endpoint: undefined, isFirst: true }));
  // Programs that read a table read plain numbers.
  const count = (value: number): string => (width === undefined ? `${value}` : value.toLocaleString('en'));
  const fill = ([heading, short, cellOf]: Column): TableColumn => ({
    heading,
    short,
    // Names of nodes, and of ports of Services with errors, may be any text.
    cells: lines.map((line) => escapeControls(cellOf(line, count)).replaceAll(' ', '\\u0020') || noCell),
  });
  const servicePort = [...(hasNamespaces ? [namespaceColumn] : []), ...servicePortColumns];
  const table = {
    shared: (wide ? [...servicePort, ...frontendColumns] : servicePort).map(fill),
    columns: (wide ? endpointColumns : [...frontendColumns, ...countColumns]).map(fill),
    isFirst: lines.map(({ row, isFirst }, index) => (wide ? isFirst : !isSamePort(row, lines[index - 1]?.row))),
    prose: { heading: 'REMARK', cells: lines.map((line) => escapeControls(remarkOf(line))) },
  };
  return layOutTable(table, { width, headings });
}

/** The namespace that all rows have; undefined where there are several or none. */
export function onlyNamespace(rows: readonly FrontendRow[]): string | undefined {
  const [first] = rows;
  return first && rows.every(({ namespace }) => namespace === first.namespace) ? first.namespace : undefined;
}

function linesOf(row: FrontendRow): Line[] {
  return row.endpoints.length === 0
    ? [{ row, endpoint: undefined, isFirst: true }]
    : row.endpoints.map((endpoint, index) => ({ row, endpoint, isFirst: index === 0 }));
}

/** The name of a port. Where no frontend shows its number, that as well: `http:80/tcp`, `80/tcp`. */
function portText({ portName, port, protocol, frontend }: FrontendRow): string {
  if (frontend !== null || port === null) {
    return portName ?? '';
  }
  return `${portName ? `${portName}:` : ''}${port}/${protocol}`;
}

function isSamePort(row: FrontendRow, other: FrontendRow | undefined): boolean {
  return (
    row.namespace === other?.namespace &&
    row.service === other.service &&
    row.portName === other.portName &&
    row.protocol === other.protocol &&
    (row.frontend !== null || row.port === other.port)
  );
}

function yesOrNo(value: boolean | null): string {
  if (value === null) {
    return notKnown;
  }
  return value ? 'yes' : 'no';
}

/** What is worth knowing of the frontend, once, and why an endpoint gets no connections, unless its state says so. */
function remarkOf({ row, endpoint, isFirst }: Line): string {
  const { leftOut = null, state = null } = endpoint ?? {};
  const reason =
    leftOut === null || leftOut === state ? [] : [leftOut === 'refused-endpoint' ? refusedToo : leftOutTexts[leftOut]];
  return [...reason, ...(isFirst ? row.remarks : [])].join('; ');
}
