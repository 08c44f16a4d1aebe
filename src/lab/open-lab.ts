import { fullName, ofKind } from '../control-plane/object-names.ts';
import { listDnsRecords } from '../dns/dns-records.ts';
import type { Changes } from '../engine/engine.ts';
import type { Service } from '../kubernetes/objects.ts';
import { clusterIPText, namespaceOf } from '../kubernetes/services.ts';
import { pushTo } from '../lib/lists.ts';
import { isMapping, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { type Balancer, openBalancer } from './balance.ts';
import { type LabFiles, openLabFiles } from './lab-files.ts';
import {
  type LabProcess,
  type NamespaceHolder,
  prepareNetwork,
  runIp,
  startHolder,
  startLabProcess,
} from './lab-process.ts';
import { type NextHop, nextHopOf } from './load-balancer.ts';
import {
  type Attachment,
  farEndLines,
  nearEndLines,
  outsideLines,
  ownRulesLines,
  podRouteLines,
  podServerLines,
  servedPortLines,
  serverEndLines,
  serverEndRemovalLines,
} from './network-commands.ts';
import {
  clusterDomain,
  dnsService,
  type LabHost,
  type LabNode,
  type LabPlan,
  planLab,
  portsOfHost,
} from './plan-lab.ts';

/** A part of a lab that has namespaces of its own, and what it is now. */
interface Member<T, P extends NamespaceHolder> {
  /** By which its interfaces are named; never used again. */
  readonly number: number;
  readonly process: P;
  state: T;
}

type NodeMember = Member<LabNode, LabProcess>;
type HostMember = Member<LabHost, NamespaceHolder>;

/** A cluster in network namespaces: that of this process is what is outside of the cluster. */
export interface Lab {
  /**
   * Makes the lab what objects say: what is new answers before rules lead to it, and rules lead away from what is gone before it ends.
   *
   * @returns remarks, in words.
   * @throws Error when a program fails; the lab may then be anything in between.
   */
  bring(objects: readonly Mapping[]): Promise<string[]>;
  /** Lets nothing answer for a Pod any more, and ends its connections, as when its process is killed. */
  silence(pod: string): Promise<void>;
  readonly objects: () => readonly Mapping[];
  /** The addresses of what is outside. */
  readonly outside: readonly string[];
  readonly nodes: ReadonlyMap<string, NodeMember>;
  readonly hosts: ReadonlyMap<string, HostMember>;
  readonly balancer: Balancer;
}

/** What a lab is opened with. */
export interface LabOptions {
  /** Of this process, empty, for files that members see. */
  readonly folder: string;
  /** Families that the kernel has. */
  readonly families: readonly Family[];
  /** Of what is outside, at most one of each family. */
  readonly outside: readonly string[];
  /** For the rules of nodes. */
  readonly compile: Partial<CompileOptions>;
}

/** In milliseconds: a Pod that is told to end has so long for the connections that it has. */
const longestFinish = 2_000;

/** Opens a lab without members, in the network namespace of this process. */
export async function openLab(options: LabOptions): Promise<Lab> {
  prepareNetwork();
  const [files, server] = await Promise.all([
    openLabFiles(options.folder),
    startLabProcess('lab-server'),
    runIp(outsideLines(options.outside)),
  ]);
  await runIp(['link set lo up', ...ownRulesLines(options.families)], server.pid);
  const tools: Tools = {
    ...options,
    files,
    server,
    nodes: new Map(),
    hosts: new Map(),
    next: { number: 1 },
    told: new Map(),
  };
  const balancer = openBalancer(options.outside);
  let current: readonly Mapping[] = [];
  return {
    ...{ nodes: tools.nodes, hosts: tools.hosts, balancer, objects: () => current, outside: options.outside },
    silence: async (pod) => {
      await server.ask('kill', pod);
    },
    bring: async (objects) => {
      const plan = planLab(objects);
      const isFirst = current.length === 0;
      current = objects;
      const [started] = await Promise.all([startHosts(plan, tools, dnsServers(objects)), addNodes(plan, tools)]);
      const updated = (): Promise<string[]> => updateNodes(plan, objects, tools);
      // New nodes take their time, and at the start no rule leads to anybody yet.
      const early = isFirst ? updated() : undefined;
      await wireHosts(started, tools);
      const unheard = await serve(plan, objects, tools);
      const faults = await (early ?? updated());
      await balancer.update(
        objects,
        plan.nodes.map((node) => ({ number: tools.nodes.get(node.name)?.number ?? 0, node })),
      );
      await endHosts(plan, tools);
      return [...plan.notes, ...faults, ...unheard];
    },
  };
}

interface Tools extends LabOptions {
  readonly files: LabFiles;
  readonly server: LabProcess;
  readonly nodes: Map<string, NodeMember>;
  readonly hosts: Map<string, HostMember>;
  readonly next: { number: number };
  /** The objects that nodes know. */
  readonly told: Map<string, readonly Mapping[]>;
}

/** Nodes that were added stay; they may change. */
async function addNodes({ nodes: wanted }: LabPlan, { nodes, next, outside, compile, families }: Tools): Promise<void> {
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
      await started.ask('start', { hostname: node.name, compile: { ...compile, families, nodeName: node.name } });
    }),
  );
}

