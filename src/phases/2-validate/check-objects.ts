import { isIPv4, isIPv6 } from 'node:net';
import type { Report } from '../../diagnostics/diagnostic.ts';
import type { EndpointSlice, Node, ServiceCIDR } from '../../kubernetes/objects.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import { parseAddress, parseCidr } from '../../net/address.ts';
import { familyOfName, nameOfFamily } from '../../net/network.ts';

/** The rules of an EndpointSlice that no schema can say: its addresses are what its addressType promises. */
export function checkEndpointSlice(slice: EndpointSlice, report: Report): void {
  const addressType: string = slice.addressType;
  if (addressType === 'FQDN') {
    const message = 'addressType is "FQDN"; packets can only be sent to endpoints of IPv4 and IPv6';
    report('unsupported-address-type', ['addressType'], message);
    return;
  }
  checkPortNames(slice, report);
  const isCanonical = slice.addressType === 'IPv4' ? isIPv4 : isPlainIPv6;
  // Counted by hand: a cluster has hundreds of thousands of endpoints.
  const endpoints = slice.endpoints ?? [];
  for (let index = 0; index < endpoints.length; index += 1) {
    const address = endpoints[index]?.addresses?.[0];
    if (address !== undefined && !isCanonical(address)) {
      checkUnusual(address, index, slice, report);
    }
  }
}

/** The API server writes an empty name for none; only in a manifest can it be missing, and then means something else. */
function checkPortNames({ ports }: EndpointSlice, report: Report): void {
  for (const [index, { name, port }] of (ports ?? []).entries()) {
    if (port && (name === undefined || name === null)) {
      const message = `ports[${index}] has no name, so it belongs to no Service port; for an unnamed one write name: ""`;
      report('slice-port-without-name', ['ports', index], message);
    }
  }
}

/** An IPv6 address that needs no closer look: no zone, and none that may stand for an IPv4 one. */
function isPlainIPv6(text: string): boolean {
  const first = text.charAt(0);
  return first !== ':' && first !== '0' && isIPv6(text) && !text.includes('%');
}

function checkUnusual(text: string, index: number, slice: EndpointSlice, report: Report): void {
  const path = ['endpoints', index, 'addresses', 0];
  const found = `${describePath(path)} is ${describeValue(text)}`;
  const address = parseAddress(text);
  if (!address) {
    report('invalid-address', path, `${found}; an ${slice.addressType} address is expected`);
  } else if (address.family !== familyOfName(slice.addressType)) {
    const message = `${found}, an ${nameOfFamily(address.family)} address in a slice of addressType ${slice.addressType}`;
    report('wrong-family', path, message);
  }
}

/** Checks a Node's addresses of the types that count (InternalIP and ExternalIP) and its podCIDRs. */
export function checkNode(node: Node, report: Report): void {
  for (const [index, { type, address }] of (node.status?.addresses ?? []).entries()) {
    if ((type === 'InternalIP' || type === 'ExternalIP') && address !== '' && !parseAddress(address)) {
      const path = ['status', 'addresses', index, 'address'];
      report('invalid-address', path, `${describePath(path)} is ${describeValue(address)}; an IP address is expected`);
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

/** Checks one `address/prefix`; blanks around it, host bits and leading zeros are fine. */
export function checkCidr(text: string, path: Path, report: Report): void {
  if (!parseCidr(text)) {
    const message = `${describePath(path)} is ${describeValue(text)}; a CIDR such as 192.0.2.0/24 is expected`;
    report('invalid-cidr', path, message);
  }
}
