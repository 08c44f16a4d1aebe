import {
  type LeftOutReason,
  leftOutReasons,
  leftOutTexts,
  locateEndpoint,
  refusedToo,
} from '../../frontends/endpoints.ts';
import { selectedPods } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { getNamespaced } from '../../kubernetes/namespaced-map.ts';
import { declares, type PodFacts, type PodState } from '../../kubernetes/pods.ts';
import { countOf, escapeControls, secondsText } from '../../lib/text.ts';
import { sortByAddress } from '../../net/address.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { Endpoint, NodeSettings, ServicePort } from '../../phases/3-model/model.ts';
import type { Evidence, Knowledge } from './evidence.ts';
import { isLocalOnly } from './explain-policy.ts';
import type { ExplainedStep, LeftOutCode, LeftOutEndpoint, PossibleEndpoint, RuleReference } from './explanation.ts';
import { referTo } from './read-path.ts';

/** The endpoints that may receive the packet, sorted, each with its probability. */
export function listPossible(evidence: Evidence): PossibleEndpoint[] {
  const {
    summary,
    fate,
    frontends: [frontend],
    knowledge,
  } = evidence;
  const endpointAddresses = new Map(fate.outcomes.map(({ endpoint, address, port }) => [endpoint, { address, port }]));
  const nodeNames = new Map(
    frontend?.servicePort.endpoints.map(({ endpointAddress: { address }, nodeName }) => [address, nodeName]),
  );
  return summary.endpoints.map(({ endpoint, share, masqueraded }) => {
    const endpointAddress = endpointAddresses.get(endpoint);
    const location =
      endpointAddress && knowledge
        ? locateEndpoint(
            { endpointAddress, nodeName: nodeNames.get(endpointAddress.address) ?? '' },
            knowledge.locations,
          )
        : { endpoint, pod: '', node: '', zone: '' };
    const lacks = endpointAddress && podWithoutPort(endpointAddress, evidence);
    const hint = lacks && { hint: `its pod does not declare port ${endpointAddress.port}` };
    return { ...location, probability: share.numerator / share.denominator, share, masqueraded, ...hint };
  });
}

/**
 * The Pod of an endpoint that declares ports, but not the one of the endpoint. It may listen there all the same, and one that
 * declares no ports at all says nothing.
 */
export function podWithoutPort(
  { address, port }: EndpointAddress,
  { packet, knowledge }: Pick<Evidence, 'packet' | 'knowledge'>,
): PodFacts | undefined {
  const pod = podAt(address, knowledge);
  return pod && pod.ports.length > 0 && !declares(pod, port, packet.protocol) ? pod : undefined;
}

/** The other endpoints of the Service, each with the reason why it cannot receive the packet. */
export function listOthers(evidence: Evidence): LeftOutEndpoint[] {
  const { summary, paths, frontends, knowledge, fate } = evidence;
  const [frontend] = frontends;
  if (!frontend || !knowledge) {
    return [];
  }
  const [path] = paths;
  const { servicePort } = frontend;
  const endpoints = listLeftOut(servicePort, {
    node: knowledge.view,
    locations: knowledge.locations,
    isLocal: isLocalOnly(evidence),
    refusing: new Set(path.picked ? fate.outcomes.map(({ endpoint }) => endpoint) : []),
    used: new Set(summary.endpoints.map(({ endpoint }) => endpoint)),
    isRefused: path.sourceRefused !== undefined || path.stalePin !== undefined,
    isPinned: path.pinFollowed !== undefined,
    podAt: (address) => podAt(address, knowledge),
  });
  return path.refusal
    ? [...endpoints, ...podsWithoutEndpoint(servicePort, knowledge).map((pod) => leftOutPod(pod, knowledge))]
    : endpoints;
}

/** The Pod at an address, if the input has it; those in the host network have addresses of nodes and are not found. */
export function podAt(address: string, knowledge: Knowledge | undefined): PodFacts | undefined {
  const [namespace = '', name = ''] = knowledge?.locations.byAddress.get(address)?.pod.split('/') ?? [];
  return knowledge && getNamespaced(knowledge.sources.pods, namespace, name);
}

