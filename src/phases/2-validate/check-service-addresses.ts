import { parseAddress } from '../../address.ts';
import { describePath, describeValue, listWords } from '../../describe-value.ts';
import { familyOfName, nameOfFamily } from '../../family-names.ts';
import type { Family } from '../../network.ts';
import { isAddressField } from '../../service-rules.ts';
import type { Path } from '../1-read/document.ts';
import type { Service } from './kubernetes.ts';
import type { Report } from './report.ts';
import { serviceFamilies } from './service-families.ts';

/** Checks all addresses of a Service that a proxy serves: they can be read and are of a family that it has. */
export function checkServiceAddresses(service: Service, report: Report): void {
  checkClusterIPs(service, report);
  checkExternalIPs(service, report);
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  for (const [index, { ip }] of ingress.entries()) {
    if (ip?.trim()) {
      readAddress(ip.trim(), ['status', 'loadBalancer', 'ingress', index, 'ip'], report);
    }
  }
}

/** The index in ipFamilies chooses among clusterIPs (ServiceSpec.ipFamilies). */
function checkClusterIPs({ spec }: Service, report: Report): void {
  const clusterIPs = spec.clusterIPs ?? [];
  for (const [index, text] of clusterIPs.entries()) {
    checkClusterIP(text, ['spec', 'clusterIPs', index], spec.ipFamilies?.[index], report);
  }
  if (spec.clusterIP !== clusterIPs[0]) {
    const family = clusterIPs.length === 0 ? spec.ipFamilies?.[0] : undefined;
    checkClusterIP(spec.clusterIP, ['spec', 'clusterIP'], family, report);
  }
}

function checkClusterIP(
  text: string | null | undefined,
  path: Path,
  expected: 'IPv4' | 'IPv6' | undefined,
  report: Report,
): void {
  const family = isAddressField(text) ? readAddress(text, path, report) : undefined;
  if (family && expected && family !== familyOfName(expected)) {
    const found = `${describePath(path)} is ${describeValue(text)}, an ${nameOfFamily(family)} address`;
    report('wrong-family', path, `${found}; its place in spec.ipFamilies says ${expected}`);
  }
}

function checkExternalIPs(service: Service, report: Report): void {
  const texts = service.spec.externalIPs ?? [];
  const families = texts.length > 0 ? serviceFamilies(service) : [];
  for (const [index, text] of texts.entries()) {
    const path = ['spec', 'externalIPs', index];
    const family = text.trim() === '' ? undefined : readAddress(text.trim(), path, report);
    if (family && !families.includes(family)) {
      const names = listWords(families.map(nameOfFamily)) || 'neither family';
      const message = `${describePath(path)} is ${describeValue(text)}; it is ignored, as the Service has ${names} only`;
      report('ignored-address', path, message);
    }
  }
}

function readAddress(text: string, path: Path, report: Report): Family | undefined {
  const address = parseAddress(text);
  if (!address) {
    report('invalid-address', path, `${describePath(path)} is ${describeValue(text)}; an IP address is expected`);
  }
  return address?.family;
}
