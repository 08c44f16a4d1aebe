import { clientOf } from './explain-client.ts';
import type { Findings } from './explain-context.ts';
import type { ExplainedStep, RuleReference } from './explanation.ts';
import type { Way } from './read-way.ts';

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
    const text = `masqueraded, the endpoint sees the node's address: ${whyMasqueraded(asked, findings)}`;
    return [{ topic: 'source', text, rules: rulesOf(rules) }];
  }
  if (hairpin) {
    const who = summary.masqueraded === 'mixed' ? 'masqueraded only where' : 'masqueraded because';
    const text = `${who} the pod reaches itself (hairpin): it would answer itself directly, past the translation`;
    return [{ topic: 'source', text, rules: rulesOf([hairpin.masqueradedAsHairpin]) }];
  }
  return [
    { topic: 'source', text: `not masqueraded, the endpoint sees ${packet.source}: ${whyKept(findings)}`, rules: [] },
  ];
}

function whyMasqueraded(way: Way, findings: Findings): string {
  const { frontends, knowledge } = findings;
  const client = clientOf(findings);
  if (way.markedAtClusterIp) {
    return knowledge?.options.masqueradeAll
      ? 'masqueradeAll holds for all that goes to clusterIPs'
      : 'only pods find their way back by themselves, and the client is none; the answer must come back through this node';
  }
  if (way.fromNode || (client === 'node' && frontends[0]?.servicePort.externalPolicy === 'Local')) {
    return 'the node itself may use endpoints on any node, which must answer to this one';
  }
  return 'externalTrafficPolicy is Cluster, and the answer must come back through this node';
}

function whyKept(findings: Findings): string {
  const { frontends, knowledge, ways } = findings;
  const [frontend] = frontends;
  if (!frontend || !knowledge) {
    return 'no rule asks for it';
  }
  if (frontend.kind !== 'clusterIP') {
    return `externalTrafficPolicy is Local, ${ways[0].fromPod ? 'and a pod finds its way back by itself' : 'which keeps it'}`;
  }
  if (!knowledge.view.detector) {
    return 'nothing tells pods from others (no cluster CIDR is known)';
  }
  return 'pods find their way back by themselves';
}

function rulesOf(decisions: readonly Way[keyof Way][]): RuleReference[] {
  return decisions.flatMap((decision) => (decision ? [decision.rule] : []));
}
