/**
 * The process of a Pod, or of another address with endpoints, in namespaces of its own: it answers at its ports, serves DNS if that is
 * its part, and connects to others for tests. It loads little, because a lab has many. It ends with its stdin.
 */

import { writeFileSync } from 'node:fs';
import type { AnsweredPort } from './answer-ports.ts';
import { createPortAnswers } from './answer-ports.ts';
import { openChannel } from './open-channel.ts';
import { prepareNetwork } from './prepare-network.ts';
import { type ProbeRequest, probe } from './probe.ts';
import type { DnsUpdate, LabDns } from './serve-lab-dns.ts';

const answers = createPortAnswers();
let dns: LabDns | undefined;

prepareNetwork();
const channel = openChannel(
  { input: process.stdin, output: process.stdout },
  {
    hello: () => true,
    name: (hostname: string) => writeFileSync('/proc/sys/kernel/hostname', hostname),
    listen: ({
      ports,
      addresses,
    }: {
      readonly ports: readonly AnsweredPort[];
      readonly addresses: readonly string[];
    }) => answers.sync(ports, addresses),
    dns: async (update: DnsUpdate) => {
      const { openLabDns } = await import('./serve-lab-dns.ts');
      dns ??= await openLabDns(update);
      dns.update(update);
    },
    probe: (request: ProbeRequest) => probe(request),
    finish: (longest: number) => answers.finish(longest),
  },
);
await channel.ended;
process.exit(0);
