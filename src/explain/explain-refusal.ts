import { displayName } from '../phases/5-plan/names.ts';
import type { Findings } from './explain-context.ts';
import { serviceOf } from './explain-frontend.ts';
import type { ExplainedStep, Explanation, RuleReference } from './explanation.ts';
import { findNearestService, findWrongPort } from './find-near-miss.ts';

/** Why no endpoint gets the packet, and the rule that says so. */
export interface Refusal {
  readonly reason: Explanation['reason'];
  readonly steps: readonly ExplainedStep[];
}

const refused = 'rejected with an ICMP error, so the client sees "connection refused" at once';
const silent = 'dropped, so the client hears nothing and times out';

/** Why the packet is rejected or dropped. */
export function explainRefusal(findings: Findings): Refusal {
  const [way] = findings.ways;
  if (way.sourceRefused) {
    return refusal('source-ranges', `its source is not allowed: ${silent}`, way.sourceRefused.rule);
  }
  if (way.refusal) {
    const isDrop =
      way.refusal.element?.value && 'kind' in way.refusal.element.value && way.refusal.element.value.kind === 'drop';
    return isDrop
      ? refusal('no-local-endpoints', `${noLocal(findings)}: ${silent}`, way.refusal.rule)
      : refusal('no-endpoints', `${none(findings)}: ${refused}`, way.refusal.rule);
  }
  if (way.unknownPort) {
    const miss = findWrongPort(findings);
    return refusal('unknown-port', `${miss ?? 'the clusterIP has no such port'}: ${refused}`, way.unknownPort.rule);
  }
  if (way.unallocated) {
    const { packet } = findings;
    const near = findNearestService(findings);
    const text = `${packet.destination} belongs to no Service, but to the Services' range ${way.unallocated.element?.key ?? ''}${near}`;
    return refusal('unallocated', `${text}: ${silent}`, way.unallocated.rule);
  }
  if (way.stalePin) {
    const text = 'the client kept an endpoint that is gone; this packet is dropped, and the next one picks anew';
    return refusal('stale-pin', text, way.stalePin.rule);
  }
  return { reason: { code: 'mixed', text: 'rules decide that the compiler does not make' }, steps: [] };
}

function refusal(code: Refusal['reason']['code'], text: string, rule: RuleReference): Refusal {
  return { reason: { code, text }, steps: [{ topic: 'refusal', text, rules: [rule] }] };
}

function noLocal(findings: Findings): string {
  const { frontends, knowledge } = findings;
  const [frontend] = frontends;
  const policy = frontend?.kind === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const here = knowledge?.view.nodeName || 'this node';
  return `${policy} is Local, and no endpoint on ${here} can take it`;
}

function none(findings: Findings): string {
  const { frontends } = findings;
  const [frontend] = frontends;
  const name = serviceOf(findings)?.name ?? 'the Service';
  const count = frontend?.servicePort.endpoints.length ?? 0;
  if (!frontend) {
    return `${name} has no endpoint that can take it`;
  }
  const port = displayName(frontend.servicePort);
  return count === 0
    ? `no EndpointSlice has an endpoint for ${port}`
    : `none of the ${count === 1 ? 'one endpoint' : `${count} endpoints`} of ${port} is ready`;
}
