import { escapeControls } from '../escape-controls.ts';
import type { FrontendRow } from '../inventory/frontend-row.ts';
import { type UnknownName, unknownNames } from './unknown-names.ts';

/** Flags that leave rows out; absent ones were not given. */
export interface RowFilters {
  readonly namespace?: readonly string[];
  /** `namespace/name`, or a name alone for that of any namespace. */
  readonly service?: readonly string[];
}

/** The rows that the flags ask for, and for each name that fits none a line: `No Services in namespace shopp (did you mean shop?)`. */
export function filterRows(
  rows: readonly FrontendRow[],
  { namespace: namespaces = [], service: services = [] }: RowFilters,
): { readonly items: readonly FrontendRow[]; readonly lacks: readonly string[] } {
  if (rows.length === 0) {
    return { items: [], lacks: ['No Services'] };
  }
  const inNamespaces = rows.filter(({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace));
  const items = inNamespaces.filter(
    ({ namespace, service }) =>
      services.length === 0 || services.includes(service) || services.includes(`${namespace}/${service}`),
  );
  const lacks = [
    ...unknownNames(
      namespaces,
      namesIn(rows, ({ namespace }) => [namespace]),
    ).map(({ name, hint }) => `No Services in namespace ${escapeControls(name)}${hint}`),
    ...lackingServices(services, inNamespaces).map(
      ({ name, hint }) => `No Service ${escapeControls(name)}${inNamespace(namespaces)}${hint}`,
    ),
  ];
  return { items, lacks };
}

/** Where there is nothing to choose from, the namespaces are at fault. */
function lackingServices(services: readonly string[], rows: readonly FrontendRow[]): UnknownName[] {
  return rows.length === 0
    ? []
    : unknownNames(
        services,
        namesIn(rows, ({ namespace, service }) => [service, `${namespace}/${service}`]),
      );
}

function namesIn(rows: readonly FrontendRow[], namesOf: (row: FrontendRow) => readonly string[]): ReadonlySet<string> {
  return new Set(rows.flatMap(namesOf));
}

function inNamespace(namespaces: readonly string[]): string {
  return namespaces.length === 0 ? '' : ` in namespace ${namespaces.map(escapeControls).join(' or ')}`;
}
