// @ts-check
import { compareNames } from './make-element.js';

/**
 * The data of the page; the fields are described in src/inspect/graph/graph.ts.
 *
 * @typedef {{ node: string, zone: string, isHere: boolean }} Place
 * @typedef {{ endpointAddress: string, pod: string, shortPod: string, place: Place, state: string, leftOut: string, routes: number[] }} Endpoint
 * @typedef {{ kind: string, address: string, heldBy: string, sourceRanges: string[] | null, routes: number[] }} Frontend
 * @typedef {{ clients: string, endpoints: number, refusal: string | null }} Route
 * @typedef {{ portName: string, port: string, affinitySeconds: number, frontends: Frontend[], routes: Route[], endpoints: Endpoint[] }} Port
 *
 * @typedef Service
 * @property {string} id `namespace/name`
 * @property {string} namespace
 * @property {string} name
 * @property {Port[]} ports
 * @property {ReadonlySet<string>} problems
 * @property {number} endpoints
 * @property {number} used how many of them get connections
 * @property {ReadonlySet<Place>} places
 * @property {string} searchText in lower case, everything that a search finds
 *
 * @typedef {{ node: string, zone: string, places: Place[], services: Service[] }} PageGraph
 */

/**
 * The graph of the page, from the JSON that packGraph writes (src/inspect/graph/write-page.ts).
 *
 * @param {any} packed
 * @returns {PageGraph}
 */
export function unpackGraph(packed) {
  /** @type {Place[]} */
  const places = packed.places.map(([node, zone, isHere]) => ({ node, zone, isHere: isHere === 1 }));
  /** @type {Map<string, Port[]>} */
  const ports = new Map();
  const names = new Map();
  for (const [namespace, name, ...port] of packed.ports) {
    const id = `${namespace}/${name}`;
    names.set(id, { namespace, name });
    ports.set(id, [...(ports.get(id) ?? []), unpackPort(port, { namespace, places, uses: packed.uses })]);
  }
  const services = [...ports].map(([id, portsOfOne]) => makeService({ id, ...names.get(id), ports: portsOfOne }));
  services.sort((a, b) => compareNames(a.namespace, b.namespace) || compareNames(a.name, b.name));
  return { node: packed.node, zone: packed.zone, places, services };
}

/**
 * @param {any[]} packed
 * @param {{ namespace: string, places: Place[], uses: any[] }} tables
 * @returns {Port}
 */
function unpackPort([portName, port, affinitySeconds, frontends, routes, endpoints], { namespace, places, uses }) {
  return {
    portName,
    port,
    affinitySeconds,
    frontends: frontends.map(([kind, address, heldBy, sourceRanges, own]) => ({
      kind,
      address,
      heldBy,
      sourceRanges,
      routes: own,
    })),
    routes: routes.map(([clients, count, refusal]) => ({ clients, endpoints: count, refusal })),
    endpoints: endpoints.map(([endpointAddress, pod, place, use]) => {
      const [state, leftOut, own] = uses[use];
      const fullPod = pod === '' || pod.includes('/') ? pod : `${namespace}/${pod}`;
      return { endpointAddress, pod: fullPod, shortPod: pod, place: places[place], state, leftOut, routes: own };
    }),
  };
}

/**
 * @param {{ id: string, namespace: string, name: string, ports: Port[] }} service
 * @returns {Service}
 */
function makeService({ id, namespace, name, ports }) {
  const endpoints = ports.flatMap((port) => port.endpoints);
  const places = new Set(endpoints.map(({ place }) => place));
  const words = [
    id,
    ...ports.flatMap(({ portName, port, frontends }) => [portName, port, ...frontends.map(({ address }) => address)]),
    ...[...places].flatMap(({ node, zone }) => [node, zone]),
    ...endpoints.flatMap(({ endpointAddress, pod }) => [endpointAddress, pod]),
  ];
  return {
    id,
    namespace,
    name,
    ports,
    problems: problemsOf(ports, endpoints),
    endpoints: endpoints.length,
    used: endpoints.filter(({ leftOut }) => leftOut === '').length,
    places,
    searchText: words.join('\n').toLowerCase(),
  };
}

/** All problems that a Service may have, worst first. */
export const problemNames = [
  'rejected',
  'dropped',
  'untranslated',
  'not understood',
  'address taken',
  'not ready',
  'terminating',
];

/**
 * @param {Port[]} ports
 * @param {Endpoint[]} endpoints
 * @returns {ReadonlySet<string>}
 */
function problemsOf(ports, endpoints) {
  const found = new Set([
    ...ports.flatMap(({ routes }) => routes.map(({ refusal }) => refusal)),
    ...ports.flatMap(({ frontends }) => frontends.map(({ heldBy }) => (heldBy === '' ? '' : 'address taken'))),
    ...endpoints.map(({ state }) => state),
  ]);
  return new Set(problemNames.filter((problem) => found.has(problem)));
}
