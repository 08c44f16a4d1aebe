import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Report } from '../../diagnostics/diagnostic.ts';
import type { EndpointSlice, ServiceCIDR } from '../../kubernetes/objects.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import {
  type Address,
  canonicalAddress,
  isRefusedForHosts,
  parseAddress,
  parseCidr,
  type SpecialRange,
  specialRangeOf,
} from '../../net/address.ts';
import { familyOfName, isPortNumber, nameOfFamily } from '../../net/network.ts';

/**
 * Checks what the schema of an EndpointSlice cannot express: the addresses are of its addressType. A slice of addressType
 * FQDN is for other consumers; proxies ignore it (discovery.k8s.io/v1 AddressType).
 */
export function checkEndpointSlice(slice: EndpointSlice, report: Report): void {
  const addressType: string = slice.addressType;
  if (addressType === 'FQDN') {
    const message = 'addressType is "FQDN", so the slice is ignored: packets are sent to addresses, not to names';
    report('unsupported-address-type', ['addressType'], message);
    return;
  }
  checkSlicePorts(slice, report);
  checkSizes(slice, report);
  if (addressType !== 'IPv4' && addressType !== 'IPv6') {
    // An error of the schema; what the addresses should be is not known.
    return;
  }
  const isCanonical = addressType === 'IPv4' ? isIPv4 : isPlainIPv6;
  // A plain loop for speed: a cluster may have hundreds of thousands of endpoints.
  const endpoints = slice.endpoints ?? [];
  for (let index = 0; index < endpoints.length; index += 1) {
    const { addresses, hints } = endpoints[index] ?? {};
    const address = addresses?.[0];
    if (hints || addresses?.length !== 1) {
      checkEndpointSize(slice, index, report);
    }
    if (address !== undefined && (!isCanonical(address) || specialRangeOf(address))) {
      checkUnusual(address, index, slice, report);
    }
  }
}

/** The API server writes an empty name for an unnamed port; a missing one, possible in manifests only, matches no port. */
function checkSlicePorts({ ports }: EndpointSlice, report: Report): void {
  for (const [index, { name, port }] of (ports ?? []).entries()) {
    const hasPort = port !== undefined && port !== null;
    if (hasPort && !isPortNumber(port)) {
      const message = `ports[${index}].port is ${port}; it is ignored, because a port is a number from 1 to 65535`;
      report('ignored-port', ['ports', index, 'port'], message);
    } else if (hasPort && (name === undefined || name === null)) {
      const message = `ports[${index}] has no name, so it matches no Service port; write name: "" to match an unnamed one`;
      report('slice-port-without-name', ['ports', index], message);
    }
  }
}

/** What is said of input that rules can be made of, but that did not come from an API server as it is. */
export const refusal = 'an API server refuses that';

/** How many an API server accepts (ValidateEndpointSlice). */
const most = { endpoints: 1_000, addresses: 100, ports: 20_000, hints: 8 } as const;

/** Checks that a slice is not larger than an API server accepts, and that its ports differ in their names. */
function checkSizes({ endpoints, ports }: EndpointSlice, report: Report): void {
  if ((endpoints ?? []).length > most.endpoints) {
    const found = `it has ${endpoints?.length.toLocaleString('en')} endpoints, more than 1,000`;
    report('refused-by-api-server', ['endpoints'], `${found}; ${refusal}`);
  }
  if ((ports ?? []).length > most.ports) {
    const found = `it has ${ports?.length.toLocaleString('en')} ports, more than 20,000`;
    report('refused-by-api-server', ['ports'], `${found}; ${refusal}`);
  }
  const seen = new Set<string>();
  for (const [index, port] of (ports ?? []).entries()) {
    const name = port.name ?? '';
    if (seen.has(name)) {
      const found = `ports[${index}] is the second one named ${describeValue(name)}`;
      report('refused-by-api-server', ['ports', index], `${found}; ${refusal}`);
    }
    seen.add(name);
  }
}

/** The same for an endpoint. Only its first address is used. */
function checkEndpointSize({ endpoints }: EndpointSlice, index: number, report: Report): void {
  const { addresses, hints } = endpoints?.[index] ?? {};
  const refuse = (field: string, what: string): void => {
    report('refused-by-api-server', ['endpoints', index, field], `endpoints[${index}] ${what}; ${refusal}`);
  };
  const count = addresses?.length ?? 0;
  if (count === 0) {
    refuse('addresses', 'has no address, so it is ignored');
  } else if (count > most.addresses) {
    refuse('addresses', `has ${count.toLocaleString('en')} addresses, more than 100`);
  }
  for (const field of ['forZones', 'forNodes'] as const) {
    const list = hints?.[field] ?? [];
    const noun = field === 'forZones' ? 'zones' : 'nodes';
    if (list.length > most.hints) {
      refuse('hints', `has hints for ${list.length.toLocaleString('en')} ${noun}, more than 8`);
    } else if (field === 'forNodes' && list.some(({ name }) => name === '')) {
      refuse('hints', 'has a hint for a node without a name');
    }
  }
}

