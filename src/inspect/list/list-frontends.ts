import type { Frontend } from '../../frontends/frontend.ts';
import { readServicePortName, type ServicePortName } from '../../frontends/frontend-address.ts';
import { type FrontendClaim, indexClaims } from '../../frontends/frontend-claims.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import { type RulesetFacts, readRulesetFacts } from '../../frontends/read-ruleset-facts.ts';
import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { type NoEndpointsCause, whyNoEndpoints } from '../../kubernetes/why-no-endpoints.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText, escapeControls } from '../../lib/text.ts';
import { compareAddressTexts } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { EndpointRow, FrontendRow, FrontendType, Inventory, TableRow } from './inventory.ts';
import { createEndpointSorter, type FamilyKnowledge, listEndpoints } from './list-endpoints.ts';
import { remarkOnHolder, writeRemarks } from './write-remarks.ts';

/** What is known besides the rules. */
interface Knowledge {
  /** One for each family. */
  readonly views: readonly NodeView[];
  /** Who is at the endpoints' addresses; absent where that is not needed. */
  readonly locations?: Locations;
  /** Where endpoints come from; called only when that is needed. */
  readonly endpointSources?: () => EndpointSources;
  /** Services without rules. */
  readonly unserved: readonly FrontendRow[];
}

/**
 * Every frontend of the rulesets, which may be compiled or read from a kernel. What a frontend does comes from the rules
 * alone; a snapshot adds what they do not say: types, endpoints left out, frontends that another Service holds.
 */
export function listFrontends(rulesets: readonly Ruleset[], knowledge?: Knowledge): Inventory {
  const tables: TableRow[] = [];
  const rows = collectAll(rulesets, (ruleset) => {
    const view = knowledge?.views.find(({ family }) => family === ruleset.family);
    const facts = readRulesetFacts(ruleset, view?.addresses);
    tables.push(tableRow(ruleset, facts));
    const { locations, endpointSources } = knowledge ?? {};
    return rowsOf(ruleset, facts, view && { view, locations, endpointSources, endpointsOf: createEndpointSorter() });
  });
  return {
    node: escapeControls(knowledge?.views[0]?.nodeName ?? ''),
    tables,
    items: [...rows, ...(knowledge?.unserved ?? [])].sort(compareRows),
  };
}

/** All addresses of a family, in the form of KubeProxyConfiguration's nodePortAddresses. */
const allAddresses: Readonly<Record<Family, string>> = { ip: '0.0.0.0/0', ip6: '::/0' };

function tableRow({ family, table }: Ruleset, { nodePortAddresses }: RulesetFacts): TableRow {
  const addresses =
    nodePortAddresses?.kind === 'all' ? [allAddresses[family]] : nodePortAddresses?.addresses.map(escapeControls);
  return { family, table: escapeControls(table), nodePortAddresses: addresses ?? null };
}

