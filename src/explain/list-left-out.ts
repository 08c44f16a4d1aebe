import type { LeftOutReason } from '../endpoints/endpoint.ts';
import { leftOutJudge } from '../endpoints/left-out-judge.ts';
import { placeEndpoint } from '../endpoints/place-endpoint.ts';
import { escapeControls } from '../escape-controls.ts';
import type { Endpoint, NodeSettings, ServicePort } from '../phases/3-model/model.ts';
import type { Places } from '../places/places.ts';
import { socketText } from '../socket-text.ts';
import type { LeftOutCode, LeftOutEndpoint } from './explanation.ts';

/** What decides which endpoints of a service port are left out. */
export interface LeftOutContext {
  readonly node: Pick<NodeSettings, 'nodeName' | 'zone'>;
  readonly places: Places;
  /** Whether a Local policy holds for the packet. */
  readonly isLocal: boolean;
  /** Those that may take it, as `10.1.2.3:8080`. */
  readonly used: ReadonlySet<string>;
  /** Whether the packet is refused for a reason that has nothing to do with endpoints, such as its source. */
  readonly isRefused: boolean;
  /** Whether the client keeps an endpoint, so that the others are not asked. */
  readonly isPinned: boolean;
}

/** The endpoints of a service port that a packet cannot reach, each with the first reason that holds. */
export function listLeftOut(servicePort: ServicePort, context: LeftOutContext): LeftOutEndpoint[] {
  const { node, isLocal, used } = context;
  const judge = leftOutJudge(servicePort, { isLocalOnly: isLocal, nodeName: node.nodeName });
  return servicePort.endpoints
    .filter(({ socket }) => !used.has(socketText(socket)))
    .map((endpoint) => {
      const code = codeOf(endpoint, judge(endpoint), context);
      return { ...placeEndpoint(endpoint, context.places), code, reason: words(code, endpoint, context) };
    });
}

/** Of endpoints that nothing but a hint could speak against, it may be something else. */
function codeOf(endpoint: Endpoint, reason: LeftOutReason, context: LeftOutContext): LeftOutCode {
  if (reason !== 'other node' && reason !== 'other zone') {
    return reason;
  }
  if (!context.isLocal && isHintedElsewhere(endpoint, reason, context)) {
    return reason;
  }
  if (context.isRefused) {
    return 'refused';
  }
  return context.isPinned ? 'other pin' : 'not in rules';
}

function isHintedElsewhere(
  { zoneHints, nodeHints }: Endpoint,
  reason: LeftOutReason,
  { node }: LeftOutContext,
): boolean {
  const [hints, here] = reason === 'other node' ? [nodeHints, node.nodeName] : [zoneHints, node.zone];
  return hints.length > 0 && !hints.includes(here);
}

function words(code: LeftOutCode, { nodeName, zoneHints, nodeHints }: Endpoint, context: LeftOutContext): string {
  const here = context.node.nodeName || 'this node';
  switch (code) {
    case 'not ready':
      return 'not ready';
    case 'not serving':
      return 'terminating, and no longer serving';
    case 'terminating':
      return `terminating; used only while no endpoint${context.isLocal ? ' of this node' : ''} is ready`;
    case 'not local':
      if (context.node.nodeName === '') {
        return 'no node is named, so no endpoint counts as local';
      }
      return nodeName === '' ? 'on no known node' : `on ${escapeControls(nodeName)}, not on ${here}`;
    case 'other node':
      return `its hints are for ${escapeControls(nodeHints.join(', '))}`;
    case 'other zone':
      return `its hints are for ${escapeControls(zoneHints.join(', '))}`;
    case 'other pin':
      return 'ready, but the client keeps another one';
    case 'refused':
      return 'ready, but the packet does not come that far';
    case 'not in rules':
      return 'ready, but not in this ruleset';
  }
}
