import { isIPv4, isIPv6 } from 'node:net';
import type { Report } from '../../diagnostics/diagnostic.ts';
import type { EndpointSlice, Node, ServiceCIDR } from '../../kubernetes/objects.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import { parseAddress, parseCidr } from '../../net/address.ts';
import { familyOfName, nameOfFamily } from '../../net/network.ts';

/** Checks what the schema of an EndpointSlice cannot express: the addresses are of its addressType. */
export function checkEndpointSlice(slice: EndpointSlice, report: Report): void {
  const addressType: string = slice.addressType;
  if (addressType === 'FQDN') {
    const message = 'addressType is "FQDN"; only IPv4 and IPv6 are supported';
    report('unsupported-address-type', ['addressType'], message);
    return;
  }
  checkPortNames(slice, report);
  const isCanonical = slice.addressType === 'IPv4' ? isIPv4 : isPlainIPv6;
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
function checkPortNames({ ports }: EndpointSlice, report: Report): void {
  for (const [index, { name, port }] of (ports ?? []).entries()) {
    if (port && (name === undefined || name === null)) {
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

/** Checks the InternalIP and ExternalIP addresses of a Node and its podCIDRs. */
export function checkNode(node: Node, report: Report): void {
  for (const [index, { type, address }] of (node.status?.addresses ?? []).entries()) {
    if ((type === 'InternalIP' || type === 'ExternalIP') && address !== '' && !parseAddress(address)) {
      const path = ['status', 'addresses', index, 'address'];
      report('invalid-address', path, `${describePath(path)} is ${describeValue(address)}; expected an IP address`);
    }
  }
  if (node.spec?.podCIDR) {
    checkCidr(node.spec.podCIDR, ['spec', 'podCIDR'], report);
  }
  checkCidrs(node.spec?.podCIDRs ?? [], ['spec', 'podCIDRs'], report);
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
