import { isPodToRules } from './explain-client.ts';
import type { Findings } from './explain-context.ts';
import { policyOf } from './explain-policy.ts';
import type { ExplainedStep, RuleReference } from './explanation.ts';
import { type Decision, referTo, type Way } from './read-way.ts';

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
