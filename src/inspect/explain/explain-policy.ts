import { isLocalChainName, isLocalMapName } from '../../phases/5-plan/known-names.ts';
import { readIptablesName } from '../../phases/5-plan-iptables/iptables-names.ts';
import type { Evidence } from './evidence.ts';
import type { ExplainedStep } from './explanation.ts';
import { type PacketPath, referTo } from './read-path.ts';

/** A traffic policy, as the rules implement it, and the field of the Service that sets it. */
interface TrafficPolicy {
  readonly field: 'internalTrafficPolicy' | 'externalTrafficPolicy';
  readonly value: 'Cluster' | 'Local';
  /** Whether the snapshot has the other value. */
  readonly isOutdated: boolean;
}

/** The traffic policy that applies to the packet; undefined without a snapshot. */
export function policyOf({ paths: [path], frontends: [frontend] }: Evidence): TrafficPolicy | undefined {
  if (!frontend) {
    return undefined;
  }
  const isInternal = frontend.kind === 'ClusterIP';
  const { internalPolicy, externalPolicy } = frontend.servicePort;
  const known = isInternal ? internalPolicy : externalPolicy;
  const value = (isInternal ? readInternal(path) : readExternal(path)) ?? known;
  const field = isInternal ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  return { field, value, isOutdated: value !== known };
}

/** Whether only endpoints on this node can receive the packet. */
export function isLocalOnly(evidence: Evidence): boolean {
  const [path] = evidence.paths;
  return policyOf(evidence)?.value === 'Local' && !path.fromPod && !path.fromNode;
}

/** The traffic policy that applies to the packet, and the endpoints that it allows. */
export function explainPolicy(evidence: Evidence): ExplainedStep[] {
  const [path] = evidence.paths;
  const policy = policyOf(evidence);
  if (!policy || path.sourceRefused || path.pinFollowed) {
    return [];
  }
  const exception = policy.field === 'externalTrafficPolicy' ? (path.fromPod ?? path.fromNode) : undefined;
  const text = `${policy.field} is ${policy.value}${consequence(policy, evidence)}${outdated(policy)}`;
  return [{ topic: 'policy', text, rules: exception ? [referTo(exception)] : [] }];
}

function consequence({ field, value }: TrafficPolicy, evidence: Evidence): string {
  const [path] = evidence.paths;
  if (value === 'Cluster') {
    return ': endpoints on any node can receive it';
  }
  if (field === 'externalTrafficPolicy' && (path.fromPod || path.fromNode)) {
    const node = path.fromPod ? 'the node, treated as a pod,' : 'the node itself';
    return `, but ${evidence.isFromNode ? node : 'a pod'} may use endpoints on any node`;
  }
  const here = evidence.knowledge?.view.nodeName || 'this node';
  const source = field === 'externalTrafficPolicy' ? ', and its source is preserved' : '';
  return `: only endpoints on ${here} can receive it${source}`;
}

function outdated({ value, isOutdated }: TrafficPolicy): string {
  return isOutdated ? ` (in these rules; in the snapshot it is ${value === 'Local' ? 'Cluster' : 'Local'})` : '';
}

function readInternal(path: PacketPath): TrafficPolicy['value'] | undefined {
  if (path.picked) {
    return picksLocal(path) ? 'Local' : 'Cluster';
  }
  return path.refusal && isDrop(path) ? 'Local' : undefined;
}

function readExternal(path: PacketPath): TrafficPolicy['value'] | undefined {
  if (path.fromPod || path.fromNode || (path.refusal && isDrop(path))) {
    return 'Local';
  }
  if (path.markedAtFrontend) {
    return 'Cluster';
  }
  return path.picked ? 'Local' : undefined;
}

/** Whether the packet is dropped rather than rejected, as only policy Local does. */
export function isDrop({ refusal }: PacketPath): boolean {
  const value = refusal?.element?.value;
  return value !== undefined && 'kind' in value && value.kind === 'drop';
}

/**
 * Local endpoints have their own maps; with one chain per endpoint (affinity over IPv6 before nft 1.1.3) and in rules of iptables,
 * their own chains.
 */
function picksLocal({ picked }: PacketPath): boolean {
  if (picked?.statement.kind === 'dnat-map') {
    return isLocalMapName(picked.statement.map);
  }
  return (
    picked !== undefined &&
    (isLocalChainName(picked.step.chain) || readIptablesName(picked.step.chain)?.kind === 'local')
  );
}
