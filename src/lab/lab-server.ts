/**
 * The process that answers for all Pods, in a network namespace of its own that has their addresses: a Pod hands it what comes to its
 * ports. One process for each would take a second of the processor for ten Pods. It ends with its stdin.
 */

import { type AnswerQuery, createAnswerQuery } from '../dns/answer-query.ts';
import type { DnsRecord } from '../dns/dns-records.ts';
import { type DnsServer, serveDns } from '../dns/serve-dns.ts';
import { endpointText } from '../net/network.ts';
import { type AnsweredPort, createPortAnswers, type PortAnswers } from './answer-ports.ts';
import { prepareNetwork } from './lab-process.ts';
import { openChannel } from './open-channel.ts';
import { clusterDomain } from './plan-lab.ts';

/** Where the DNS of the cluster is served. */
interface DnsPlace {
  readonly address: string;
  readonly port: number;
}

/** The servers of the cluster's DNS. */
interface LabDns {
  /** Takes other records, opens what is new, and closes what is gone. @throws Error when a port cannot be had. */
  sync(records: readonly DnsRecord[], places: readonly DnsPlace[]): Promise<void>;
}

/** In seconds. Endpoints come and go at any time, and clients should not remember them. */
const ttl = 0;

/** None at first. */
function createLabDns(): LabDns {
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

/** What answers at the addresses of one Pod. */
interface ServedHost {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ports: readonly AnsweredPort[];
}

const hosts = new Map<string, PortAnswers>();
const dns = createLabDns();

async function serve(served: readonly ServedHost[]): Promise<readonly string[]> {
  const problems = served.map(({ name, ports, addresses }) => {
    const answers = hosts.get(name) ?? createPortAnswers();
    hosts.set(name, answers);
    return answers.sync(ports, addresses);
  });
  return (await Promise.all(problems)).flat();
}

prepareNetwork();
const channel = openChannel(
  { input: process.stdin, output: process.stdout },
  {
    hello: () => true,
    serve,
    dns: ({ records, places }: { readonly records: readonly DnsRecord[]; readonly places: readonly DnsPlace[] }) =>
      dns.sync(records, places),
    finish: async ({ name, longest }: { readonly name: string; readonly longest: number }) => {
      await hosts.get(name)?.finish(longest);
      hosts.delete(name);
    },
    kill: (name: string) => {
      hosts.get(name)?.reset();
      hosts.delete(name);
    },
  },
);
await channel.ended;
process.exit(0);
