import { cidrContains, isLoopback, rangeOf } from '../../net/address.ts';
import type { LocalDetector } from '../../phases/3-model/model.ts';
import type { Findings } from './explain-context.ts';
import { policyOf } from './explain-policy.ts';
import type { ExplainedStep, RuleReference } from './explanation.ts';
import { type Decision, referTo, type Way } from './read-way.ts';

/** Whom the rules take the sender for, and why. */
export function explainClient(findings: Findings): ExplainedStep[] {
  const { packet, facts } = findings;
  const { source } = packet;
  const isPod = isPodToRules(findings);
  const detection =
    facts.detector && describeDetection(facts.detector, { isPod, inputInterface: packet.inputInterface });
  if (isOwn(findings)) {
    const name = findings.knowledge?.view.nodeName || 'the node';
    const also = isPod ? `, which the rules take for a pod: it ${detection}` : '';
    return [{ topic: 'client', text: `${source} is ${name} itself${also}`, rules: [] }];
  }
  const who = `${source}${describePlace(findings)} is ${isPod ? 'a pod' : 'no pod'} to the rules`;
  const why = detection === undefined ? 'nothing tells pods from others (no cluster CIDR)' : `it ${detection}`;
  return [{ topic: 'client', text: `${who}: ${why}`, rules: [] }];
}

/** Whether the packet comes from this node itself. */
export function isOwn({ packet: { source }, localAddresses }: Findings): boolean {
  return isLoopback(source) || localAddresses.includes(source);
}

/** Whether rules take the sender for a pod of this node. What the node itself sends has come in nowhere. */
function isPodToRules(findings: Findings): boolean {
  const {
    packet,
    facts: { detector },
  } = findings;
  if (detector?.kind === 'interface') {
    const name = isOwn(findings) ? '' : (packet.inputInterface ?? '');
    return detector.prefix ? name.startsWith(detector.name) : name === detector.name;
  }
  const range = detector && rangeOf(detector.cidr);
  return range !== undefined && cidrContains(range, packet.source);
}

function describePlace({ packet: { source }, knowledge }: Findings): string {
  const place = knowledge?.places.byAddress.get(source);
  if (place?.pod) {
    return ` (pod ${place.pod}${place.nodeName === '' ? '' : ` on ${place.nodeName}`})`;
  }
  const node = knowledge?.places.nodes.get(source);
  return node === undefined ? '' : ` (node ${node})`;
}

function describeDetection(
  detector: LocalDetector,
  { isPod, inputInterface }: { readonly isPod: boolean; readonly inputInterface: string | undefined },
): string {
  if (detector.kind === 'source') {
    return `is ${isPod ? '' : 'not '}in ${detector.cidr}`;
  }
  const wanted = `${detector.prefix ? 'an interface whose name begins with ' : 'interface '}${detector.name}`;
  return isPod ? `arrives at interface ${inputInterface ?? ''}` : `does not arrive at ${wanted}`;
}

/** Whose address the endpoint sees, and why; nothing where the packet arrives nowhere. */
export function explainSource(findings: Findings): ExplainedStep[] {
  const { summary, ways, packet } = findings;
  if (summary.verdict !== 'translated') {
    return [];
  }
  const asked = ways.find((way) => way.masqueradedByMark);
  const hairpin = ways.find((way) => way.masqueradedAsHairpin);
  if (asked) {
    const rules = [asked.markedAtClusterIp, asked.markedAtFrontend, asked.masqueradedByMark];
    const but = summary.masqueraded === 'mixed' ? ', but for endpoints at the node itself' : '';
    const text = `masqueraded${but}, the endpoint sees the node's address: ${whyMasqueraded(asked, findings)}`;
    return [{ topic: 'source', text, rules: rulesOf(rules) }];
  }
  if (hairpin) {
    const only = summary.masqueraded === 'mixed' ? 'only where' : 'because';
    const text = `masqueraded ${only} it comes back to its own address (hairpin): it would be answered directly, past the translation`;
    return [{ topic: 'source', text, rules: rulesOf([hairpin.masqueradedAsHairpin]) }];
  }
  const text = `not masqueraded, the endpoint sees ${packet.source}: ${whyKept(findings)}`;
  return [{ topic: 'source', text, rules: [] }];
}

function whyMasqueraded(way: Way, { facts }: Findings): string {
  const back = 'the answer must come back through this node';
  if (way.markedAtClusterIp) {
    return facts.masqueradeAll
      ? 'masqueradeAll holds for all that goes to clusterIPs'
      : `to the rules the client is no pod, and ${back}`;
  }
  if (way.fromNode) {
    return `the node itself may use endpoints on any node, and ${back}`;
  }
  return `externalTrafficPolicy is Cluster, and ${back}`;
}

function whyKept(findings: Findings): string {
  const { ways, facts, fate, localAddresses } = findings;
  const [way] = ways;
  const policy = policyOf(findings);
  if (fate.outcomes.every(({ address }) => localAddresses.includes(address))) {
    return 'it has an address of the node itself, so the packet does not leave the node';
  }
  if (way.markedAtClusterIp || way.markedAtFrontend) {
    return 'a rule asks for masquerading, and none of these rules does it';
  }
  if (!policy) {
    return 'no rule asks for it';
  }
  if (policy.field === 'externalTrafficPolicy') {
    return `externalTrafficPolicy is Local, ${way.fromPod ? 'and a pod finds its way back by itself' : 'which keeps it'}`;
  }
  if (!facts.detector) {
    return 'nothing tells pods from others (no cluster CIDR)';
  }
  return isPodToRules(findings) ? 'pods find their way back by themselves' : 'no rule asks for it';
}

function rulesOf(decisions: readonly (Decision | undefined)[]): RuleReference[] {
  return decisions.flatMap((decision) => (decision ? [referTo(decision)] : []));
}
