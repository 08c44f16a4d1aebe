import type { Locations } from '../../kubernetes/locations.ts';
import { listWords, suggestClosest } from '../../lib/text.ts';
import type { AddressTarget, ClientName, NodeTarget, ObjectName, TargetName, TargetPort } from './parse-names.ts';

/** Where names are looked up. */
export interface Directory {
  readonly services: readonly { readonly namespace: string; readonly name: string }[];
  /** Undefined without a snapshot. */
  readonly locations: Locations | undefined;
  /** The namespace of names without one; undefined: the only one that has the name. */
  readonly namespace: string | undefined;
  /** The node that the rules are for; empty if none is known. */
  readonly nodeName: string;
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

/** The client with the namespace and kind that its name left open; a text if there is none, or several. */
export function resolveClientName(client: ClientName, directory: Directory): KnownClient | string {
  if (!('name' in client)) {
    return client;
  }
  const { locations, nodeName } = directory;
  if (!locations) {
    return 'the name of a Pod or Node needs a snapshot: give PATH, or use the address';
  }
  const found = choose(client, kindsOf(client.kind, ['Pod', 'Node']), directory);
  if (typeof found === 'string') {
    return found;
  }
  if (found.kind === 'Node') {
    const { name } = found;
    return name === nodeName ? { kind: 'node' } : { kind: 'other-node', name, addresses: addressesOf(name, locations) };
  }
  return { kind: 'pod', namespace: found.namespace, name: found.name };
}

/** The target with the namespace and kind that its name left open; a text if there is none, or several. */
export function resolveTargetName(target: TargetName, directory: Directory): KnownTarget | string {
  if (target.kind === 'address' || target.kind === 'node') {
    return target;
  }
  const { locations, nodeName } = directory;
  const { port, protocol } = target;
  if (!locations && (target.kind === 'pod' || target.kind === 'named-node')) {
    return 'the name of a Pod or Node needs a snapshot: give PATH, or use the address';
  }
  if (isOwnNode(target, directory)) {
    return { kind: 'node', port, protocol };
  }
  const found = choose(target, kindsOf(target.kind, ['Service', 'Pod', 'Node']), directory);
  if (typeof found === 'string') {
    return found;
  }
  const { namespace, name } = found;
  switch (found.kind) {
    case 'Service':
      return { kind: 'service', namespace, name, port, protocol };
    case 'Pod': {
      const addresses = locations?.pods.get(`${namespace}/${name}`)?.addresses ?? [];
      return { kind: 'pod', name: `${namespace}/${name}`, port, protocol, addresses };
    }
    case 'Node':
      return name === nodeName
        ? { kind: 'node', port, protocol }
        : { kind: 'other-node', name, port, protocol, addresses: locations ? addressesOf(name, locations) : [] };
  }
}

/** Whether a target is `host` or `node`, as for clients, and no object is called so. */
function isOwnNode(
  { kind, namespace, name }: Exclude<TargetName, AddressTarget | NodeTarget>,
  directory: Directory,
): boolean {
  const isWord = kind === 'name' && namespace === undefined && (name === 'host' || name === 'node');
  return isWord && !listCandidates(directory).some((candidate) => candidate.name === name);
}

function kindsOf(kind: 'service' | 'pod' | 'named-node' | 'name', all: readonly Kind[]): readonly Kind[] {
  const only = { service: 'Service', pod: 'Pod', 'named-node': 'Node', name: undefined } as const;
  const one = only[kind];
  return one ? [one] : all;
}

function addressesOf(node: string, { nodes }: Locations): string[] {
  return [...nodes].filter(([, name]) => name === node).map(([address]) => address);
}

/** The only object with a name; a text that lists several, or suggests a similar one. */
function choose(given: ObjectName, kinds: readonly Kind[], directory: Directory): Candidate | string {
  const all = listCandidates(directory).filter(({ kind }) => kinds.includes(kind));
  const readings = readingsOf(given, directory.namespace);
  const found = all.filter((one) => readings.some((reading) => fits(one, reading)));
  const [first, ...others] = found;
  if (!first) {
    return notFound(given, { kinds, all, directory });
  }
  if (others.length === 0) {
    return first;
  }
  const texts = found.slice(0, shown).map(candidateText);
  const more = found.length > shown ? [`${found.length - shown} more`] : [];
  return `${textOf(given)} is ambiguous: it may be ${listWords([...texts, ...more])}; give one of them`;
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
  const { kinds, directory } = search;
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

/** The node that the question is about: that of the client's Pod, or the one that the target names; undefined if neither does. */
export function nodeOfQuestion(client: ClientName, target: TargetName, directory: Directory): string | undefined {
  const { locations } = directory;
  const from = resolveClientName(client, directory);
  if (typeof from !== 'string' && from.kind === 'other-node') {
    return undefined;
  }
  const pod =
    typeof from !== 'string' && from.kind === 'pod' ? locations?.pods.get(`${from.namespace}/${from.name}`) : undefined;
  const byAddress = client.kind === 'address' ? locations?.byAddress.get(client.address)?.nodeName : undefined;
  const known = pod?.nodeName || byAddress;
  if (known) {
    return known;
  }
  if (target.kind === 'address') {
    return locations?.nodes.get(target.address);
  }
  const to = resolveTargetName(target, directory);
  return typeof to !== 'string' && to.kind === 'other-node' ? to.name : undefined;
}