/** A row for each frontend of a ruleset, and one for each frontend that a Service asks for and another one holds. */
function rowsOf(ruleset: Ruleset, facts: RulesetFacts, knowledge: FamilyKnowledge | undefined): FrontendRow[] {
  const frontends = readFrontends(ruleset);
  const claims = knowledge && indexClaims(knowledge.view.servicePorts, frontends);
  const rows: FrontendRow[] = [];
  for (const frontend of frontends.values()) {
    const claimants = claims?.get(frontend.key) ?? [];
    const holder = claimants.find(({ held }) => held);
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
  readonly holder: FrontendClaim | undefined;
  readonly knowledge: FamilyKnowledge | undefined;
  readonly facts: RulesetFacts;
}

function rowOf(frontend: Frontend, { holder, knowledge, facts }: RowContext): FrontendRow {
  const type = holder?.kind ?? facts.kindOf(frontend) ?? 'External';
  const servicePort = holder?.servicePort;
  const endpoints = listEndpoints(frontend, { type, servicePort, knowledge, facts });
  const { namespace, service, portName } = nameOf(frontend, servicePort);
  const { refusal, affinitySeconds, sourceRanges } = frontend;
  return {
    namespace,
    service,
    portName,
    protocol: escapeControls(frontend.protocol),
    port: servicePort?.port ?? portOf(frontend),
    family: facts.family,
    type,
    frontend: escapeControls(frontend.frontend),
    policy: policyAt(frontend, type, servicePort),
    refusal,
    heldBy: null,
    affinitySeconds,
    sourceRanges: sourceRanges?.map(escapeControls) ?? null,
    ...countEndpoints(endpoints),
    endpoints,
    remarks: writeRemarks(frontend, {
      type,
      endpoints,
      facts,
      zone: knowledge?.view.zone ?? '',
      cause: causeOf(frontend, servicePort, knowledge),
    }),
  };
}

/** A node port is not the number of its service port. */
function portOf({ address }: Frontend): number | null {
  return address?.address === undefined ? null : address.port;
}

/** Why a service port that is rejected has no endpoint at all; undefined where it has one, or where that is not known. */
function causeOf(
  { refusal }: Frontend,
  servicePort: ServicePort | undefined,
  knowledge: FamilyKnowledge | undefined,
): NoEndpointsCause | undefined {
  const isEmpty = refusal === 'rejected' && servicePort?.endpoints.length === 0;
  const sources = isEmpty ? knowledge?.endpointSources?.() : undefined;
  return servicePort && sources && whyNoEndpoints(servicePort, knowledge?.view.family ?? 'ip', sources);
}

function countEndpoints(endpoints: readonly EndpointRow[]): Pick<FrontendRow, 'endpointsUsed' | 'endpointsLocal'> {
  let endpointsUsed = 0;
  let endpointsLocal = 0;
  let isKnown = true;
  for (const { usedBy, local } of endpoints) {
    if (usedBy !== 'none') {
      endpointsUsed += 1;
      endpointsLocal += local ? 1 : 0;
      isKnown &&= local !== null;
    }
  }
  return { endpointsUsed, endpointsLocal: isKnown ? endpointsLocal : null };
}

function lostRow(frontend: Frontend, { servicePort, kind }: FrontendClaim, { family }: RulesetFacts): FrontendRow {
  const { namespace, name, portName, protocol } = servicePort;
  return {
    namespace,
    service: name,
    portName,
    protocol,
    port: servicePort.port,
    family,
    type: kind,
    frontend: escapeControls(frontend.frontend),
    policy: null,
    refusal: null,
    heldBy: frontend.name,
    affinitySeconds: 0,
    sourceRanges: null,
    endpointsUsed: 0,
    endpointsLocal: 0,
    endpoints: [],
    remarks: [remarkOnHolder(frontend.name)],
  };
}

/** Names are whole in the snapshot, and comments in the rules. */
function nameOf({ name }: Frontend, servicePort: ServicePort | undefined): ServicePortName {
  if (servicePort) {
    return { namespace: servicePort.namespace, service: servicePort.name, portName: servicePort.portName };
  }
  return readServicePortName(name) ?? { namespace: '', service: name, portName: '' };
}

/**
 * Which traffic policy applies at a frontend (Service spec.internalTrafficPolicy, spec.externalTrafficPolicy): what the
 * rules do, and where they refuse all clients alike what the service port says; null where neither shows it.
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
  // Connections are dropped only for lack of endpoints on this node.
  return refusal === 'dropped' ? 'Local' : null;
}

const typeOrder: Readonly<Record<FrontendType, number>> = {
  ClusterIP: 0,
  LoadBalancer: 1,
  ExternalIP: 2,
  External: 3,
  NodePort: 4,
};

function compareRows(a: FrontendRow, b: FrontendRow): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.service, b.service) ||
    compareText(a.portName ?? '', b.portName ?? '') ||
    compareText(a.protocol ?? '', b.protocol ?? '') ||
    compareText(a.family ?? '', b.family ?? '') ||
    rankOf(a) - rankOf(b) ||
    compareAddressTexts(a.frontend ?? '', b.frontend ?? '') ||
    (a.port ?? 0) - (b.port ?? 0)
  );
}

function rankOf({ type }: FrontendRow): number {
  return type === null ? 0 : typeOrder[type];
}
