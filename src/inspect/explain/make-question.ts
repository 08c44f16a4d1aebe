import { readServicePortName, readVerdictKey } from '../../frontends/frontend-address.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import { familyOfAddress } from '../../net/address.ts';
import { type Family, protocols } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { elementsIn } from '../../nft/ruleset-parts.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import type { Memory } from '../../walk/fate.ts';
import type { Destination, Knowledge, Question } from './evidence.ts';
import { type ClientName, resolveClient } from './resolve-client.ts';
import { resolveTarget, type TargetName } from './resolve-target.ts';

/** A table, and what earlier connections wrote into its dynamic sets. */
export interface Table {
  readonly ruleset: Ruleset;
  readonly memory?: Memory;
  readonly isDormant?: boolean;
}

/** What a snapshot says about a cluster. */
export interface SnapshotFacts {
  readonly views: readonly NodeView[];
  readonly locations: Locations;
  readonly notes: readonly ServiceNote[];
  readonly options: CompileOptions;
}

/** A question as the user asks it, and where to find the answer. */
interface Inquiry {
  readonly client: ClientName;
  readonly target: TargetName;
  /** The interface on which the packet arrives, if it is given. */
  readonly inputInterface: string | undefined;
  readonly tables: ReadonlyMap<Family, Table>;
  /** Addresses of the node in addition to those in the snapshot. */
  readonly ownAddresses: readonly string[];
  readonly snapshot: SnapshotFacts | undefined;
}

/** The question about one packet, and a remark about its client; or a text that says why there is no such packet. */
export function makeQuestion(inquiry: Inquiry): { question: Question; remark: string | undefined } | string {
  const { client, target, snapshot, tables, ownAddresses } = inquiry;
  const to =
    target.kind === 'service' && !snapshot
      ? findInRules(
          target,
          [...tables.values()].map(({ ruleset }) => ruleset),
        )
      : resolveTarget(target, { views: preferredViews(inquiry), notes: snapshot?.notes ?? [] });
  if (typeof to === 'string') {
    return to;
  }
  const { destination } = to;
  const family = familyOfAddress(destination);
  const knowledge = knowledgeOf(snapshot, family);
  const localAddresses = [...new Set([...(knowledge?.view.addresses ?? []), ...ownAddresses])];
  const from = resolveClient(client, { destination, localAddresses, known: knowledge });
  if (typeof from === 'string') {
    return from;
  }
  const inputInterface = inquiry.inputInterface ?? from.inputInterface;
  const table = tables.get(family);
  const question: Question = {
    packet: { ...to, source: from.source, ...(inputInterface !== undefined && { inputInterface }) },
    ruleset: table?.ruleset,
    ...(table?.memory && { memory: table.memory }),
    ...(table?.isDormant && { isDormant: true }),
    localAddresses,
    ...(knowledge && { knowledge }),
  };
  return { question, remark: from.remark };
}

/** The views, first those of families that the client has, and among them that of the Service's first cluster IP. */
function preferredViews({ client, target, snapshot }: Inquiry): NodeView[] {
  const pod = client.kind === 'pod' ? snapshot?.locations.pods.get(`${client.namespace}/${client.name}`) : undefined;
  const note = snapshot?.notes.find(
    ({ namespace, name }) => target.kind === 'service' && namespace === target.namespace && name === target.name,
  );
  const lacks = ({ family }: NodeView): number =>
    (pod && !pod.addresses.some((address) => familyOfAddress(address) === family) ? 2 : 0) +
    (familyOfAddress(note?.addresses[0] ?? '') === family ? 0 : 1);
  return [...(snapshot?.views ?? [])].sort((a, b) => lacks(a) - lacks(b));
}

function knowledgeOf(snapshot: SnapshotFacts | undefined, family: Family): Knowledge | undefined {
  const view = snapshot?.views.find((one) => one.family === family);
  return snapshot && view && { ...snapshot, view };
}

/** A cluster IP and port of a Service, as the rules name it. */
interface NamedFrontend extends Destination {
  /** Empty for an unnamed port. */
  readonly portName: string;
}

/**
 * The cluster IP and port of a Service by the comments of elements, for questions without a snapshot; or a text that
 * says why there is none. Does not find a name that is so long that its comment is cut.
 */
function findInRules(
  { namespace, name, port, protocol }: Extract<TargetName, { kind: 'service' }>,
  rulesets: readonly Ruleset[],
): Destination | string {
  const frontends = rulesets.flatMap((ruleset) => clusterIpsOf(`${namespace}/${name}`, ruleset));
  const chosen = frontends.filter(
    (one) =>
      (port === undefined || one.portName === port || String(one.port) === port) &&
      (protocol === undefined || one.protocol === protocol),
  );
  const [first, ...others] = chosen;
  if (first && others.every((one) => one.portName === first.portName && one.protocol === first.protocol)) {
    const { destination, port: number, protocol: known } = first;
    return { destination, port: number, protocol: known };
  }
  const list = [...new Set(frontends.map((one) => `${one.portName || one.port}/${one.protocol}`))].join(', ');
  return frontends.length === 0
    ? `the rules have no cluster IP of Service ${namespace}/${name}`
    : `Service ${namespace}/${name} has ports ${list}; choose one of them`;
}

function clusterIpsOf(service: string, ruleset: Ruleset): NamedFrontend[] {
  const clusterIps = new Set(elementsIn(ruleset, setNames.clusterIps).map(({ key }) => key));
  return [...elementsIn(ruleset, setNames.serviceIps), ...elementsIn(ruleset, setNames.noEndpointServices)].flatMap(
    ({ key, comment }) => {
      const owner = readServicePortName(comment);
      const { address: destination, protocol: word, port } = readVerdictKey(key) ?? {};
      const protocol = protocols.find((one) => one === word);
      const isOwn = owner !== undefined && `${owner.namespace}/${owner.service}` === service;
      return isOwn && protocol && port !== undefined && destination !== undefined && clusterIps.has(destination)
        ? [{ destination, protocol, port, portName: owner.portName }]
        : [];
    },
  );
}
