import type { ServicePortSource, SliceSummary } from '../../kubernetes/endpoint-sources.ts';
import { getNamespaced } from '../../kubernetes/namespaced-map.ts';
import { type ServiceNote, unservedText } from '../../kubernetes/service-notes.ts';
import { escapeControls, listSome } from '../../lib/text.ts';
import { endpointText, nameOfFamily } from '../../net/network.ts';
import { frontendKindText } from '../../phases/5-plan/names.ts';
import { explainPacket } from './explain-packet.ts';
import type { Answer, Explanation } from './explanation.ts';
import { headlineOf, severityOfVerdict } from './headline.ts';
import {
  type AskedPackets,
  type Inquiry,
  makeQuestions,
  type SnapshotFacts,
  type UnservedTarget,
} from './make-question.ts';

/** The answer to an inquiry, and remarks about its client. */
export interface Reply {
  readonly answer: Answer;
  readonly remarks: readonly string[];
}

/**
 * What happens to the packets of an inquiry, the worst first; a text if it names something unknown, or ambiguous. Throws
 * `UnknownRule` for a ruleset that the walker refuses.
 */
export function answerInquiry(inquiry: Inquiry): Reply | string {
  const asked = makeQuestions(inquiry);
  if (typeof asked === 'string') {
    return asked;
  }
  return 'unserved' in asked
    ? { answer: answerUnserved(asked, inquiry.snapshot), remarks: asked.remarks }
    : { answer: answerPackets(asked), remarks: asked.remarks };
}

function answerPackets({ questions, service }: AskedPackets): Answer {
  const [first, ...rest] = questions;
  const explanations: [Explanation, ...Explanation[]] = [explainPacket(first), ...rest.map(explainPacket)];
  const sorted = explanations.sort((a, b) => severityOfVerdict(b) - severityOfVerdict(a));
  const [worst] = sorted;
  if (sorted.length === 1) {
    return { ...worst, summary: null, frontends: service === undefined ? [] : sorted };
  }
  const name = service ?? worst.packet?.destination ?? '';
  return { ...worst, headline: jointHeadline(sorted, name), summary: summarize(sorted, name), frontends: sorted };
}

/** How many hints a joint headline has; each frontend has its own below. */
const shownHints = 3;

/** The worst verdict and where it holds; if all are good, that they are, and what they hint at. */
function jointHeadline(sorted: readonly Explanation[], service: string): string {
  const [worst] = sorted;
  if (!worst || severityOfVerdict(worst) === 0) {
    const reasons = new Set(sorted.map(({ reason }) => reason.text.replace(/^sent /, '')));
    const [only] = reasons;
    const where = only !== undefined && reasons.size === 1 ? ` ${only}` : ` to endpoints of ${service}`;
    const hints = [...new Set(sorted.flatMap(({ reason }) => reason.hint?.split('; ') ?? []))];
    const shown = [...hints.slice(0, shownHints), ...(hints.length > shownHints ? ['...'] : [])];
    const text = `SENT${where}, at ${allOf(sorted.length)} frontends`;
    return escapeControls([text, ...shown].join('; '));
  }
  return headlineOf(worst, ` at ${frontendName(worst)}`);
}

function summarize(sorted: readonly Explanation[], service: string): string {
  const failing = sorted.filter((one) => severityOfVerdict(one) > 0);
  const [worst] = failing;
  return worst
    ? `${failing.length} of ${sorted.length} frontends of ${service} ${failing.length === 1 ? 'fails' : 'fail'}; the worst is ${frontendName(worst)}`
    : `${allOf(sorted.length)} frontends of ${service} work`;
}

function allOf(count: number): string {
  return count === 2 ? 'both' : `all ${count}`;
}

/** `load balancer IP 198.51.100.200:443/tcp`. */
function frontendName({ packet, service, asked }: Explanation): string {
  const type = service?.type || asked?.type;
  const kind = type ? `${frontendKindText(type)} ` : '';
  const { destination = '', port = 0, protocol = 'tcp' } = packet ?? {};
  return `${kind}${endpointText({ address: destination, port })}/${protocol}`;
}

