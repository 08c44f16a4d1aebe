import { endpointState, refusedToo } from '../../frontends/endpoints.ts';
import { causesText, countStates } from '../../kubernetes/pods.ts';
import { whyNoEndpoints } from '../../kubernetes/why-no-endpoints.ts';
import { countOf, escapeControls, limitList, listWords } from '../../lib/text.ts';
import { cidrText } from '../../net/address.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { ServicePort } from '../../phases/3-model/model.ts';
import { isUsable } from '../../phases/4-select/select-endpoints.ts';
import { displayName } from '../../phases/5-plan/names.ts';
import type { Evidence } from './evidence.ts';
import { listOthers, podAt, podsWithoutEndpoint } from './explain-endpoints.ts';
import { serviceOf } from './explain-frontend.ts';
import { isDrop } from './explain-policy.ts';
import type { ExplainedStep, Explanation } from './explanation.ts';
import {
  findBrokenTable,
  findMissingEntry,
  findMissingRule,
  findNearestService,
  findUnserved,
  findWrongPort,
} from './find-near-miss.ts';
import { type Decision, type PacketPath, referTo } from './read-path.ts';

/** Why the packet ends as it does, and the rule that ends it. */
export interface Conclusion {
  readonly reason: Explanation['reason'];
  readonly steps: readonly ExplainedStep[];
}

/** Why the packet is rejected or dropped. */
export function explainRefusal(evidence: Evidence): Conclusion {
  const [path] = evidence.paths;
  if (path.sourceRefused) {
    return refusal({ code: 'source-ranges', text: notAllowed(evidence) }, path.sourceRefused);
  }
  const atEndpoint = findRefusalOfEndpoint(path);
  if (atEndpoint) {
    return refusal({ code: 'refused-endpoint', text: refusedEndpoint(evidence) }, atEndpoint);
  }
  if (path.refusal) {
    const reason = isDrop(path)
      ? ({ code: 'no-local-endpoints', text: noLocal(evidence) } as const)
      : ({ code: 'no-endpoints', text: none(evidence) } as const);
    return refusal(reason, path.refusal);
  }
  if (path.localhostRefused) {
    return refusal({ code: 'node-port-closed', text: refusedAtLocalhost(evidence) }, path.localhostRefused);
  }
  const missing = findBrokenTable(evidence) ?? findMissingEntry(evidence) ?? findMissingRule(evidence);
  if (path.unknownPort) {
    return refusal(missing ?? unknownPort(evidence), path.unknownPort);
  }
  if (path.unallocated) {
    return refusal(missing ?? findUnserved(evidence) ?? unallocated(evidence, path.unallocated), path.unallocated);
  }
  if (path.stalePin) {
    return refusal({ code: 'stale-pin', text: stalePin(evidence) }, path.stalePin);
  }
  if (path.martian) {
    const text = 'packets from elsewhere to loopback addresses are dropped, unless they are translated';
    return refusal({ code: 'foreign-rule', text }, path.martian);
  }
  return explainForeign(evidence);
}

/** What refuses a packet after an endpoint was picked, because the endpoint is at an address that is refused itself. */
export function findRefusalOfEndpoint(path: PacketPath): Decision | undefined {
  return path.picked && (path.refusal ?? path.unknownPort ?? path.unallocated);
}

/** For a rule or element that the compiler never writes. */
function explainForeign({ paths: [path], summary, ruleset }: Evidence): Conclusion {
  const { end } = path;
  const text =
    ruleset.language === 'iptables'
      ? `${summary.verdict} by ${ruleOfOthers(end)}${path.picked ? ', on the way to the endpoint' : ''}`
      : `${summary.verdict} by a rule or element that svc2nft did not create`;
  const rules = end ? [referTo(end)] : [];
  return { reason: { code: 'foreign-rule', text }, steps: [{ topic: 'refusal', text, rules }] };
}

/** Where a rule of iptables stands, which is neither svc2nft's nor kube-proxy's; a policy is the last rule of its chain. */
export function ruleOfOthers(end: Decision | undefined): string {
  const [table, chain] = end?.step.chain.split(/ (?=[^ ]+$)/) ?? [];
  const place = `chain ${chain} of table ${table}`;
  return end?.line?.startsWith('-P ') ? `the policy of ${place}` : `a rule of another program, in ${place}`;
}

function refusal(reason: Conclusion['reason'], decision: Decision): Conclusion {
  return { reason, steps: [{ topic: 'refusal', text: reason.text, rules: [referTo(decision)] }] };
}

function refusedAtLocalhost(evidence: Evidence): string {
  const { packet } = evidence;
  const name = serviceOf(evidence)?.name ?? 'a Service';
  const why = `loopback addresses refuse node ports over ${packet.protocol.toUpperCase()} (KubeProxyNFTablesLocalhostNodePorts)`;
  return `node port ${packet.port} of ${name} is not open on ${packet.destination}: ${why}`;
}

function unknownPort(evidence: Evidence): Conclusion['reason'] {
  return { code: 'unknown-port', text: findWrongPort(evidence) ?? 'the cluster IP does not have this port' };
}

function unallocated(evidence: Evidence, { element, statement }: Decision): Conclusion['reason'] {
  const near = findNearestService(evidence);
  const inRule = statement.kind === 'match' ? ` ${statement.right}` : '';
  const range = element ? ` ${element.key}` : inRule;
  const text = `${evidence.packet.destination} belongs to no Service, but is in Service CIDR${range || 's'}${near}`;
  return { code: 'unallocated', text };
}

