import { cidrContains, isLoopback, parseCidr } from '../address.ts';
import type { LocalDetector } from '../phases/3-model/model.ts';
import type { Question } from './explain-context.ts';
import type { ExplainedStep } from './explanation.ts';

/** Whom the rules take the sender for. */
export type Client = 'node' | 'pod' | 'other';

/** Whom the rules take the sender for, and why; nothing where there is no snapshot to tell. */
export function explainClient(question: Question): ExplainedStep[] {
  const { packet, knowledge } = question;
  if (!knowledge) {
    return [];
  }
  const { view, places } = knowledge;
  const { source, inputInterface } = packet;
  const pod = places.byAddress.get(source);
  const other = places.nodes.get(source);
  const known = pod?.pod ? ` (${pod.pod}${pod.nodeName === '' ? '' : ` on ${pod.nodeName}`})` : '';
  const client = clientOf(question);
  const words = {
    node: `is ${view.nodeName || 'the node'} itself`,
    pod: `is a pod${known}: ${detection(view.detector, inputInterface)}`,
    other: `is ${other === undefined ? stranger(known) : `node ${other}`}: ${whyOther(view.detector)}`,
  };
  return [{ topic: 'client', text: `${source} ${words[client]}`, rules: [] }];
}

/** Whom the rules take the sender for. A pod whose address is the node's own is the node. */
export function clientOf({ packet, localAddresses, knowledge }: Question): Client {
  const { source, inputInterface = '' } = packet;
  if (isLoopback(source) || localAddresses.includes(source)) {
    return 'node';
  }
  const detector = knowledge?.view.detector;
  if (!detector) {
    return 'other';
  }
  if (detector.kind === 'interface') {
    const { name, prefix } = detector;
    return (prefix ? inputInterface.startsWith(name) : inputInterface === name) ? 'pod' : 'other';
  }
  const cidr = parseCidr(detector.cidr) ?? parseCidr(`${detector.cidr}/${source.includes(':') ? 128 : 32}`);
  return cidr && cidrContains(cidr, source) ? 'pod' : 'other';
}

function stranger(known: string): string {
  return known === '' ? 'no pod' : `a pod${known}, but none to the rules`;
}

function detection(detector: LocalDetector | undefined, inputInterface = ''): string {
  return detector?.kind === 'source' ? `it is in ${detector.cidr}` : `it arrives at interface ${inputInterface}`;
}

function whyOther(detector: LocalDetector | undefined): string {
  if (!detector) {
    return 'nothing tells pods from others (no cluster CIDR is known)';
  }
  if (detector.kind === 'source') {
    return `it is not in ${detector.cidr}, where pods are`;
  }
  return `it does not arrive at an interface ${detector.prefix ? `whose name starts with ${detector.name}` : detector.name}`;
}