/** Makes the namespaces of hosts that are new, have moved, or have lost theirs. */
async function startHosts({ hosts: wanted }: LabPlan, tools: Tools, servers: readonly string[]): Promise<HostMember[]> {
  const { hosts, next, files } = tools;
  const started = wanted.map(async (host) => {
    const known = hosts.get(host.name);
    if (known?.process.isRunning() && isSamePlace(known.state, host)) {
      return [];
    }
    if (known) {
      await removeHost(known, tools);
    }
    const number = next.number++;
    const resolvConf = host.node === '' ? undefined : files.resolvConfFor(host.namespace, servers);
    const holder = await startHolder({ hostname: host.hostname, resolvConf });
    const member: HostMember = { number, process: holder, state: { ...host, ports: [], dnsPorts: [] } };
    hosts.set(host.name, member);
    return [member];
  });
  return (await Promise.all(started)).flat();
}

function isSamePlace(a: LabHost, b: LabHost): boolean {
  return a.node === b.node && a.addresses.join() === b.addresses.join();
}

/** Connects hosts to their nodes and to the server. */
async function wireHosts(started: readonly HostMember[], { nodes, outside, server }: Tools): Promise<void> {
  const groups = new Map<string, HostMember[]>();
  for (const member of started) {
    pushTo(groups, member.state.node, member);
  }
  const nearEnds = [...groups].map(([name, members]) => {
    const node = nodes.get(name);
    const lines = members.flatMap((member) => nearEndLines(node ? 'p' : 'h', cableOf(member), node ? [] : outside));
    return runIp(lines, node?.process.pid);
  });
  await Promise.all([
    ...nearEnds,
    runIp(
      started.flatMap((member) => serverEndLines(cableOf(member))),
      server.pid,
    ),
    runIp(started.flatMap(({ state }) => podRouteLines('add', state.addresses, hopsTo(nodes.get(state.node))))),
  ]);
  await Promise.all(
    started.map(({ process: { pid }, state }) =>
      runIp([...farEndLines(nodes.has(state.node) ? 'p' : 'h', state), ...podServerLines(state)], pid),
    ),
  );
}

function cableOf({ number, process: { pid }, state: { addresses } }: HostMember): Attachment {
  return { number, processId: pid, addresses };
}

function hopsTo(node: NodeMember | undefined): NextHop[] {
  return node ? (['ip', 'ip6'] as const).flatMap((family) => nextHopOf(node.state, node.number, family)) : [];
}

