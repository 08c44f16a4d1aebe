// @ts-check
import { compareNames } from './make-element.js';

/**
 * The data of the page; the fields are described in src/inspect/graph/graph.ts.
 *
 * @typedef {{ node: string, zone: string, isHere: boolean }} Place
 * @typedef {{ endpointAddress: string, pod: string, shortPod: string, place: Place, state: string, leftOut: string, routes: number[] }} Endpoint
 * @typedef {{ kind: string, address: string, heldBy: string, sourceRanges: string[] | null, routes: number[], target: string }} Frontend `target` is what explain --to takes; empty where no address has it
 * @typedef {{ clients: string, endpoints: number, refusal: string | null, reason: string }} Route
 * @typedef {{ portName: string, port: string, affinitySeconds: number, frontends: Frontend[], routes: Route[], endpoints: Endpoint[] }} Port
 *
 * @typedef Service
 * @property {string} id `namespace/name`
 * @property {string} namespace
 * @property {string} name
 * @property {Port[]} ports
 * @property {ReadonlySet<string>} problems
 * @property {string} unserved why no node serves it, empty where they do
 * @property {number} endpoints
 * @property {number} used how many of them get connections
 * @property {ReadonlySet<Place>} places
 * @property {string} searchText in lower case, everything that a search finds
 *
 * @typedef {{ node: string, zone: string, explain: string, places: Place[], services: Service[] }} PageGraph `explain` is the command without a packet
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
    const tables = { namespace, places, uses: packed.uses, nodePortAddresses: packed.nodePortAddresses };
    ports.set(id, [...(ports.get(id) ?? []), unpackPort(port, tables)]);
  }
  const services = [
    ...[...ports].map(([id, portsOfOne]) => makeService({ id, ...names.get(id), ports: portsOfOne, unserved: '' })),
    ...packed.unserved.map(([namespace, name, unserved]) =>
      makeService({ id: `${namespace}/${name}`, namespace, name, ports: [], unserved }),
    ),
  ];
  services.sort((a, b) => compareNames(a.namespace, b.namespace) || compareNames(a.name, b.name));
  return { node: packed.node, zone: packed.zone, explain: packed.explain, places, services };
}

/**
 * @param {any[]} packed
 * @param {{ namespace: string, places: Place[], uses: any[], nodePortAddresses: Record<string, string> }} tables
 * @returns {Port}
 */
function unpackPort([portName, port, affinitySeconds, frontends, routes, endpoints], tables) {
  const { namespace, places, uses } = tables;
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
      target: targetOf(address, port, tables.nodePortAddresses),
    })),
    routes: routes.map(([clients, count, refusal, reason]) => ({ clients, endpoints: count, refusal, reason })),
    endpoints: endpoints.map(([endpointAddress, pod, place, use]) => {
      const [state, leftOut, own] = uses[use];
      const fullPod = pod === '' || pod.includes('/') ? pod : `${namespace}/${pod}`;
      return { endpointAddress, pod: fullPod, shortPod: pod, place: places[place], state, leftOut, routes: own };
    }),
  };
}

/**
 * What `explain --to` takes for a frontend: `10.96.0.10:80/tcp`, and an address of the node for a node port.
 *
 * @param {string} address `10.96.0.10:80`, `*:30080`, `[*]:30080`
 * @param {string} port `80/tcp`, `80/tcp over IPv6`
 * @param {Record<string, string>} nodePortAddresses by family
 */
function targetOf(address, port, nodePortAddresses) {
  const isIPv6 = port.endsWith('over IPv6');
  const protocol = port.split(/[/ ]/)[1];
  const nodePort = /^(?:\*|\[\*\]):(\d+)$/.exec(address)?.[1];
  if (nodePort === undefined) {
    return `${address}/${protocol}`;
  }
  const host = nodePortAddresses[isIPv6 ? 'ip6' : 'ip'];
  return host === undefined ? '' : `${isIPv6 ? `[${host}]` : host}:${nodePort}/${protocol}`;
}

/**
 * @param {{ id: string, namespace: string, name: string, ports: Port[], unserved: string }} service
 * @returns {Service}
 */
function makeService({ id, namespace, name, ports, unserved }) {
  const endpoints = ports.flatMap((port) => port.endpoints);
  const places = new Set(endpoints.map(({ place }) => place));
  const words = [
    id,
    unserved,
    ...ports.flatMap(({ portName, port, frontends }) => [portName, port, ...frontends.map(({ address }) => address)]),
    ...[...places].flatMap(({ node, zone }) => [node, zone]),
    ...endpoints.flatMap(({ endpointAddress, pod }) => [endpointAddress, pod]),
  ];
  return {
    id,
    namespace,
    name,
    ports,
    unserved,
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
