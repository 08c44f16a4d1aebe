import { placeEndpoint } from '../endpoints/place-endpoint.ts';
import type { Endpoint } from '../phases/3-model/model.ts';
import { clientOf } from './explain-client.ts';
import type { Findings } from './explain-context.ts';
import type { ExplainedStep, LeftOutEndpoint, PossibleEndpoint, RuleReference } from './explanation.ts';
import { listLeftOut } from './list-left-out.ts';

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
    isLocal: usesLocal(findings),
    used: new Set(summary.endpoints.map(({ endpoint }) => endpoint)),
    isRefused: way.sourceRefused !== undefined || (way.frontend === undefined && way.refusal === undefined),
    isPinned: way.pinned !== undefined,
  });
}

/** Whether this packet may only go to endpoints of this node (internalTrafficPolicy, externalTrafficPolicy). */
function usesLocal({ ways: [way], frontends: [frontend] }: Findings): boolean {
  if (!frontend) {
    return false;
  }
  const { internalPolicy, externalPolicy } = frontend.servicePort;
  if (frontend.kind === 'clusterIP') {
    return internalPolicy === 'Local';
  }
  return externalPolicy === 'Local' && !way.fromPod && !way.fromNode;
}

/** Which traffic policy holds for the packet, and whom it leaves. */
export function explainPolicy(findings: Findings): ExplainedStep[] {
  const { frontends, ways, knowledge } = findings;
  const [frontend] = frontends;
  const [way] = ways;
  if (!frontend || !knowledge || way.sourceRefused) {
    return [];
  }
  const { internalPolicy, externalPolicy } = frontend.servicePort;
  const here = knowledge.view.nodeName || 'this node';
  const only = `only endpoints on ${here} may take it`;
  if (frontend.kind === 'clusterIP') {
    const text = `internalTrafficPolicy is ${internalPolicy}: ${internalPolicy === 'Local' ? only : 'endpoints on any node may take it'}`;
    return [{ topic: 'policy', text, rules: [] }];
  }
  const exception = way.fromPod ?? way.fromNode;
  if (externalPolicy === 'Local' && exception) {
    const who = clientOf(findings) === 'node' ? 'the node itself' : 'a pod';
    const text = `externalTrafficPolicy is Local, but ${who} may use endpoints on any node`;
    return [{ topic: 'policy', text, rules: [exception.rule] }];
  }
  const text = `externalTrafficPolicy is ${externalPolicy}: ${externalPolicy === 'Local' ? `${only}, and it keeps its source` : 'endpoints on any node may take it'}`;
  return [{ topic: 'policy', text, rules: [] }];
}

/** How the choice among the endpoints was narrowed, and how one is picked. */
export function explainChoice(findings: Findings): ExplainedStep[] {
  const { summary, ways, frontends, knowledge } = findings;
  const [way] = ways;
  const decision = way.pinned ?? way.picked;
  const count = summary.endpoints.length;
  if (count === 0 || !decision) {
    return [];
  }
  const used = new Set(summary.endpoints.map(({ endpoint }) => endpoint));
  const endpoints = frontends[0]?.servicePort.endpoints ?? [];
  const chosen = knowledge ? narrowing(findings, { endpoints, used }) : '';
  const pick = count === 1 ? 'one endpoint takes it' : `one of ${count} endpoints takes it, each with the same chance`;
  const text = way.pinned ? 'the client keeps the endpoint that it had' : `${pick}${chosen}`;
  return [{ topic: 'endpoints', text, rules: [count === 1 ? decision.rule : withoutElement(decision.rule)] }];
}

/** Of several elements, that of the first outcome would only mislead. */
function withoutElement({ chain, rule, nft }: RuleReference): RuleReference {
  return { chain, rule, nft };
}

function narrowing(
  findings: Findings,
  { endpoints, used }: { readonly endpoints: readonly Endpoint[]; readonly used: ReadonlySet<string> },
): string {
  const others = listOthers(findings);
  const { zone, nodeName } = findings.knowledge?.view ?? { zone: '', nodeName: '' };
  const isTaken = ({ socket: { address, port } }: Endpoint): boolean =>
    used.has(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
  const taken = endpoints.filter(isTaken);
  if (taken.length > 0 && taken.every(({ ready }) => !ready)) {
    return '; no endpoint is ready, so those serve that are terminating';
  }
  if (others.some(({ code }) => code === 'other zone' || code === 'other node')) {
    const byNode = others.some(({ code }) => code === 'other node');
    return `; hints of the EndpointSlices keep it ${byNode ? `on ${nodeName}` : `in ${zone}`}`;
  }
  return '';
}

/** Whether the client will come back to the same endpoint (Service spec.sessionAffinity). */
export function explainAffinity({ ways: [way], frontends: [frontend] }: Findings): ExplainedStep[] {
  if (!way.kept) {
    return [];
  }
  const seconds = frontend?.servicePort.affinitySeconds;
  const period = seconds === undefined || seconds === 0 ? '' : ` for ${seconds} s after its last new connection`;
  const text = `sessionAffinity is ClientIP: the client keeps this endpoint${period}`;
  return [{ topic: 'affinity', text, rules: [way.kept.rule] }];
}
