import { parseAddress } from '../../address.ts';
import { describePath, describeValue } from '../../describe-value.ts';
import { checkCidr, checkCidrs } from './check-cidrs.ts';
import type { Node, ServiceCIDR } from './kubernetes.ts';
import type { Report } from './report.ts';

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
