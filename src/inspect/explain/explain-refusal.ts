import { countOf } from '../../lib/text.ts';
import { displayName } from '../../phases/5-plan/names.ts';
import type { Evidence } from './evidence.ts';
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
import { type Decision, referTo } from './read-path.ts';

/** Why the packet ends as it does, and the rule that ends it. */
export interface Conclusion {
  readonly reason: Explanation['reason'];
  readonly steps: readonly ExplainedStep[];
}

/** TCP waits for an ICMP error only in tables that an older version or another program wrote. */
function rejected({ summary, packet }: Evidence): string {
  if (summary.rejectedWith === 'tcp-reset') {
    return 'rejected with a TCP reset, so the client sees "connection refused"';
  }
  const wait = packet.protocol === 'tcp' ? ', but after a few attempts it must wait for it' : '';
  return `rejected with an ICMP error, so the client sees "connection refused"${wait}`;
}

const dropped = 'dropped, so the client gets no answer and times out';

/** Why the packet is rejected or dropped. */
export function explainRefusal(evidence: Evidence): Conclusion {
  const [path] = evidence.paths;
  if (path.sourceRefused) {
    return refusal({ code: 'source-ranges', text: `the client is not allowed: ${dropped}` }, path.sourceRefused);
  }
  if (path.refusal) {
    const reason = isDrop(path)
      ? ({ code: 'no-local-endpoints', text: `${noLocal(evidence)}: ${dropped}` } as const)
      : ({ code: 'no-endpoints', text: `${none(evidence)}: ${rejected(evidence)}` } as const);
    return refusal(reason, path.refusal);
  }
  const missing = findMissingEntry(evidence) ?? findMissingRule(evidence);
  if (path.unknownPort) {
    const { code, text } = missing ?? unknownPort(evidence);
    return refusal({ code, text: `${text}: ${rejected(evidence)}` }, path.unknownPort);
  }
  if (path.unallocated) {
    const { code, text } = missing ?? findUnserved(evidence) ?? unallocated(evidence, path.unallocated);
    return refusal({ code, text: `${text}: ${dropped}` }, path.unallocated);
  }
  if (path.stalePin) {
    return refusal({ code: 'stale-pin', text: stalePin(evidence) }, path.stalePin);
  }
  return explainForeign(evidence);
}

/** For a rule or element that the compiler never writes. */
function explainForeign({ paths: [{ end }], summary }: Evidence): Conclusion {
  const text = `${summary.verdict} by a rule or element that svc2nft did not create`;
  const rules = end ? [referTo(end)] : [];
  return { reason: { code: 'foreign-rule', text }, steps: [{ topic: 'refusal', text, rules }] };
}

function refusal(reason: Conclusion['reason'], decision: Decision): Conclusion {
  return { reason, steps: [{ topic: 'refusal', text: reason.text, rules: [referTo(decision)] }] };
}

function unknownPort(evidence: Evidence): Conclusion['reason'] {
  return { code: 'unknown-port', text: findWrongPort(evidence) ?? 'the cluster IP does not have this port' };
}

function unallocated(evidence: Evidence, { element }: Decision): Conclusion['reason'] {
  const near = findNearestService(evidence);
  const text = `${evidence.packet.destination} belongs to no Service, but is in Service CIDR ${element?.key ?? ''}${near}`;
  return { code: 'unallocated', text };
}

function stalePin({ fate }: Evidence): string {
  const kept = fate.outcomes[0]?.endpoint ?? 'an endpoint';
  return `the client kept ${kept}, which can no longer receive its connections: this packet is dropped, and the next one picks another endpoint`;
}

function noLocal(evidence: Evidence): string {
  const { frontends, knowledge } = evidence;
  const policy = frontends[0]?.kind === 'ClusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const here = knowledge?.view.nodeName || 'this node';
  return `${policy} is Local, and no endpoint on ${here} can receive it`;
}

function none(evidence: Evidence): string {
  const [frontend] = evidence.frontends;
  if (!frontend) {
    return `${serviceOf(evidence)?.name ?? 'the Service'} has no endpoint that can receive it`;
  }
  const port = displayName(frontend.servicePort);
  const { length } = frontend.servicePort.endpoints;
  if (length === 0) {
    return `no EndpointSlice has an endpoint for ${port}`;
  }
  const missing = listOthers(evidence).filter(({ code }) => code === 'not-in-rules').length;
  if (missing > 0) {
    return `these rules have no endpoint for ${port}, but the snapshot has ${missing.toLocaleString('en')} that could receive it`;
  }
  return length === 1
    ? `the only endpoint of ${port} is not ready`
    : `none of the ${countOf(length, 'endpoint')} of ${port} is ready`;
}
