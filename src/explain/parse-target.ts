import { canonicalAddress } from '../address.ts';
import type { Protocol } from '../network.ts';
import { protocols } from '../protocols.ts';

/** Where the packet is sent, as `--to` names it. */
export type TargetName =
  | { readonly kind: 'address'; readonly address: string; readonly port: number; readonly protocol: Protocol }
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      /** Name or number of one of its ports; undefined for its only one. */
      readonly port: string | undefined;
      readonly protocol: Protocol | undefined;
    };

/**
 * Reads `10.96.0.10:80`, `[fd00::1]:53/udp` or `service:NAMESPACE/NAME[:PORT][/PROTOCOL]`, PORT by name or number; a text
 * that says what is wrong for anything else.
 */
export function parseTarget(text: string): TargetName | string {
  const [, rest = text, word] = /^(.*)\/(tcp|udp|sctp)$/i.exec(text) ?? [];
  const protocol = protocols.find((one) => one === word?.toLowerCase());
  return rest.startsWith('service:')
    ? parseService(rest.slice('service:'.length), protocol)
    : parseSocket(rest, protocol ?? 'tcp');
}

function parseService(text: string, protocol: Protocol | undefined): TargetName | string {
  const [, namespace, name, port] = /^([^/:]+)\/([^/:]+)(?::([^/:]+))?$/.exec(text) ?? [];
  return namespace !== undefined && name !== undefined
    ? { kind: 'service', namespace, name, port, protocol }
    : 'a Service is named service:NAMESPACE/NAME or service:NAMESPACE/NAME:PORT, such as service:shop/web:http';
}

const example =
  'give ADDRESS:PORT[/PROTOCOL], such as 10.96.0.10:80 or [fd00::1]:53/udp, or service:NAMESPACE/NAME[:PORT]';

function parseSocket(text: string, protocol: Protocol): TargetName | string {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = canonicalAddress(bracketed ?? plain ?? '');
  if (address === undefined || port === undefined) {
    return problemWith(text);
  }
  const number = Number(port);
  return number >= 1 && number <= 65_535
    ? { kind: 'address', address, port: number, protocol }
    : 'a port is a number from 1 to 65535';
}

function problemWith(text: string): string {
  if (canonicalAddress(text.replace(/^\[(.*)\]$/, '$1')) !== undefined) {
    return `the port is missing; ${example}`;
  }
  const unknown = /\/([a-z]+)$/i.exec(text)?.[1];
  if (unknown !== undefined && text.includes(':') && !text.startsWith('pod:')) {
    return `the protocol is tcp, udp or sctp, not ${unknown}; ${example}`;
  }
  return `it is no address and port; ${example}`;
}
