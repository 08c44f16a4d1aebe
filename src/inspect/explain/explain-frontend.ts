import { escapeControls, listSome } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import type { FrontendKind, NodePortAddresses } from '../../phases/3-model/model.ts';
import { isUsable } from '../../phases/4-select/select-endpoints.ts';
import { type RankedClaim, whyPreferred } from '../../phases/5-plan/claims.ts';
import { displayName, frontendKindText } from '../../phases/5-plan/names.ts';
import { readIptablesName } from '../../phases/5-plan-iptables/iptables-names.ts';
import type { Evidence, FrontendMatch } from './evidence.ts';
import type { ExplainedService, ExplainedStep } from './explanation.ts';
import { frontendElement, referTo } from './read-path.ts';

/** The Service that the destination belongs to, by the rules and the snapshot; null if it belongs to none. */
export function serviceOf({ paths: [path], frontends: [frontend] }: Evidence): ExplainedService | null {
  const comment = frontendElement(path)?.comment;
  if (frontend) {
    return { name: displayName(frontend.servicePort), type: frontend.kind };
  }
  const type = (path.frontend ?? path.refusal)?.frontendKind ?? '';
  return comment === undefined ? null : { name: escapeControls(comment.replace(/:$/, '')), type };
}

/** Whether the client may use the load balancer IP (spec.loadBalancerSourceRanges); empty without source ranges. */
export function explainSourceRanges({ packet, paths: [path], frontends: [frontend] }: Evidence): ExplainedStep[] {
  const { source } = packet;
  if (path.sourceRefused) {
    const ranges = frontend?.servicePort.sourceRanges.map(({ address, prefix }) => `${address}/${prefix}`) ?? [];
    const text = `${source} is not in spec.loadBalancerSourceRanges${ranges.length > 0 ? ` (${ranges.join(', ')})` : ''}`;
    return [{ topic: 'source ranges', text, rules: [referTo(path.sourceRefused)] }];
  }
  if (path.sourceAllowed) {
    const range = path.sourceAllowed.element?.key.split(' . ').at(-1);
    const why = isOwnAddress(range, frontend)
      ? 'allowed because spec.loadBalancerSourceRanges allows the node'
      : 'which spec.loadBalancerSourceRanges allows';
    const text = `${source} is in ${range}, ${why}`;
    return [{ topic: 'source ranges', text, rules: [referTo(path.sourceAllowed)] }];
  }
  return [];
}

function isOwnAddress(range: string | undefined, frontend: FrontendMatch | undefined): boolean {
  return range !== undefined && (frontend?.servicePort.loadBalancerIPs.includes(range) ?? false);
}

/** How many other claimants are named. */
const shown = 3;

/** The frontend that the destination is, and its Service; empty if it is none. */
export function explainFrontend(evidence: Evidence): ExplainedStep[] {
  const { packet, paths, frontends } = evidence;
  const [path] = paths;
  const service = serviceOf(evidence);
  if (!service) {
    return [];
  }
  const to = `${endpointText({ address: packet.destination, port: packet.port })}/${packet.protocol}`;
  const [frontend] = frontends;
  const open = frontend?.kind === 'NodePort' ? `; ${nodePortAddressesText(evidence)}` : '';
  const text = `${to} is ${frontendWords(frontend?.kind ?? (service.type || undefined))} of ${service.name}${open}${describeOtherClaimants(evidence)}`;
  return [{ topic: 'frontend', text, rules: path.frontend ? [referTo(path.frontend)] : [] }];
}

/** The other service ports that claim the destination. */
export function listOtherClaimants({ frontends: [frontend, ...others], acceptsNodePorts }: Evidence): FrontendMatch[] {
  return others.filter(
    ({ servicePort, kind }) => servicePort !== frontend?.servicePort && (kind !== 'NodePort' || acceptsNodePorts),
  );
}

/** `: it is older`; empty if the snapshot prefers the other one, so that the rules are older or newer. */
export function whyOwned(owner: FrontendMatch, other: FrontendMatch): string {
  if ((owner.kind === 'NodePort') !== (other.kind === 'NodePort')) {
    // The rules look for an address before they look for a node port.
    return other.kind === 'NodePort' ? `: ${kindWords(owner.kind)} comes before a node port` : '';
  }
  switch (whyPreferred(rankOf(owner), rankOf(other))) {
    case 'kind':
      return `: ${kindWords(owner.kind)} comes before ${kindWords(other.kind)}`;
    case 'endpoints':
      return ': it has endpoints';
    case 'age':
      return ': it is older';
    case 'name':
      return displayName(owner.servicePort) < displayName(other.servicePort) ? ': its name comes first' : '';
    default:
      return '';
  }
}

function rankOf({ servicePort, kind }: FrontendMatch): RankedClaim {
  return { servicePort, kind, served: servicePort.endpoints.some(isUsable) };
}

function kindWords(kind: FrontendKind): string {
  return `${kind === 'ExternalIP' ? 'an' : 'a'} ${frontendKindText(kind)}`;
}

function describeOtherClaimants(evidence: Evidence): string {
  const names = listOtherClaimants(evidence).map(({ servicePort }) => displayName(servicePort));
  return names.length === 0 ? '' : `; also claimed by ${listSome(names, shown)}`;
}

const articles: Readonly<Record<FrontendKind, string>> = {
  ClusterIP: 'the',
  LoadBalancer: 'a',
  ExternalIP: 'an',
  NodePort: 'a',
};

/** A kind of frontend with its article, `the cluster IP`; `a frontend` for an unknown kind. */
function frontendWords(kind: FrontendKind | undefined): string {
  return kind === undefined ? 'a frontend' : `${articles[kind]} ${frontendKindText(kind)}`;
}

/** The addresses with node ports: `nodePortAddresses is primary (192.0.2.11)`, if the rules agree with the setting. */
export function nodePortAddressesText({ settings: { nodePortAddresses }, knowledge, ruleset }: Evidence): string {
  const all = `all addresses of the node${opensLoopback(ruleset) ? '' : ' except loopback'}`;
  const which =
    nodePortAddresses.kind === 'all' ? all : nodePortAddresses.addresses.join(', ') || 'no address of this node';
  if (!knowledge || sortedText(knowledge.view.nodePortAddresses) !== sortedText(nodePortAddresses)) {
    return `these rules open node ports on ${which}`;
  }
  const setting = knowledge.options.nodePortAddresses.join(', ') || 'primary';
  return `nodePortAddresses is ${setting} (${which})`;
}

/** Whether rules of iptables send packets to loopback addresses to node ports as well: nothing excepts 127.0.0.0/8. */
function opensLoopback({ language, chains }: Evidence['ruleset']): boolean {
  const rules = chains.flatMap((chain) => (readIptablesName(chain.name)?.kind === 'services' ? chain.rules : []));
  return (
    language === 'iptables' &&
    rules.some(
      (rule) =>
        rule.some((one) => one.kind === 'jump' && readIptablesName(one.chain)?.kind === 'node-ports') &&
        !rule.some((one) => one.kind === 'match' && one.left.kind === 'address'),
    )
  );
}

function sortedText(given: NodePortAddresses): string {
  return given.kind === 'all' ? 'all' : [...given.addresses].sort().join();
}
