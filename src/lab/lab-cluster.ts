/** What a lab adds to the objects of a cluster, and which addresses it takes beside theirs. Pure. */

import { namespaceOf } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { addressNumber, addressOfNumber, type Cidr, cidrContains, cidrText, parseCidr } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { dnsService, type LabPlan } from './plan-lab.ts';

/** The default ranges of a lab: of both families, so that every Service can have its addresses. */
export const labRanges: { readonly serviceCidr: string; readonly podCidr: string; readonly loadBalancerCidr: string } =
  {
    serviceCidr: '10.96.0.0/12,fd00:10:96::/112',
    podCidr: '10.244.0.0/16,fd00:10:244::/56',
    loadBalancerCidr: '198.51.100.0/24,2001:db8:100::/112',
  };

/**
 * The Service and Deployment of the cluster's DNS, as kubeadm makes them: at the tenth address of Services, unless another Service asks for
 * it. None if the objects have the Service.
 */
export function dnsObjects(objects: readonly unknown[], serviceCIDRs: readonly Cidr[]): Mapping[] {
  const services = objects.filter(isMapping).filter(({ kind }) => kind === 'Service');
  const isDns = (service: Mapping): boolean => {
    const metadata = mappingIn(service, 'metadata');
    return namespaceOf(metadata) === dnsService.namespace && textIn(metadata, 'name') === dnsService.name;
  };
  if (services.some(isDns)) {
    return [];
  }
  const labels = { 'k8s-app': 'kube-dns' };
  const [range] = serviceCIDRs;
  const isOther = objects.some((object) => isMapping(object) && object['kind'] === 'ServiceCIDR');
  const address = range && !isOther ? addressOfNumber(range.family, addressNumber(range.address) + 10n) : undefined;
  const isTaken = services.some((service) => {
    const spec = mappingIn(service, 'spec');
    return [spec['clusterIP'], ...listIn(spec, 'clusterIPs')].includes(address);
  });
  const port = (name: string, protocol: string) => ({ name, protocol, port: 53, targetPort: name });
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...dnsService, labels },
      spec: {
        selector: labels,
        ipFamilyPolicy: 'PreferDualStack',
        ...(address !== undefined && !isTaken && { clusterIP: address }),
        ports: [port('dns', 'UDP'), port('dns-tcp', 'TCP')],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'coredns', namespace: dnsService.namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: 'coredns',
                ports: [
                  { name: 'dns', containerPort: 53, protocol: 'UDP' },
                  { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
                ],
              },
            ],
          },
        },
      },
    },
  ];
}

/** The usual ranges of a lab in these families. */
export function rangesOf(families: readonly Family[]): typeof labRanges {
  const partOf = (text: string): string =>
    text
      .split(',')
      .filter((range) => families.includes(range.includes(':') ? 'ip6' : 'ip'))
      .join();
  const { serviceCidr, podCidr, loadBalancerCidr } = labRanges;
  return {
    serviceCidr: partOf(serviceCidr),
    podCidr: partOf(podCidr),
    loadBalancerCidr: partOf(loadBalancerCidr),
  };
}

/** How rules tell Pods from others: by their range, or by their interfaces if Pods have other addresses. */
export function localPods({ hosts }: LabPlan, podCIDRs: readonly Cidr[]): Partial<CompileOptions> {
  const addresses = hosts.filter(({ kind }) => kind === 'pod').flatMap((host) => host.addresses);
  return addresses.every((address) => podCIDRs.some((cidr) => cidrContains(cidr, address)))
    ? { clusterCIDRs: podCIDRs.map(cidrText) }
    : { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'p' };
}

/** Where addresses of what is outside begin: ranges for documentation (RFC 5737, RFC 3849). */
const outsideRanges: Readonly<Record<Family, string>> = { ip: '203.0.113.0/24', ip6: '2001:db8:ffff::/64' };

/** An address of each family for what is outside of the cluster: the first that is free in the lab. */
export function outsideAddresses({ nodes, hosts }: LabPlan, others: readonly string[] = []): string[] {
  const taken = new Set([...nodes, ...hosts].flatMap(({ addresses }) => addresses).concat(others));
  return Object.values(outsideRanges).flatMap((text) => {
    const range = parseCidr(text);
    const candidates = range
      ? Array.from({ length: 250 }, (_, index) =>
          addressOfNumber(range.family, addressNumber(range.address) + BigInt(index + 1)),
        )
      : [];
    return candidates.find((address) => !taken.has(address)) ?? [];
  });
}