/** Where a connection that was translated is refused, its endpoint is what the rules refuse. */
function refusedEndpoint({ fate }: Evidence): string {
  const [endpoint = '', ...others] = new Set(fate.outcomes.map((outcome) => outcome.endpoint));
  const which = others.length === 0 ? `the endpoint ${endpoint} is` : `${endpoint} and all other endpoints are`;
  return `${which} ${refusedToo}`;
}

function stalePin({ fate }: Evidence): string {
  const kept = fate.outcomes[0]?.endpoint ?? 'an endpoint';
  return `the client kept ${kept}, which can no longer receive its connections: this packet is dropped, and the next one picks another endpoint`;
}

function notAllowed({ packet, frontends: [frontend] }: Evidence): string {
  const ranges = frontend?.servicePort.sourceRanges.map(cidrText) ?? [];
  const of = frontend ? ` of ${frontend.servicePort.namespace}/${frontend.servicePort.name}` : '';
  const list =
    ranges.length > 0
      ? ` (${ranges.slice(0, shownRanges).join(', ')}${ranges.length > shownRanges ? ', ...' : ''})`
      : '';
  return `${packet.source} is not in spec.loadBalancerSourceRanges${of}${list}`;
}

/** How many source ranges are named. */
const shownRanges = 4;

function noLocal(evidence: Evidence): string {
  const { frontends, knowledge, paths } = evidence;
  const [frontend] = frontends;
  const kind = frontend?.kind ?? paths[0].refusal?.frontendKind;
  const policy = kind === 'ClusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const port = serviceOf(evidence)?.name ?? 'the Service';
  const node = knowledge?.view.nodeName;
  if (knowledge && !node) {
    return `${policy} is Local and no node is selected, so no endpoint of ${port} is local: use --node`;
  }
  const here = `on ${node || 'this node'}`;
  const local = frontend?.servicePort.endpoints.filter((endpoint) => endpoint.local).length ?? 0;
  const elsewhere = frontend ? whereElsewhere(frontend.servicePort) : '';
  return `${policy} is Local and ${port} has no ${local > 0 ? 'ready ' : ''}endpoint ${here}${local > 0 ? ` (${local} not ready)` : ''}${elsewhere}`;
}

/** How many nodes are named. */
const shownNodes = 3;

/** Where the usable endpoints run: `; its 2 endpoints are on worker-2`; empty if that is not known. */
function whereElsewhere({ endpoints }: ServicePort): string {
  const usable = endpoints.filter((endpoint) => !endpoint.local && isUsable(endpoint));
  const nodes = [...new Set(usable.map(({ nodeName }) => nodeName).filter(Boolean))].sort().map(escapeControls);
  if (nodes.length === 0) {
    return '';
  }
  const usableWord = usable.length === endpoints.length ? '' : 'usable ';
  const only =
    usable.length === 1
      ? `only ${usableWord}endpoint is`
      : `${usable.length.toLocaleString('en')} ${usableWord}endpoints are`;
  return `; its ${only} on ${listWords(limitList(nodes, shownNodes))}`;
}

function none(evidence: Evidence): string {
  const [frontend] = evidence.frontends;
  if (!frontend) {
    return `${serviceOf(evidence)?.name ?? 'the Service'} has no endpoint that can receive it`;
  }
  const { servicePort } = frontend;
  const port = displayName(servicePort);
  const { length } = servicePort.endpoints;
  if (length === 0) {
    return noEndpoints(servicePort, evidence);
  }
  const missing = listOthers(evidence).filter(({ code }) => code === 'not-in-rules').length;
  if (missing > 0) {
    return `these rules have no endpoint for ${port}, but the snapshot has ${missing.toLocaleString('en')} that could receive it`;
  }
  return noneUsable(servicePort, evidence);
}

/** No endpoint is ready: their conditions, and what the Pods say about that, also those that are no endpoints yet. */
function noneUsable(servicePort: ServicePort, { knowledge }: Evidence): string {
  const port = displayName(servicePort);
  const { endpoints } = servicePort;
  const notServing = endpoints.filter((endpoint) => endpointState(endpoint) === 'not-serving').length;
  const notReady = endpoints.filter((endpoint) => endpointState(endpoint) === 'not-ready');
  const pods = knowledge ? podsWithoutEndpoint(servicePort, knowledge) : [];
  const states = notReady.flatMap(({ endpointAddress: { address } }) => podAt(address, knowledge)?.state ?? []);
  const causes = causesText(states);
  if (notReady.length === endpoints.length && pods.length === 0) {
    return endpoints.length === 1
      ? `the only endpoint of ${port} is not ready${causes}`
      : `none of the ${countOf(endpoints.length, 'endpoint')} of ${port} is ready${causes}`;
  }
  const parts = [
    ...countedState(notServing, 'terminating and no longer serving'),
    ...countedState(notReady.length, `not ready${causes}`),
    ...countStates(
      pods.map(({ state }) => state),
      (count) => countOf(count, 'pod'),
    ),
  ];
  return `${port} has no usable endpoint: ${parts.join(', ')}`;
}

function countedState(count: number, state: string): string[] {
  return count === 0 ? [] : [`${count.toLocaleString('en')} ${count === 1 ? 'is' : 'are'} ${state}`];
}

function noEndpoints(servicePort: ServicePort, { knowledge }: Evidence): string {
  const port = displayName(servicePort);
  if (!knowledge) {
    return `${port} has no endpoints: no EndpointSlice has one`;
  }
  const { family } = knowledge.view;
  const { code, text } = whyNoEndpoints(servicePort, family, knowledge.sources);
  return `${port} has no ${code === 'other-family' ? `${nameOfFamily(family)} ` : ''}endpoints: ${text()}`;
}