/** Whether an IPv6 address needs no further checks: it has no zone, and cannot be a mapped IPv4 address. */
function isPlainIPv6(text: string): boolean {
  const first = text.charAt(0);
  return first !== ':' && first !== '0' && isIPv6(text) && !text.includes('%');
}

function checkUnusual(text: string, index: number, slice: EndpointSlice, report: Report): void {
  const path = ['endpoints', index, 'addresses', 0];
  const found = `${describePath(path)} is ${describeValue(text)}`;
  const address = parseAddress(text);
  if (!address) {
    report('invalid-address', path, `${found}; expected an ${slice.addressType} address`);
  } else if (address.family !== familyOfName(slice.addressType)) {
    const message = `${found}, an ${nameOfFamily(address.family)} address in a slice of addressType ${slice.addressType}`;
    report('wrong-family', path, message);
  } else {
    checkHostAddress(text, path, report);
  }
}

const rangeTexts: Readonly<Record<SpecialRange, string>> = {
  unspecified: 'an unspecified address',
  loopback: 'a loopback address',
  linkLocal: 'a link-local address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
};

/** `a loopback address`; undefined for addresses of hosts, and for link-local ones, which are those of hosts on one link. */
export function whyNoHost({ text }: Address): string | undefined {
  const range = specialRangeOf(text);
  return range === undefined || range === 'linkLocal' ? undefined : rangeTexts[range];
}

/**
 * Checks that a valid address of an endpoint, or an external IP, is that of a host. The API server refuses loopback,
 * link-local and other addresses, which would lead clients to the node itself (ValidateEndpointIP). It accepts the rest of
 * multicast, the broadcast address and 0.0.0.0/8; nothing is sent there either, with a warning.
 */
export function checkHostAddress(text: string, path: Path, report: Report): void {
  const address = canonicalAddress(text) ?? '';
  const range = specialRangeOf(address);
  if (range) {
    const found = `${describePath(path)} is ${describeValue(text)}`;
    if (isRefusedForHosts(address)) {
      report('special-address', path, `${found}, ${rangeTexts[range]}; expected the address of a host`);
    } else {
      report('ignored-address', path, `${found}; it is ignored because it is ${rangeTexts[range]}`);
    }
  }
}

/** Checks the ranges of a ServiceCIDR: one, or one of each family (ValidateServiceCIDR). */
export function checkServiceCIDR(serviceCIDR: ServiceCIDR, report: Report): void {
  const path = ['spec', 'cidrs'];
  const refuse = (at: Path, what: string): void => report('refused-by-api-server', at, `${what}; ${refusal}`);
  const cidrs = serviceCIDR.spec?.cidrs ?? [];
  if (cidrs.length === 0) {
    refuse(path, 'it has no range');
  } else if (cidrs.length > 2) {
    refuse(path, `spec.cidrs has ${cidrs.length.toLocaleString('en')} ranges, more than 2`);
  }
  for (const [index, text] of cidrs.entries()) {
    const at = [...path, index];
    checkCidr(text, at, report);
    const oddity = findOddity(text);
    if (oddity !== undefined) {
      refuse(at, `${describePath(at)} is ${describeValue(text)}, ${oddity}`);
    }
  }
  const [first, second] = cidrs.map((text) => parseCidr(text)?.family);
  if (cidrs.length === 2 && first !== undefined && first === second) {
    refuse([...path, 1], `spec.cidrs has two ${nameOfFamily(first)} ranges`);
  }
}

/** What a valid `address/prefix` has that IsValidCIDR refuses; undefined if nothing. */
function findOddity(text: string): string | undefined {
  const cidr = parseCidr(text);
  if (!cidr) {
    return undefined;
  }
  const [address = '', prefix = ''] = text.split('/');
  const readAs = `it is read as ${cidr.address}/${cidr.prefix}`;
  if (!isIP(address) || !/^(0|[1-9][0-9]*)$/.test(prefix)) {
    return `with blanks or leading zeros; ${readAs}`;
  }
  if (isIPv6(address) && cidr.family === 'ip') {
    return `IPv4 mapped into IPv6; ${readAs}`;
  }
  return canonicalAddress(address) === cidr.address
    ? undefined
    : `which has bits set beyond its prefix length; ${readAs}`;
}

/** Checks one `address/prefix`; surrounding blanks, host bits and leading zeros are allowed. */
export function checkCidr(text: string, path: Path, report: Report): void {
  if (!parseCidr(text)) {
    const message = `${describePath(path)} is ${describeValue(text)}; expected a CIDR such as 192.0.2.0/24`;
    report('invalid-cidr', path, message);
  }
}
