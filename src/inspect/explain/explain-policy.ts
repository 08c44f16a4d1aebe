import { isOwn } from './explain-client.ts';
import type { Findings } from './explain-context.ts';
import type { ExplainedStep } from './explanation.ts';
import { referTo, type Way } from './read-way.ts';

/** A traffic policy, as the rules carry it out, and by which field a Service has it. */
export interface Policy {
  readonly field: 'internalTrafficPolicy' | 'externalTrafficPolicy';
  readonly value: 'Cluster' | 'Local';
  /** Whether the snapshot has the other one. */
  readonly isOutdated: boolean;
}

/** The traffic policy that holds for the packet; undefined where neither rules nor snapshot tell. */
export function policyOf({ ways: [way], frontends: [frontend] }: Findings): Policy | undefined {
  if (!frontend) {
    return undefined;
  }
  const isInternal = frontend.kind === 'clusterIP';
  const { internalPolicy, externalPolicy } = frontend.servicePort;
  const known = isInternal ? internalPolicy : externalPolicy;
  const value = (isInternal ? readInternal(way) : readExternal(way)) ?? known;
  const field = isInternal ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  return { field, value, isOutdated: value !== known };
}

/** Whether the packet may go to endpoints of this node alone. */
export function isLocalOnly(findings: Findings): boolean {
  const [way] = findings.ways;
  return policyOf(findings)?.value === 'Local' && !way.fromPod && !way.fromNode;
}

/** Which traffic policy holds for the packet, and whom it leaves. */
export function explainPolicy(findings: Findings): ExplainedStep[] {
  const [way] = findings.ways;
  const policy = policyOf(findings);
  if (!policy || way.sourceRefused || way.pinned) {
    return [];
  }
  const exception = policy.field === 'externalTrafficPolicy' ? (way.fromPod ?? way.fromNode) : undefined;
  const text = `${policy.field} is ${policy.value}${consequence(policy, findings)}${outdated(policy)}`;
  return [{ topic: 'policy', text, rules: exception ? [referTo(exception)] : [] }];
}

function consequence({ field, value }: Policy, findings: Findings): string {
  const [way] = findings.ways;
  const anywhere = 'endpoints on any node may take it';
  if (value === 'Cluster') {
    return `: ${anywhere}`;
  }
  if (field === 'externalTrafficPolicy' && (way.fromPod || way.fromNode)) {
    const node = way.fromPod ? 'the node, taken for a pod,' : 'the node itself';
    return `, but ${isOwn(findings) ? node : 'a pod'} may use endpoints on any node`;
  }
  const here = findings.knowledge?.view.nodeName || 'this node';
  const source = field === 'externalTrafficPolicy' ? ', and it keeps its source' : '';
  return `: only endpoints on ${here} may take it${source}`;
}

function outdated({ value, isOutdated }: Policy): string {
  return isOutdated ? ` (by these rules; the snapshot says ${value === 'Local' ? 'Cluster' : 'Local'})` : '';
}

function readInternal(way: Way): Policy['value'] | undefined {
  if (way.picked) {
    return picksLocal(way) ? 'Local' : 'Cluster';
  }
  return way.refusal && isDrop(way) ? 'Local' : undefined;
}

function readExternal(way: Way): Policy['value'] | undefined {
  if (way.fromPod || way.fromNode || (way.refusal && isDrop(way))) {
    return 'Local';
  }
  if (way.markedAtFrontend) {
    return 'Cluster';
  }
  return way.picked ? 'Local' : undefined;
}

/** Whether the verdict that refuses the packet is silence, as only policy Local has it. */
export function isDrop({ refusal }: Way): boolean {
  const value = refusal?.element?.value;
  return value !== undefined && 'kind' in value && value.kind === 'drop';
}

/** Local endpoints have maps of their own; affinity over IPv6 for an old nft has chains of its own. */
function picksLocal({ picked }: Way): boolean {
  if (picked?.statement.kind === 'dnat-map') {
    return picked.statement.map.includes('-local-');
  }
  return picked?.step.chain.startsWith('sticky-local/') ?? false;
}

/** Node ports at this address are open, as the rules have it. */
export function acceptsNodePorts({ packet: { destination }, facts }: Findings): boolean {
  const { nodePortAddresses } = facts;
  return nodePortAddresses.kind === 'all' || nodePortAddresses.addresses.includes(destination);
}
