import { pushTo } from '../lib/lists.ts';
import { joinLines } from '../lib/text.ts';
import type { DnsRecord } from './dns-records.ts';

/** A zone, as CoreDNS and BIND load it. */
export interface Zone {
  /** Without the dot at its end: `cluster.local`, `96.10.in-addr.arpa`. */
  readonly origin: string;
  /** A master file (RFC 1035, section 5). */
  readonly text: string;
}

/** What all zones have. */
export interface ZoneOptions {
  /** `cluster.local`: the zone of all names that are not reverse. */
  readonly domain: string;
  /** In seconds. */
  readonly ttl: number;
  /** By which secondary servers see that a zone has changed, so that it has to grow. */
  readonly serial: number;
}

/** The zone of the domain, then those of reverse names: a zone for each /16 of IPv4, and each /64 of IPv6. */
export function printZones(records: readonly DnsRecord[], options: ZoneOptions): Zone[] {
  const zones = new Map<string, DnsRecord[]>([[options.domain, []]]);
  for (const record of records) {
    pushTo(zones, zoneOf(record.name, options.domain), record);
  }
  return [...zones].map(([origin, some]) => ({ origin, text: printZone(origin, some, options) }));
}

/** How many labels of a reverse name are those of a host. */
const hostLabels = { 'in-addr': 2, ip6: 16 } as const;

/** The zone of a fully qualified name of a record, `cluster.local`. */
export function zoneOf(name: string, domain: string): string {
  const [, kind] = /\.(in-addr|ip6)\.arpa\.$/.exec(name) ?? [];
  const host = kind === undefined ? undefined : hostLabels[kind as keyof typeof hostLabels];
  return host === undefined ? domain : name.split('.').slice(host, -1).join('.');
}

function printZone(origin: string, records: readonly DnsRecord[], { domain, ttl, serial }: ZoneOptions): string {
  const { server, contact, refresh, retry, expire } = authorityOf(domain);
  const authority = `${server} ${contact} ${serial} ${refresh} ${retry} ${expire} ${ttl}`;
  return joinLines([
    `$ORIGIN ${origin}.`,
    `$TTL ${ttl}`,
    `@ IN SOA ${authority}`,
    `@ IN NS ${server}`,
    // A server refuses a zone whose name server lies in it and has no address.
    ...(origin === domain ? ['ns.dns IN A 127.0.0.1'] : []),
    ...records.map((record) => `${relativeName(record.name, origin)} IN ${record.type} ${recordData(record)}`),
  ]);
}

/** What the SOA record of each zone says, besides its serial number and how long the absence of a name is kept; times in seconds, as in CoreDNS. */
export function authorityOf(domain: string) {
  return {
    server: `ns.dns.${domain}.`,
    contact: `hostmaster.${domain}.`,
    refresh: 7_200,
    retry: 1_800,
    expire: 86_400,
  };
}

function relativeName(name: string, origin: string): string {
  return name.slice(0, -`.${origin}.`.length);
}

/** The data of a record as a master file has them. */
export function recordData(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case 'CNAME':
    case 'PTR':
      return record.target;
    case 'TXT':
      return `"${record.text}"`;
  }
}
