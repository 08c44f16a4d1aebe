import type { Frontend } from '../../frontends/frontend.ts';
import { readServicePortName } from '../../frontends/frontend-address.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import { readSettings } from '../../frontends/read-settings.ts';
import type { Places } from '../../kubernetes/locations.ts';
import { escapeControls } from '../../lib/text.ts';
import type { EndpointAddress, Family } from '../../net/network.ts';
import type { Element, Ruleset } from '../../nft/ruleset.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import { displayName, elementComment, setNames } from '../../phases/5-plan/names.ts';
import type { EndpointRow, FrontendRow, FrontendType } from './inventory.ts';
import { listEndpoints } from './list-endpoints.ts';
import { writeRemarks } from './write-remarks.ts';

/** A row for each frontend of a ruleset, and one for each frontend that a Service wants and another one has. Unsorted. */
export function listFrontends(ruleset: Ruleset, knowledge: FamilyKnowledge | undefined): FrontendRow[] {
  const facts = readRulesetFacts(ruleset);
  const claims = knowledge && indexClaims(knowledge.view);
  const rows: FrontendRow[] = [];
  for (const frontend of readFrontends(ruleset).values()) {
    const claimants = claims?.get(frontend.key) ?? [];
    const holder = claimants.find(({ name }) => name === frontend.name);
    rows.push(rowOf(frontend, { holder, knowledge, facts }));
    for (const claim of claimants) {
      if (claim !== holder) {
        rows.push(lostRow(frontend, claim, facts));
      }
    }
  }
  return rows;
}

interface RowContext {
  readonly holder: Claim | undefined;
  readonly knowledge: FamilyKnowledge | undefined;
  readonly facts: RulesetFacts;
}

function rowOf(frontend: Frontend, { holder, knowledge, facts }: RowContext): FrontendRow {
  const type = holder?.type ?? facts.typeOf(frontend);
  const endpoints = listEndpoints(frontend, {
    type,
    servicePort: holder?.servicePort,
    knowledge,
    isLocal: facts.isLocal,
  });
  const { namespace, service, portName } = identityOf(frontend, holder);
  const { refusal, affinitySeconds, sourceRanges } = frontend;
  return {
    namespace,
    service,
    portName,
    protocol: escapeControls(frontend.protocol),
    family: facts.family,
    type,
    frontend: escapeControls(frontend.frontend),
    policy: policyAt(frontend, type, holder?.servicePort),
    refusal,
    givenTo: null,
    affinitySeconds,
    sourceRanges: sourceRanges?.map(escapeControls) ?? null,
    ...countEndpoints(endpoints),
    endpoints,
    remarks: writeRemarks(frontend, { type, endpoints, facts, zone: knowledge?.view.zone ?? '' }),
  };
}

function countEndpoints(endpoints: readonly EndpointRow[]): Pick<FrontendRow, 'endpointsUsed' | 'endpointsLocal'> {
  let endpointsUsed = 0;
  let endpointsLocal = 0;
  for (const { usedBy, local } of endpoints) {
    if (usedBy !== 'nobody') {
      endpointsUsed += 1;
      endpointsLocal += local ? 1 : 0;
    }
  }
  return { endpointsUsed, endpointsLocal };
}

function lostRow(frontend: Frontend, { servicePort, type }: Claim, { family }: RulesetFacts): FrontendRow {
  const { namespace, name, portName, protocol } = servicePort;
  return {
    namespace,
    service: name,
    portName,
    protocol,
    family,
    type,
    frontend: escapeControls(frontend.frontend),
    policy: null,
    refusal: null,
    givenTo: frontend.name,
    affinitySeconds: 0,
    sourceRanges: null,
    endpointsUsed: 0,
    endpointsLocal: 0,
    endpoints: [],
    remarks: [`given to ${frontend.name}`],
  };
}

/** Names stand in the snapshot whole, and in the rules as comments. */
function identityOf(
  { name }: Frontend,
  holder: Claim | undefined,
): Pick<FrontendRow, 'namespace' | 'service' | 'portName'> {
  if (holder) {
    const { namespace, name: service, portName } = holder.servicePort;
    return { namespace, service, portName };
  }
  return readServicePortName(name) ?? { namespace: '', service: name, portName: '' };
}

export interface FamilyKnowledge {
  readonly view: NodeView;
  /** Undefined where nobody asks who is at an address. */
  readonly places: Places | undefined;
}

