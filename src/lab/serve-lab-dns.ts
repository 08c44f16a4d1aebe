import { type AnswerQuery, createAnswerQuery } from '../dns/answer-query.ts';
import type { DnsRecord } from '../dns/dns-records.ts';
import { type DnsServer, serveDns } from '../dns/serve-dns.ts';
import { endpointText } from '../net/network.ts';
import { clusterDomain } from './plan-lab.ts';

/** Where the DNS of the cluster is served. */
export interface DnsPlace {
  readonly address: string;
  readonly port: number;
}

/** The servers of the cluster's DNS. */
export interface LabDns {
  /** Takes other records, opens what is new, and closes what is gone. @throws Error when a port cannot be had. */
  sync(records: readonly DnsRecord[], places: readonly DnsPlace[]): Promise<void>;
}

/** In seconds. Endpoints come and go as soon as somebody says so, and clients should not remember them. */
const ttl = 0;

/** None at first. */
export function createLabDns(): LabDns {
  const servers = new Map<string, DnsServer>();
  let current: AnswerQuery = createAnswerQuery([], { domain: clusterDomain });
  return {
    sync: async (records, places) => {
      current = createAnswerQuery(records, { domain: clusterDomain });
      const wanted = new Map(places.map((place) => [endpointText(place), place]));
      for (const [key, server] of servers) {
        if (!wanted.has(key)) {
          server.close();
          servers.delete(key);
        }
      }
      const answer: AnswerQuery = (name, type) => {
        const found = current(name, type);
        // There is no other server to ask, and resolvers take a refusal for a failure that may pass.
        return found.code === 'REFUSED' ? { ...found, code: 'NXDOMAIN' } : found;
      };
      for (const [key, { address, port }] of wanted) {
        if (!servers.has(key)) {
          servers.set(key, await serveDns({ address, port, domain: clusterDomain, ttl, serial: 1, answer }));
        }
      }
    },
  };
}
