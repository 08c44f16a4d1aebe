import { placeEndpoint } from '../endpoints/place-endpoint.ts';
import { socketText } from '../socket-text.ts';
import type { Findings } from './explain-context.ts';
import { isLocalOnly } from './explain-policy.ts';
import type { ExplainedStep, LeftOutEndpoint, PossibleEndpoint, RuleReference } from './explanation.ts';
import { listLeftOut } from './list-left-out.ts';
import { referTo } from './read-way.ts';

/** Which endpoints may take the packet, sorted, each with its chance. */
export function listPossible({ summary, fate, frontends: [frontend], knowledge }: Findings): PossibleEndpoint[] {
  const sockets = new Map(fate.outcomes.map(({ endpoint, address, port }) => [endpoint, { address, port }]));
  const nodeNames = new Map(
    frontend?.servicePort.endpoints.map(({ socket: { address }, nodeName }) => [address, nodeName]),
  );
  return summary.endpoints.map(({ endpoint, share, masqueraded }) => {
    const socket = sockets.get(endpoint);
    const place =
      socket && knowledge
        ? placeEndpoint({ socket, nodeName: nodeNames.get(socket.address) ?? '' }, knowledge.places)
        : { endpoint, pod: '', node: '', zone: '' };
    return { ...place, probability: share.numerator / share.denominator, share, masqueraded };
  });
}

/** The other endpoints of the Service, each with the reason. */
export function listOthers(findings: Findings): LeftOutEndpoint[] {
  const { summary, ways, frontends, knowledge } = findings;
  const [frontend] = frontends;
  if (!frontend || !knowledge) {
    return [];
  }
  const [way] = ways;
  return listLeftOut(frontend.servicePort, {
    node: knowledge.view,
    places: knowledge.places,
    isLocal: isLocalOnly(findings),
    used: new Set(summary.endpoints.map(({ endpoint }) => endpoint)),
    isRefused: way.sourceRefused !== undefined || way.stalePin !== undefined,
    isPinned: way.pinned !== undefined,
  });
}

/** How the choice among the endpoints was narrowed, and how one is picked. */
export function explainChoice(findings: Findings, leftOut: readonly LeftOutEndpoint[]): ExplainedStep[] {
  const { summary, ways } = findings;
  const [way] = ways;
  const decision = way.pinned ?? way.picked;
  const count = summary.endpoints.length;
  if (count === 0 || !decision) {
    return [];
  }
  const pick = count === 1 ? 'one endpoint takes it' : `one of ${count} endpoints takes it, each with the same chance`;
  const text = way.pinned ? 'the client keeps the endpoint that it had' : `${pick}${narrowing(findings, leftOut)}`;
  const rule = referTo(decision);
  return [{ topic: 'endpoints', text, rules: [count === 1 ? rule : withoutElement(rule)] }];
}

/** Of several elements, that of the first outcome would only mislead. */
function withoutElement({ chain, rule, nft }: RuleReference): RuleReference {
  return { chain, rule, nft };
}

function narrowing(findings: Findings, leftOut: readonly LeftOutEndpoint[]): string {
  const { summary, frontends, knowledge } = findings;
  const used = new Set(summary.endpoints.map(({ endpoint }) => endpoint));
  const taken = (frontends[0]?.servicePort.endpoints ?? []).filter(({ socket }) => used.has(socketText(socket)));
  if (taken.length > 0 && taken.every(({ ready }) => !ready)) {
    const where = isLocalOnly(findings) ? ' of this node' : '';
    const dying = taken.every(({ serving, terminating }) => serving && terminating);
    return dying ? `; no endpoint${where} is ready, so those serve that are terminating` : '; it is not ready any more';
  }
  const hint = leftOut.find(({ code }) => code === 'other zone' || code === 'other node');
  if (!hint || !knowledge) {
    return '';
  }
  const { zone, nodeName } = knowledge.view;
  return `; hints of the EndpointSlices keep it ${hint.code === 'other node' ? `on ${nodeName}` : `in ${zone}`}`;
}

/** Whether the client will come back to the same endpoint (Service spec.sessionAffinity). */
export function explainAffinity({ ways, ruleset, summary }: Findings): ExplainedStep[] {
  const kept = ways.map((way) => way.kept).find((decision) => decision !== undefined);
  if (kept?.statement.kind !== 'update') {
    return [];
  }
  const { set, timeoutSeconds } = kept.statement;
  const seconds = timeoutSeconds ?? ruleset.sets.find(({ name }) => name === set)?.timeoutSeconds;
  const period = seconds === undefined ? '' : ` for ${seconds} s after its last new connection`;
  const text = `sessionAffinity is ClientIP: the client keeps this endpoint${period}`;
  // Where endpoints have chains of their own, there is a rule for each.
  return [
    {
      topic: 'affinity',
      text,
      rules: summary.endpoints.length > 1 && timeoutSeconds === undefined ? [] : [referTo(kept)],
    },
  ];
}
