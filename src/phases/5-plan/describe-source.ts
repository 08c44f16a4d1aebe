import { type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { Heading } from '../../nft/print.ts';
import { version } from '../../version.ts';
import type { NodeView, ServicePort } from '../3-model/model.ts';

/**
 * The comment at the top of printed rulesets: which version compiled them, from what and for which node. It has no time,
 * so that equal input gives equal bytes.
 */
export function describeSource(views: readonly NodeView[]): Heading {
  return {
    lines: [
      summarizeSource(views),
      'Load with nft -f: replaces the tables below in one transaction and touches no others.',
    ],
  };
}

/** `svc2nft 0.1.0: 12 Services, 40 endpoints, node worker-1, IPv4 and IPv6` */
export function summarizeSource(views: readonly NodeView[]): string {
  const ports = views.flatMap((view) => view.servicePorts);
  const services = countServices(ports);
  const endpoints = ports.reduce((sum, port) => sum + port.endpoints.length, 0);
  const nodeName = views[0]?.nodeName ?? '';
  return (
    `svc2nft ${version}: ${services} ${services === 1 ? 'Service' : 'Services'}, ` +
    `${endpoints} ${endpoints === 1 ? 'endpoint' : 'endpoints'}, ` +
    `${nodeName === '' ? 'no node' : `node ${nodeName}`}, ${views.map(({ family }) => nameOfFamily(family)).join(' and ')}`
  );
}

/** A Service may have several ports, and be in both families. */
function countServices(ports: readonly ServicePort[]): number {
  const services: Namespaced<true> = new Map();
  for (const { namespace, name } of ports) {
    setNamespaced(services, namespace, name, true);
  }
  return [...services.values()].reduce((sum, names) => sum + names.size, 0);
}
