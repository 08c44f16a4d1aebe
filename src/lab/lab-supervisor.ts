/**
 * The process that a lab consists of: the first one in a namespace of processes, so that all others, and their namespaces, end with it,
 * however it ends. It answers at a socket in the folder that its argument names.
 */

import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pushTo } from '../lib/lists.ts';
import type { Mapping } from '../lib/unknown-values.ts';
import { describeLab } from './describe-lab.ts';
import { addressesOfClient, findAnswerers, findBalancedAddress, findClient } from './find-client.ts';
import type { Findings } from './judge-expectation.ts';
import { askInside } from './lab-process.ts';
import { openChannel } from './open-channel.ts';
import { type Lab, type LabOptions, openLab } from './open-lab.ts';
import { type LabChange, type PodDifference, planSteps, podChanges } from './plan-steps.ts';
import type { Expectation } from './read-expectations.ts';

const [, , folder = ''] = process.argv;
let opened: Lab | undefined;
let isAsked = false;
let last: Promise<unknown> = Promise.resolve();

/** Changes are made one after the other. */
function inOrder<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work);
  last = result.catch(() => undefined);
  return result;
}

function lab(): Lab {
  if (!opened) {
    throw new Error('the lab is not up yet');
  }
  return opened;
}

interface UpRequest extends Omit<LabOptions, 'folder'> {
  readonly objects: readonly Mapping[];
  /** Whether the lab ends when the one who asks is gone, however that ends. */
  readonly endsWithCaller: boolean;
}

async function up({ objects, endsWithCaller: _, ...options }: UpRequest): Promise<readonly string[]> {
  const files = join(folder, 'files');
  mkdirSync(files);
  const fresh = await openLab({ ...options, folder: files });
  const remarks = await fresh.bring(objects);
  opened = fresh;
  return remarks;
}

/** A process in the namespaces of a client. */
function processOf(client: string): number {
  const { objects, nodes, hosts } = lab();
  const found = findClient(objects(), client);
  if (typeof found === 'string') {
    throw new Error(found);
  }
  if (found.kind === 'outside') {
    return process.pid;
  }
  const member =
    found.kind === 'node' ? nodes.get(found.name) : (hosts.get(found.name) ?? nodes.get(nodeOfPod(found.name)));
  if (!member?.process.isRunning()) {
    throw new Error(
      found.kind === 'address'
        ? `no endpoint without a Pod has ${found.name}`
        : `${found.kind} ${found.name} does not run`,
    );
  }
  return member.process.pid;
}

/** For Pods with the network of the host. */
function nodeOfPod(name: string): string {
  return describeLab(lab()).pods.find((pod) => pod.name === name && pod.hostNetwork)?.node ?? '';
}

/** What was found out about an expectation, or why nothing could be. */
type Finding = Findings | { readonly problem: string };

/** Tries what expectations are about, with one process for each client. */
async function findOut(expectations: readonly Expectation[]): Promise<Finding[]> {
  const findings: Finding[] = expectations.map(() => ({ problem: 'not tried' }));
  const byClient = new Map<string, number[]>();
  for (const [index, { from }] of expectations.entries()) {
    pushTo(byClient, from, index);
  }
  const work = [...byClient].map(async ([from, indices]) => {
    const some = indices.map((index) => expectations[index] as Expectation);
    const found = await findOutFrom(from, some).catch((error: Error) => some.map(() => ({ problem: error.message })));
    for (const [at, index] of indices.entries()) {
      findings[index] = found[at] as Finding;
    }
  });
  await Promise.all(work);
  return findings;
}

async function findOutFrom(from: string, expectations: readonly Expectation[]): Promise<Finding[]> {
  const { objects, outside } = lab();
  const client = findClient(objects(), from);
  if (typeof client === 'string') {
    throw new Error(client);
  }
  const requests = expectations.flatMap(({ request, times }) => {
    const host = (client.kind === 'outside' && findBalancedAddress(objects(), request.host)) || request.host;
    return Array.from({ length: times }, () => ({ ...request, host }));
  });
  const results = [...((await askInside(processOf(from), 'probe', requests)) as Findings['results'])];
  const clientAddresses = addressesOfClient(objects(), client, outside);
  return expectations.map(({ answeredBy, times }) => {
    const own = results.splice(0, times);
    const names = answeredBy.map((text) => findAnswerers(objects(), text));
    const problem = names.find((one) => typeof one === 'string');
    return problem === undefined ? { results: own, names: names.flat(), clientAddresses } : { problem };
  });
}

/** Carries out a change step by step. */
async function changeLab(change: LabChange): Promise<PodDifference & { readonly remarks: readonly string[] }> {
  const current = lab();
  const before = current.objects();
  const planned = planSteps(before, change);
  if ('problem' in planned) {
    throw new Error(planned.problem);
  }
  if (change.kind === 'kill') {
    await current.silence(`${change.pod.namespace ?? ''}/${change.pod.name}`);
  }
  const remarks: string[] = [];
  for (const step of planned.steps) {
    remarks.push(...(await current.bring(step)));
  }
  return { ...podChanges(before, current.objects()), remarks: [...new Set(remarks)] };
}

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  let request: UpRequest | undefined;
  const channel = openChannel(
    { input: socket, output: socket },
    {
      up: (wanted: UpRequest) => {
        request = wanted;
        isAsked = true;
        return inOrder(() => up(wanted));
      },
      status: () => inOrder(async () => describeLab(lab())),
      enter: processOf,
      change: (change: LabChange) => inOrder(() => changeLab(change)),
      expect: findOut,
    },
  );
  // The caller is gone, and the lab with it unless it is up and stays.
  void channel.ended.then(() => {
    if (request && (request.endsWithCaller || !opened)) {
      process.exit(1);
    }
  });
});
server.listen(join(folder, 'socket'));
// The one who has started this may have ended before it could ask.
setTimeout(() => isAsked || process.exit(1), 60_000).unref();
