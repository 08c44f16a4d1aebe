import { escapeControls } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import { displayName, elementComment } from '../../phases/5-plan/names.ts';
import type { Packet } from '../../walk/fate.ts';
import type { Findings } from './explain-context.ts';
import { acceptsNodePorts } from './explain-policy.ts';
import type { ExplainedService, ExplainedStep } from './explanation.ts';
import { ownerOf, referTo } from './read-way.ts';

/** The Service that the packet has to do with, as far as rules or snapshot tell. */
export function serviceOf({ ways: [way], frontends: [frontend] }: Findings): ExplainedService | null {
  const comment = ownerOf(way)?.comment;
  if (frontend) {
    return { name: displayName(frontend.servicePort), frontend: frontend.kind };
  }
  return comment === undefined ? null : { name: escapeControls(comment.replace(/:$/, '')), frontend: '' };
}

/** Who may use the load balancer IP, where source ranges say so (Service spec.loadBalancerSourceRanges). */
export function explainSourceRanges({ packet, ways: [way], frontends: [frontend] }: Findings): ExplainedStep[] {
  const { source } = packet;
  if (way.sourceRefused) {
    const ranges = frontend?.servicePort.sourceRanges.map(({ address, prefix }) => `${address}/${prefix}`) ?? [];
    const text = `${source} is in none of spec.loadBalancerSourceRanges${ranges.length > 0 ? ` (${ranges.join(', ')})` : ''}`;
    return [{ topic: 'source ranges', text, rules: [referTo(way.sourceRefused)] }];
  }
  if (way.sourceAllowed) {
    const range = way.sourceAllowed.element?.key.split(' . ').at(-1);
    const text = `${source} is in ${range}, which spec.loadBalancerSourceRanges ${isOwnAddress(range, frontend) ? 'implies: the node may, so its load balancer IPs may' : 'allows'}`;
    return [{ topic: 'source ranges', text, rules: [referTo(way.sourceAllowed)] }];
  }
  return [];
}

function isOwnAddress(range: string | undefined, frontend: FrontendMatch | undefined): boolean {
  return range !== undefined && (frontend?.servicePort.loadBalancerIPs.includes(range) ?? false);
}

/** How many of those that want the same are named. */
const shown = 3;

/** Which frontend of which Service the destination is; nothing where it is none. */
export function explainFrontend(findings: Findings): ExplainedStep[] {
  const { packet, ways, frontends } = findings;
  const [way] = ways;
  const service = serviceOf(findings);
  if (!service) {
    return [];
  }
  const to = `${endpointText({ address: packet.destination, port: packet.port })}/${packet.protocol}`;
  const [frontend] = frontends;
  const open = frontend?.kind === 'node port' ? `; node ports are open: ${nodePortAddressesText(findings)}` : '';
  const text = `${to} is ${frontendWords(frontend?.kind)} of ${service.name}${open}${describeRivals(findings)}`;
  return [{ topic: 'frontend', text, rules: way.frontend ? [referTo(way.frontend)] : [] }];
}

/** Other service ports that want the same destination and did not get it. */
function describeRivals(findings: Findings): string {
  const [frontend, ...others] = findings.frontends;
  const rivals = others.filter(
    ({ servicePort, kind }) =>
      servicePort !== frontend?.servicePort && (kind !== 'node port' || acceptsNodePorts(findings)),
  );
  const names = rivals.slice(0, shown).map(({ servicePort }) => displayName(servicePort));
  const more = rivals.length > shown ? ` and ${rivals.length - shown} more` : '';
  return rivals.length === 0 ? '' : `; ${names.join(', ')}${more} wanted it too`;
}

const words: Readonly<Record<FrontendMatch['kind'], string>> = {
  clusterIP: 'the clusterIP',
  externalIP: 'an externalIP',
  'load balancer IP': 'a load balancer IP',
  'node port': 'a node port',
};

/** A kind of frontend with its article; `a frontend` where only the rules are known. */
export function frontendWords(kind: FrontendMatch['kind'] | undefined): string {
  return kind === undefined ? 'a frontend' : words[kind];
}

/** A service port, and as what of it the packet's destination counts. */
export interface FrontendMatch {
  readonly servicePort: ServicePort;
  readonly kind: 'clusterIP' | 'load balancer IP' | 'externalIP' | 'node port';
}

/** Where a packet is bound. */
export type Destination = Pick<Packet, 'destination' | 'protocol' | 'port'>;

/**
 * All service ports that want packets to this destination, the one first that the rules gave it to.
 *
 * @param owner how the rules name that one; undefined where they know none.
 */
export function findFrontends(
  { servicePorts }: NodeView,
  destination: Destination,
  { owner, localAddresses }: { readonly owner: string | undefined; readonly localAddresses: readonly string[] },
): FrontendMatch[] {
  const isNodes = localAddresses.includes(destination.destination);
  const matches = servicePorts.flatMap((servicePort) => matchesOf(servicePort, destination, isNodes));
  const isOwner = ({ servicePort }: FrontendMatch): boolean => elementComment(displayName(servicePort)) === owner;
  return [...matches.filter(isOwner), ...matches.filter((match) => !isOwner(match))];
}

function matchesOf(
  servicePort: ServicePort,
  { destination, protocol, port }: Destination,
  isNodes: boolean,
): FrontendMatch[] {
  if (servicePort.protocol !== protocol) {
    return [];
  }
  const kinds = servicePort.port === port ? kindsOf(servicePort, destination) : [];
  if (isNodes && servicePort.nodePort === port) {
    kinds.push('node port');
  }
  return kinds.map((kind) => ({ servicePort, kind }));
}

/** As what of a Service an address counts, whatever the port. */
export function kindsOf(
  { clusterIP, loadBalancerIPs, externalIPs }: ServicePort,
  address: string,
): FrontendMatch['kind'][] {
  return [
    ...(clusterIP === address ? (['clusterIP'] as const) : []),
    ...(loadBalancerIPs.includes(address) ? (['load balancer IP'] as const) : []),
    ...(externalIPs.includes(address) ? (['externalIP'] as const) : []),
  ];
}

/** Where node ports are open, by the rules, and the setting that made it so: `nodePortAddresses is primary (192.0.2.11)`. */
export function nodePortAddressesText({ facts: { nodePortAddresses }, knowledge }: Findings): string {
  const which =
    nodePortAddresses.kind === 'all'
      ? 'all addresses of the node but loopback'
      : nodePortAddresses.addresses.join(', ') || 'no address of this node';
  if (!knowledge || JSON.stringify(knowledge.view.nodePortAddresses) !== JSON.stringify(nodePortAddresses)) {
    return `these rules open node ports at ${which}`;
  }
  const setting = knowledge.options.nodePortAddresses.join(', ') || 'primary';
  return `nodePortAddresses is ${setting} (${which})`;
}
