import { displayName } from '../phases/5-plan/names.ts';
import { socketText } from '../socket-text.ts';
import type { Findings } from './explain-context.ts';
import type { ExplainedService, ExplainedStep } from './explanation.ts';
import type { FrontendMatch } from './find-frontends.ts';
import { nodePortAddressesText } from './node-port-addresses-text.ts';
import { ownerOf } from './read-way.ts';

/** The Service that the packet has to do with, as far as rules or snapshot tell. */
export function serviceOf({ ways: [way], frontends: [frontend] }: Findings): ExplainedService | null {
  const comment = ownerOf(way)?.comment;
  if (frontend) {
    return { name: displayName(frontend.servicePort), frontend: frontend.kind };
  }
  return comment === undefined ? null : { name: comment, frontend: '' };
}

/** Who may use the load balancer IP, where source ranges say so (Service spec.loadBalancerSourceRanges). */
export function explainSourceRanges({ packet, ways: [way], frontends: [frontend] }: Findings): ExplainedStep[] {
  const { source } = packet;
  if (way.sourceRefused) {
    const ranges = frontend?.servicePort.sourceRanges.map(({ address, prefix }) => `${address}/${prefix}`) ?? [];
    const text = `${source} is in none of spec.loadBalancerSourceRanges${ranges.length > 0 ? ` (${ranges.join(', ')})` : ''}`;
    return [{ topic: 'source ranges', text, rules: [way.sourceRefused.rule] }];
  }
  if (way.sourceAllowed) {
    const range = way.sourceAllowed.element?.key.split(' . ').at(-1);
    const text = `${source} is in ${range}, which spec.loadBalancerSourceRanges ${isOwnAddress(range, frontend) ? 'implies: the node may, so its load balancer IPs may' : 'allows'}`;
    return [{ topic: 'source ranges', text, rules: [way.sourceAllowed.rule] }];
  }
  return [];
}

function isOwnAddress(range: string | undefined, frontend: FrontendMatch | undefined): boolean {
  return range !== undefined && (frontend?.servicePort.loadBalancerIPs.includes(range) ?? false);
}

/** Which frontend of which Service the destination is; nothing where it is none. */
export function explainFrontend(findings: Findings): ExplainedStep[] {
  const { packet, ways, frontends, knowledge } = findings;
  const [way] = ways;
  const service = serviceOf(findings);
  if (!service) {
    return [];
  }
  const to = `${socketText({ address: packet.destination, port: packet.port })}/${packet.protocol}`;
  const [frontend, ...rivals] = frontends;
  const place = service.frontend === '' ? 'a frontend' : article(service.frontend);
  const open =
    frontend?.kind === 'node port' && knowledge ? `; node ports are open: ${nodePortAddressesText(knowledge)}` : '';
  const others = rivals.filter(({ servicePort }) => servicePort !== frontend?.servicePort);
  const contest =
    others.length === 0
      ? ''
      : `; ${others.map(({ servicePort }) => displayName(servicePort)).join(', ')} wanted it too`;
  const text = `${to} is ${place} of ${service.name}${open}${contest}`;
  return [{ topic: 'frontend', text, rules: way.frontend ? [way.frontend.rule] : [] }];
}

function article(kind: string): string {
  const words: Readonly<Record<string, string>> = {
    clusterIP: 'the clusterIP',
    externalIP: 'an externalIP',
    'load balancer IP': 'a load balancer IP',
    'node port': 'a node port',
  };
  return words[kind] ?? kind;
}
