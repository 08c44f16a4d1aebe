import { escapeHtml } from '../../lib/text.ts';
import { kindText, portText } from './drawing.ts';
import type { Graph, GraphEndpoint, GraphServicePort, Route } from './graph.ts';

/** The parts of a page besides the graph. */
interface PageParts {
  /** A classic script, which finds the graph as JSON in the element `graph`. */
  readonly script: string;
  readonly style: string;
  /** SHA-256 of a text, in base64: for the page's Content-Security-Policy. */
  readonly hashOf: (text: string) => string;
}

/** What a page shows. */
export interface PageContent {
  /** Where the snapshot is from: paths, or stdin. */
  readonly source: string;
  /** At least one; the first is shown first. No two are of the same node. */
  readonly graphs: readonly NodeGraph[];
  /** How many nodes of the snapshot are left out. */
  readonly otherNodes: number;
}

/** The graph of one node. */
export interface NodeGraph {
  readonly graph: Graph;
  /** The `svc2nft explain` command for this snapshot and node, to which --from and --to are added. */
  readonly explain: string;
}

/**
 * One self-contained HTML file. Its Content-Security-Policy (w3.org/TR/CSP3) allows exactly this script and this
 * style, and no request to anywhere.
 */
export function writePage({ source, graphs, otherNodes }: PageContent, { script, style, hashOf }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hashOf(script)}'`,
    `style-src 'sha256-${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const packed = graphs.map(({ graph, explain }) => ({ ...packGraph(graph), explain }));
  const node = graphs[0]?.graph.nodeName || 'a node without a name';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Services on ${escapeHtml(node)}</title>
<style>${style}</style>
</head>
<body>
<noscript>This page needs JavaScript; it runs only its own script.</noscript>
<script type="application/json" id="graph">${embedJson({ source, graphs: packed, otherNodes })}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** No text in it can end the element or begin a comment, and none is a line end in older JavaScript. */
function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * A graph as the page reads it (page/unpack-graph.js): lists in place of objects, and an index for what many endpoints
 * have in common, so that 20,000 endpoints take about a megabyte.
 */
interface PackedGraph {
  readonly node: string;
  readonly zone: string;
  /** Node, zone, and 1 for this node. */
  readonly places: readonly (readonly [node: string, zone: string, isHere: 0 | 1])[];
  /** State, reason for being left out, and indices of routes. */
  readonly uses: readonly (readonly [state: GraphEndpoint['state'], leftOut: string, routes: readonly number[]])[];
  readonly ports: readonly PackedPort[];
  readonly unserved: readonly (readonly [namespace: string, name: string, reason: string])[];
  readonly nodePortAddresses: Graph['nodePortAddresses'];
}

type PackedPort = readonly [
  namespace: string,
  name: string,
  portName: string,
  port: string,
  affinitySeconds: number,
  frontends: readonly (readonly [string, string, string, readonly string[] | null, readonly number[]])[],
  routes: readonly (readonly [clients: string, endpoints: number, refusal: Route['refusal'], reason: string])[],
  /** Pods of the Service's own namespace come without it. */
  endpoints: readonly (readonly [endpointAddress: string, pod: string, place: number, use: number])[],
];

/** A graph in that form, without any loss. */
function packGraph({ nodeName, zone, nodePortAddresses, servicePorts, unserved }: Graph): PackedGraph {
  const places = makeTable<PackedGraph['places'][number]>();
  const uses = makeTable<PackedGraph['uses'][number]>();
  const ports = servicePorts.map((servicePort) =>
    packPort(
      servicePort,
      servicePort.endpoints.map((endpoint) => [
        endpoint.endpointAddress,
        shortPod(endpoint.pod, servicePort),
        places.indexOf([endpoint.nodeName, endpoint.zone, endpoint.local ? 1 : 0]),
        uses.indexOf([endpoint.state, endpoint.leftOut, endpoint.routes]),
      ]),
    ),
  );
  return {
    node: nodeName,
    zone,
    nodePortAddresses,
    places: places.rows,
    uses: uses.rows,
    ports,
    unserved: unserved.map(({ namespace, name, reason }) => [namespace, name, reason]),
  };
}

function packPort(servicePort: GraphServicePort, endpoints: PackedPort[7]): PackedPort {
  const { family, namespace, name, portName, protocol, port, affinitySeconds, frontends, routes } = servicePort;
  return [
    namespace,
    name,
    portName,
    portText({ port, protocol, family }),
    affinitySeconds,
    frontends.map((each) => [kindText(each.kind), each.address, each.heldBy, each.sourceRanges, each.routes]),
    routes.map(({ clients, endpoints: count, refusal, reason }) => [clients, count, refusal, reason]),
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

/** Rows that occur often, each once. */
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
