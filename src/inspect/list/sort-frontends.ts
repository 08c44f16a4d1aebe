import { compareText, listWords, suggestClosest } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { FrontendRow } from './inventory.ts';

/** A column to sort by, by its heading in lowercase. */
export type SortColumn =
  | 'namespace'
  | 'name'
  | 'port'
  | 'type'
  | 'frontend'
  | 'policy'
  | 'endpoints'
  | 'local'
  | 'remark';

/** What each column is sorted by; null comes last. */
const columns: Readonly<Record<SortColumn, (row: FrontendRow) => string | null>> = {
  namespace: ({ namespace }) => namespace,
  name: ({ service }) => service,
  port: ({ portName }) => portName,
  type: ({ type }) => type,
  frontend: ({ frontend }) => frontend,
  policy: ({ policy }) => policy,
  endpoints: ({ endpointsUsed }) => String(endpointsUsed),
  local: ({ endpointsLocal }) => String(endpointsLocal),
  remark: ({ remarks }) => remarks.join('; ') || null,
};

/** Fields of a Service, as `kubectl get --sort-by` names them. */
const fields: ReadonlyMap<string, SortColumn> = new Map([
  ['metadata.namespace', 'namespace'],
  ['metadata.name', 'name'],
  ['spec.type', 'type'],
  ['spec.clusterIP', 'frontend'],
]);

/** The columns by all words for them, in lowercase: headings, short ones, and fields of `-o json`. */
const words: ReadonlyMap<string, SortColumn> = new Map([
  ...(Object.keys(columns) as SortColumn[]).map((name) => [name, name] as const),
  ['ns', 'namespace'],
  ['service', 'name'],
  ['portname', 'port'],
  ['ep', 'endpoints'],
  ['eps', 'endpoints'],
  ['endpointsused', 'endpoints'],
  ['loc', 'local'],
  ['endpointslocal', 'local'],
  ['remarks', 'remark'],
]);

/** The column that a text means: `name`, `NAME`, `.metadata.name` or `{.metadata.name}`; else what is wrong with it. */
export function readSortColumn(text: string): { readonly column: SortColumn } | string {
  const path = text.replace(/^\{(.*)\}$/, '$1').replace(/^\./, '');
  const column = fields.get(path) ?? words.get(path.toLowerCase());
  if (column !== undefined) {
    return { column };
  }
  const names = Object.keys(columns);
  const closest = suggestColumn(path);
  const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
  return `${describeValue(text)} is not a column${hint}; expected ${names.join(', ')}, ${listWords(fieldPaths, 'or')}`;
}

const fieldPaths = [...fields.keys()].map((field) => `.${field}`);

/** For a path such as `spec.ports[0].port`, a field that looks like it, or the column that its last field names or nearly names. */
function suggestColumn(path: string): string | undefined {
  const plain = path.replace(/\[[^[\]]*\]/g, '');
  const last = plain.slice(plain.lastIndexOf('.') + 1);
  return (
    suggestClosest(`.${plain}`, fieldPaths) ?? words.get(last.toLowerCase()) ?? suggestClosest(last, [...words.keys()])
  );
}

/** The rows by one column, numbers in it by their value; rows that are equal there stay in order. */
export function sortFrontends(rows: readonly FrontendRow[], column: SortColumn): readonly FrontendRow[] {
  const cellOf = columns[column];
  return [...rows].sort((a, b) => compareCells(cellOf(a), cellOf(b)));
}

function compareCells(a: string | null, b: string | null): number {
  return a === null || b === null ? Number(a === null) - Number(b === null) : compareNaturally(a, b);
}

/** Compares digits as numbers, so that 10.96.0.9 is before 10.96.0.10. */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (const [index, part] of (left ?? []).entries()) {
    const other = right?.[index];
    if (other === undefined) {
      return 1;
    }
    const order = Number(part) - Number(other) || compareText(part, other);
    if (order !== 0) {
      return order;
    }
  }
  return (left?.length ?? 0) - (right?.length ?? 0);
}
