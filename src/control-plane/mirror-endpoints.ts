import { ownerLabel } from '../kubernetes/services.ts';
import { compareText } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { addressTypeOf, controllers, managerLabel, type SliceDraft, slicePort } from './slice-draft.ts';

/** --mirroring-max-endpoints-per-subset of kube-controller-manager. */
const mostMirrored = 1_000;

/** Annotations of Endpoints that their slices do not have. */
const droppedAnnotations: ReadonlySet<string> = new Set([
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
]);

/**
 * The slices of v1 Endpoints, as the EndpointSliceMirroring controller makes them: one for each family and set of ports. None
 * for a lock of leader election, nor for what says that it is not to be mirrored. Malformed values count as absent.
 */
export function mirrorEndpoints(endpoints: Mapping): SliceDraft[] {
  const metadata = mappingIn(endpoints, 'metadata');
  const labels = mappingIn(metadata, 'labels');
  const annotations = Object.entries(mappingIn(metadata, 'annotations'));
  const isLock = annotations.some(([key]) => key === 'control-plane.alpha.kubernetes.io/leader');
  if (isLock || labels['endpointslice.kubernetes.io/skip-mirror'] === 'true') {
    return [];
  }
  const common = {
    labels: { ...labels, [ownerLabel]: textIn(metadata, 'name'), [managerLabel]: controllers.mirror },
    annotations: Object.fromEntries(annotations.filter(([key]) => !droppedAnnotations.has(key))),
  };
  return repackSubsets(listIn(endpoints, 'subsets').filter(isMapping)).flatMap(({ ports, endpoints: all }) =>
    (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
      const ofType = all.filter(({ addresses: [address] }) => addressTypeOf(address) === addressType);
      return ofType.length > 0 ? [{ ...common, addressType, ports, endpoints: ofType }] : [];
    }),
  );
}

/** Ports, and the endpoints that have all of them. */
interface Subset {
  readonly ports: readonly Mapping[];
  readonly endpoints: readonly MirroredEndpoint[];
}

interface MirroredEndpoint extends Mapping {
  readonly addresses: readonly [string];
}

/** A port, or none, and whether each of its endpoints is ready. */
interface PortReadiness {
  readonly ports: readonly Mapping[];
  readonly isReady: Map<string, boolean>;
}

/**
 * Subsets in the form in which controllers compare them (RepackSubsets): ports with the same endpoints are together, and an
 * endpoint is not ready for a port if one subset says so. What the first subset says of an address is kept.
 */
function repackSubsets(subsets: readonly Mapping[]): Subset[] {
  const endpoints = new Map<string, MirroredEndpoint>();
  const byPort = new Map<string, PortReadiness>();
  for (const subset of subsets) {
    const ports = listIn(subset, 'ports').filter(isMapping);
    // Endpoints without ports are kept, too.
    for (const own of ports.length > 0 ? ports.map((port) => [slicePort(port, port['port'])]) : [[]]) {
      const key = JSON.stringify(own);
      const port = byPort.get(key) ?? { ports: own, isReady: new Map<string, boolean>() };
      byPort.set(key, port);
      addEntries(listIn(subset, 'addresses'), true, { port, endpoints });
      addEntries(listIn(subset, 'notReadyAddresses'), false, { port, endpoints });
    }
  }
  const groups = new Map<string, Subset>();
  for (const { ports, isReady } of byPort.values()) {
    const sorted = [...isReady].sort(([a, one], [b, other]) => Number(other) - Number(one) || compareText(a, b));
    const key = JSON.stringify(sorted);
    const own = sorted.slice(0, mostMirrored).map(([identity, ready]) => ({
      ...(endpoints.get(identity) as MirroredEndpoint),
      conditions: { ready },
    }));
    groups.set(key, { ports: [...(groups.get(key)?.ports ?? []), ...ports], endpoints: own });
  }
  return [...groups.values()];
}

interface Repacking {
  readonly port: PortReadiness;
  readonly endpoints: Map<string, MirroredEndpoint>;
}

function addEntries(entries: readonly unknown[], ready: boolean, { port, endpoints }: Repacking): void {
  for (const entry of entries) {
    const identity = readAddress(entry, endpoints);
    if (identity !== undefined && port.isReady.get(identity) !== false) {
      port.isReady.set(identity, ready);
    }
  }
}

/** Adds the endpoint of an entry, unless it is known, and returns its identity; undefined for what is not an address. */
function readAddress(entry: unknown, endpoints: Map<string, MirroredEndpoint>): string | undefined {
  const address = isMapping(entry) ? canonicalAddress(textIn(entry, 'ip')) : undefined;
  if (!isMapping(entry) || address === undefined) {
    return undefined;
  }
  const identity = JSON.stringify([textIn(entry, 'ip'), textIn(mappingIn(entry, 'targetRef'), 'uid')]);
  if (!endpoints.has(identity)) {
    const [nodeName, hostname] = [textIn(entry, 'nodeName'), textIn(entry, 'hostname')];
    endpoints.set(identity, {
      addresses: [address],
      ...(hostname !== '' && { hostname }),
      ...(isMapping(entry['targetRef']) && { targetRef: entry['targetRef'] }),
      ...(nodeName !== '' && { nodeName }),
    });
  }
  return identity;
}
