import { describeValue } from '../../describe-value.ts';
import { checkServiceAddresses } from './check-service-addresses.ts';
import { checkSourceRanges } from './check-source-ranges.ts';
import type { Service, ServicePort } from './kubernetes.ts';
import type { Report } from './report.ts';
import { isAddressField } from './service-families.ts';

/** The rules of a Service that no schema can say. Addresses do not matter where no proxy serves them. */
export function checkService(service: Service, report: Report): void {
  checkPortNames(service.spec.ports ?? [], report);
  if (isServed(service)) {
    checkServiceAddresses(service, report);
    checkSourceRanges(service, report);
  }
}

/** Not ExternalName, not headless, and not left to another proxy (label service.kubernetes.io/service-proxy-name). */
function isServed({ metadata, spec }: Service): boolean {
  return (
    spec.type !== 'ExternalName' &&
    isAddressField(spec.clusterIP) &&
    metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined
  );
}

/** Name and protocol tell the ports of a Service apart, so they differ, and only a single port may go without a name. */
function checkPortNames(ports: readonly ServicePort[], report: Report): void {
  if (ports.length < 2) {
    return;
  }
  const seen = new Set<string>();
  for (const [index, { name, protocol }] of ports.entries()) {
    const identity = `${name}/${protocol ?? 'TCP'}`;
    if (!name) {
      const message = `spec.ports[${index}] has no name; a Service of several ports names each`;
      report('unnamed-port', ['spec', 'ports', index], message);
    } else if (seen.has(identity)) {
      const message = `spec.ports[${index}] is the second ${protocol ?? 'TCP'} port called ${describeValue(name)}`;
      report('duplicate-port', ['spec', 'ports', index, 'name'], message);
    }
    seen.add(identity);
  }
}