/** The Pods that a Service selects, but of which no address is an endpoint of the port. */
export function podsWithoutEndpoint({ namespace, name, endpoints }: ServicePort, knowledge: Knowledge): PodFacts[] {
  const known = new Set(endpoints.map(({ endpointAddress: { address } }) => address));
  const named = new Set([...known].map((address) => knowledge.locations.byAddress.get(address)?.pod));
  return selectedPods(namespace, name, knowledge.sources).filter(
    (pod) => !pod.addresses.some((address) => known.has(address)) && !named.has(`${pod.namespace}/${pod.name}`),
  );
}

function leftOutPod({ namespace, name, nodeName, state }: PodFacts, { locations }: Knowledge): LeftOutEndpoint {
  return {
    endpoint: '',
    pod: `${namespace}/${name}`,
    node: nodeName,
    zone: locations.zones.get(nodeName) ?? '',
    code: 'no-endpoint',
    ready: state.word === 'ready',
    reason: podStateText(state),
  };
}

function podStateText({ word, detail }: PodState): string {
  switch (word) {
    case 'unknown':
      return 'not in an EndpointSlice with this port';
    case 'ready':
      return 'ready, but not in an EndpointSlice with this port';
    default:
      return detail === '' ? word : `${word}: ${detail}`;
  }
}

/** How an endpoint is picked, and what narrowed the choice. */
export function explainChoice(evidence: Evidence, leftOut: readonly LeftOutEndpoint[]): ExplainedStep[] {
  const { summary, paths } = evidence;
  const [path] = paths;
  const decision = path.pinFollowed ?? path.picked;
  const count = summary.endpoints.length;
  if (count === 0 || !decision) {
    return [];
  }
  const pick =
    count === 1
      ? 'one endpoint can receive it'
      : `one of ${countOf(count, 'endpoint')} receives it, each with equal probability`;
  const text = path.pinFollowed ? 'the client keeps its endpoint' : `${pick}${narrowing(evidence, leftOut)}`;
  const rule = referTo(decision);
  return [{ topic: 'endpoints', text, rules: [count === 1 ? rule : withoutElement(rule)] }];
}

/** With several outcomes, the element of the first one would be misleading. */
function withoutElement({ chain, rule, nft }: RuleReference): RuleReference {
  return { chain, rule, nft };
}

function narrowing(evidence: Evidence, leftOut: readonly LeftOutEndpoint[]): string {
  const { summary, frontends, knowledge } = evidence;
  const used = new Set(summary.endpoints.map(({ endpoint }) => endpoint));
  const taken = (frontends[0]?.servicePort.endpoints ?? []).filter(({ endpointAddress }) =>
    used.has(endpointText(endpointAddress)),
  );
  if (taken.length > 0 && taken.every(({ ready }) => !ready)) {
    const where = isLocalOnly(evidence) ? ' on this node' : '';
    const dying = taken.every(({ serving, terminating }) => serving && terminating);
    return dying ? `; no endpoint${where} is ready, so terminating ones are used` : '; it is no longer ready';
  }
  const hint = leftOut.find(({ code }) => code === 'other-zone' || code === 'other-node');
  if (!hint || !knowledge) {
    return '';
  }
  const { zone, nodeName } = knowledge.view;
  return `; hints in EndpointSlices keep it ${hint.code === 'other-node' ? `on ${nodeName}` : `in ${zone}`}`;
}

/** How long the client keeps its endpoint (Service spec.sessionAffinity); empty without affinity. */
export function explainAffinity({ paths, ruleset, summary }: Evidence): ExplainedStep[] {
  const written = paths.map((path) => path.pinWritten).find((decision) => decision !== undefined);
  if (written?.statement.kind !== 'update') {
    return [];
  }
  const { set, timeoutSeconds } = written.statement;
  const seconds = timeoutSeconds ?? ruleset.sets.find(({ name }) => name === set)?.timeoutSeconds;
  const period = seconds === undefined ? '' : ` for ${secondsText(seconds)} after its last new connection`;
  const text = `sessionAffinity is ClientIP: the client keeps this endpoint${period}`;
  // With one chain per endpoint, there is a rule for each, as in iptables.
  return [
    {
      topic: 'affinity',
      text,
      rules: summary.endpoints.length > 1 && (timeoutSeconds === undefined || written.line) ? [] : [referTo(written)],
    },
  ];
}

