import {
  deleteNamespaced,
  entriesOfNamespaced,
  getNamespaced,
  type Namespaced,
  setNamespaced,
} from '../kubernetes/namespaced-map.ts';
import type { Service, Sourced } from '../kubernetes/objects.ts';
import { healthCheckPort, serviceFamilies } from '../kubernetes/services.ts';
import type { Family } from '../net/network.ts';
import type { FamilyState } from './family-state.ts';

/** What a load balancer learns from this node when it asks about a Service, at the port for that (spec.healthCheckNodePort). */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  /** The TCP port; 0 when the Service has none any more. */
  readonly port: number;
  /** At how many addresses of this node an endpoint is ready, in each family that the Service has. */
  readonly localEndpoints: Readonly<Partial<Record<Family, number>>>;
}

/** The health checks of a node, and which of them may have changed. */
export interface HealthCheckTracker {
  /** Takes note that a Service, if it is there, or its endpoints may have changed. */
  note(namespace: string, name: string, service: Service | undefined): void;
  /** Takes note that any of them may have changed. */
  noteAll(): void;
  /** Those that have changed since the last call; it costs as much as was noted. */
  take(served: ServedFamilies): readonly HealthCheck[];
}

/** What health checks follow from. */
interface ServedFamilies {
  readonly services: Namespaced<Sourced<Service>>;
  readonly families: ReadonlyMap<Family, Pick<FamilyState, 'ports'>>;
}

/** Those of a node without Services. */
export function trackHealthChecks(): HealthCheckTracker {
  const known: Namespaced<HealthCheck> = new Map();
  let noted: Namespaced<unknown> = new Map();
  let areAllNoted = false;
  return {
    note: (namespace, name, service) => {
      if ((service && healthCheckPort(service) > 0) || getNamespaced(known, namespace, name)) {
        setNamespaced(noted, namespace, name, true);
      } else {
        // It came and went since the last call, which perhaps nobody ever makes.
        deleteNamespaced(noted, namespace, name);
      }
    },
    noteAll: () => {
      areAllNoted = true;
    },
    take: (served) => {
      const services = areAllNoted ? [served.services, known] : [noted];
      noted = new Map();
      areAllNoted = false;
      return services.flatMap((some) =>
        [...entriesOfNamespaced<unknown>(some)].flatMap(([namespace, name]) => {
          const before = getNamespaced(known, namespace, name);
          const check = checkService(namespace, name, served);
          remember(known, check);
          return isSame(before, check) ? [] : [check];
        }),
      );
    },
  };
}

function checkService(namespace: string, name: string, { services, families }: ServedFamilies): HealthCheck {
  const service = getNamespaced(services, namespace, name)?.object;
  const port = service ? healthCheckPort(service) : 0;
  if (!service || port === 0) {
    return { namespace, name, port: 0, localEndpoints: {} };
  }
  const counts = serviceFamilies(service).flatMap((family) => {
    const state = families.get(family);
    return state ? [[family, countLocal(state, namespace, name)] as const] : [];
  });
  return { namespace, name, port, localEndpoints: Object.fromEntries(counts) };
}

/**
 * The number of different addresses of this node, over all ports, at which an endpoint is ready: kube-proxy's
 * LocalReadyEndpoints. Hints and policies do not count, nor do endpoints that terminate and still serve.
 */
function countLocal({ ports }: Pick<FamilyState, 'ports'>, namespace: string, name: string): number {
  const addresses = new Set<string>();
  for (const { servicePort } of getNamespaced(ports, namespace, name) ?? []) {
    for (const { local, ready, endpointAddress } of servicePort.endpoints) {
      if (local && ready) {
        addresses.add(endpointAddress.address);
      }
    }
  }
  return addresses.size;
}

function remember(known: Namespaced<HealthCheck>, check: HealthCheck): void {
  if (check.port > 0) {
    setNamespaced(known, check.namespace, check.name, check);
  } else {
    deleteNamespaced(known, check.namespace, check.name);
  }
}

function isSame(before: HealthCheck | undefined, after: HealthCheck): boolean {
  const [a, b] = [before?.localEndpoints, after.localEndpoints];
  return (before?.port ?? 0) === after.port && a?.ip === b.ip && a?.ip6 === b.ip6;
}
