import type { LocalDetector } from '../../phases/3-model/model.ts';
import type { Evidence } from './evidence.ts';
import { policyOf } from './explain-policy.ts';
import type { ExplainedStep, RuleReference } from './explanation.ts';
import { type Decision, type PacketPath, referTo } from './read-path.ts';

/** What the client is to the rules: the node, a pod, or neither. */
export function explainClient(evidence: Evidence): ExplainedStep[] {
  const { packet, settings, isFromNode, isFromPod } = evidence;
  const { source } = packet;
  const detection = settings.detector && describeDetection(settings.detector, evidence);
  if (isFromNode) {
    const name = evidence.knowledge?.view.nodeName || 'the node';
    const also = isFromPod ? `, and is treated as a pod: it ${detection}` : '';
    return [{ topic: 'client', text: `${source} is ${name} itself${also}`, rules: [] }];
  }
  const who = `${source}${describeLocation(evidence)}`;
  const text =
    detection === undefined
      ? `${who}: ${withoutDetector(evidence)}`
      : `${who} is ${isFromPod ? '' : 'not '}treated as a pod: it ${detection}`;
  return [{ topic: 'client', text, rules: [] }];
}

/** What follows for a client from rules that know no pods. */
function withoutDetector({ packet: { source }, knowledge }: Evidence): string {
  const isPod = knowledge?.locations.byAddress.get(source)?.pod;
  const what = isPod ? 'that it is a pod' : 'pods from other clients';
  return `the rules cannot tell ${what}: no cluster CIDR is known (--cluster-cidr)`;
}

function describeLocation({ packet: { source }, knowledge }: Evidence): string {
  const location = knowledge?.locations.byAddress.get(source);
  if (location?.pod) {
    return ` (pod ${location.pod}${location.nodeName === '' ? '' : ` on ${location.nodeName}`})`;
  }
  const node = knowledge?.locations.nodes.get(source);
  return node === undefined ? '' : ` (node ${node})`;
}

function describeDetection(detector: LocalDetector, { isFromPod, packet: { inputInterface } }: Evidence): string {
  if (detector.kind === 'source') {
    return `is ${isFromPod ? 'in' : 'outside'} ${detector.cidr}`;
  }
  const expected = `${detector.prefix ? 'an interface whose name begins with' : 'interface'} ${detector.name}`;
  return isFromPod ? `arrives on interface ${inputInterface ?? ''}` : `does not arrive on ${expected}`;
}

/** The source address that the endpoint sees, and why; empty if the packet does not reach an endpoint. */
export function explainSource(evidence: Evidence): ExplainedStep[] {
  const { summary, paths, packet } = evidence;
  if (summary.verdict !== 'translated') {
    return [];
  }
  const marked = paths.find((path) => path.masqueradedByMark && !isMarkedAsHairpin(path));
  const hairpin = paths.find((path) => path.masqueradedAsHairpin);
  if (marked) {
    const rules = [marked.markedAtClusterIp, marked.markedAtFrontend, marked.masqueradedByMark];
    const except = summary.masqueraded === 'mixed' ? ' except for endpoints on the node itself' : '';
    const text = `masqueraded${except}, so the endpoint sees the node's address: ${whyMasqueraded(marked, evidence)}`;
    return [{ topic: 'source', text, rules: rulesOf(rules) }];
  }
  if (hairpin) {
    const when = summary.masqueraded === 'mixed' ? 'only if' : 'because';
    const text = `masqueraded ${when} the endpoint is the client itself (hairpin): otherwise the answer would bypass the translation`;
    return [{ topic: 'source', text, rules: rulesOf([hairpin.masqueradedAsHairpin]) }];
  }
  const other = paths.find((path) => path.masqueradedByOther);
  if (other) {
    const text = 'masqueraded by a rule of another program, so the endpoint sees an address of the node';
    return [{ topic: 'source', text, rules: rulesOf([other.masqueradedByOther]) }];
  }
  const text = `not masqueraded, so the endpoint sees ${packet.source}: ${whyPreserved(evidence)}`;
  return [{ topic: 'source', text, rules: [] }];
}

/** Before 1.36, kube-proxy gives the mark to what endpoints send to themselves. */
function isMarkedAsHairpin({ markedAtClusterIp, markedAtFrontend, masqueradedAsHairpin }: PacketPath): boolean {
  return masqueradedAsHairpin !== undefined && !markedAtClusterIp && !markedAtFrontend;
}

function whyMasqueraded(path: PacketPath, { settings }: Evidence): string {
  const back = 'answers must return through this node';
  if (path.markedAtClusterIp) {
    return settings.masqueradeAll
      ? 'masqueradeAll applies to all traffic to cluster IPs'
      : `the client is not treated as a pod, and ${back}`;
  }
  if (path.fromNode) {
    return `the node itself may use endpoints on any node, and ${back}`;
  }
  return `externalTrafficPolicy is Cluster, and ${back}`;
}

function whyPreserved(evidence: Evidence): string {
  const { paths, settings, fate, localAddresses, isFromPod } = evidence;
  const [path] = paths;
  const policy = policyOf(evidence);
  if (fate.outcomes.every(({ address }) => localAddresses.includes(address))) {
    return 'the endpoint has an address of the node itself, so the packet does not leave the node';
  }
  if (path.markedAtClusterIp || path.markedAtFrontend) {
    return 'a rule requests masquerading, but no rule performs it';
  }
  if (!policy) {
    return 'no rule requests masquerading';
  }
  if (policy.field === 'externalTrafficPolicy') {
    return `externalTrafficPolicy is Local, ${path.fromPod ? 'and answers reach pods without masquerading' : 'which preserves the source'}`;
  }
  if (!settings.detector) {
    return withoutDetector(evidence);
  }
  return isFromPod ? 'answers reach pods without masquerading' : 'no rule requests masquerading';
}

function rulesOf(decisions: readonly (Decision | undefined)[]): RuleReference[] {
  return decisions.flatMap((decision) => (decision ? [referTo(decision)] : []));
}
