import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';
import { suggestClosest } from '../suggest-closest.ts';
import type { Destination } from './find-frontends.ts';
import type { TargetName } from './parse-target.ts';

/** Where Services are looked up. */
export interface Directory {
  /** A view for each family that may be asked about, the preferred one first. */
  readonly views: readonly NodeView[];
  readonly notes: readonly ServiceNote[];
}

/** The destination that a target names, the clusterIP of a Service; a text that says why there is none. */
export function resolveTarget(target: TargetName, { views, notes }: Directory): Destination | string {
  if (target.kind === 'address') {
    const { address, port, protocol } = target;
    return { destination: address, port, protocol };
  }
  const { namespace, name } = target;
  for (const { servicePorts } of views) {
    const ports = servicePorts.filter((one) => one.namespace === namespace && one.name === name);
    if (ports.length > 0) {
      return choosePort(target, ports);
    }
  }
  const note = notes.find((one) => one.namespace === namespace && one.name === name);
  if (note) {
    return `Service ${namespace}/${name} has no clusterIP to send to: ${note.unserved ?? 'it has no port, or none of this family'}`;
  }
  return `there is no Service ${namespace}/${name}${suggestService(target, notes)}`;
}

type ServiceTarget = Extract<TargetName, { kind: 'service' }>;

function choosePort(
  { namespace, name, port, protocol }: ServiceTarget,
  ports: readonly ServicePort[],
): Destination | string {
  const ofProtocol = ports.filter((one) => protocol === undefined || one.protocol === protocol);
  const named = ofProtocol.filter((one) => port === undefined || one.portName === port || String(one.port) === port);
  const [chosen, other] = named;
  if (chosen && !other) {
    return { destination: chosen.clusterIP, port: chosen.port, protocol: chosen.protocol };
  }
  const list = ports.map((one) => `${one.portName === '' ? one.port : one.portName}/${one.protocol}`).join(', ');
  return chosen
    ? `Service ${namespace}/${name} has several such ports; name one of ${list}, as in service:${namespace}/${name}:${other?.portName || other?.port}`
    : `Service ${namespace}/${name} has no port ${port ?? ''}${protocol ? `/${protocol}` : ''}; it has ${list}`;
}

function suggestService({ namespace, name }: ServiceTarget, notes: readonly ServiceNote[]): string {
  const elsewhere = notes.find((one) => one.name === name);
  if (elsewhere) {
    return `; did you mean ${elsewhere.namespace}/${name}?`;
  }
  const names = notes.map((one) => `${one.namespace}/${one.name}`);
  const closest = suggestClosest(`${namespace}/${name}`, names);
  if (closest !== undefined) {
    return `; did you mean ${closest}?`;
  }
  return notes.some((one) => one.namespace === namespace) || notes.length === 0
    ? ''
    : `; there is no Service in namespace ${namespace} at all`;
}
