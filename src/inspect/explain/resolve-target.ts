import { type ServiceNote, unservedText } from '../../kubernetes/service-notes.ts';
import { suggestClosest } from '../../lib/text.ts';
import { canonicalAddress } from '../../net/address.ts';
import { nameOfFamily, type Protocol, protocols } from '../../net/network.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { Destination } from './evidence.ts';

/** Where Services are looked up. */
interface Directory {
  /** A view for each family in question, the preferred one first. */
  readonly views: readonly NodeView[];
  readonly notes: readonly ServiceNote[];
}

/** The destination that a target names; for a Service its cluster IP. A text that says why there is none. */
export function resolveTarget(target: TargetName, { views, notes }: Directory): Destination | string {
  if (target.kind === 'address') {
    const { address, port, protocol } = target;
    return { destination: address, port, protocol };
  }
  const { namespace, name } = target;
  for (const { servicePorts } of views) {
    const ports = servicePorts.filter((one) => one.namespace === namespace && one.name === name);
    if (ports.length > 0) {
      return choosePort(target, ports);
    }
  }
  const note = notes.find((one) => one.namespace === namespace && one.name === name);
  if (note) {
    const why = note.unserved ? unservedText(note.unserved) : lacksFamily(note, views);
    return `no rule serves Service ${namespace}/${name}: ${why}`;
  }
  return `there is no Service ${namespace}/${name}${suggestService(target, notes)}`;
}

/** The Service may have cluster IPs in other families. */
function lacksFamily({ addresses }: ServiceNote, views: readonly NodeView[]): string {
  const families = views.map(({ family }) => nameOfFamily(family)).join(' or ');
  return `it has no ${families} cluster IP${addresses.length > 0 ? `, only ${addresses.join(', ')}` : ''}`;
}

type ServiceTarget = Extract<TargetName, { kind: 'service' }>;

function choosePort(
  { namespace, name, port, protocol }: ServiceTarget,
  ports: readonly ServicePort[],
): Destination | string {
  const ofProtocol = ports.filter((one) => protocol === undefined || one.protocol === protocol);
  const named = ofProtocol.filter((one) => port === undefined || one.portName === port || String(one.port) === port);
  const [chosen, other] = named;
  if (chosen && !other) {
    return { destination: chosen.clusterIP, port: chosen.port, protocol: chosen.protocol };
  }
  const service = `Service ${namespace}/${name}`;
  return chosen
    ? `${service} has several matching ports; choose one of ${listPorts(ports)}, as in service:${namespace}/${name}:${other?.portName || other?.port}`
    : `${service} has no port ${port ?? ''}${protocol ? `/${protocol}` : ''}; it has ${listPorts(ports)}${whatElse(port, ports)}`;
}

/** How many ports are listed. */
const shown = 8;

function listPorts(ports: readonly ServicePort[]): string {
  const sorted = [...ports].sort((a, b) => a.port - b.port);
  const texts = sorted.map((one) => `${one.port}/${one.protocol}${one.portName === '' ? '' : ` (${one.portName})`}`);
  const more = texts.length > shown ? ` and ${texts.length - shown} more` : '';
  return `${texts.slice(0, shown).join(', ')}${more}`;
}

/** What else a port of that number is, or which name is similar. */
function whatElse(port: string | undefined, ports: readonly ServicePort[]): string {
  const target = ports.find(({ endpoints }) =>
    endpoints.some(({ endpointAddress }) => String(endpointAddress.port) === port),
  );
  if (target) {
    return `; ${port} is the targetPort of its endpoints`;
  }
  const nodePort = ports.find((one) => String(one.nodePort) === port);
  if (nodePort) {
    return `; ${port} is its node port, which is open on node addresses`;
  }
  const closest = suggestClosest(port ?? '', ports.map(({ portName }) => portName).filter(Boolean));
  return closest === undefined || closest === port ? '' : `; did you mean ${closest}?`;
}

function suggestService({ namespace, name }: ServiceTarget, notes: readonly ServiceNote[]): string {
  const elsewhere = notes.find((one) => one.name === name);
  if (elsewhere) {
    return `; did you mean ${elsewhere.namespace}/${name}?`;
  }
  const names = notes.map((one) => `${one.namespace}/${one.name}`);
  const closest = suggestClosest(`${namespace}/${name}`, names);
  if (closest !== undefined) {
    return `; did you mean ${closest}?`;
  }
  return notes.some((one) => one.namespace === namespace) || notes.length === 0
    ? ''
    : `; namespace ${namespace} has no Services`;
}

/** The destination of the packet, as `--to` names it. */
export type TargetName =
  | { readonly kind: 'address'; readonly address: string; readonly port: number; readonly protocol: Protocol }
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      /** Name or number of a port; undefined for the only one. */
      readonly port: string | undefined;
      readonly protocol: Protocol | undefined;
    };

/**
 * Reads `10.96.0.10:80`, `[fd00::1]:53/udp` or `service:NAMESPACE/NAME[:PORT][/PROTOCOL]`, with PORT by name or number;
 * returns a text that says what is wrong for anything else.
 */
export function parseTarget(text: string): TargetName | string {
  const [, rest = text, word] = /^(.*)\/(tcp|udp|sctp)$/i.exec(text) ?? [];
  const protocol = protocols.find((one) => one === word?.toLowerCase());
  return rest.startsWith('service:')
    ? parseService(rest.slice('service:'.length), protocol)
    : parseEndpointAddress(rest, protocol ?? 'tcp');
}

function parseService(text: string, protocol: Protocol | undefined): TargetName | string {
  const [, namespace, name, port] = /^([^/:]+)\/([^/:]+)(?::([^/:]+))?$/.exec(text) ?? [];
  return namespace !== undefined && name !== undefined
    ? { kind: 'service', namespace, name, port, protocol }
    : 'write a Service as service:NAMESPACE/NAME or service:NAMESPACE/NAME:PORT, such as service:shop/web:http';
}

const example =
  'use ADDRESS:PORT[/PROTOCOL], such as 10.96.0.10:80 or [fd00::1]:53/udp, or service:NAMESPACE/NAME[:PORT]';

function parseEndpointAddress(text: string, protocol: Protocol): TargetName | string {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = canonicalAddress(bracketed ?? plain ?? '');
  if (address === undefined || port === undefined) {
    return problemWith(text);
  }
  const number = Number(port);
  return number >= 1 && number <= 65_535
    ? { kind: 'address', address, port: number, protocol }
    : 'the port must be a number from 1 to 65535';
}

function problemWith(text: string): string {
  if (canonicalAddress(text.replace(/^\[(.*)\]$/, '$1')) !== undefined) {
    return `the port is missing; ${example}`;
  }
  const unknown = /\/([a-z]+)$/i.exec(text)?.[1];
  if (unknown !== undefined && text.includes(':') && !text.startsWith('pod:')) {
    return `the protocol must be tcp, udp or sctp, not ${unknown}; ${example}`;
  }
  return `not an address and port; ${example}`;
}
