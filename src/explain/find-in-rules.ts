import { setNames } from '../phases/5-plan/names.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import type { Destination } from './find-frontends.ts';
import type { TargetName } from './parse-target.ts';

/** A frontend of a Service as the rules name it. */
interface NamedFrontend extends Destination {
  /** Empty for an unnamed port. */
  readonly portName: string;
}

/**
 * The cluster IP and port of a Service, by the comments of elements, where there is no snapshot to ask; a text that says
 * why there is none. The comment of a very long name is cut, and then it is not found.
 */
export function findInRules(
  { namespace, name, port, protocol }: Extract<TargetName, { kind: 'service' }>,
  rulesets: readonly Ruleset[],
): Destination | string {
  const frontends = rulesets.flatMap((ruleset) => clusterIpsOf(`${namespace}/${name}`, ruleset));
  const chosen = frontends.filter(
    (one) =>
      (port === undefined || one.portName === port || String(one.port) === port) &&
      (protocol === undefined || one.protocol === protocol),
  );
  const [first, ...others] = chosen;
  if (first && others.every((one) => one.portName === first.portName && one.protocol === first.protocol)) {
    const { destination, port: number, protocol: known } = first;
    return { destination, port: number, protocol: known };
  }
  const list = [...new Set(frontends.map((one) => `${one.portName || one.port}/${one.protocol}`))].join(', ');
  return frontends.length === 0
    ? `no rule has a cluster IP of Service ${namespace}/${name}`
    : `Service ${namespace}/${name} has the ports ${list}; name one of them`;
}

function clusterIpsOf(service: string, { sets }: Ruleset): NamedFrontend[] {
  const elementsIn = (name: string) => sets.find((set) => set.name === name)?.elements ?? [];
  const clusterIps = new Set(elementsIn(setNames.clusterIps).map(({ key }) => key));
  return [...elementsIn(setNames.serviceIps), ...elementsIn(setNames.noEndpointServices)].flatMap(
    ({ key, comment }) => {
      const [owner, portName = ''] = comment?.split(':') ?? [];
      const [destination = '', word, port] = key.split(' . ');
      const protocol = protocols.find((one) => one === word);
      return owner === service && protocol && clusterIps.has(destination)
        ? [{ destination, protocol, port: Number(port), portName }]
        : [];
    },
  );
}
