/**
 * The DNS records of Services, as the specification of DNS-based service discovery for Kubernetes defines them
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md, version 1.1.0). Where that leaves a choice, it is that of CoreDNS.
 */

import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { isAddressField, namespaceOf, ownerLabel } from '../kubernetes/services.ts';
import { compareText } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress, familyOfAddress } from '../net/address.ts';
import { isHostName, isLabel, reverseName } from './dns-names.ts';

/** One record; names are fully qualified, in lower case, with the dot at their end. */
export type DnsRecord = { readonly name: string } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'CNAME' | 'PTR'; readonly target: string }
  | { readonly type: 'TXT'; readonly text: string }
);

/** What has records. Nothing is validated: malformed values count as absent. */
export interface DnsSources {
  readonly services: readonly Mapping[];
  /** Those of headless Services, too. */
  readonly endpointSlices: readonly Mapping[];
}

/** Weights of the records of one port add up to about so much. */
const wholeWeight = 100;

/**
 * All records below a domain, then those that lead back to its names, each once, sorted by name from the right, then by type.
 *
 * @param domain `cluster.local`
 */
export function listDnsRecords({ services, endpointSlices }: DnsSources, domain: string): DnsRecord[] {
  const root = `${domain.toLowerCase()}.`;
  const slices = slicesByService(endpointSlices);
  const records = services.flatMap((service) => {
    const metadata = mappingIn(service, 'metadata');
    const [namespace, name] = [namespaceOf(metadata), textIn(metadata, 'name')];
    if (!isLabel(namespace) || !isLabel(name)) {
      return [];
    }
    return recordsOf(service, {
      name: `${name}.${namespace}.svc.${root}`,
      slices: getNamespaced(slices, namespace, name) ?? [],
    });
  });
  const version = { name: `dns-version.${root}`, type: 'TXT', text: '1.1.0' } as const;
  return sortRecords(withoutRepeats([version, ...records]));
}

function slicesByService(slices: readonly Mapping[]): Namespaced<Mapping[]> {
  const byService: Namespaced<Mapping[]> = new Map();
  for (const slice of slices) {
    const metadata = mappingIn(slice, 'metadata');
    const [namespace, owner] = [namespaceOf(metadata), textIn(mappingIn(metadata, 'labels'), ownerLabel)];
    const known = getNamespaced(byService, namespace, owner);
    if (known) {
      known.push(slice);
    } else {
      setNamespaced(byService, namespace, owner, [slice]);
    }
  }
  return byService;
}

interface NamedService {
  /** `web.shop.svc.cluster.local.` */
  readonly name: string;
  readonly slices: readonly Mapping[];
}

function recordsOf(service: Mapping, named: NamedService): DnsRecord[] {
  const spec = mappingIn(service, 'spec');
  if (spec['type'] === 'ExternalName') {
    const target = textIn(spec, 'externalName').toLowerCase().replace(/\.$/, '');
    return isHostName(target) ? [{ name: named.name, type: 'CNAME', target: `${target}.` }] : [];
  }
  return spec['clusterIP'] === 'None' ? headlessRecords(named) : clusterIPRecords(spec, named);
}

/** Its addresses, whether it has endpoints or not; its named ports; and back. */
function clusterIPRecords(spec: Mapping, { name }: NamedService): DnsRecord[] {
  const texts = listIn(spec, 'clusterIPs').length > 0 ? listIn(spec, 'clusterIPs') : [spec['clusterIP']];
  const addresses = texts.flatMap((text) =>
    typeof text === 'string' && isAddressField(text) ? (canonicalAddress(text) ?? []) : [],
  );
  const ports = listIn(spec, 'ports').filter(isMapping);
  return [
    ...addresses.map((address) => addressRecord(name, address)),
    ...addresses.map((address): DnsRecord => ({ name: reverseName(address), type: 'PTR', target: name })),
    ...(addresses.length === 0 ? [] : ports).flatMap((port) =>
      serviceRecord(port, { name, target: name, weight: wholeWeight }),
    ),
  ];
}

