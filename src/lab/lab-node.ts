/**
 * The process of a node, in a network namespace of its own: it keeps the ruleset in sync with the objects of the cluster, answers
 * the health checks of load balancers, and for Pods with the network of the host. It ends with its stdin.
 */

import { writeFileSync } from 'node:fs';
import { createServiceProxy, type ServiceProxy } from '../apply/create-service-proxy.ts';
import type { Changes } from '../engine/engine.ts';
import { openHttpServer, plainText, type ServerOpener } from '../health/http-server.ts';
import { createServiceHealth } from '../health/service-health.ts';
import { createNftSession } from '../kernel/nft-session.ts';
import { createRunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { type AnsweredPort, createPortAnswers } from './answer-ports.ts';
import { prepareNetwork } from './lab-process.ts';
import { healthzPort } from './load-balancer.ts';
import { openChannel } from './open-channel.ts';
import type { NodeRemarks } from './open-lab.ts';

const answers = createPortAnswers();
let proxy: Promise<ServiceProxy> | undefined;
let options: Partial<CompileOptions> = {};
/** Why the rules are not those of the objects; empty if they are. */
let faults: readonly string[] = [];

/** Servers that do not listen yet. */
const opening = new Set<Promise<unknown>>();
const openServer: ServerOpener = (server) => {
  const opened = openHttpServer(server);
  opening.add(opened);
  const forget = () => opening.delete(opened);
  opened.then(forget, forget);
  return opened;
};

const families: readonly Family[] = ['ip', 'ip6'];
const health = families.map((family) => ({
  family,
  checks: createServiceHealth({
    family,
    open: openServer,
    loopback: [],
    isHealthy: () => faults.length === 0,
    onFailure: ({ reason }) => process.stderr.write(`a port for health checks cannot be opened: ${reason}\n`),
    onRecovery: () => undefined,
  }),
}));

async function openHealthz(): Promise<void> {
  const respond = () => plainText('', faults.length === 0 ? 200 : 503);
  await openHttpServer({ port: healthzPort, respond });
}

async function update(changes: Changes): Promise<NodeRemarks> {
  proxy ??= createServiceProxy({ ...options, run: createNftSession(createRunProgram()).run });
  const opened = await proxy;
  const { ok, families: tables, diagnostics, healthChecks, waitsFor } = await opened.update(changes);
  const errors = tables.flatMap(({ family, error }) => (error ? [`table ${family}: ${error.said.join(' ')}`] : []));
  const left = tables.flatMap(({ rejectedServices }) => rejectedServices.map((name) => `nft rejects Service ${name}`));
  faults = ok && waitsFor === undefined ? [] : [...errors, ...left, ...(waitsFor ? [`waits for ${waitsFor}`] : [])];
  for (const { family, nodePortAddresses } of opened.nodeSettings()) {
    health.find((one) => one.family === family)?.checks.sync(healthChecks, nodePortAddresses);
  }
  // A load balancer that asks now gets an answer.
  await Promise.allSettled(opening);
  const warnings = diagnostics.map(({ message, object }) =>
    object ? `${object.kind} ${object.namespace ?? ''}/${object.name ?? ''}: ${message}` : message,
  );
  return { faults, warnings };
}

prepareNetwork();
const channel = openChannel(
  { input: process.stdin, output: process.stdout },
  {
    hello: () => true,
    start: async ({ hostname, compile }: { readonly hostname: string; readonly compile: Partial<CompileOptions> }) => {
      writeFileSync('/proc/sys/kernel/hostname', hostname);
      options = compile;
      await openHealthz();
    },
    update,
    listen: ({
      ports,
      addresses,
    }: {
      readonly ports: readonly AnsweredPort[];
      readonly addresses: readonly string[];
    }) => answers.sync(ports, addresses),
  },
);
await channel.ended;
process.exit(0);
