import { type LeftOutReason, leftOutReasons, placeEndpoint } from '../../frontends/endpoints.ts';
import type { Places } from '../../kubernetes/locations.ts';
import { escapeControls } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import type { Endpoint, NodeSettings, ServicePort } from '../../phases/3-model/model.ts';
import type { Findings } from './explain-context.ts';
import { isLocalOnly } from './explain-policy.ts';
import type { ExplainedStep, LeftOutCode, LeftOutEndpoint, PossibleEndpoint, RuleReference } from './explanation.ts';
import { referTo } from './read-way.ts';

/** Which endpoints may take the packet, sorted, each with its chance. */
export function listPossible({ summary, fate, frontends: [frontend], knowledge }: Findings): PossibleEndpoint[] {
  const endpointAddresses = new Map(fate.outcomes.map(({ endpoint, address, port }) => [endpoint, { address, port }]));
  const nodeNames = new Map(
    frontend?.servicePort.endpoints.map(({ endpointAddress: { address }, nodeName }) => [address, nodeName]),
  );
  return summary.endpoints.map(({ endpoint, share, masqueraded }) => {
    const endpointAddress = endpointAddresses.get(endpoint);
    const place =
      endpointAddress && knowledge
        ? placeEndpoint({ endpointAddress, nodeName: nodeNames.get(endpointAddress.address) ?? '' }, knowledge.places)
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
  const taken = (frontends[0]?.servicePort.endpoints ?? []).filter(({ endpointAddress }) =>
    used.has(endpointText(endpointAddress)),
  );
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

/** What decides which endpoints of a service port are left out. */
interface LeftOutContext {
  readonly node: Pick<NodeSettings, 'nodeName' | 'zone'>;
  readonly places: Places;
  /** Whether a Local policy holds for the packet. */
  readonly isLocal: boolean;
  /** Those that may take it, as `10.1.2.3:8080`. */
  readonly used: ReadonlySet<string>;
  /** Whether the packet is refused for a reason that has nothing to do with endpoints, such as its source. */
  readonly isRefused: boolean;
  /** Whether the client keeps an endpoint, so that the others are not asked. */
  readonly isPinned: boolean;
}

/** The endpoints of a service port that a packet cannot reach, each with the first reason that holds. */
function listLeftOut(servicePort: ServicePort, context: LeftOutContext): LeftOutEndpoint[] {
  const { node, isLocal, used } = context;
  const judge = leftOutReasons(servicePort, { isLocalOnly: isLocal, nodeName: node.nodeName });
  return servicePort.endpoints
    .filter(({ endpointAddress }) => !used.has(endpointText(endpointAddress)))
    .map((endpoint) => {
      const code = codeOf(endpoint, judge(endpoint), context);
      return { ...placeEndpoint(endpoint, context.places), code, reason: words(code, endpoint, context) };
    });
}

/** Of endpoints that nothing but a hint could speak against, it may be something else. */
function codeOf(endpoint: Endpoint, reason: LeftOutReason, context: LeftOutContext): LeftOutCode {
  if (reason !== 'other node' && reason !== 'other zone') {
    return reason;
  }
  if (!context.isLocal && isHintedElsewhere(endpoint, reason, context)) {
    return reason;
  }
  if (context.isRefused) {
    return 'refused';
  }
  return context.isPinned ? 'other pin' : 'not in rules';
}

function isHintedElsewhere(
  { zoneHints, nodeHints }: Endpoint,
  reason: LeftOutReason,
  { node }: LeftOutContext,
): boolean {
  const [hints, here] = reason === 'other node' ? [nodeHints, node.nodeName] : [zoneHints, node.zone];
  return hints.length > 0 && !hints.includes(here);
}

function words(code: LeftOutCode, { nodeName, zoneHints, nodeHints }: Endpoint, context: LeftOutContext): string {
  const here = context.node.nodeName || 'this node';
  switch (code) {
    case 'not ready':
      return 'not ready';
    case 'not serving':
      return 'terminating, and no longer serving';
    case 'terminating':
      return `terminating; used only while no endpoint${context.isLocal ? ' of this node' : ''} is ready`;
    case 'not local':
      if (context.node.nodeName === '') {
        return 'no node is named, so no endpoint counts as local';
      }
      return nodeName === '' ? 'on no known node' : `on ${escapeControls(nodeName)}, not on ${here}`;
    case 'other node':
      return `its hints are for ${escapeControls(nodeHints.join(', '))}`;
    case 'other zone':
      return `its hints are for ${escapeControls(zoneHints.join(', '))}`;
    case 'other pin':
      return 'ready, but the client keeps another one';
    case 'refused':
      return 'ready, but the packet does not come that far';
    case 'not in rules':
      return 'ready, but not in this ruleset';
  }
}
