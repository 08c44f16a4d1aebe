import { readServicePortName, readVerdictKey } from '../../frontends/frontend-address.ts';
import { readIptablesEntries } from '../../frontends/read-iptables-entries.ts';
import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import { listWords } from '../../lib/text.ts';
import { familyOfAddress } from '../../net/address.ts';
import { type Family, type Protocol, protocols } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { elementsIn } from '../../nft/ruleset-parts.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import type { Memory } from '../../walk/fate.ts';
import { findDamage } from '../../walk/find-damage.ts';
import type { Knowledge, Question } from './evidence.ts';
import { type Followed, followExternalName } from './follow-external-name.ts';
import type { ClientName, TargetName } from './parse-names.ts';
import { resolveClient } from './resolve-client.ts';
import {
  type Directory,
  type KnownClient,
  type KnownTarget,
  resolveNames,
  type ServiceTarget,
} from './resolve-names.ts';
import { type Aim, resolveTarget } from './resolve-target.ts';

/** A table, and what earlier connections wrote into its dynamic sets. */
export interface Table {
  readonly ruleset: Ruleset;
  readonly memory?: Memory;
  readonly isDormant?: boolean;
  /** Whether it was read from the kernel or a file, so that parts of it may be gone. */
  readonly isActual?: boolean;
}

/** What a snapshot says about a cluster. */
export interface SnapshotFacts {
  readonly views: readonly NodeView[];
  readonly locations: Locations;
  readonly notes: readonly ServiceNote[];
  readonly sources: EndpointSources;
  readonly options: CompileOptions;
}

/** A question as the user asks it, and where to find the answer. */
export interface Inquiry {
  readonly client: ClientName;
  readonly target: TargetName;
  /** The namespace of names without one, before that of the client's Pod. */
  readonly namespace?: string | undefined;
  /** The interface on which the packet arrives, if it is given. */
  readonly inputInterface: string | undefined;
  readonly tables: ReadonlyMap<Family, Table>;
  /** Addresses of the node in addition to those in the snapshot. */
  readonly ownAddresses: readonly string[];
  readonly snapshot: SnapshotFacts | undefined;
}

/** Questions about packets: one for each frontend that the target names. */
export interface AskedPackets {
  readonly questions: readonly [Question, ...Question[]];
  /** Remarks about names, the client and the tables, each once. */
  readonly remarks: readonly string[];
  /** `namespace/name`, if the target is a Service. */
  readonly service: string | undefined;
}

/** A Service that no rule serves, in these families or at all. */
export interface UnservedTarget {
  readonly unserved: ServiceNote;
  /** The families that were looked at. */
  readonly families: readonly Family[];
  /** Why its external name is not followed to a Service; undefined if it is not one of the cluster. */
  readonly deadEnd: string | undefined;
  /** As for packets. */
  readonly remarks: readonly string[];
}

/** The questions about packets that an inquiry stands for; a text if it names something unknown, or ambiguous. */
export function makeQuestions(inquiry: Inquiry): AskedPackets | UnservedTarget | string {
  const names = resolveNames(inquiry.client, inquiry.target, directoryOf(inquiry));
  if (typeof names === 'string') {
    return names;
  }
  const { client } = names;
  const { target, isAlias, remarks: answers, deadEnd } = follow(names.target, inquiry);
  const remarks = [...(names.remark === undefined ? [] : [names.remark]), ...answers];
  const views = preferredViews(inquiry, { client, target });
  const localAddresses = localAddressesOf(inquiry);
  const found =
    target.kind === 'service' && !inquiry.snapshot
      ? findInRules(target, inquiry, localAddresses)
      : resolveTarget(target, { views, localAddresses });
  if (typeof found === 'string') {
    return found;
  }
  // DNS answers an external name with the cluster IP of the Service.
  const aims = isAlias ? found.filter(({ frontend }) => !frontend || frontend.kind === 'ClusterIP') : found;
  const service = target.kind === 'service' ? `${target.namespace}/${target.name}` : undefined;
  const unserved = inquiry.snapshot?.notes.find(({ namespace, name }) => `${namespace}/${name}` === service);
  if (aims.length === 0 && unserved) {
    return { unserved, families: views.map(({ family }) => family), deadEnd, remarks };
  }
  const asked = askAll(aims, { client, inquiry, service });
  if (typeof asked === 'string') {
    return asked;
  }
  const untried = target.kind === 'service' && !isAlias ? untriedNodePorts(aims) : [];
  return {
    ...asked,
    remarks: [...remarks, ...asked.remarks, ...(untried.length > 0 ? [untriedText(untried)] : [])],
  };
}

