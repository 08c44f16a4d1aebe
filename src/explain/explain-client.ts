import { cidrContains, isLoopback, rangeOf } from '../address.ts';
import type { LocalDetector } from '../phases/3-model/model.ts';
import type { Findings } from './explain-context.ts';
import type { ExplainedStep } from './explanation.ts';

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
export function isPodToRules(findings: Findings): boolean {
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
