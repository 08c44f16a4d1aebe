import { escapeControls } from '../escape-controls.ts';
import { displayName } from '../phases/5-plan/names.ts';
import { socketText } from '../socket-text.ts';
import type { Findings } from './explain-context.ts';
import { acceptsNodePorts } from './explain-policy.ts';
import type { ExplainedService, ExplainedStep } from './explanation.ts';
import type { FrontendMatch } from './find-frontends.ts';
import { frontendWords } from './frontend-words.ts';
import { nodePortAddressesText } from './node-port-addresses-text.ts';
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
  const to = `${socketText({ address: packet.destination, port: packet.port })}/${packet.protocol}`;
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