/** The Service that a target stands for in DNS; the target itself if it is no ExternalName Service. */
function follow(
  target: KnownTarget,
  { snapshot }: Inquiry,
): Omit<Followed, 'target'> & { readonly target: KnownTarget } {
  return target.kind === 'service' && snapshot
    ? followExternalName(target, snapshot)
    : { target, isAlias: false, remarks: [], deadEnd: undefined };
}

/** Node ports of the Service that cannot be tried because no address of the node is known. */
function untriedNodePorts(aims: readonly Aim[]): number[] {
  const tried = new Set(aims.flatMap(({ frontend }) => (frontend?.kind === 'NodePort' ? [frontend.servicePort] : [])));
  const all = aims.flatMap(({ frontend }) => (frontend ? [frontend.servicePort] : []));
  return [...new Set(all.filter((one) => one.nodePort > 0 && !tried.has(one)).map(({ nodePort }) => nodePort))];
}

function untriedText(nodePorts: readonly number[]): string {
  const which =
    nodePorts.length === 1 ? `node port ${nodePorts[0]} is` : `node ports ${listWords(nodePorts.map(String))} are`;
  return `${which} not tried, because no address of the node is known; use --node`;
}

/** Everything that names can be looked up in. */
function directoryOf({ snapshot, tables, namespace }: Inquiry): Directory {
  const services = snapshot?.notes ?? namesInRules([...tables.values()].map(({ ruleset }) => ruleset));
  const nodeName = snapshot?.views[0]?.nodeName ?? '';
  return { services, locations: snapshot?.locations, namespace, nodeName };
}

function localAddressesOf({ snapshot, ownAddresses }: Inquiry): string[] {
  return [...new Set([...(snapshot?.views.flatMap(({ addresses }) => addresses) ?? []), ...ownAddresses])];
}

/**
 * The views in which both client and target may have addresses, first those of families that the client has, and among
 * them that of the Service's first cluster IP. All of them if the client has no address in any.
 */
function preferredViews(
  { snapshot }: Inquiry,
  { client, target }: { readonly client: KnownClient; readonly target: KnownTarget },
): NodeView[] {
  const addresses = addressesOfClient(client, snapshot);
  const note = snapshot?.notes.find(
    ({ namespace, name }) => target.kind === 'service' && namespace === target.namespace && name === target.name,
  );
  const lacks = ({ family }: NodeView): number => (familyOfAddress(note?.addresses[0] ?? '') === family ? 0 : 1);
  const views = [...(snapshot?.views ?? [])].sort((a, b) => lacks(a) - lacks(b));
  const possible = views.filter(
    ({ family }) => addresses?.some((address) => familyOfAddress(address) === family) ?? true,
  );
  return possible.length > 0 ? possible : views;
}

/** Undefined for a client that may have addresses in all families. */
function addressesOfClient(client: KnownClient, snapshot: SnapshotFacts | undefined): readonly string[] | undefined {
  switch (client.kind) {
    case 'address':
      return [client.address];
    case 'pod':
      return snapshot?.locations.pods.get(`${client.namespace}/${client.name}`)?.addresses;
    case 'other-node':
      return client.addresses;
    default:
      return undefined;
  }
}

interface AskContext {
  readonly client: KnownClient;
  readonly inquiry: Inquiry;
  readonly service: string | undefined;
}

/** Questions for all destinations that the client can address; a text if it can address none. */
function askAll(aims: readonly Aim[], { client, inquiry, service }: AskContext): AskedPackets | string {
  const questions: Question[] = [];
  const remarks = new Set<string>();
  const problems: string[] = [];
  for (const aim of aims) {
    const asked = ask(aim, client, inquiry);
    if (typeof asked === 'string') {
      problems.push(asked);
    } else {
      questions.push(asked.question);
      for (const remark of asked.remark === undefined ? [] : [asked.remark]) {
        remarks.add(remark);
      }
    }
  }
  const [first, ...rest] = questions;
  return first
    ? { questions: [first, ...rest], remarks: [...remarks], service }
    : (problems[0] ?? `the rules have no frontend of Service ${service}`);
}

