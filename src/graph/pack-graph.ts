import type { Graph, GraphEndpoint, GraphFrontend, GraphServicePort, Route } from './graph.ts';
import { portText } from './port-text.ts';

/**
 * A graph as the page reads it (page/unpack-graph.js): lists in place of objects, and an index for what many endpoints
 * have in common, as 20,000 endpoints must stay a file of a megabyte or so.
 */
export interface PackedGraph {
  readonly node: string;
  readonly zone: string;
  /** Node, zone, and 1 for this node. */
  readonly places: readonly (readonly [node: string, zone: string, isHere: 0 | 1])[];
  /** State, reason for being left out, and indices of routes. */
  readonly uses: readonly (readonly [state: GraphEndpoint['state'], leftOut: string, routes: readonly number[]])[];
  readonly ports: readonly PackedPort[];
}

type PackedPort = readonly [
  namespace: string,
  name: string,
  portName: string,
  port: string,
  affinitySeconds: number,
  frontends: readonly (readonly [GraphFrontend['kind'], string, string, readonly string[] | null, readonly number[]])[],
  routes: readonly (readonly [clients: string, endpoints: number, refusal: Route['refusal']])[],
  /** Pods of the Service's own namespace come without it. */
  endpoints: readonly (readonly [socket: string, pod: string, place: number, use: number])[],
];

/** Packs a graph; nothing is lost. */
export function packGraph({ nodeName, zone, servicePorts }: Graph): PackedGraph {
  const places = makeTable<PackedGraph['places'][number]>();
  const uses = makeTable<PackedGraph['uses'][number]>();
  const ports = servicePorts.map((servicePort) =>
    packPort(
      servicePort,
      servicePort.endpoints.map((endpoint) => [
        endpoint.socket,
        shortPod(endpoint.pod, servicePort),
        places.indexOf([endpoint.nodeName, endpoint.zone, endpoint.local ? 1 : 0]),
        uses.indexOf([endpoint.state, endpoint.leftOut, endpoint.routes]),
      ]),
    ),
  );
  return { node: nodeName, zone, places: places.rows, uses: uses.rows, ports };
}

function packPort(servicePort: GraphServicePort, endpoints: PackedPort[7]): PackedPort {
  const { family, namespace, name, portName, protocol, port, affinitySeconds, frontends, routes } = servicePort;
  return [
    namespace,
    name,
    portName,
    portText({ port, protocol, family }),
    affinitySeconds,
    frontends.map((each) => [each.kind, each.place, each.heldBy, each.sourceRanges, each.routes]),
    routes.map(({ clients, endpoints: count, refusal }) => [clients, count, refusal]),
    endpoints,
  ];
}

function shortPod(pod: string, { namespace }: GraphServicePort): string {
  return pod.startsWith(`${namespace}/`) ? pod.slice(namespace.length + 1) : pod;
}

interface Table<T> {
  readonly rows: T[];
  readonly indexOf: (row: T) => number;
}

/** Rows that come often, each once. */
function makeTable<T>(): Table<T> {
  const rows: T[] = [];
  const indices = new Map<string, number>();
  return {
    rows,
    indexOf: (row) => {
      const key = JSON.stringify(row);
      const index = indices.get(key) ?? rows.push(row) - 1;
      indices.set(key, index);
      return index;
    },
  };
}
