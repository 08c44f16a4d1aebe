import { pushTo } from '../lib/lists.ts';
import { cutText, escapeControls, listSome } from '../lib/text.ts';
import { entriesIn, isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { namespaceOf } from './services.ts';

export type Labels = readonly (readonly [key: string, value: string])[];

/** What a Pod says that explains endpoints, or their absence. Nothing is validated; malformed values count as absent. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  /** Empty if it is not scheduled. */
  readonly nodeName: string;
  /** spec.hostNetwork: its addresses are those of its node. */
  readonly isHostNetwork: boolean;
  readonly labels: Labels;
  /** status.podIPs, canonical. */
  readonly addresses: readonly string[];
  /** Ports of its containers; a Pod may listen on others. */
  readonly ports: readonly PodPort[];
  readonly state: PodState;
}

/** An entry of spec.containers[].ports. */
export interface PodPort {
  /** Empty for an unnamed one. */
  readonly name: string;
  readonly port: number;
  /** In lowercase. */
  readonly protocol: string;
}

/** Whether a Pod can get connections, and what keeps it from that. Texts have no control characters. */
export interface PodState {
  /** `unknown`: its status does not say. `finished`: Succeeded or Failed, so that it has no endpoint. */
  readonly word: 'ready' | 'not ready' | 'Pending' | 'terminating' | 'finished' | 'unknown';
  /** In a word or a few: `Unschedulable`, `CrashLoopBackOff`; empty if it is not known. */
  readonly cause: string;
  /** In a clause: `container web: CrashLoopBackOff`; empty if it is not known. */
  readonly detail: string;
}

/** What a Pod says about itself; undefined without a valid name and namespace. */
export function readPodFacts(pod: Mapping): PodFacts | undefined {
  const metadata = mappingIn(pod, 'metadata');
  const namespace = validName(namespaceOf(metadata));
  const name = validName(metadata['name']);
  if (namespace === '' || name === '') {
    return undefined;
  }
  const spec = mappingIn(pod, 'spec');
  const status = mappingIn(pod, 'status');
  return {
    namespace,
    name,
    nodeName: validName(spec['nodeName']),
    isHostNetwork: spec['hostNetwork'] === true,
    labels: entriesIn(metadata, 'labels'),
    addresses: podAddresses(status),
    ports: portsOf(spec),
    state: stateOf(pod),
  };
}

/** The addresses in the status of a Pod, canonical: podIPs, else podIP. */
export function podAddresses(status: Mapping): string[] {
  const podIPs = listIn(status, 'podIPs').map((entry) => (isMapping(entry) ? entry['ip'] : undefined));
  return (podIPs.length > 0 ? podIPs : [status['podIP']]).flatMap((text) =>
    typeof text === 'string' ? (canonicalAddress(text) ?? []) : [],
  );
}

/**
 * A name of a Pod, Node or namespace (RFC 1123), or a label value; empty for anything else, so that nothing else reaches
 * output.
 */
export function validName(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z0-9][-_.A-Za-z0-9]{0,252}$/.test(value) ? value : '';
}

function portsOf(spec: Mapping): PodPort[] {
  return containerPorts(spec).flatMap(({ name, containerPort, protocol }) =>
    typeof containerPort === 'number'
      ? [
          {
            name: typeof name === 'string' ? name : '',
            port: containerPort,
            protocol: typeof protocol === 'string' ? protocol.toLowerCase() : 'tcp',
          },
        ]
      : [],
  );
}

/**
 * The entries of containers[].ports in the spec of a Pod: those of containers that keep running, as init containers do with
 * restartPolicy Always (sidecars), which come last.
 */
export function containerPorts(spec: Mapping): Mapping[] {
  const sidecars = listIn(spec, 'initContainers')
    .filter(isMapping)
    .filter((one) => one['restartPolicy'] === 'Always');
  return [...listIn(spec, 'containers').filter(isMapping), ...sidecars].flatMap((container) =>
    listIn(container, 'ports').filter(isMapping),
  );
}

function stateOf(pod: Mapping): PodState {
  const status = mappingIn(pod, 'status');
  const word = stateWord(pod, status);
  const { cause, detail } = word === 'Pending' || word === 'not ready' ? causeOf(pod, status) : noCause;
  return { word, cause: escapeControls(cause), detail: escapeControls(detail) };
}

function stateWord(pod: Mapping, status: Mapping): PodState['word'] {
  const { phase } = status;
  if (phase === 'Succeeded' || phase === 'Failed') {
    return 'finished';
  }
  if (isPodTerminating(pod)) {
    return 'terminating';
  }
  if (phase === 'Pending') {
    return 'Pending';
  }
  const ready = conditionOf(status, 'Ready')?.['status'];
  if (ready === undefined) {
    return 'unknown';
  }
  return ready === 'True' ? 'ready' : 'not ready';
}

/** Whether its status says so. */
export function isPodReady(pod: Mapping): boolean {
  return conditionOf(mappingIn(pod, 'status'), 'Ready')?.['status'] === 'True';
}

/** Whether it is being deleted; its containers may still run. */
export function isPodTerminating(pod: Mapping): boolean {
  return (mappingIn(pod, 'metadata')['deletionTimestamp'] ?? null) !== null;
}