/** A Service without an address: no packet is sent to it, so there is nothing to walk. */
function answerUnserved(target: UnservedTarget, snapshot: SnapshotFacts | undefined): Answer {
  const { namespace, name } = target.unserved;
  const verdict = 'untouched';
  const reason = unservedReason(target, snapshot);
  return {
    headline: headlineOf({ packet: null, verdict, rejectedWith: null, reason, masqueraded: false, notUnderstood: [] }),
    packet: null,
    node: snapshot?.views[0]?.nodeName ?? '',
    verdict,
    rejectedWith: null,
    reason,
    service: { name: `${namespace}/${name}`, type: '' },
    asked: null,
    masqueraded: false,
    endpoints: [],
    leftOut: [],
    notUnderstood: [],
    steps: [],
    summary: null,
    frontends: [],
  };
}

function unservedReason(
  { unserved: note, families, deadEnd }: UnservedTarget,
  snapshot: SnapshotFacts | undefined,
): Answer['reason'] {
  const { unserved, addresses } = note;
  const service = `${note.namespace}/${note.name}`;
  if (unserved === 'headless') {
    return { code: 'headless', text: `${service} is headless (clusterIP None): ${headlessText(note, snapshot)}` };
  }
  if (unserved === 'ExternalName') {
    return { code: 'external-name', text: externalNameText(note, deadEnd, snapshot) };
  }
  const lacking = families.map(nameOfFamily).join(' or ');
  const lacks = `it has no ${lacking} cluster IP${addresses.length > 0 ? `, only ${addresses.join(', ')}` : ''}`;
  return {
    code: 'not-served',
    text: `${service} is not served by nodes: ${unserved ? unservedText(unserved) : lacks}`,
  };
}

/** Clients of a headless Service connect to its pods, at the ports of the pods. */
function headlessText({ namespace, name }: ServiceNote, snapshot: SnapshotFacts | undefined): string {
  const slices = (snapshot && getNamespaced(snapshot.sources.slices, namespace, name)) ?? [];
  const ports = (snapshot && getNamespaced(snapshot.sources.services, namespace, name)?.ports) ?? [];
  const known = slices.flatMap((slice) => slice.addresses);
  const total = slices.reduce((sum, { endpoints }) => sum + endpoints, 0);
  const shown = known.slice(0, 3).map((address) => withPod(address, snapshot));
  const list = total > shown.length ? `${shown.join(', ')}, ...` : shown.join(', ');
  const untranslated = ports.flatMap((port) => untranslatedPort(port, slices));
  if (untranslated.length > 0 && total > 0) {
    return `clients connect to its pods directly; ${listSome(untranslated, shownPorts)}; DNS gives ${list}`;
  }
  return `DNS gives the addresses of its pods${total > 0 ? `, ${list}` : ', but it has none'}`;
}

/** How many ports are named. */
const shownPorts = 3;

/** `port 80 is not translated to its targetPort 9200`; empty if they are equal, or targetPort is not known. */
function untranslatedPort({ name, port, targetPort }: ServicePortSource, slices: readonly SliceSummary[]): string[] {
  const given = slices.flatMap(({ ports }) => ports).find((one) => one.name === name)?.port;
  const isName = typeof targetPort === 'string';
  if (
    typeof port !== 'number' ||
    !(isName || typeof targetPort === 'number') ||
    (isName ? given : targetPort) === port
  ) {
    return [];
  }
  const text = isName && typeof given === 'number' ? `${targetPort} (${given})` : String(targetPort);
  return [`port ${port} is not translated to its targetPort ${escapeControls(text)}`];
}

function externalNameText(
  { namespace, name }: ServiceNote,
  deadEnd: string | undefined,
  snapshot: SnapshotFacts | undefined,
): string {
  const alias = (snapshot && getNamespaced(snapshot.sources.services, namespace, name)?.externalName) ?? '';
  const end = deadEnd === undefined ? '' : `, ${deadEnd}`;
  return `${namespace}/${name} is of type ExternalName: DNS gives the name ${alias === '' ? 'of another host' : escapeControls(alias)}${end}`;
}

function withPod(address: string, snapshot: SnapshotFacts | undefined): string {
  const pod = snapshot?.locations.byAddress.get(address)?.pod;
  return pod ? `${address} (${pod})` : address;
}
