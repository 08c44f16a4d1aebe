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

/** Other words for the columns, in lowercase: short headings, fields of `-o json`, and what kubectl calls such columns. */
const otherWords: Readonly<Record<SortColumn, readonly string[]>> = {
  namespace: ['ns'],
  name: ['service', 'services', 'svc'],
  port: ['portname', 'ports', 'port(s)'],
  type: ['kind'],
  frontend: [
    'address',
    'ip',
    'ips',
    'clusterip',
    'clusterips',
    'cluster-ip',
    'externalip',
    'external-ip',
    'nodeport',
    'vip',
  ],
  policy: ['trafficpolicy', 'internaltrafficpolicy', 'externaltrafficpolicy'],
  endpoints: ['ep', 'eps', 'endpointsused', 'endpointslices', 'backends', 'pods', 'count', 'ready'],
  local: ['loc', 'endpointslocal', 'node'],
  remark: ['remarks', 'reason', 'refusal', 'status', 'state', 'problem', 'problems', 'note'],
};

/** The column that a text means: `name`, `NAME`, `.metadata.name` or `{.metadata.name}`; else what is wrong with it. */
export function readSortColumn(text: string): { readonly column: SortColumn } | string {
  const path = text.replace(/^\{(.*)\}$/, '$1').replace(/^\./, '');
  const word = path.toLowerCase();
  const names = Object.keys(columns) as SortColumn[];
  const column = fields.get(path) ?? names.find((name) => name === word);
  if (column !== undefined) {
    return { column };
  }
  // Of a path such as .spec.ports[0].port, the last field.
  const last = word.replace(/\[.*?\]/g, '').replace(/^.*\./s, '');
  const closest = names.find((name) => name === last || otherWords[name].includes(last)) ?? suggestClosest(last, names);
  const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
  const paths = [...fields.keys()].map((field) => `.${field}`);
  return `${describeValue(text)} is not a column${hint}; expected ${names.join(', ')}, ${listWords(paths, 'or')}`;
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
