import type { Report } from '../../diagnostics/diagnostic.ts';
import type { Service, ServicePortSpec } from '../../kubernetes/objects.ts';
import { isAddressField, isServed, loadBalancerTexts, serviceFamilies } from '../../kubernetes/services.ts';
import { listWords } from '../../lib/text.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import { type Address, parseAddress, parseCidr, specialRangeOf } from '../../net/address.ts';
import { type Family, isPortNumber, nameOfFamily } from '../../net/network.ts';
import { checkCidr, checkHostAddress, refusal, whyNoHost } from './check-objects.ts';

/** Checks what the schema of a Service cannot express. A Service that is not served needs no checks. */
export function checkService(service: Service, report: Report): void {
  if (isServed(service)) {
    checkPortNames(service.spec.ports ?? [], report);
    checkAffinity(service, report);
    checkServiceAddresses(service, report);
    checkSourceRanges(service, report);
    checkAcceptance(service, report);
  } else if (lacksClusterIP(service)) {
    report('no-cluster-ip', ['spec'], 'it has no clusterIP yet (the API server assigns one), so it gets no rules');
  }
}

/** Whether it is a manifest that was never in a cluster: headless Services have None, ExternalName needs no address. */
function lacksClusterIP({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && !spec.clusterIP;
}

/** The ports of a Service are identified by name and protocol, and only a single port may be unnamed. */
function checkPortNames(ports: readonly ServicePortSpec[], report: Report): void {
  if (ports.length < 2) {
    return;
  }
  const seen = new Set<string>();
  for (const [index, { name, protocol }] of ports.entries()) {
    const identity = `${name}/${protocol || 'TCP'}`;
    if (!name) {
      const message = `spec.ports[${index}] has no name; each port of a Service with several ports needs one`;
      report('unnamed-port', ['spec', 'ports', index], message);
    } else if (seen.has(identity)) {
      const message = `spec.ports[${index}] is the second ${protocol || 'TCP'} port named ${describeValue(name)}`;
      report('duplicate-port', ['spec', 'ports', index, 'name'], message);
    }
    seen.add(identity);
  }
}

/** SessionAffinityConfig applies to ClientIP only. */
function checkAffinity({ spec }: Service, report: Report): void {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 1;
  if (spec.sessionAffinity === 'ClientIP' && (seconds < 1 || seconds > 86_400)) {
    const path = ['spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'];
    const message = `${describePath(path)} is ${seconds}; expected 1 to 86400 seconds`;
    report('invalid-timeout', path, message);
  }
}

/**
 * Checks that all addresses of a served Service are valid and of one of its families. Its status is not what its author
 * wrote, so an address there that is not valid is ignored, as by kube-proxy. The API server accepts any valid address in a
 * status, and cluster IPs of any ServiceCIDR, but rules for 127.0.0.1 or 0.0.0.0 would take over the node.
 */
function checkServiceAddresses(service: Service, report: Report): void {
  checkClusterIPs(service, report);
  checkExternalIPs(service, report);
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  for (const [index, { ip, ipMode }] of ingress.entries()) {
    const address = parseAddress(ip?.trim() ?? '');
    const what = address ? whyNoHost(address) : 'not an IP address';
    if (ip?.trim() && what !== undefined && !(address && ipMode === 'Proxy')) {
      const path = ['status', 'loadBalancer', 'ingress', index, 'ip'];
      const message = `${describePath(path)} is ${describeValue(ip)}; it is ignored because it is ${what}`;
      report('ignored-address', path, message);
    }
  }
}

/** Each entry of ipFamilies is the family of the entry of clusterIPs at its index (ServiceSpec.ipFamilies). */
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
  const address = isAddressField(text) ? readAddress(text, path, report) : undefined;
  if (!address) {
    return;
  }
  const found = `${describePath(path)} is ${describeValue(text)}`;
  const family = nameOfFamily(address.family);
  const what = whyNoHost(address);
  if (expected && expected !== family) {
    const message = `${found}, an ${family} address; the matching entry of spec.ipFamilies is ${expected}`;
    report('wrong-family', path, message);
  } else if (what !== undefined) {
    const message = `${found}; it is ignored because it is ${what}, so there are no rules for ${family}`;
    report('ignored-address', path, message);
  }
}

function checkExternalIPs(service: Service, report: Report): void {
  const texts = service.spec.externalIPs ?? [];
  const families = texts.length > 0 ? serviceFamilies(service) : [];
  for (const [index, text] of texts.entries()) {
    const path = ['spec', 'externalIPs', index];
    const address = text.trim() === '' ? undefined : readAddress(text.trim(), path, report);
    if (address && specialRangeOf(address.text)) {
      checkHostAddress(text.trim(), path, report);
    } else if (address && !families.includes(address.family)) {
      const names = families.length > 0 ? `only ${listWords(families.map(nameOfFamily))}` : 'neither family';
      const message = `${describePath(path)} is ${describeValue(text)}; it is ignored because the Service has ${names}`;
      report('ignored-address', path, message);
    }
  }
}

function readAddress(text: string, path: Path, report: Report): Address | undefined {
  const address = parseAddress(text);
  if (!address) {
    report('invalid-address', path, `${describePath(path)} is ${describeValue(text)}; expected an IP address`);
  }
  return address;
}

/**
 * Checks spec.loadBalancerSourceRanges. kube-proxy filters the ranges by family, so a family without any is open to all
 * clients; svc2nft does the same, with a warning.
 */
