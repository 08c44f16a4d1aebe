import { summariseFate } from '../walk/summarise-fate.ts';
import { walkPacket } from '../walk/walk-packet.ts';
import { explainClient } from './explain-client.ts';
import type { Findings, Question } from './explain-context.ts';
import { explainAffinity, explainChoice, explainPolicy, listOthers, listPossible } from './explain-endpoints.ts';
import { explainFrontend, explainSourceRanges, serviceOf } from './explain-frontend.ts';
import { explainRefusal, type Refusal } from './explain-refusal.ts';
import { explainSource } from './explain-source.ts';
import type { Explanation, ReasonCode } from './explanation.ts';
import { type FrontendMatch, findFrontends } from './find-frontends.ts';
import { findNearMiss } from './find-near-miss.ts';
import { narrowRuleset } from './narrow-ruleset.ts';
import { ownerOf, readWay, type Way } from './read-way.ts';

/**
 * The fate of a connection's first packet on the node, and why. What happens is computed from the rules alone, by the
 * packet walker; a snapshot gives the reasons in Kubernetes words. Pure. Throws `UnknownRule` for rules that nobody
 * understands.
 */
export function explainPacket(question: Question): Explanation {
  const findings = findOut(question);
  if (!findings) {
    return withoutTable(question);
  }
  const { summary } = findings;
  const { reason, steps } = concludeFrom(findings);
  return {
    ...headOf(question),
    verdict: summary.verdict,
    reason,
    service: serviceOf(findings),
    masqueraded: summary.masqueraded,
    endpoints: listPossible(findings),
    leftOut: listOthers(findings),
    steps: [
      ...explainClient(findings),
      ...explainFrontend(findings),
      ...explainSourceRanges(findings),
      ...explainPolicy(findings),
      ...explainChoice(findings),
      ...explainAffinity(findings),
      ...explainSource(findings),
      ...steps,
    ],
  };
}

function headOf({ packet, knowledge }: Question): Pick<Explanation, 'packet' | 'node'> {
  const { source, destination, port, protocol, inputInterface = null } = packet;
  const family = destination.includes(':') ? 'ip6' : 'ip';
  return {
    packet: { family, source, destination, port, protocol, inputInterface },
    node: knowledge?.view.nodeName ?? '',
  };
}

function withoutTable(question: Question): Explanation {
  const text = 'there is no table of this family, so no rule touches it';
  return {
    ...headOf(question),
    verdict: 'untouched',
    reason: { code: 'no-table', text },
    service: null,
    masqueraded: false,
    endpoints: [],
    leftOut: [],
    steps: [{ topic: 'no rule', text, rules: [] }],
  };
}

function findOut(question: Question): Findings | undefined {
  const { ruleset, packet, localAddresses, memory, knowledge } = question;
  if (!ruleset) {
    return undefined;
  }
  const fate = walkPacket(narrowRuleset(ruleset, packet), packet, { localAddresses }, memory);
  const [first, ...rest] = fate.outcomes.map((outcome) => readWay(outcome, ruleset));
  const way: Way = first ?? {};
  const element = ownerOf(way);
  const frontends = knowledge ? findFrontends(knowledge.view, packet, { owner: element?.comment, localAddresses }) : [];
  return {
    ...question,
    ruleset,
    fate,
    summary: summariseFate(fate),
    ways: [way, ...rest],
    frontends: element ? frontends : [],
  };
}

function concludeFrom(findings: Findings): Refusal {
  const { summary, ways, frontends } = findings;
  switch (summary.verdict) {
    case 'translated':
      return { reason: { code: codeOf(frontends[0]?.kind), text: arrival(findings) }, steps: [] };
    case 'rejected':
    case 'dropped':
      return explainRefusal(findings);
    case 'untouched': {
      const reason = findNearMiss(findings);
      const rules = ways[0].nodePortClosed && reason.code === 'node-port-closed' ? [ways[0].nodePortClosed.rule] : [];
      return { reason, steps: [{ topic: 'no rule', text: reason.text, rules }] };
    }
    case 'mixed':
      return { reason: { code: 'mixed', text: 'chance decides whether it arrives' }, steps: [] };
  }
}

const codes = {
  clusterIP: 'cluster-ip',
  'load balancer IP': 'load-balancer-ip',
  externalIP: 'external-ip',
  'node port': 'node-port',
} as const satisfies Record<FrontendMatch['kind'], ReasonCode>;

function codeOf(kind: FrontendMatch['kind'] | undefined): ReasonCode {
  return kind === undefined ? 'frontend' : codes[kind];
}

function arrival(findings: Findings): string {
  const service = serviceOf(findings);
  const count = findings.summary.endpoints.length;
  return `sent to ${count === 1 ? 'the one endpoint' : `one of ${count} endpoints`} of ${service?.name ?? 'a Service'}`;
}
