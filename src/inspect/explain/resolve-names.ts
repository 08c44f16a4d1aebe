import type { Locations } from '../../kubernetes/locations.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import { limitList, listWords, suggestClosest } from '../../lib/text.ts';
import {
  type AddressTarget,
  type ClientName,
  clientWords,
  type NodeTarget,
  type ObjectName,
  type TargetName,
  type TargetPort,
} from './parse-names.ts';

/** Where names are looked up. */
export interface Directory {
  readonly services: readonly { readonly namespace: string; readonly name: string }[];
  /** Undefined without a snapshot. */
  readonly locations: Locations | undefined;
  /** The namespace of names without one; undefined: that of the asking Pod, else the only one that has the name. */
  readonly namespace: string | undefined;
  /** The node that the rules are for; empty if none is known. */
  readonly nodeName: string;
}

/** The names of a snapshot. */
interface SnapshotDirectory extends Directory {
  readonly services: readonly ServiceNote[];
}

/** A client whose name is complete. */
export type KnownClient =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'outside' | 'node' }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  /** Not that of the rules. */
  | { readonly kind: 'other-node'; readonly name: string; readonly addresses: readonly string[] };

/** A target whose name is complete. */
export type KnownTarget = AddressTarget | NodeTarget | ServiceTarget | PlacedTarget;

/** A Service, by its full name. */
export interface ServiceTarget extends TargetPort {
  readonly kind: 'service';
  readonly namespace: string;
  readonly name: string;
}

/** Client and target whose names are complete. */
export interface ResolvedNames {
  readonly client: KnownClient;
  readonly target: KnownTarget;
  /** Which object a short name stands for; undefined if no other has the name. */
  readonly remark: string | undefined;
}

/** A Pod in whose namespace short names are looked up first, as in the search path of its DNS. */
interface Asker {
  readonly namespace: string;
  /** `namespace/name`. */
  readonly pod: string;
}

/** A Pod, `shop/web-1`, or another node than that of the rules, and its addresses. */
export interface PlacedTarget extends TargetPort {
  readonly kind: 'pod' | 'other-node';
  readonly name: string;
  readonly addresses: readonly string[];
}

type Kind = 'Service' | 'Pod' | 'Node';

