import { type Diagnostic, type Problem, toDiagnostic } from '../../diagnostics/diagnostic.ts';
import type { Service, ServicePortSpec, Sourced } from '../../kubernetes/objects.ts';
import { clusterIPText, isServed, loadBalancerTexts, serviceFamilies } from '../../kubernetes/services.ts';
import { describePath, type Path } from '../../lib/unknown-values.ts';
import { parseAddress, specialRangeOf } from '../../net/address.ts';
import { endpointText, nameOfFamily } from '../../net/network.ts';
import type { NodeSettings } from './model.ts';

/** The settings of a node that decide what a Service takes from it. */
type OwnNode = Pick<NodeSettings, 'family' | 'addresses' | 'servesExternalIPs'>;

/** The ports of nodes for health checks, each with the Service that has it: `shop/web`. */
export type HealthChecks = ReadonlyMap<number, string>;

/**
 * Warnings about what a Service takes from the node itself in one family: the API server does not know the addresses and
 * daemons of nodes, so it accepts all but the node ports that are for health checks.
 */
export function adviseOnService(
  { object, document }: Sourced<Service>,
  node: OwnNode,
  healthChecks: HealthChecks,
): Diagnostic[] {
  if (!isServed(object) || !serviceFamilies(object).includes(node.family)) {
    return [];
  }
  const ports = object.spec.ports ?? [];
  const own = ownClusterIP(object, node);
  if (own !== undefined) {
    const path = ['spec', 'clusterIP'];
    const family = nameOfFamily(node.family);
    const message = `${own} is an address of the node, which keeps it; there are no rules for ${family}`;
    return [toDiagnostic({ code: 'ignored-address', path, message }, document)];
  }
  const problems: Problem[] = [
    ...addressesOf(object, node).flatMap(({ address, path }) =>
      risksAt(address, ports, node).map((message) => ({ code: 'risky-frontend' as const, path, message })),
    ),
    ...ports.flatMap((port, index) => checkNodePort(port, ['spec', 'ports', index, 'nodePort'], healthChecks)),
  ];
  return problems.map((problem) => toDiagnostic(problem, document));
}

function checkNodePort(port: ServicePortSpec, path: Path, healthChecks: HealthChecks): Problem[] {
  const { nodePort } = port;
  if (!nodePort) {
    return [];
  }
  const found = `${describePath(path)} is ${nodePort}`;
  const daemon = daemonAt(port, nodePort);
  const checked = protocolOf(port) === 'tcp' ? healthChecks.get(nodePort) : undefined;
  const conflict = `${found}, the healthCheckNodePort of ${checked}, whose health checks go to the endpoints of this Service`;
  return [
    ...(daemon === undefined
      ? []
      : [{ code: 'risky-frontend' as const, path, message: `${found}, the port of ${daemon}; ${taken}` }]),
    ...(checked === undefined ? [] : [{ code: 'node-port-conflict' as const, path, message: conflict }]),
  ];
}

/**
 * The cluster IP of a family if it is an address of the node, which is not served: connections of the node to itself at
 * any other port would be refused, as at every cluster IP.
 */
export function ownClusterIP(service: Service, { family, addresses }: OwnNode): string | undefined {
  const address = parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '')?.text;
  return address !== undefined && addresses.includes(address) ? address : undefined;
}

const taken = 'the Service takes its packets';

interface PlacedAddress {
  readonly address: string;
  readonly path: Path;
}

function addressesOf(service: Service, { family, servesExternalIPs }: OwnNode): PlacedAddress[] {
  const { spec } = service;
  const texts: [string, Path][] = [
    [clusterIPText(service, nameOfFamily(family)) ?? '', ['spec', 'clusterIP']],
    ...loadBalancerTexts(service).map((text): [string, Path] => [text, ['status', 'loadBalancer', 'ingress']]),
    ...(servesExternalIPs ? (spec.externalIPs ?? []) : []).map((text, index): [string, Path] => [
      text,
      ['spec', 'externalIPs', index],
    ]),
  ];
  return texts.flatMap(([text, path]) => {
    const address = parseAddress(text.trim());
    return address?.family === family ? [{ address: address.text, path }] : [];
  });
}

function risksAt(address: string, ports: readonly ServicePortSpec[], { addresses }: OwnNode): string[] {
  if (specialRangeOf(address) === 'linkLocal') {
    return [`${address} is a link-local address, where clouds serve metadata of the node; ${taken}`];
  }
  // Almost no Service has an address of the node.
  if (!addresses.includes(address)) {
    return [];
  }
  return ports.flatMap((port) => {
    const daemon = daemonAt(port, port.port);
    const place = `${endpointText({ address, port: port.port })}/${protocolOf(port)}`;
    return daemon === undefined ? [] : [`${place} is an address of the node with the port of ${daemon}; ${taken}`];
  });
}

function protocolOf({ protocol }: ServicePortSpec): string {
  return (protocol || 'TCP').toLowerCase();
}

function daemonAt(port: ServicePortSpec, number: number): string | undefined {
  return daemons.get(`${number}/${protocolOf(port)}`);
}

/** What a node of a cluster serves itself, by the default ports of Kubernetes, etcd, and overlay networks. */
const daemons: ReadonlyMap<string, string> = new Map([
  ['22/tcp', 'sshd'],
  ['179/tcp', 'BGP'],
  ['2379/tcp', 'etcd'],
  ['2380/tcp', 'etcd'],
  ['6443/tcp', 'kube-apiserver'],
  ['10250/tcp', 'the kubelet'],
  ['10256/tcp', "kube-proxy's health check"],
  ['10257/tcp', 'kube-controller-manager'],
  ['10259/tcp', 'kube-scheduler'],
  ['68/udp', 'DHCP'],
  ['4789/udp', 'VXLAN'],
  ['8472/udp', 'VXLAN'],
  ['6081/udp', 'Geneve'],
  ['51820/udp', 'WireGuard'],
]);