/** What a service port wants as one of its frontends. */
interface Claim {
  readonly servicePort: ServicePort;
  readonly type: FrontendType;
  /** How the rules name the service port. */
  readonly name: string;
}

/** Who wants a frontend, by its key in the verdict maps, `10.96.0.1 . tcp . 80` or `tcp . 30080`. */
function indexClaims({ servicePorts }: NodeView): ReadonlyMap<string, readonly Claim[]> {
  const index = new Map<string, Claim[]>();
  for (const servicePort of servicePorts) {
    const name = elementComment(displayName(servicePort));
    for (const [key, type] of wishesOf(servicePort)) {
      const claim = { servicePort, type, name };
      const others = index.get(key);
      if (others) {
        others.push(claim);
      } else {
        index.set(key, [claim]);
      }
    }
  }
  return index;
}

/** An address that a Service names in several ways counts as the first of them (see resolveClaims). */
function wishesOf(servicePort: ServicePort): ReadonlyMap<string, FrontendType> {
  const { protocol, port, nodePort, clusterIP, loadBalancerIPs, externalIPs } = servicePort;
  const wishes = new Map<string, FrontendType>([[`${clusterIP} . ${protocol} . ${port}`, 'ClusterIP']]);
  const want = (key: string, type: FrontendType): void => {
    if (!wishes.has(key)) {
      wishes.set(key, type);
    }
  };
  for (const address of loadBalancerIPs) {
    want(`${address} . ${protocol} . ${port}`, 'LoadBalancer');
  }
  for (const address of externalIPs) {
    want(`${address} . ${protocol} . ${port}`, 'ExternalIP');
  }
  if (nodePort > 0) {
    want(`${protocol} . ${nodePort}`, 'NodePort');
  }
  return wishes;
}

/**
 * Which traffic policy holds at a frontend (Service spec.internalTrafficPolicy, spec.externalTrafficPolicy): what the rules
 * do, and where they refuse everybody alike what the service port says; null where neither tells.
 */
function policyAt(
  { policy, refusal }: Frontend,
  type: FrontendType,
  servicePort: ServicePort | undefined,
): FrontendRow['policy'] {
  if (policy !== null && policy !== 'not understood') {
    return policy.startsWith('local') ? 'Local' : 'Cluster';
  }
  if (servicePort) {
    return type === 'ClusterIP' ? servicePort.internalPolicy : servicePort.externalPolicy;
  }
  // Only a lack of endpoints on this node is met with silence.
  return refusal === 'dropped' ? 'Local' : null;
}

/** What a ruleset says beside its frontends. */
export interface RulesetFacts {
  readonly family: Family;
  /** How a frontend came to its address, as far as the rules tell. */
  readonly typeOf: (frontend: Frontend) => FrontendType;
  /** Whether an endpoint may meet itself here, and so runs on this node. */
  readonly isLocal: (endpointAddress: EndpointAddress, protocol: string) => boolean;
  /** Whether node ports are open at no address at all. */
  readonly closesNodePorts: boolean;
}

/** Reads them; the sets of cluster IPs and hairpin connections are gone through once, when first asked. */
function readRulesetFacts(ruleset: Ruleset): RulesetFacts {
  const elementsIn = (name: string): readonly Element[] =>
    ruleset.sets.find((set) => set.name === name)?.elements ?? [];
  const owners = once(
    () =>
      new Map(elementsIn(setNames.clusterIps).map(({ key, comment }): [string, string | undefined] => [key, comment])),
  );
  const hairpins = once(() => new Set(elementsIn(setNames.hairpinConnections).map(({ key }) => key)));
  return {
    family: ruleset.family,
    typeOf: (frontend) => guessType(frontend, owners()),
    isLocal: ({ address, port }, protocol) => hairpins().has(`${address} . ${address} . ${protocol} . ${port}`),
    closesNodePorts: readSettings(ruleset)['node port addresses']?.length === 0,
  };
}

/** A cluster IP may be the external IP of another Service at another port, so its owner has to be the same. */
function guessType(
  { address, name, sourceRanges }: Frontend,
  owners: ReadonlyMap<string, string | undefined>,
): FrontendType {
  if (address && address.address === undefined) {
    return 'NodePort';
  }
  if (address?.address !== undefined && owners.get(address.address) === name.split(':')[0]) {
    return 'ClusterIP';
  }
  return sourceRanges === null ? 'External' : 'LoadBalancer';
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
