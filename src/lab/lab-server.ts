/**
 * The process that answers for all Pods, in a network namespace of its own that has their addresses: a Pod hands it what comes to its
 * ports. One process for each would take a second of the processor for ten Pods. It ends with its stdin.
 */

import type { DnsRecord } from '../dns/dns-records.ts';
import { type AnsweredPort, createPortAnswers, type PortAnswers } from './answer-ports.ts';
import { prepareNetwork } from './lab-process.ts';
import { openChannel } from './open-channel.ts';
import { createLabDns, type DnsPlace } from './serve-lab-dns.ts';

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
