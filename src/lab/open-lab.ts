import { listDnsRecords } from '../dns/dns-records.ts';
import type { Service } from '../kubernetes/objects.ts';
import { clusterIPText, namespaceOf } from '../kubernetes/services.ts';
import { pushTo } from '../lib/lists.ts';
import { isMapping, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import type { CompileOptions } from '../options.ts';
import { type Balancer, openBalancer } from './balance.ts';
import { type LabFiles, openLabFiles } from './lab-files.ts';
import { type LabProcess, runIp, startLabProcess } from './lab-process.ts';
import { type NextHop, nextHopOf } from './load-balancer.ts';
import { farEndLines, nearEndLines, outsideLines, podRouteLines } from './network-commands.ts';
import { changesBetween } from './object-changes.ts';
import { dnsService, type LabHost, type LabNode, type LabPlan, planLab } from './plan-lab.ts';
import { prepareNetwork } from './prepare-network.ts';

/** A part of a lab that has namespaces of its own, and what it is now. */
interface Member<T> {
  /** By which its interface is named; never used again. */
  readonly number: number;
  readonly process: LabProcess;
  state: T;
}

/** A cluster in network namespaces: that of this process is what is outside of the cluster. */
export interface Lab {
  /**
   * Makes the lab what objects say: what is new answers before rules lead to it, and rules lead away from what is gone before it ends.
   *
   * @returns remarks, in words.
   * @throws Error when a program fails; the lab may then be anything in between.
   */
  bring(objects: readonly Mapping[]): Promise<string[]>;
  readonly objects: () => readonly Mapping[];
  readonly nodes: ReadonlyMap<string, Member<LabNode>>;
  readonly hosts: ReadonlyMap<string, Member<LabHost>>;
  readonly balancer: Balancer;
}

/** What a lab is opened with. */
export interface LabOptions {
  /** Of this process, empty, for files that members see. */
  readonly folder: string;
  /** Of what is outside, at most one of each family. */
  readonly outside: readonly string[];
  /** For the rules of nodes. */
  readonly compile: Partial<CompileOptions>;
}

/** In milliseconds: a Pod that is told to end has so long for the connections that it has. */
const longestFinish = 2_000;

/** Opens a lab without members, in the network namespace of this process. */
export async function openLab(options: LabOptions): Promise<Lab> {
  prepareNetwork({ isRouter: true });
  const [files] = await Promise.all([openLabFiles(options.folder), runIp(outsideLines(options.outside))]);
  const tools: Tools = { ...options, files, nodes: new Map(), hosts: new Map(), next: { number: 1 } };
  const balancer = openBalancer(options.outside);
  let current: readonly Mapping[] = [];
  return {
    ...{ nodes: tools.nodes, hosts: tools.hosts, balancer, objects: () => current },
    bring: async (objects) => {
      const plan = planLab(objects);
      const before = current;
      const isFirst = before.length === 0;
      current = objects;
      await addNodes(plan, tools);
      const started = await startHosts(plan, tools);
      // At the start no rule leads to anybody yet, and nodes take their time.
      const wired = wireHosts(started, tools, dnsServers(objects));
      if (!isFirst) {
        await wired;
      }
      const [faults] = await Promise.all([updateNodes(plan, { before, after: objects }, tools), wired]);
      const unheard = await listen(plan, objects, tools);
      await balancer.update(objects, hopsOf(tools));
      await endHosts(plan, tools);
      return [...plan.notes, ...faults, ...unheard];
    },
  };
}

interface Tools extends LabOptions {
  readonly files: LabFiles;
  readonly nodes: Map<string, Member<LabNode>>;
  readonly hosts: Map<string, Member<LabHost>>;
  readonly next: { number: number };
}

/** Nodes that were added stay; they may change. */
async function addNodes({ nodes: wanted }: LabPlan, tools: Tools): Promise<void> {
  const { nodes, next, outside, compile } = tools;
  await Promise.all(
    wanted.map(async (node) => {
      const known = nodes.get(node.name);
      if (known) {
        known.state = node;
        return;
      }
      const number = next.number++;
      const started = await startLabProcess('lab-node');
      nodes.set(node.name, { number, process: started, state: node });
      const cable = { number, processId: started.pid, addresses: node.addresses };
      await runIp(nearEndLines('n', cable, outside));
      await runIp(farEndLines('n', cable), started.pid);
      await started.ask('name', node.name);
      await started.ask('start', { ...compile, nodeName: node.name });
    }),
  );
}

/** Starts the processes of hosts that are new, or whose process has died. */
async function startHosts({ hosts: wanted }: LabPlan, { hosts, next }: Tools): Promise<Member<LabHost>[]> {
  const started = wanted.map(async (host) => {
    const known = hosts.get(host.name);
    const isSame = known?.process.isRunning() && isSamePlace(known.state, host);
    if (known && isSame) {
      known.state = host;
      return [];
    }
    const number = next.number++;
    const member: Member<LabHost> = { number, process: await startLabProcess('lab-pod'), state: host };
    if (known) {
      await known.process.kill();
    }
    hosts.set(host.name, member);
    return [member];
  });
  return (await Promise.all(started)).flat();
}

function isSamePlace(a: LabHost, b: LabHost): boolean {
  return a.node === b.node && a.addresses.join() === b.addresses.join();
}

/** Connects hosts to their nodes. */
async function wireHosts(started: readonly Member<LabHost>[], tools: Tools, servers: readonly string[]): Promise<void> {
  const { nodes, files, outside } = tools;
  const groups = new Map<string, Member<LabHost>[]>();
  for (const member of started) {
    pushTo(groups, member.state.node, member);
  }
  await Promise.all(
    [...groups].map(async ([name, members]) => {
      const node = nodes.get(name);
      const lines = members.flatMap((member) => nearEndLines(node ? 'p' : 'h', cableOf(member), node ? [] : outside));
      await runIp(lines, node?.process.pid);
    }),
  );
  await runIp(started.flatMap(({ state }) => podRouteLines('add', state.addresses, hopsTo(nodes.get(state.node)))));
  await Promise.all(
    started.map(async (member) => {
      const { process: own, state } = member;
      await Promise.all([
        runIp(farEndLines(nodes.has(state.node) ? 'p' : 'h', state), own.pid),
        state.kind === 'pod' ? files.useDns(own.pid, state.namespace, servers) : undefined,
        own.ask('name', state.hostname),
      ]);
      await own.ask('listen', { ports: state.ports, addresses: state.addresses });
    }),
  );
}

function cableOf({ number, process: { pid }, state: { addresses } }: Member<LabHost>) {
  return { number, processId: pid, addresses };
}

function hopsTo(node: Member<LabNode> | undefined): NextHop[] {
  return node ? (['ip', 'ip6'] as const).flatMap((family) => nextHopOf(node.state, node.number, family)) : [];
}

function hopsOf({ nodes }: Tools) {
  return [...nodes.values()].map(({ number, state }) => ({ number, node: state }));
}

/** Tells all nodes what has changed. */
async function updateNodes(
  plan: LabPlan,
  objects: { readonly before: readonly Mapping[]; readonly after: readonly Mapping[] },
  { nodes }: Tools,
): Promise<string[]> {
  const told = plan.nodes.map(async ({ name }) => {
    const changes = changesBetween(objects.before, objects.after, name);
    const faults = (await nodes.get(name)?.process.ask('update', changes)) as readonly string[];
    return faults.map((fault) => `${name}: ${fault}`);
  });
  return (await Promise.all(told)).flat();
}

/** Opens the ports of all members as they are now, and tells DNS of its records. */
async function listen(plan: LabPlan, objects: readonly Mapping[], { nodes, hosts }: Tools): Promise<string[]> {
  const members = [
    ...plan.nodes.map(({ name }) => nodes.get(name)),
    ...plan.hosts.map(({ name }) => hosts.get(name)),
  ].filter((one) => one !== undefined);
  const unheard = await Promise.all(
    members
      .filter(({ process: own }) => own.isRunning())
      .map(({ process: own, state: { ports, addresses } }) => own.ask('listen', { ports, addresses })),
  );
  const records = listDnsRecords(
    { services: ofKind(objects, 'Service'), endpointSlices: ofKind(objects, 'EndpointSlice') },
    'cluster.local',
  );
  await Promise.all(
    [...hosts.values()]
      .filter(({ state, process: own }) => state.dnsPorts.length > 0 && own.isRunning())
      .map(({ process: own, state: { dnsPorts: ports, addresses } }) => own.ask('dns', { records, addresses, ports })),
  );
  return (unheard as string[][]).flat();
}

/** Ends those that are gone, once they have no connection left. */
async function endHosts(plan: LabPlan, { hosts, nodes }: Tools): Promise<void> {
  const wanted = new Set(plan.hosts.map(({ name }) => name));
  const gone = [...hosts.values()].filter(({ state }) => !wanted.has(state.name));
  await Promise.all(
    gone.map(async ({ process: own, state }) => {
      hosts.delete(state.name);
      if (own.isRunning()) {
        await own.ask('finish', longestFinish).catch(() => undefined);
      }
      await own.kill();
      await runIp(podRouteLines('del', state.addresses, hopsTo(nodes.get(state.node))));
    }),
  );
}

function ofKind(objects: readonly Mapping[], kind: string): Mapping[] {
  return objects.filter((object) => object['kind'] === kind);
}

/** The cluster IPs of the Service of DNS. */
function dnsServers(objects: readonly Mapping[]): string[] {
  const service = ofKind(objects, 'Service').find((one) => {
    const metadata = mappingIn(one, 'metadata');
    return namespaceOf(metadata) === dnsService.namespace && textIn(metadata, 'name') === dnsService.name;
  });
  return (['IPv4', 'IPv6'] as const).flatMap((family) => {
    const text =
      service && isMapping(service['spec']) ? clusterIPText(service as unknown as Service, family) : undefined;
    return text === undefined ? [] : (canonicalAddress(text) ?? []);
  });
}
