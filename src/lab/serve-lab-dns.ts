import { type AnswerQuery, createAnswerQuery } from '../dns/answer-query.ts';
import type { DnsRecord } from '../dns/dns-records.ts';
import { serveDns } from '../dns/serve-dns.ts';

/** What a server of DNS tells from now on, and where. */
export interface DnsUpdate {
  readonly records: readonly DnsRecord[];
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

/** A server of the cluster's DNS. */
export interface LabDns {
  /** Takes other records; addresses and ports stay. */
  update(update: Pick<DnsUpdate, 'records'>): void;
}

/** The domain of all labs. */
export const clusterDomain = 'cluster.local';

/** In seconds. Endpoints come and go as soon as somebody says so, and clients should not remember them. */
const ttl = 0;

/** Opens a server at each address and port. @throws Error when a port cannot be had. */
export async function openLabDns({ records, addresses, ports }: DnsUpdate): Promise<LabDns> {
  let current: AnswerQuery = createAnswerQuery(records, { domain: clusterDomain });
  for (const address of addresses) {
    for (const port of ports) {
      const answer: AnswerQuery = (name, type) => current(name, type);
      await serveDns({ address, port, domain: clusterDomain, ttl, serial: 1, answer });
    }
  }
  return {
    update: ({ records: next }) => {
      current = createAnswerQuery(next, { domain: clusterDomain });
    },
  };
}
