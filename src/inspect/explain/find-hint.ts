import { servicePortSource } from '../../kubernetes/endpoint-sources.ts';
import { getNamespaced } from '../../kubernetes/namespaced-map.ts';
import { listPodPorts, type PodFacts } from '../../kubernetes/pods.ts';
import { countOf, escapeControls, listSome } from '../../lib/text.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import { displayName } from '../../phases/5-plan/names.ts';
import type { Evidence } from './evidence.ts';
import { podAt, podWithoutPort } from './explain-endpoints.ts';
import { listOtherClaimants, whyOwned } from './explain-frontend.ts';

/**
 * What a client may run into although the rules do not decide it: another Service that wants the frontend, or pods that
 * may not listen where the packet is sent. One clause; empty if there is nothing.
 */
export function findHint(evidence: Evidence): string {
  const isSent = evidence.summary.verdict === 'translated';
  const hints = [
    ...claimantsHint(evidence),
    ...(isSent ? [...targetPortHint(evidence), ...sharedNameHint(evidence), ...undeclaredHint(evidence)] : []),
  ];
  return hints.join('; ');
}

/** How many other claimants are named. */
const shownClaimants = 2;

/** The service ports that claim the destination without success, and why they do not get it. */
function claimantsHint(evidence: Evidence): string[] {
  const { packet, frontends } = evidence;
  const others = listOtherClaimants(evidence);
  const [winner] = frontends;
  const [first] = others;
  if (!winner || !first) {
    return [];
  }
  const names = others.map(({ servicePort }) => displayName(servicePort));
  const at = endpointText({ address: packet.destination, port: packet.port });
  const claim = `${listSome(names, shownClaimants)} also ${others.length === 1 ? 'claims' : 'claim'} ${at}`;
  return [`${claim}, but ${displayName(winner.servicePort)} wins${whyOwned(winner, first)}`];
}

/** Where the packet may be sent, each once. */
function targetsOf({ fate }: Evidence): EndpointAddress[] {
  const targets = fate.outcomes.map(({ endpoint, address, port }) => [endpoint, { address, port }] as const);
  return [...new Map(targets).values()];
}

/**
 * EndpointSlices with another port than targetPort: they are out of date, or written by hand. Without a selector,
 * nothing reads targetPort, and the API server sets it to the port.
 */
function targetPortHint(evidence: Evidence): string[] {
  const { knowledge, frontends } = evidence;
  const [frontend] = frontends;
  if (!knowledge || !frontend) {
    return [];
  }
  const { namespace, name } = frontend.servicePort;
  const source = servicePortSource(frontend.servicePort, knowledge.sources);
  const hasSelector = (getNamespaced(knowledge.sources.services, namespace, name)?.selector.length ?? 0) > 0;
  const { targetPort, port } = source ?? {};
  const numbers = [...new Set(targetsOf(evidence).map((target) => target.port))];
  const [number] = numbers;
  if (typeof targetPort !== 'number' || numbers.length !== 1 || number === targetPort) {
    return [];
  }
  return hasSelector || targetPort !== port
    ? [`targetPort is ${targetPort}, but its EndpointSlices have port ${number}`]
    : [];
}

/** Containers of one pod may give the same name to their ports; targetPort then means the first of these. */
function sharedNameHint(evidence: Evidence): string[] {
  const { packet, knowledge, frontends } = evidence;
  const [frontend] = frontends;
  const targetPort = knowledge && frontend && servicePortSource(frontend.servicePort, knowledge.sources)?.targetPort;
  if (typeof targetPort !== 'string') {
    return [];
  }
  const pods = targetsOf(evidence).flatMap(({ address }) => podAt(address, knowledge) ?? []);
  const numbers = pods
    .map(({ ports }) => ports.filter(({ name, protocol }) => name === targetPort && protocol === packet.protocol))
    .map((ports) => [...new Set(ports.map(({ port }) => port))])
    .find(({ length }) => length > 1);
  return numbers
    ? [
        escapeControls(
          `targetPort "${targetPort}" is the first port of this name, but its pods have several: ${numbers.join(', ')}`,
        ),
      ]
    : [];
}

/** Pods in the input that declare ports, but not the one that they are sent to. */
function undeclaredHint(evidence: Evidence): string[] {
  const { packet, knowledge } = evidence;
  const targets = knowledge ? targetsOf(evidence) : [];
  const found = targets.flatMap((target) => {
    const pod = podWithoutPort(target, evidence);
    return pod ? [{ pod, target }] : [];
  });
  const [first] = found;
  if (!first) {
    return [];
  }
  const pods = found.map(({ pod }) => pod);
  const isOneNumber = found.every(({ target }) => target.port === first.target.port);
  // The number may be declared over another protocol.
  const isOtherProtocol = pods.some(({ ports }) => ports.some((one) => one.port === first.target.port));
  const number = isOtherProtocol ? `${first.target.port}/${packet.protocol}` : first.target.port;
  const what = isOneNumber ? `port ${number}` : 'the port that they are sent to';
  return [`${subjectOf(pods, targets.length)} not declare ${what}, but ${listPodPorts(pods)}`];
}

/** `its pod does`, `1 of them, shop/web-2, does`, `2 of them do`. */
function subjectOf(pods: readonly PodFacts[], total: number): string {
  const [first] = pods;
  if (pods.length === total) {
    return total === 1 ? 'its pod does' : `its ${countOf(total, 'pod')} do`;
  }
  return pods.length === 1 && first
    ? `1 of them, ${`${first.namespace}/${first.name}`}, does`
    : `${pods.length.toLocaleString('en')} of them do`;
}