interface ReadyEndpoint {
  readonly address: string;
  /** By which its own name begins. */
  readonly hostname: string;
  readonly isNamed: boolean;
  readonly ports: readonly Mapping[];
}

/** Its endpoints, each with a name of its own; their ports; and back. */
function headlessRecords({ name, slices }: NamedService): DnsRecord[] {
  const endpoints = slices.flatMap(readyEndpoints);
  const weightOf = weigh(endpoints);
  return endpoints.flatMap(({ address, hostname, ports }): DnsRecord[] => {
    const target = `${hostname}.${name}`;
    return [
      addressRecord(name, address),
      addressRecord(target, address),
      { name: reverseName(address), type: 'PTR', target },
      ...ports.flatMap((port) => serviceRecord(port, { name, target, weight: weightOf(port) })),
    ];
  });
}

/** The weight of each record of a port: equal shares, at least 1. */
function weigh(endpoints: readonly ReadyEndpoint[]): (port: Mapping) => number {
  const counts = new Map<string, Set<string>>();
  const keyOf = (port: Mapping): string => `${textIn(port, 'name')} ${protocolOf(port)}`;
  for (const { hostname, ports } of endpoints) {
    for (const port of ports) {
      const names = counts.get(keyOf(port)) ?? new Set();
      counts.set(keyOf(port), names.add(hostname));
    }
  }
  return (port) => Math.max(1, Math.floor(wholeWeight / (counts.get(keyOf(port))?.size ?? 1)));
}

/** Those that are ready, or of which that is not known. Only their first address counts, as for nodes. */
function readyEndpoints(slice: Mapping): ReadyEndpoint[] {
  const ports = listIn(slice, 'ports').filter(isMapping);
  return listIn(slice, 'endpoints')
    .filter(isMapping)
    .flatMap((endpoint) => {
      const [text] = listIn(endpoint, 'addresses');
      const address = typeof text === 'string' ? canonicalAddress(text) : undefined;
      if (address === undefined || mappingIn(endpoint, 'conditions')['ready'] === false) {
        return [];
      }
      const given = textIn(endpoint, 'hostname').toLowerCase();
      const isNamed = isLabel(given);
      return [{ address, hostname: isNamed ? given : address.replace(/[.:]/g, '-'), isNamed, ports }];
    });
}

function addressRecord(name: string, address: string): DnsRecord {
  return { name, type: familyOfAddress(address) === 'ip' ? 'A' : 'AAAA', address };
}

function protocolOf(port: Mapping): string {
  return (textIn(port, 'protocol') || 'TCP').toLowerCase();
}

/** A named port; others have no record. */
function serviceRecord(
  port: Mapping,
  { name, target, weight }: { readonly name: string; readonly target: string; readonly weight: number },
): DnsRecord[] {
  const [portName, number, protocol] = [textIn(port, 'name').toLowerCase(), port['port'], protocolOf(port)];
  if (!isLabel(portName) || !isLabel(protocol) || typeof number !== 'number' || !(number >= 0 && number <= 0xffff)) {
    return [];
  }
  return [{ name: `_${portName}._${protocol}.${name}`, type: 'SRV', priority: 0, weight, port: number, target }];
}

function withoutRepeats(records: readonly DnsRecord[]): DnsRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

function sortRecords(records: readonly DnsRecord[]): DnsRecord[] {
  const keyed = records.map((record) => {
    const { name, type, ...data } = record;
    const labels = name.split('.').reverse().join(' ');
    // NUL is less than what separates labels, so that a name comes before those below it.
    return { record, key: `${type === 'PTR' ? 2 : 1}${labels}\0${type} ${JSON.stringify(data)}` };
  });
  return keyed.sort((a, b) => compareText(a.key, b.key)).map(({ record }) => record);
}