/** What a node says about its rules, in words. */
export interface NodeRemarks {
  /** Why they are not those of the objects. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Tells all nodes what has changed. */
async function updateNodes(plan: LabPlan, objects: readonly Mapping[], { nodes, told }: Tools): Promise<string[]> {
  const said = plan.nodes.map(async ({ name }) => {
    const changes = changesBetween(told.get(name) ?? [], objects, name);
    const remarks = (await nodes.get(name)?.process.ask('update', changes)) as NodeRemarks | undefined;
    told.set(name, objects);
    return [...(remarks?.faults ?? []).map((fault) => `${name}: ${fault}`), ...(remarks?.warnings ?? [])];
  });
  // Most warnings are those of every node.
  return [...new Set((await Promise.all(said)).flat())];
}

/** The kinds of objects that rules follow from. */
const kinds: readonly unknown[] = ['Service', 'EndpointSlice', 'ServiceCIDR', 'Node'];

/** What a node has to be told, as a watch of the API would: what is new or different, and what is gone. Other Nodes are left out. */
function changesBetween(before: readonly Mapping[], after: readonly Mapping[], node: string): Changes {
  const known = indexObjects(before, node);
  const wanted = indexObjects(after, node);
  const changed = [...wanted].filter(([key, object]) => !isEqual(known.get(key), object));
  const gone = [...known].filter(([key]) => !wanted.has(key));
  return {
    apply: changed.map(([, object]) => object),
    remove: gone.map(([, object]) => {
      const metadata = mappingIn(object, 'metadata');
      const kind = textIn(object, 'kind');
      const isNamespaced = kind === 'Service' || kind === 'EndpointSlice';
      return { kind, name: textIn(metadata, 'name'), ...(isNamespaced && { namespace: namespaceOf(metadata) }) };
    }),
    complete: true,
  };
}

function indexObjects(objects: readonly Mapping[], node: string): Map<string, Mapping> {
  return new Map(
    objects
      .filter((object) => kinds.includes(object['kind']))
      .filter((object) => object['kind'] !== 'Node' || textIn(mappingIn(object, 'metadata'), 'name') === node)
      .map((object) => {
        const metadata = mappingIn(object, 'metadata');
        return [JSON.stringify([object['kind'], namespaceOf(metadata), metadata['name']]), object];
      }),
  );
}

function isEqual(a: Mapping | undefined, b: Mapping): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Opens the ports of nodes and hosts as they are now, and tells DNS of its records. */
async function serve(plan: LabPlan, objects: readonly Mapping[], tools: Tools): Promise<string[]> {
  const { nodes, hosts, server } = tools;
  const records = listDnsRecords(
    { services: ofKind(objects, 'Service'), endpointSlices: ofKind(objects, 'EndpointSlice') },
    clusterDomain,
  );
  const places = plan.hosts.flatMap(({ addresses, dnsPorts }) =>
    addresses.flatMap((address) => dnsPorts.map((port) => ({ address, port }))),
  );
  const served = plan.hosts.map(({ name, ports, addresses }) => ({ name, ports, addresses }));
  const listen = async ({ name, ports, addresses }: LabNode): Promise<readonly string[]> =>
    (await nodes.get(name)?.process.ask('listen', { ports, addresses })) as readonly string[];
  const [unheard, unheardAtNodes] = await Promise.all([
    server.ask('serve', served) as Promise<readonly string[]>,
    Promise.all(plan.nodes.map(listen)),
    server.ask('dns', { records, places }),
    ...plan.hosts.map(async (host) => {
      const member = hosts.get(host.name);
      if (member?.process.isRunning()) {
        await runIp(portChangeLines(member.state, host), member.process.pid);
        member.state = host;
      }
    }),
  ]);
  return [...unheard, ...unheardAtNodes.flat()];
}

function portChangeLines(before: LabHost, after: LabHost): string[] {
  const keyOf = ({ protocol, port }: ReturnType<typeof portsOfHost>[number]): string => `${protocol} ${port}`;
  const [old, now] = [before, after].map((host) => new Map(portsOfHost(host).map((port) => [keyOf(port), port])));
  const added = [...(now ?? [])].filter(([key]) => !old?.has(key)).map(([, port]) => port);
  const gone = [...(old ?? [])].filter(([key]) => !now?.has(key)).map(([, port]) => port);
  return [...servedPortLines('add', added, after.addresses), ...servedPortLines('del', gone, after.addresses)];
}

/** Ends those that are gone, once they have no connection left. */
async function endHosts(plan: LabPlan, tools: Tools): Promise<void> {
  const { hosts, server } = tools;
  const wanted = new Set(plan.hosts.map(({ name }) => name));
  const gone = [...hosts.values()].filter(({ state }) => !wanted.has(state.name));
  await Promise.all(
    gone.map(async (member) => {
      hosts.delete(member.state.name);
      await server.ask('finish', { name: member.state.name, longest: longestFinish });
      await removeHost(member, tools);
    }),
  );
}

/** Ends the namespaces of a host, and removes what led to it. */
async function removeHost({ number, process: own, state }: HostMember, { nodes, server }: Tools): Promise<void> {
  await own.kill();
  await Promise.all([
    runIp(podRouteLines('del', state.addresses, hopsTo(nodes.get(state.node)))),
    runIp(serverEndRemovalLines({ number, addresses: state.addresses }), server.pid),
  ]);
}

/** The cluster IPs of the Service of DNS. */
function dnsServers(objects: readonly Mapping[]): string[] {
  const name = `${dnsService.namespace}/${dnsService.name}`;
  const service = ofKind(objects, 'Service').find((one) => fullName(one) === name);
  return (['IPv4', 'IPv6'] as const).flatMap((family) => {
    const text =
      service && isMapping(service['spec']) ? clusterIPText(service as unknown as Service, family) : undefined;
    return text === undefined ? [] : (canonicalAddress(text) ?? []);
  });
}
