import { compareText } from '../compare-text.ts';
import type { FrontendRow } from './frontend-row.ts';

/**
 * The service ports of the rows, each once and sorted, as `explain --to` takes them: `service:NAMESPACE/NAME:PORT`, or
 * `service:NAMESPACE/NAME` for an unnamed port, with `/PROTOCOL` where one port has several. None for Services without
 * rules, nor for elements that name no Service.
 */
export function nameServicePorts(rows: readonly FrontendRow[]): string[] {
  const protocols = new Map<string, Set<string>>();
  for (const { namespace, service, portName, protocol } of rows) {
    if (portName !== null && protocol !== null && namespace !== '') {
      const name = `service:${namespace}/${service}${portName && `:${portName}`}`;
      const known = protocols.get(name) ?? new Set();
      protocols.set(name, known.add(protocol));
    }
  }
  const names = [...protocols].flatMap(([name, known]) =>
    known.size === 1 ? [name] : [...known].map((protocol) => `${name}/${protocol}`),
  );
  return names.sort(compareText);
}
