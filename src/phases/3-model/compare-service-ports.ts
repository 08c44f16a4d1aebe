import { compareText } from '../../compare-text.ts';
import type { ServicePort } from './model.ts';

/** By namespace, name, port name and protocol: the identity of a service port. */
export function compareServicePorts(a: ServicePort, b: ServicePort): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.portName, b.portName) ||
    compareText(a.protocol, b.protocol)
  );
}
