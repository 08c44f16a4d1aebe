import { describePath, describeValue } from '../../describe-value.ts';
import { isServed } from '../../service-rules.ts';
import { checkServiceAddresses } from './check-service-addresses.ts';
import { checkSourceRanges } from './check-source-ranges.ts';
import type { Service, ServicePort } from './kubernetes.ts';
import type { Report } from './report.ts';

/** The rules of a Service that no schema can say; none matters where no rule comes of the Service. */
export function checkService(service: Service, report: Report): void {
  if (isServed(service)) {
    checkPortNames(service.spec.ports ?? [], report);
    checkAffinity(service, report);
    checkServiceAddresses(service, report);
    checkSourceRanges(service, report);
  } else if (lacksClusterIP(service)) {
    report('no-cluster-ip', ['spec'], 'it has no clusterIP yet, which the API server assigns, so it gets no rules');
  }
}

/** A manifest that no cluster has seen; headless Services say None, and of type ExternalName need no address. */
function lacksClusterIP({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && !spec.clusterIP;
}

/** Name and protocol tell the ports of a Service apart, so they differ, and only a single port may go without a name. */
function checkPortNames(ports: readonly ServicePort[], report: Report): void {
  if (ports.length < 2) {
    return;
  }
  const seen = new Set<string>();
  for (const [index, { name, protocol }] of ports.entries()) {
    const identity = `${name}/${protocol || 'TCP'}`;
    if (!name) {
      const message = `spec.ports[${index}] has no name; a Service of several ports names each`;
      report('unnamed-port', ['spec', 'ports', index], message);
    } else if (seen.has(identity)) {
      const message = `spec.ports[${index}] is the second ${protocol || 'TCP'} port called ${describeValue(name)}`;
      report('duplicate-port', ['spec', 'ports', index, 'name'], message);
    }
    seen.add(identity);
  }
}

/** SessionAffinityConfig counts with ClientIP only. */
function checkAffinity({ spec }: Service, report: Report): void {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 1;
  if (spec.sessionAffinity === 'ClientIP' && (seconds < 1 || seconds > 86_400)) {
    const path = ['spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'];
    const message = `${describePath(path)} is ${seconds}; a client stays with its endpoint for 1 to 86400 seconds`;
    report('invalid-timeout', path, message);
  }
}
