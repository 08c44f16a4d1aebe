import { isIPv4, isIPv6 } from 'node:net';
import type { Report } from '../../diagnostics/diagnostic.ts';
import type { EndpointSlice, ServiceCIDR } from '../../kubernetes/objects.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import { parseAddress, parseCidr } from '../../net/address.ts';
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
  if (addressType !== 'IPv4' && addressType !== 'IPv6') {
    // An error of the schema; what the addresses should be is not known.
    return;
  }
  const isCanonical = addressType === 'IPv4' ? isIPv4 : isPlainIPv6;
  // A plain loop for speed: a cluster may have hundreds of thousands of endpoints.
  const endpoints = slice.endpoints ?? [];
  for (let index = 0; index < endpoints.length; index += 1) {
    const address = endpoints[index]?.addresses?.[0];
    if (address !== undefined && !isCanonical(address)) {
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
  }
}

/** Checks the ranges of a ServiceCIDR. */
export function checkServiceCIDR(serviceCIDR: ServiceCIDR, report: Report): void {
  checkCidrs(serviceCIDR.spec?.cidrs ?? [], ['spec', 'cidrs'], report);
}

/** Checks that every entry of the list at `path` is an `address/prefix` of either family. */
function checkCidrs(texts: readonly string[], path: Path, report: Report): void {
  for (const [index, text] of texts.entries()) {
    checkCidr(text, [...path, index], report);
  }
}

/** Checks one `address/prefix`; surrounding blanks, host bits and leading zeros are allowed. */
export function checkCidr(text: string, path: Path, report: Report): void {
  if (!parseCidr(text)) {
    const message = `${describePath(path)} is ${describeValue(text)}; expected a CIDR such as 192.0.2.0/24`;
    report('invalid-cidr', path, message);
  }
}
