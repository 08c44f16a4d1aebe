import { canonicalAddress } from '../../net/address.ts';
import { type Protocol, protocols } from '../../net/network.ts';

/** The name of an object, and its namespace if it is given. */
export interface ObjectName {
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Who sends the packet, as `--from` names it. `name`: a Pod or a Node. */
export type ClientName =
  | { readonly kind: 'address'; readonly address: string }
  /** `node`: that of the rules. */
  | { readonly kind: 'outside' | 'node' }
  | NamedClient;

interface NamedClient extends ObjectName {
  readonly kind: 'pod' | 'named-node' | 'name';
}

/** A port by name or number, and a protocol; undefined where they are not given. */
export interface TargetPort {
  readonly port: string | undefined;
  readonly protocol: Protocol | undefined;
}

/** The destination of the packet, as `--to` names it. `name`: a Service, a Pod or a Node. */
export type TargetName =
  | AddressTarget
  /** The node of the rules. */
  | NodeTarget
  | NamedTarget;

/** An address, whose port is undefined where it is not given. */
export interface AddressTarget {
  readonly kind: 'address';
  readonly address: string;
  readonly port: number | undefined;
  readonly protocol: Protocol | undefined;
}

/** The node that the rules are for. */
export interface NodeTarget extends TargetPort {
  readonly kind: 'node';
}

interface NamedTarget extends ObjectName, TargetPort {
  readonly kind: 'service' | 'pod' | 'named-node' | 'name';
}

const clientForms = 'use an address, outside, node, pod:NAMESPACE/NAME or the name of a Node';

/** Words for clients, in lowercase; `world` and `host` are those of Cilium. */
export const clientWords: ReadonlyMap<string, 'outside' | 'node'> = new Map([
  ['outside', 'outside'],
  ['world', 'outside'],
  ['external', 'outside'],
  ['internet', 'outside'],
  ['node', 'node'],
  ['host', 'node'],
  ['localhost', 'node'],
]);

/** The kinds of objects by the words that people put before names, kubectl's short names among them. */
const kindWords: ReadonlyMap<string, 'service' | 'pod' | 'named-node'> = new Map([
  ['service', 'service'],
  ['services', 'service'],
  ['svc', 'service'],
  ['pod', 'pod'],
  ['pods', 'pod'],
  ['po', 'pod'],
  ['node', 'named-node'],
  ['nodes', 'named-node'],
  ['no', 'named-node'],
]);

/**
 * Reads `10.1.2.3`, `[fd00::1]`, `outside`, `world`, `node`, `host`, `pod:shop/web-1`, `pod/web-1`, `shop/web-1`, `web-1`,
 * `node/worker-1` or `worker-1`; returns a text that says what is wrong for anything else.
 */
export function parseClient(text: string): ClientName | string {
  const word = clientWords.get(text.toLowerCase());
  if (word) {
    return { kind: word };
  }
  const address = canonicalAddress(text.replace(/^\[(.*)\]$/, '$1'));
  if (address !== undefined) {
    return { kind: 'address', address };
  }
  const { kind, rest } = splitKind(text);
  if (kind === 'service') {
    return `a Service does not send packets; ${clientForms}`;
  }
  const named = parseObjectName(rest);
  return named ? { kind, ...named } : `not the name of a client; ${clientForms}`;
}

/** The kind in `svc/web`, `svc:web` or `pod/shop/web`; `name` without one. */
function splitKind(text: string): { kind: 'service' | 'pod' | 'named-node' | 'name'; rest: string } {
  const [, word = '', rest = ''] = /^([a-z]+)[:/](.*)$/i.exec(text) ?? [];
  const kind = kindWords.get(word.toLowerCase());
  return kind ? { kind, rest } : { kind: 'name', rest: text };
}

const namePattern = /^(?:([a-z0-9](?:[-a-z0-9]{0,62}))\/)?([a-z0-9][-_.a-z0-9]{0,252})$/i;

function parseObjectName(text: string): ObjectName | undefined {
  const [, namespace, name] = namePattern.exec(text) ?? [];
  return name === undefined || /^[0-9.]+$/.test(name) ? undefined : { namespace, name: name.replace(/\.$/, '') };
}

/** Where clients of a scheme connect to if the URL has no port. */
const schemes: ReadonlyMap<string, { readonly port?: string; readonly protocol?: Protocol }> = new Map([
  ['http', { port: '80' }],
  ['ws', { port: '80' }],
  ['https', { port: '443' }],
  ['wss', { port: '443' }],
  ['grpc', {}],
  ['tcp', { protocol: 'tcp' as const }],
  ['udp', { protocol: 'udp' as const }],
  ['sctp', { protocol: 'sctp' as const }],
]);

const targetForms =
  'use ADDRESS:PORT[/PROTOCOL], such as 10.96.0.10:80 or [fd00::1]:53/udp, NAMESPACE/SERVICE[:PORT], or NODE:NODEPORT';

/**
 * Reads `10.96.0.10:80`, `[fd00::1]:53/udp`, `http://10.96.0.10`, `service:shop/web:http`, `svc/web`, `shop/web:80`,
 * `web.shop.svc.cluster.local:80`, `:30080`, `*:30080`, `worker-1:30080` or `pod:shop/web-1:8080`; returns a text that says what is
 * wrong for anything else.
 */
export function parseTarget(text: string): TargetName | string {
  const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text) ?? [];
  if (scheme !== undefined) {
    const known = schemes.get(scheme.toLowerCase());
    return known
      ? parseHost(authority, { port: known.port, protocol: known.protocol })
      : `the scheme must be one of ${[...schemes.keys()].join(', ')}`;
  }
  const [, host = text, word] = /^(.*)\/(tcp|udp|sctp)$/i.exec(text) ?? [];
  const protocol = protocols.find((one) => one === word?.toLowerCase());
  // `svc2nft list` prints a node port as `*:30080/tcp`.
  return parseHost(host.replace(/^\*:/, ':'), { port: undefined, protocol });
}