/** An object that a name may mean. */
interface Candidate {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** Client and target with all that their names left open; a text if one of them does not exist, or is ambiguous. */
export function resolveNames(client: ClientName, target: TargetName, directory: Directory): ResolvedNames | string {
  const from = resolveClientName(client, directory);
  if (typeof from === 'string') {
    return from;
  }
  const to = resolveTargetName(target, directory, askerOf(from, directory));
  return typeof to === 'string' ? to : { client: from, ...to };
}

function resolveClientName(client: ClientName, directory: Directory): KnownClient | string {
  if (!('name' in client)) {
    return client;
  }
  const { locations, nodeName } = directory;
  if (!locations) {
    return 'the name of a Pod or Node needs a snapshot: give PATH, or use the address';
  }
  const found = choose(client, kindsOf(client.kind, ['Pod', 'Node']), { directory, asker: undefined });
  if (typeof found === 'string') {
    return found;
  }
  const { kind, namespace, name } = found.candidate;
  if (kind === 'Node') {
    return name === nodeName ? { kind: 'node' } : { kind: 'other-node', name, addresses: addressesOf(name, locations) };
  }
  return { kind: 'pod', namespace, name };
}

function askerOf(client: KnownClient, { locations }: Directory): Asker | undefined {
  const pod = podOfClient(client, locations);
  const [namespace] = pod?.split('/') ?? [];
  return pod && namespace !== undefined ? { namespace, pod } : undefined;
}

/** `namespace/name` of the Pod that a client is, named or by its address; empty or undefined if it is none. */
export function podOfClient(client: KnownClient, locations: Locations | undefined): string | undefined {
  switch (client.kind) {
    case 'address':
      return locations?.byAddress.get(client.address)?.pod;
    case 'pod':
      return `${client.namespace}/${client.name}`;
    default:
      return undefined;
  }
}

function resolveTargetName(
  target: TargetName,
  directory: Directory,
  asker: Asker | undefined,
): Omit<ResolvedNames, 'client'> | string {
  if (target.kind === 'address' || target.kind === 'node') {
    return { target, remark: undefined };
  }
  const { locations } = directory;
  const { port, protocol } = target;
  if (!locations && (target.kind === 'pod' || target.kind === 'named-node')) {
    return 'the name of a Pod or Node needs a snapshot: give PATH, or use the address';
  }
  const word = wordOf(target, directory);
  if (word === 'outside') {
    return `${target.name} means clients outside the cluster, so it is not a target: use it with --from`;
  }
  if (word === 'node') {
    return { target: { kind: 'node', port, protocol }, remark: undefined };
  }
  const found = choose(target, kindsOf(target.kind, ['Service', 'Pod', 'Node']), { directory, asker });
  return typeof found === 'string'
    ? found
    : { target: targetAt(found.candidate, { port, protocol }, directory), remark: found.remark };
}

function targetAt(
  { kind, namespace, name }: Candidate,
  port: TargetPort,
  { locations, nodeName }: Directory,
): KnownTarget {
  switch (kind) {
    case 'Service':
      return { kind: 'service', namespace, name, ...port };
    case 'Pod': {
      const addresses = locations?.pods.get(`${namespace}/${name}`)?.addresses ?? [];
      return { kind: 'pod', name: `${namespace}/${name}`, ...port, addresses };
    }
    case 'Node':
      return name === nodeName
        ? { kind: 'node', ...port }
        : { kind: 'other-node', name, ...port, addresses: locations ? addressesOf(name, locations) : [] };
  }
}

/** What a target is as a word for clients, such as `host` or `world`; undefined if an object is called so. */
function wordOf(
  { kind, namespace, name }: Exclude<TargetName, AddressTarget | NodeTarget>,
  directory: Directory,
): 'outside' | 'node' | undefined {
  const word = kind === 'name' && namespace === undefined ? clientWords.get(name.toLowerCase()) : undefined;
  return word && !listCandidates(directory).some((candidate) => candidate.name === name) ? word : undefined;
}

function kindsOf(kind: 'service' | 'pod' | 'named-node' | 'name', all: readonly Kind[]): readonly Kind[] {
  const only = { service: 'Service', pod: 'Pod', 'named-node': 'Node', name: undefined } as const;
  const one = only[kind];
  return one ? [one] : all;
}

function addressesOf(node: string, { nodes }: Locations): string[] {
  return [...nodes].filter(([, name]) => name === node).map(([address]) => address);
}

/** Where an object is looked up, and for whom. */
interface Place {
  readonly directory: Directory;
  readonly asker: Asker | undefined;
}

/** An object, and why it was preferred to others with its name. */
interface Choice {
  readonly candidate: Candidate;
  readonly remark: string | undefined;
}

/**
 * The only object with a name, or the only one in the namespace of the asking Pod; a text that lists several, or suggests
 * a similar one.
 */
function choose(given: ObjectName, kinds: readonly Kind[], { directory, asker }: Place): Choice | string {
  const all = listCandidates(directory).filter(({ kind }) => kinds.includes(kind));
  const readings = readingsOf(given, directory.namespace);
  const found = all.filter((one) => readings.some((reading) => fits(one, reading)));
  const isShort = given.namespace === undefined && directory.namespace === undefined;
  const own = isShort
    ? found.filter(({ namespace, name }) => namespace === asker?.namespace && name === given.name)
    : [];
  const possible = own.length > 0 ? own : found;
  const [candidate, ...others] = possible;
  if (!candidate) {
    return notFound(given, { kinds, all, directory });
  }
  if (others.length > 0) {
    const spans = isShort && new Set(possible.flatMap(({ namespace }) => namespace || [])).size > 1;
    const advice = `give one of them${spans ? ', or the namespace with -n NAMESPACE' : ''}`;
    return `${textOf(given)} is ambiguous: it may be ${listCandidateTexts(possible)}; ${advice}`;
  }
  const remark = isShort && asker ? remarkOn(candidate, given, { asker, found }) : undefined;
  return { candidate, remark };
}

/** Which of several objects a short name means for a Pod, or that its DNS does not find the only one by this name. */
function remarkOn(
  candidate: Candidate,
  { name }: ObjectName,
  { asker, found }: { readonly asker: Asker; readonly found: readonly Candidate[] },
): string | undefined {
  const text = candidateText(candidate);
  const others = found.filter((one) => one !== candidate);
  if (others.length > 0) {
    return `${name} is taken as ${text}, in the namespace of Pod ${asker.pod}; there is also ${listCandidateTexts(others)}`;
  }
  const { kind, namespace } = candidate;
  return kind === 'Service' && candidate.name === name && namespace !== asker.namespace
    ? `${name} is taken as ${text}: namespace ${asker.namespace} of Pod ${asker.pod} has no Service ${name}, so its DNS finds this one as ${name}.${namespace} only`
    : undefined;
}

function listCandidateTexts(candidates: readonly Candidate[]): string {
  return listWords(limitList(candidates.map(candidateText), shown));
}

/** How many candidates are listed. */
const shown = 8;

function listCandidates({ services, locations }: Directory): Candidate[] {
  const pods = [...(locations?.pods.keys() ?? [])].map((full): Candidate => {
    const [namespace = '', name = ''] = full.split('/');
    return { kind: 'Pod', namespace, name };
  });
  const nodes = [...new Set(locations?.nodes.values() ?? [])].sort();
  return [
    ...services.map(({ namespace, name }): Candidate => ({ kind: 'Service', namespace, name })),
    ...pods,
    ...nodes.map((name): Candidate => ({ kind: 'Node', namespace: '', name })),
  ];
}

interface Reading {
  readonly kinds: readonly Kind[];
  readonly namespace: string | undefined;
  readonly name: string;
}

/** What a name may mean: `web.shop` and `web.shop.svc.cluster.local` are Services in DNS, or Nodes. */
function readingsOf({ namespace, name }: ObjectName, ownNamespace: string | undefined): Reading[] {
  if (namespace !== undefined) {
    return [{ kinds: ['Service', 'Pod'], namespace, name }];
  }
  const [first = '', second, third, fourth] = name.split('.');
  const isService = second !== undefined && (third === undefined || third === 'svc');
  const isPod = fourth === 'svc';
  return [
    { kinds: ['Service', 'Pod'], namespace: ownNamespace, name },
    { kinds: ['Node'], namespace: '', name },
    ...(isService ? [{ kinds: ['Service'] as const, namespace: second, name: first }] : []),
    ...(isPod ? [{ kinds: ['Pod'] as const, namespace: third, name: first }] : []),
  ];
}

function fits(candidate: Candidate, { kinds, namespace, name }: Reading): boolean {
  return (
    kinds.includes(candidate.kind) &&
    candidate.name === name &&
    (namespace === undefined || candidate.namespace === namespace)
  );
}

function candidateText({ kind, namespace, name }: Candidate): string {
  switch (kind) {
    case 'Service':
      return `service:${namespace}/${name}`;
    case 'Pod':
      return `pod:${namespace}/${name}`;
    case 'Node':
      return `node/${name}`;
  }
}

function textOf({ namespace, name }: ObjectName): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

interface Search {
  readonly kinds: readonly Kind[];
  readonly all: readonly Candidate[];
  readonly directory: Directory;
}

function notFound(given: ObjectName, search: Search): string {
  const { directory } = search;
  const isNode = (kind: Kind): boolean => kind === 'Node';
  if (given.namespace !== undefined && search.kinds.every(isNode)) {
    return `a Node has no namespace: write node/${given.name}`;
  }
  const kinds = search.kinds.filter((kind) => given.namespace === undefined || !isNode(kind));
  const text = textOf({ ...given, namespace: given.namespace ?? directory.namespace });
  const closest = suggestName(given, search);
  if (kinds.length === 1 && kinds[0] === 'Pod') {
    const advice = 'use its address, or a snapshot with pods (kubectl get pods,...)';
    return `no Pod or EndpointSlice in the input names Pod ${text}; ${closest === undefined ? advice : `did you mean ${closest}?`}`;
  }
  const what = kinds.length === 1 ? kinds[0] : `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}`;
  const absent = directory.locations ? 'there is no' : 'the rules have no';
  return `${absent} ${what} ${text}${closest === undefined ? emptyNamespace(given, search) : `; did you mean ${closest}?`}`;
}

function emptyNamespace({ namespace }: ObjectName, { all, kinds }: Search): string {
  const isEmpty = namespace !== undefined && all.length > 0 && !all.some((one) => one.namespace === namespace);
  return isEmpty ? `; namespace ${namespace} has no ${kinds.includes('Pod') ? 'Services and Pods' : 'Services'}` : '';
}

/** The same name in another namespace, or a similar one; with its kind if the kind was left open. */
function suggestName(given: ObjectName, { kinds, all, directory }: Search): string | undefined {
  const show =
    kinds.length === 1
      ? ({ namespace, name }: Candidate) => (namespace === '' ? name : `${namespace}/${name}`)
      : candidateText;
  const namespace = given.namespace ?? directory.namespace;
  const [name = ''] = given.name.split('.');
  const elsewhere = all.find((one) => one.name === name);
  if (elsewhere) {
    return show(elsewhere);
  }
  const own = namespace === undefined ? all : all.filter((one) => one.namespace === namespace);
  const closest = suggestClosest(
    name,
    own.map((one) => one.name),
  );
  const chosen = own.find((one) => one.name === closest);
  return chosen && show(chosen);
}

/**
 * The node whose rules decide: the one whose own address is asked for, else that of the client's Pod or the client itself;
 * undefined if neither is known. An address that a Service has as well is translated on the client's node already.
 *
 * @param directory without the node of the rules, which is in question.
 */
export function nodeOfQuestion(
  client: ClientName,
  target: TargetName,
  directory: SnapshotDirectory,
): string | undefined {
  const { locations, services } = directory;
  const from = resolveClientName(client, directory);
  const [known, asker] =
    typeof from === 'string' ? [undefined, undefined] : [nodeOfClient(from, locations), askerOf(from, directory)];
  const node = known || undefined;
  if (target.kind === 'address') {
    const isFrontend = services.some(({ addresses }) => addresses.includes(target.address));
    const asked = locations?.nodes.get(target.address);
    return isFrontend ? (node ?? asked) : (asked ?? node);
  }
  const to = resolveTargetName(target, directory, asker);
  return typeof to !== 'string' && to.target.kind === 'other-node' ? to.target.name : node;
}

/** The node that a client runs on, or is; empty or undefined if it is not known. */
export function nodeOfClient(client: KnownClient, locations: Locations | undefined): string | undefined {
  switch (client.kind) {
    case 'address':
      return locations?.byAddress.get(client.address)?.nodeName ?? locations?.nodes.get(client.address);
    case 'pod':
      return locations?.pods.get(`${client.namespace}/${client.name}`)?.nodeName;
    case 'other-node':
      return client.name;
    default:
      return undefined;
  }
}
