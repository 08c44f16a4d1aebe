import { escapeControls } from '../escape-controls.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Frontend } from '../report/frontend.ts';
import { readFrontends } from '../report/read-frontends.ts';
import type { FamilyKnowledge } from './family-knowledge.ts';
import type { EndpointRow, FrontendRow } from './frontend-row.ts';
import { type Claim, indexClaims } from './index-claims.ts';
import { listEndpoints } from './list-endpoints.ts';
import { placeText } from './place-text.ts';
import { policyAt } from './policy-at.ts';
import { type RulesetFacts, readRulesetFacts } from './read-ruleset-facts.ts';
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
    frontend: placeText(frontend, facts.family),
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
    frontend: placeText(frontend, family),
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
  const [owner = '', portName = ''] = name.split(':');
  const [namespace = '', service] = owner.split('/');
  return service === undefined ? { namespace: '', service: name, portName } : { namespace, service, portName };
}