function ask(
  aim: Aim,
  client: KnownClient,
  inquiry: Inquiry,
): { question: Question; remark: string | undefined } | string {
  const { snapshot, tables, ownAddresses } = inquiry;
  const { destination, port, protocol, frontend } = aim;
  const family = familyOfAddress(destination);
  const knowledge = knowledgeOf(snapshot, family);
  const localAddresses = [...new Set([...(knowledge?.view.addresses ?? []), ...ownAddresses])];
  const table = tables.get(family);
  const isClusterIP = table !== undefined && hasClusterIP(table.ruleset, destination);
  const from = resolveClient(client, { destination, localAddresses, isClusterIP, known: knowledge });
  if (typeof from === 'string') {
    return from;
  }
  const inputInterface = inquiry.inputInterface ?? from.inputInterface;
  const damage = table?.isActual ? findDamage(table.ruleset) : undefined;
  const question: Question = {
    packet: {
      destination,
      port,
      protocol,
      source: from.source,
      ...(inputInterface !== undefined && { inputInterface }),
    },
    ruleset: table?.ruleset,
    ...(table?.memory && { memory: table.memory }),
    ...(table?.isDormant && { isDormant: true }),
    ...(damage && { damage }),
    ...(frontend && { asked: frontend }),
    localAddresses,
    ...(knowledge && { knowledge }),
  };
  return { question, remark: from.remark };
}

function hasClusterIP(ruleset: Ruleset, address: string): boolean {
  if (ruleset.language !== 'iptables') {
    return elementsIn(ruleset, setNames.clusterIps).some(({ key }) => key === address);
  }
  return [...readIptablesEntries(ruleset).values()].some(
    ({ key, kind }) => kind === 'ClusterIP' && readVerdictKey(key)?.address === address,
  );
}

function knowledgeOf(snapshot: SnapshotFacts | undefined, family: Family): Knowledge | undefined {
  const view = snapshot?.views.find((one) => one.family === family);
  return snapshot && view && { ...snapshot, view };
}

/** A frontend of a Service, as the comment of its element names it. */
interface NamedFrontend {
  readonly namespace: string;
  readonly name: string;
  /** Empty for an unnamed port. */
  readonly portName: string;
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly protocol: Protocol;
  readonly port: number;
  readonly family: Family;
}

/** The maps whose comments name Services. */
const namedMaps = [
  setNames.serviceIps,
  setNames.noEndpointServices,
  setNames.serviceNodePorts,
  setNames.noEndpointNodePorts,
] as const;

function namesInRules(rulesets: readonly Ruleset[]): NamedFrontend[] {
  const all = rulesets.flatMap(frontendsIn);
  return [...new Map(all.map((one) => [`${one.namespace}/${one.name}`, one])).values()];
}

function frontendsIn(ruleset: Ruleset): NamedFrontend[] {
  return namesOf(ruleset).flatMap(({ key, name }) => {
    const owner = readServicePortName(name);
    const { address, protocol: word, port } = readVerdictKey(key) ?? {};
    const protocol = protocols.find((one) => one === word);
    return owner && protocol && port !== undefined
      ? [
          {
            namespace: owner.namespace,
            name: owner.service,
            portName: owner.portName,
            address,
            protocol,
            port,
            family: ruleset.family,
          },
        ]
      : [];
  });
}

/** The keys of frontends, and whose they are by the comments of elements, or of rules of iptables. */
function namesOf(ruleset: Ruleset): { readonly key: string; readonly name: string | undefined }[] {
  return ruleset.language === 'iptables'
    ? [...readIptablesEntries(ruleset).values()]
    : namedMaps.flatMap((map) => elementsIn(ruleset, map).map(({ key, comment }) => ({ key, name: comment })));
}

/**
 * The frontends of a Service by the comments of elements, for questions without a snapshot; or a text that says why there
 * are none. Does not find a name that is so long that its comment is cut.
 */
function findInRules(
  { namespace, name, port, protocol }: ServiceTarget,
  { tables }: Inquiry,
  localAddresses: readonly string[],
): Aim[] | string {
  const rulesets = [...tables.values()].map(({ ruleset }) => ruleset);
  const all = rulesets.flatMap(frontendsIn).filter((one) => one.namespace === namespace && one.name === name);
  const chosen = all.filter(
    (one) =>
      (port === undefined ||
        one.portName === port ||
        all.some((other) => isSamePort(one, other) && String(other.port) === port)) &&
      (protocol === undefined || one.protocol === protocol),
  );
  if (chosen.length === 0) {
    const list = [...new Set(all.map((one) => `${one.portName || one.port}/${one.protocol}`))].join(', ');
    return `Service ${namespace}/${name} has ports ${list}; choose one of them`;
  }
  const aims = chosen.flatMap((one): Aim[] => {
    const own = localAddresses.find((address) => familyOfAddress(address) === one.family);
    const destination = one.address ?? own;
    return destination === undefined ? [] : [{ destination, port: one.port, protocol: one.protocol }];
  });
  return [...new Map(aims.map((aim) => [JSON.stringify(aim), aim])).values()];
}

/** Node ports have another number, but the same name. */
function isSamePort(one: NamedFrontend, other: NamedFrontend): boolean {
  return one.portName === other.portName && one.protocol === other.protocol && other.address !== undefined;
}
