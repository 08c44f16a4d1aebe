import { getNamespaced, type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { PortNote, ServiceNote } from '../../kubernetes/service-notes.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareNames } from '../../lib/text.ts';
import { familyOfAddress, isHostAddress } from '../../net/address.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import type { FrontendRow } from './inventory.ts';
import { remarkOnExternalIPs, remarkOnUnserved } from './write-remarks.ts';

/**
 * A row for each port of each Service that has no rules in any view, or one for a Service without ports, with the reason.
 * So too of Services that have external IPs where these are not served.
 */
export function listUnserved(notes: readonly ServiceNote[], views: readonly NodeView[]): FrontendRow[] {
  return [...listWithoutRules(notes, views), ...listExternalIPs(notes, views)];
}

function listWithoutRules(notes: readonly ServiceNote[], views: readonly NodeView[]): FrontendRow[] {
  const listed: Namespaced<true> = new Map();
  for (const { namespace, name } of collectAll(views, ({ servicePorts }) => servicePorts)) {
    setNamespaced(listed, namespace, name, true);
  }
  const families = views.map(({ family }) => family);
  return notes.flatMap(({ namespace, name, unserved, ports }) => {
    if (getNamespaced(listed, namespace, name)) {
      return [];
    }
    // The same object may be in several files.
    setNamespaced(listed, namespace, name, true);
    const remark = remarkOnUnserved(unserved, families);
    return (ports.length > 0 ? ports : [undefined]).map((port) =>
      unservedRow({ namespace, service: name }, port, remark),
    );
  });
}

/** External IPs are the addresses of a Service that are neither cluster IP nor load balancer IP. */
function listExternalIPs(notes: readonly ServiceNote[], views: readonly NodeView[]): FrontendRow[] {
  if (views.every(({ servesExternalIPs }) => servesExternalIPs)) {
    return [];
  }
  const served: Namespaced<string[]> = new Map();
  for (const { namespace, name, clusterIP, loadBalancerIPs } of collectAll(views, ({ servicePorts }) => servicePorts)) {
    setNamespaced(served, namespace, name, [
      ...(getNamespaced(served, namespace, name) ?? []),
      clusterIP,
      ...loadBalancerIPs,
    ]);
  }
  return notes.flatMap(({ namespace, name, addresses, proxyAddresses, ports }) => {
    const known = getNamespaced(served, namespace, name);
    const families = new Set(known?.map(familyOfAddress));
    const external = addresses.filter(
      (address) =>
        families.has(familyOfAddress(address)) &&
        isHostAddress(address) &&
        !known?.includes(address) &&
        !proxyAddresses.includes(address),
    );
    return external.length === 0
      ? []
      : ports.map((port) => unservedRow({ namespace, service: name }, port, remarkOnExternalIPs(external)));
  });
}

function unservedRow(
  { namespace, service }: Pick<FrontendRow, 'namespace' | 'service'>,
  port: PortNote | undefined,
  remark: string,
): FrontendRow {
  return {
    namespace,
    service,
    portName: port?.name ?? null,
    protocol: port?.protocol ?? null,
    port: port?.port ?? null,
    family: null,
    type: null,
    frontend: null,
    policy: null,
    refusal: null,
    heldBy: null,
    affinitySeconds: 0,
    sourceRanges: null,
    endpointsUsed: 0,
    endpointsLocal: 0,
    endpoints: [],
    remarks: [remark],
  };
}

/**
 * The service ports of the rows, each once and sorted, as `explain --to` takes them: `service:NAMESPACE/NAME:PORT`, or
 * `service:NAMESPACE/NAME` for an unnamed port, with `/PROTOCOL` where one port has several. None for Services without
 * rules, nor for elements that name no Service.
 */
export function nameServicePorts(rows: readonly FrontendRow[]): string[] {
  const protocols = new Map<string, Set<string>>();
  for (const { namespace, service, portName, protocol, frontend } of rows) {
    if (portName !== null && protocol !== null && frontend !== null && namespace !== '') {
      const name = `service:${namespace}/${service}${portName && `:${portName}`}`;
      const known = protocols.get(name) ?? new Set();
      protocols.set(name, known.add(protocol));
    }
  }
  const names = [...protocols].flatMap(([name, known]) =>
    known.size === 1 ? [name] : [...known].map((protocol) => `${name}/${protocol}`),
  );
  return names.sort(compareNames);
}
