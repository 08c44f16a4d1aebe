import { type Mapping, textIn } from '../lib/unknown-values.ts';
import { familyOfAddress } from '../net/address.ts';

/** The addressType of slices that proxies read. */
export type AddressType = 'IPv4' | 'IPv6';

/** A slice that has no name yet. */
export interface SliceDraft {
  readonly addressType: AddressType;
  readonly labels: Mapping;
  readonly annotations?: Mapping;
  readonly ports: readonly Mapping[];
  readonly endpoints: readonly Mapping[];
}

/** Who writes slices, by the label {@link managerLabel}. */
export const controllers = {
  selector: 'endpointslice-controller.k8s.io',
  mirror: 'endpointslicemirroring-controller.k8s.io',
} as const;

/** The label that says which controller writes a slice. */
export const managerLabel = 'endpointslice.kubernetes.io/managed-by';

/** The addressType that a canonical address is of. */
export function addressTypeOf(address: string): AddressType {
  return familyOfAddress(address) === 'ip' ? 'IPv4' : 'IPv6';
}

/** An entry of ports of a slice. @param port one of a Service or of v1 Endpoints, by which it is named. */
export function slicePort(port: Mapping, number: unknown): Mapping {
  const appProtocol = textIn(port, 'appProtocol');
  return {
    name: textIn(port, 'name'),
    port: number,
    protocol: textIn(port, 'protocol') || 'TCP',
    ...(appProtocol !== '' && { appProtocol }),
  };
}