/** A host with an optional port, which has precedence over that of the scheme. */
function parseHost(text: string, given: TargetPort): TargetName | string {
  const whole = canonicalAddress(text.replace(/^\[(.*)\]$/, '$1'));
  if (whole !== undefined) {
    return addressTarget(whole, given);
  }
  const { kind, rest } = splitKind(text);
  if (kind === 'named-node' && /^[0-9]+$/.test(rest)) {
    return withPort({ kind: 'node' }, { ...given, port: rest });
  }
  const [, host = rest, port = given.port] = /^(.*):([^:\]/]*)$/.exec(rest) ?? [];
  const target = { ...given, port };
  if (host === '' && rest.startsWith(':')) {
    return withPort({ kind: 'node' }, target);
  }
  const address = canonicalAddress(/^localhost$/i.test(host) ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'));
  if (kind === 'name' && address !== undefined && (host.startsWith('[') || !host.includes(':'))) {
    const problem = portProblem(port);
    return (
      problem ??
      (/^[0-9]+$/.test(port ?? '') ? addressTarget(address, target) : 'the port of an address must be a number')
    );
  }
  const named = parseObjectName(host);
  return named ? withPort({ kind, ...named }, target) : problemWith(text, kind);
}

function addressTarget(address: string, { port, protocol }: TargetPort): TargetName {
  return { kind: 'address', address, port: port === undefined ? undefined : Number(port), protocol };
}

function withPort(
  target: Pick<NodeTarget, 'kind'> | Omit<NamedTarget, keyof TargetPort>,
  port: TargetPort,
): TargetName | string {
  return portProblem(port.port) ?? { ...target, ...port };
}

function portProblem(port: string | undefined): string | undefined {
  if (port === undefined) {
    return undefined;
  }
  if (/^[0-9]+$/.test(port)) {
    return Number(port) >= 1 && Number(port) <= 65_535 ? undefined : 'the port must be a number from 1 to 65535';
  }
  return /^[a-z0-9]([-a-z0-9]{0,62})$/i.test(port) ? undefined : 'the port must be a number or the name of a port';
}

function problemWith(text: string, kind: string): string {
  const unknown = /:[^/]*\/([a-z]+)$/i.exec(text)?.[1];
  if (unknown !== undefined && kind === 'name') {
    return `the protocol must be tcp, udp or sctp, not ${unknown}; ${targetForms}`;
  }
  if (kind === 'service') {
    return 'write a Service as service:NAMESPACE/NAME or service:NAMESPACE/NAME:PORT, such as service:shop/web:http';
  }
  return `not an address and port, and not the name of a Service, Pod or Node; ${targetForms}`;
}