/** What decides which endpoints of a service port are left out. */
interface LeftOutContext {
  readonly node: Pick<NodeSettings, 'nodeName' | 'zone'>;
  readonly locations: Locations;
  /** Whether a Local policy holds for the packet. */
  readonly isLocal: boolean;
  /** Those that may take it, as `10.1.2.3:8080`. */
  readonly used: ReadonlySet<string>;
  /** Those that it was sent to; the ones that did not take it refuse it. */
  readonly refusing: ReadonlySet<string>;
  /** Whether the packet is refused for a reason that has nothing to do with endpoints, such as its source. */
  readonly isRefused: boolean;
  /** Whether the client keeps an endpoint, so that the others are not asked. */
  readonly isPinned: boolean;
  readonly podAt: (address: string) => PodFacts | undefined;
}

/** The endpoints of a service port that a packet cannot reach, each with the first reason that holds. */
function listLeftOut(servicePort: ServicePort, context: LeftOutContext): LeftOutEndpoint[] {
  const { node, isLocal, used } = context;
  const judge = leftOutReasons(servicePort, { isLocalOnly: isLocal, nodeName: node.nodeName });
  return sortByAddress(servicePort.endpoints, ({ endpointAddress }) => endpointText(endpointAddress))
    .filter(({ endpointAddress }) => !used.has(endpointText(endpointAddress)))
    .map((endpoint) => {
      const code = codeOf(endpoint, judge(endpoint), context);
      const reason = reasonText(code, endpoint, context);
      return { ...locateEndpoint(endpoint, context.locations), code, ready: endpoint.ready, reason };
    });
}

/** Refines the reason of an endpoint that only a hint could exclude: the hint may not be the reason. */
function codeOf(endpoint: Endpoint, reason: LeftOutReason, context: LeftOutContext): EndpointCode {
  if (context.refusing.has(endpointText(endpoint.endpointAddress))) {
    return 'refused-endpoint';
  }
  if (reason !== 'other-node' && reason !== 'other-zone') {
    return reason;
  }
  if (!context.isLocal && isHintedElsewhere(endpoint, reason, context)) {
    return reason;
  }
  if (context.isRefused) {
    return 'refused';
  }
  return context.isPinned ? 'other-pin' : 'not-in-rules';
}

function isHintedElsewhere(
  { zoneHints, nodeHints }: Endpoint,
  reason: LeftOutReason,
  { node }: LeftOutContext,
): boolean {
  const [hints, here] = reason === 'other-node' ? [nodeHints, node.nodeName] : [zoneHints, node.zone];
  return hints.length > 0 && !hints.includes(here);
}

/** Of an endpoint, which has one. */
type EndpointCode = Exclude<LeftOutCode, 'no-endpoint'>;

const laterTexts: Readonly<Record<Exclude<EndpointCode, LeftOutReason>, string>> = {
  'other-pin': 'the client keeps another endpoint',
  refused: 'the packet is dropped earlier',
  'refused-endpoint': refusedToo,
  'not-in-rules': 'not in this ruleset',
};

/** The reason in words, with what the snapshot says about it. */
function reasonText(code: EndpointCode, endpoint: Endpoint, context: LeftOutContext): string {
  const { nodeName, zoneHints, nodeHints, endpointAddress } = endpoint;
  switch (code) {
    case 'terminating':
      return `${leftOutTexts[code]}; used only while no endpoint${context.isLocal ? ' on this node' : ''} is ready`;
    case 'not-local':
      return `${leftOutTexts[code]}${whereInstead(nodeName, context)}`;
    case 'other-node':
      return `${leftOutTexts[code]}: ${escapeControls(nodeHints.join(', '))}`;
    case 'other-zone':
      return `${leftOutTexts[code]}: ${escapeControls(zoneHints.join(', '))}`;
    case 'not-ready': {
      const detail = context.podAt(endpointAddress.address)?.state.detail ?? '';
      return `${leftOutTexts[code]}${detail === '' ? '' : `: ${detail}`}`;
    }
    case 'not-serving':
      return leftOutTexts[code];
    default:
      return laterTexts[code];
  }
}

function whereInstead(nodeName: string, { node }: LeftOutContext): string {
  if (node.nodeName === '') {
    return ': no node is selected (--node)';
  }
  return nodeName === '' ? ': its node is unknown' : `, but on ${escapeControls(nodeName)}`;
}