function conditionOf(status: Mapping, type: string): Mapping | undefined {
  return listIn(status, 'conditions')
    .filter(isMapping)
    .find((one) => one['type'] === type);
}

type Cause = Pick<PodState, 'cause' | 'detail'>;

const noCause: Cause = { cause: '', detail: '' };

/** How much of a reason, a name or a message is kept, in characters. */
const longestText = 100;

function shortTextIn(parent: Mapping, field: string): string {
  return cutText(textIn(parent, field), longestText);
}

/** What a Pod says: that no node takes it, which of its containers does not run or is not ready, or which gate is closed. */
function causeOf(pod: Mapping, status: Mapping): Cause {
  const scheduled = conditionOf(status, 'PodScheduled');
  if (scheduled?.['status'] === 'False') {
    const cause = shortTextIn(scheduled, 'reason') || 'not scheduled';
    const message = shortTextIn(scheduled, 'message');
    return { cause, detail: message === '' ? cause : `${cause}: ${message}` };
  }
  const containers = [...listIn(status, 'initContainerStatuses'), ...listIn(status, 'containerStatuses')];
  const causes = containers.filter(isMapping).flatMap((container) => containerCause(container) ?? []);
  return causes.find(({ cause }) => !ordinary.has(cause)) ?? causes[0] ?? gateCause(pod, status);
}

/** What a container waits for that is about to run: another one may say more. */
const ordinary: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

function containerCause(container: Mapping): Cause | undefined {
  const name = shortTextIn(container, 'name');
  const state = mappingIn(container, 'state');
  const waiting = shortTextIn(mappingIn(state, 'waiting'), 'reason');
  if (waiting !== '') {
    return { cause: waiting, detail: `container ${name}: ${waiting}` };
  }
  if (container['ready'] !== false) {
    return undefined;
  }
  const { terminated } = state;
  if (isMapping(terminated)) {
    // An init container that is done has terminated as it should.
    const cause = shortTextIn(terminated, 'reason') || 'terminated';
    return cause === 'Completed' ? undefined : { cause, detail: `container ${name}: ${cause}` };
  }
  if (!isMapping(state['running'])) {
    return undefined;
  }
  const probe = container['started'] === false ? 'startup' : 'readiness';
  return { cause: `${probe} probe fails`, detail: `container ${name} runs, but its ${probe} probe fails` };
}

/** All containers may be ready and a condition of spec.readinessGates not: another controller sets it, or should. */
function gateCause(pod: Mapping, status: Mapping): Cause {
  if (textIn(conditionOf(status, 'Ready') ?? {}, 'reason') !== 'ReadinessGatesNotReady') {
    return noCause;
  }
  const gates = listIn(mappingIn(pod, 'spec'), 'readinessGates').filter(isMapping);
  const closed = gates
    .map((gate) => textIn(gate, 'conditionType'))
    .filter((type) => type !== '' && conditionOf(status, type)?.['status'] !== 'True');
  const [first] = closed;
  if (first === undefined) {
    return { cause: 'ReadinessGatesNotReady', detail: 'ReadinessGatesNotReady' };
  }
  const cause = `readiness gate ${cutText(first, longestText)} is not True`;
  return { cause, detail: closed.length > 1 ? `${cause}, and ${closed.length - 1} more` : cause };
}

/** Whether a Pod has a containerPort with a number and protocol. */
export function declares({ ports }: PodFacts, port: number, protocol: string): boolean {
  return ports.some((one) => one.port === port && one.protocol === protocol);
}

/** `8080`, `8080 (http)`, `8125/udp (statsd)`. */
function podPortText({ name, port, protocol }: PodPort): string {
  return escapeControls(`${port}${protocol === 'tcp' ? '' : `/${protocol}`}${name === '' ? '' : ` (${name})`}`);
}

/** How many ports are named. */
const shownPorts = 4;

/** The ports that Pods declare, each once: `8080 (http), 9102 (metrics)`; empty if they declare none. */
export function listPodPorts(pods: readonly PodFacts[], textOf: (port: PodPort) => string = podPortText): string {
  const texts = [...new Set(pods.flatMap(({ ports }) => ports.map(textOf)))];
  return listSome(texts, shownPorts);
}

/** `2 are Pending (Unschedulable)`, `1 is not ready (CrashLoopBackOff)`: a text for each state. */
export function countStates(states: readonly PodState[], noun: (count: number) => string): string[] {
  const groups = new Map<PodState['word'], PodState[]>();
  for (const state of states) {
    pushTo(groups, state.word, state);
  }
  return [...groups].map(([word, group]) => {
    const verb = group.length === 1 ? 'is' : 'are';
    return `${noun(group.length)} ${verb} ${word}${causesText(group)}`;
  });
}

/** ` (Unschedulable)`, or empty if no cause is known. */
export function causesText(states: readonly PodState[]): string {
  const causes = [...new Set(states.map(({ cause }) => cause).filter(Boolean))];
  const more = causes.length > 3 ? ', ...' : '';
  return causes.length === 0 ? '' : ` (${causes.slice(0, 3).join(', ')}${more})`;
}
