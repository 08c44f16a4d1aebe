import { endpointText, type Family } from '../net/network.ts';
import { joinKey, splitKey } from '../nft/ruleset-parts.ts';

/** Where clients connect to: an address and port, or a port at the node's own addresses, called node port. */
export interface FrontendAddress {
  /** Undefined for a node port. */
  readonly address: string | undefined;
  /** `tcp`, `udp` or `sctp`, or whatever else the kernel's key has in this place. */
  readonly protocol: string;
  readonly port: number;
}

/**
 * Reads the key of a verdict map, `10.96.0.1 . tcp . 80` or `tcp . 30080`; undefined for a key of another shape, which the
 * compiler never writes.
 */
export function readVerdictKey(key: string): FrontendAddress | undefined {
  const parts = splitKey(key);
  const port = parts.at(-1) ?? '';
  if (parts.length < 2 || parts.length > 3 || !/^[0-9]+$/.test(port)) {
    return undefined;
  }
  const [protocol = '', address] = parts.slice(0, -1).reverse();
  return { address, protocol, port: Number(port) };
}

/** The opposite of {@link readVerdictKey}: how verdict maps know a frontend. */
export function verdictKeyOf({ address, protocol, port }: FrontendAddress): string {
  return joinKey(address === undefined ? [protocol, port] : [address, protocol, port]);
}

/** How endpoint maps and affinity sets, which have one protocol each, know a frontend: `10.96.0.1 . 80` or `30080`. */
export function endpointKeyOf({ address, port }: FrontendAddress): string {
  return joinKey(address === undefined ? [port] : [address, port]);
}

/** A frontend as output shows it, without blanks: `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`, `*:30080/tcp`, `[*]:30080/tcp`. */
export function frontendText({ address, protocol, port }: FrontendAddress, family: Family): string {
  return `${frontendHostText({ address, port }, family)}/${protocol}`;
}

/** The same without the protocol: `10.96.0.10:80`, `[fd00::1]:80`, `*:30080`, `[*]:30080`. */
export function frontendHostText({ address, port }: Pick<FrontendAddress, 'address' | 'port'>, family: Family): string {
  return endpointText({ address: address ?? (family === 'ip' ? '*' : '[*]'), port });
}

/** A service port as the comments of its elements name it. */
export interface ServicePortName {
  readonly namespace: string;
  readonly service: string;
  /** Empty for an unnamed port; cut where the whole comment would have more than 128 bytes. */
  readonly portName: string;
}

const dnsLabel = '[a-z0-9][-a-z0-9]{0,62}';
const commentPattern = new RegExp(`^(${dnsLabel})/(${dnsLabel})(?::([-a-z0-9]{0,63}))?$`);

/**
 * Reads the comment of an element, `namespace/name:port` or `namespace/name`; undefined for one that the compiler never
 * writes. The cut of a long comment may leave nothing of the port's name but the colon.
 */
export function readServicePortName(comment: string | undefined): ServicePortName | undefined {
  const [, namespace, service, portName = ''] = commentPattern.exec(comment ?? '') ?? [];
  return namespace !== undefined && service !== undefined ? { namespace, service, portName } : undefined;
}
