import type { Document } from '../diagnostics/document.ts';
import { escapeControls } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { isAddressField, namespaceOf } from './services.ts';

/** Why nodes do not serve a Service in any family. `left out`: it has errors, and `--keep-going` was given. */
type UnservedReason = 'ExternalName' | 'headless' | 'no cluster IP' | 'other proxy' | 'no ports' | 'left out';

/** A port of a Service. */
export interface PortNote {
  /** Empty for an unnamed one. */
  readonly name: string;
  readonly port: number;
  /** In lowercase. */
  readonly protocol: string;
}

/** What a Service says that does not show in the rules of a node. */
export interface ServiceNote {
  readonly namespace: string;
  readonly name: string;
  /** Undefined if nodes serve it. */
  readonly unserved: UnservedReason | undefined;
  /** Canonical: clusterIPs, externalIPs and load balancer IPs. */
  readonly addresses: readonly string[];
  readonly ports: readonly PortNote[];
  /** `30080/tcp`. */
  readonly nodePorts: readonly string[];
  /** Canonical addresses of status.loadBalancer.ingress with ipMode Proxy, which nodes do not serve. */
  readonly proxyAddresses: readonly string[];
  /** spec.healthCheckNodePort, on which a process listens; 0 for none. */
  readonly healthCheckNodePort: number;
}

/** The notes of all Services. Nothing is validated; malformed values count as absent. */
export function readServiceNotes(documents: readonly Document[]): ServiceNote[] {
  return documents.flatMap(({ value }) => (isMapping(value) && value['kind'] === 'Service' ? noteOf(value) : []));
}

function noteOf(service: Mapping): ServiceNote[] {
  const metadata = mappingIn(service, 'metadata');
  const { name } = metadata;
  if (typeof name !== 'string') {
    return [];
  }
  const spec = mappingIn(service, 'spec');
  const ingress = listIn(mappingIn(mappingIn(service, 'status'), 'loadBalancer'), 'ingress').filter(isMapping);
  const ports = listIn(spec, 'ports').filter(isMapping);
  const ipsOf = (entries: readonly Mapping[]): unknown[] => entries.map(({ ip }) => ip);
  const port = spec['healthCheckNodePort'];
  return [
    {
      // A Service that was refused for its name is shown as well.
      namespace: escapeControls(namespaceOf(metadata)),
      name: escapeControls(name),
      unserved: unservedBecause(spec, mappingIn(metadata, 'labels')),
      addresses: canonical([
        spec['clusterIP'],
        ...listIn(spec, 'clusterIPs'),
        ...listIn(spec, 'externalIPs'),
        ...ipsOf(ingress),
      ]),
      ports: ports.flatMap(portOf),
      nodePorts: ports.flatMap(nodePortOf),
      proxyAddresses: canonical(ipsOf(ingress.filter(({ ipMode }) => ipMode === 'Proxy'))),
      // With externalTrafficPolicy Cluster, no process listens there.
      healthCheckNodePort: typeof port === 'number' && spec['externalTrafficPolicy'] === 'Local' ? port : 0,
    },
  ];
}

function unservedBecause(spec: Mapping, labels: Mapping): UnservedReason | undefined {
  const { type, clusterIP } = spec;
  if (type === 'ExternalName') {
    return 'ExternalName';
  }
  if (clusterIP === 'None') {
    return 'headless';
  }
  if (typeof clusterIP !== 'string' || !isAddressField(clusterIP)) {
    return 'no cluster IP';
  }
  if (labels['service.kubernetes.io/service-proxy-name'] !== undefined) {
    return 'other proxy';
  }
  return listIn(spec, 'ports').length === 0 ? 'no ports' : undefined;
}

function portOf({ name, port, protocol }: Mapping): PortNote[] {
  const label = typeof name === 'string' ? escapeControls(name) : '';
  const word = escapeControls(protocolWord(protocol));
  return typeof port === 'number' && Number.isInteger(port) ? [{ name: label, port, protocol: word }] : [];
}

function nodePortOf({ nodePort, protocol }: Mapping): string[] {
  return typeof nodePort === 'number' && nodePort > 0 ? [`${nodePort}/${protocolWord(protocol)}`] : [];
}

function protocolWord(protocol: unknown): string {
  return typeof protocol === 'string' && protocol !== '' ? protocol.toLowerCase() : 'tcp';
}

function canonical(texts: readonly unknown[]): string[] {
  const addresses = texts.flatMap((text) => (typeof text === 'string' ? (canonicalAddress(text.trim()) ?? []) : []));
  return [...new Set(addresses)];
}

const texts: Readonly<Record<UnservedReason, string>> = {
  ExternalName: 'its type is ExternalName, which is only a DNS alias',
  headless: 'it is headless (clusterIP None), so DNS returns the addresses of its pods',
  'no cluster IP': 'it has no clusterIP (the API server assigns one)',
  'other proxy': 'its label service.kubernetes.io/service-proxy-name assigns it to another proxy',
  'no ports': 'it has no ports',
  'left out': 'it has errors and was left out',
};

/** Why no node serves a Service, as a clause. */
export function unservedText(reason: UnservedReason): string {
  return texts[reason];
}