function checkSourceRanges(service: Service, report: Report): void {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  if (ranges.length === 0) {
    return;
  }
  for (const [index, range] of ranges.entries()) {
    checkCidr(range, ['spec', 'loadBalancerSourceRanges', index], report);
  }
  const families = ranges.flatMap((range) => parseCidr(range)?.family ?? []);
  const served = serviceFamilies(service);
  for (const family of new Set(served)) {
    const addresses = addressesOf(service, family);
    if (families.length > 0 && addresses.length > 0 && !families.includes(family)) {
      const message = `no range is ${nameOfFamily(family)}, so all clients may reach ${listWords(addresses)}`;
      report('ranges-do-not-apply', ['spec', 'loadBalancerSourceRanges'], message);
    }
  }
}

function addressesOf(service: Service, family: Family): string[] {
  const addresses = loadBalancerTexts(service).flatMap((text) => parseAddress(text) ?? []);
  return addresses.filter((address) => address.family === family).map((address) => address.text);
}

/**
 * Checks what rules can be made of, but no API server accepts (ValidateService): kube-proxy has no such Service to serve, so
 * the object is probably not what its author meant.
 */
function checkAcceptance(service: Service, report: Report): void {
  const refuse: Refuse = (path, what) => report('refused-by-api-server', path, `${what}; ${refusal}`);
  const { clusterIP, clusterIPs, ports, sessionAffinity, sessionAffinityConfig } = service.spec;
  if ((ports ?? []).length === 0) {
    refuse(['spec'], 'it has no ports');
  }
  if (clusterIPs?.length && clusterIP !== clusterIPs[0]) {
    const found = `spec.clusterIP is ${describeValue(clusterIP)}, but spec.clusterIPs[0] is ${describeValue(clusterIPs[0])}`;
    refuse(['spec', 'clusterIP'], found);
  }
  const families = (clusterIPs ?? []).map((text) => parseAddress(text)?.family ?? text);
  if (hasRepeats(families)) {
    refuse(['spec', 'clusterIPs'], 'spec.clusterIPs has several addresses of one family');
  } else if (families.includes('None')) {
    refuse(['spec', 'clusterIPs'], 'spec.clusterIPs has None beside an address');
  }
  if (hasRepeats(service.spec.ipFamilies ?? [])) {
    refuse(['spec', 'ipFamilies'], 'spec.ipFamilies has a family twice');
  }
  if (sessionAffinity !== 'ClientIP' && sessionAffinityConfig?.clientIP) {
    refuse(
      ['spec', 'sessionAffinityConfig'],
      'spec.sessionAffinityConfig is set, but spec.sessionAffinity is not ClientIP',
    );
  }
  checkNameUse(ports ?? [], refuse);
  checkTypeUse(service, refuse);
}

type Refuse = (path: Path, what: string) => void;

function hasRepeats(values: readonly unknown[]): boolean {
  return new Set(values).size < values.length;
}

/** The API server wants names to be unique without regard to the protocol; kube-proxy would accept both. */
function checkNameUse(ports: readonly ServicePortSpec[], refuse: Refuse): void {
  const first = new Map<string, ServicePortSpec>();
  for (const [index, port] of ports.entries()) {
    const other = port.name ? first.get(port.name) : undefined;
    if (other && (other.protocol || 'TCP') !== (port.protocol || 'TCP')) {
      const found = `spec.ports[${index}].name is ${describeValue(port.name)}, the name of a port of another protocol`;
      refuse(['spec', 'ports', index, 'name'], found);
    } else if (port.name) {
      first.set(port.name, port);
    }
  }
}

const kubeletPort = 10_250;

/** Checks fields that only Services of some types may have. */
function checkTypeUse({ spec, status }: Service, refuse: Refuse): void {
  const type = spec.type || 'ClusterIP';
  const inType = `in a Service of type ${type}`;
  for (const [index, { port, nodePort }] of (spec.ports ?? []).entries()) {
    if (type === 'ClusterIP' && nodePort) {
      refuse(['spec', 'ports', index, 'nodePort'], `spec.ports[${index}].nodePort is ${nodePort} ${inType}`);
    }
    if (type === 'LoadBalancer' && port === kubeletPort) {
      refuse(['spec', 'ports', index, 'port'], `spec.ports[${index}].port is ${port}, the kubelet's, ${inType}`);
    }
  }
  if (type !== 'LoadBalancer' && status?.loadBalancer?.ingress?.some(({ ip }) => ip)) {
    refuse(['status', 'loadBalancer', 'ingress'], `status.loadBalancer.ingress has an address ${inType}`);
  }
  if (type !== 'LoadBalancer' && spec.loadBalancerSourceRanges?.length) {
    refuse(['spec', 'loadBalancerSourceRanges'], `spec.loadBalancerSourceRanges has ranges ${inType}`);
  }
  const { externalTrafficPolicy: policy, externalIPs } = spec;
  if (type === 'ClusterIP' && policy && !externalIPs?.length) {
    const path = ['spec', 'externalTrafficPolicy'];
    refuse(path, `spec.externalTrafficPolicy is ${policy} ${inType} without external IPs`);
  }
  checkHealthCheckPort(spec, refuse);
}

function checkHealthCheckPort(spec: Service['spec'], refuse: Refuse): void {
  const path = ['spec', 'healthCheckNodePort'];
  const port = spec.healthCheckNodePort ?? 0;
  if (port !== 0 && (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local')) {
    refuse(
      path,
      `spec.healthCheckNodePort is ${port}, but only load balancers with externalTrafficPolicy Local have one`,
    );
  } else if (port !== 0 && !isPortNumber(port)) {
    refuse(path, `spec.healthCheckNodePort is ${port}, which is not a port`);
  }
}
