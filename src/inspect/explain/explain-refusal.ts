import { displayName } from '../../phases/5-plan/names.ts';
import type { Findings } from './explain-context.ts';
import { listOthers } from './explain-endpoints.ts';
import { serviceOf } from './explain-frontend.ts';
import { isDrop } from './explain-policy.ts';
import type { ExplainedStep, Explanation } from './explanation.ts';
import {
  findMissingEntry,
  findMissingRule,
  findNearestService,
  findUnserved,
  findWrongPort,
} from './find-near-miss.ts';
import { type Decision, referTo } from './read-way.ts';

/** Why no endpoint gets the packet, and the rule that says so. */
export interface Refusal {
  readonly reason: Explanation['reason'];
  readonly steps: readonly ExplainedStep[];
}

const rejected = 'rejected with an ICMP error, so the client sees "connection refused" at once';
const dropped = 'dropped, so the client hears nothing and times out';

/** Why the packet is rejected or dropped. */
export function explainRefusal(findings: Findings): Refusal {
  const [way] = findings.ways;
  if (way.sourceRefused) {
    return refusal({ code: 'source-ranges', text: `its source is not allowed: ${dropped}` }, way.sourceRefused);
  }
  if (way.refusal) {
    const reason = isDrop(way)
      ? ({ code: 'no-local-endpoints', text: `${noLocal(findings)}: ${dropped}` } as const)
      : ({ code: 'no-endpoints', text: `${none(findings)}: ${rejected}` } as const);
    return refusal(reason, way.refusal);
  }
  const missing = findMissingEntry(findings) ?? findMissingRule(findings);
  if (way.unknownPort) {
    const { code, text } = missing ?? unknownPort(findings);
    return refusal({ code, text: `${text}: ${rejected}` }, way.unknownPort);
  }
  if (way.unallocated) {
    const { code, text } = missing ?? findUnserved(findings) ?? unallocated(findings, way.unallocated);
    return refusal({ code, text: `${text}: ${dropped}` }, way.unallocated);
  }
  if (way.stalePin) {
    return refusal({ code: 'stale-pin', text: stalePin(findings) }, way.stalePin);
  }
  return explainForeign(findings);
}

/** A rule or element that the compiler does not make. */
function explainForeign({ ways: [{ end }], summary }: Findings): Refusal {
  const text = `${summary.verdict} by a rule or element that svc2nft does not make`;
  const rules = end ? [referTo(end)] : [];
  return { reason: { code: 'foreign-rule', text }, steps: [{ topic: 'refusal', text, rules }] };
}

function refusal(reason: Refusal['reason'], decision: Decision): Refusal {
  return { reason, steps: [{ topic: 'refusal', text: reason.text, rules: [referTo(decision)] }] };
}

function unknownPort(findings: Findings): Refusal['reason'] {
  return { code: 'unknown-port', text: findWrongPort(findings) ?? 'the clusterIP has no such port' };
}

function unallocated(findings: Findings, { element }: Decision): Refusal['reason'] {
  const near = findNearestService(findings);
  const text = `${findings.packet.destination} belongs to no Service, but to the Services' range ${element?.key ?? ''}${near}`;
  return { code: 'unallocated', text };
}

/** The packet follows its pin before it is dropped. */
function stalePin({ fate }: Findings): string {
  const kept = fate.outcomes[0]?.endpoint ?? 'an endpoint';
  return `the client kept ${kept}, which may take no more of its connections; this packet is dropped, and the next one picks anew`;
}

function noLocal(findings: Findings): string {
  const { frontends, knowledge } = findings;
  const policy = frontends[0]?.kind === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const here = knowledge?.view.nodeName || 'this node';
  return `${policy} is Local, and no endpoint on ${here} can take it`;
}

function none(findings: Findings): string {
  const [frontend] = findings.frontends;
  if (!frontend) {
    return `${serviceOf(findings)?.name ?? 'the Service'} has no endpoint that can take it`;
  }
  const port = displayName(frontend.servicePort);
  const { length } = frontend.servicePort.endpoints;
  if (length === 0) {
    return `no EndpointSlice has an endpoint for ${port}`;
  }
  const missing = listOthers(findings).filter(({ code }) => code === 'not in rules').length;
  if (missing > 0) {
    return `these rules have no endpoint for ${port}, though the snapshot has ${missing} that could take it`;
  }
  return `none of the ${length === 1 ? 'one endpoint' : `${length} endpoints`} of ${port} is ready`;
}
