import { pushTo } from '../../lib/lists.ts';
import { compareText, secondsText, wrapText } from '../../lib/text.ts';
import { frontendKindText } from '../../phases/5-plan/names.ts';
import type { Graph, GraphEndpoint, GraphFrontend, GraphServicePort } from './graph.ts';

/** The whole of a text that may be shortened where it is shown. */
interface MayBeCut {
  /** All of it, lines joined; empty where nothing is shortened. */
  readonly full: string;
}

/** A box. */
export interface DrawnBox extends MayBeCut {
  /** A letter and a number; nothing from the input. */
  readonly id: string;
  readonly kind: 'frontend' | 'service port' | 'refusal' | 'unserved' | 'endpoint here' | 'endpoint';
  /** At least one. */
  readonly lines: readonly string[];
}

/** An arrow. */
export interface DrawnArrow extends MayBeCut {
  readonly from: string;
  readonly to: string;
  /** Empty for none. */
  readonly label: string;
  /** Dashed where no connection goes. */
  readonly dashed: boolean;
}

/** The endpoints of one node. */
export interface DrawnNode extends MayBeCut {
  readonly id: string;
  readonly title: string;
  readonly isHere: boolean;
  readonly endpoints: readonly DrawnBox[];
}

/** The nodes of one zone. */
interface DrawnZone extends MayBeCut {
  readonly id: string;
  readonly title: string;
  readonly nodes: readonly DrawnNode[];
}

/** A graph as boxes and arrows, from left to right, for languages that lay them out themselves. Texts are not escaped. */
export interface Drawing {
  readonly title: string;
  readonly frontends: readonly DrawnBox[];
  readonly servicePorts: readonly DrawnBox[];
  readonly refusals: readonly DrawnBox[];
  /** Services without rules; no arrow leads to them. */
  readonly unserved: readonly DrawnBox[];
  readonly zones: readonly DrawnZone[];
  readonly arrows: readonly DrawnArrow[];
}

/** A graph as boxes and arrows. An endpoint of several service ports is one box, and so is each kind of refusal at one port. */
export function makeDrawing(graph: Graph): Drawing {
  const draft: Draft = { frontends: [], servicePorts: [], refusals: [], endpoints: new Map(), arrows: [] };
  for (const servicePort of graph.servicePorts) {
    drawServicePort(servicePort, draft);
  }
  const { frontends, servicePorts, refusals, endpoints, arrows } = draft;
  const node = graph.nodeName === '' ? 'a node without a name' : `node ${shortenName(graph.nodeName)}`;
  return {
    title: `Services on ${node}${graph.zone === '' ? '' : ` in zone ${shortenName(graph.zone)}`}`,
    frontends,
    servicePorts,
    refusals,
    unserved: graph.unserved.map(({ namespace, name, reason }, index) =>
      makeBox(`u${index}`, 'unserved', [`${namespace}/${name}`, ...wrapText(reason, lineWidth)]),
    ),
    zones: groupByPlace([...endpoints.values()], graph),
    arrows,
  };
}

/** An endpoint and its box. */
interface PlacedBox {
  readonly endpoint: GraphEndpoint;
  readonly box: DrawnBox;
}

interface Draft {
  readonly frontends: DrawnBox[];
  readonly servicePorts: DrawnBox[];
  readonly refusals: DrawnBox[];
  /** By endpoint address. */
  readonly endpoints: Map<string, PlacedBox>;
  readonly arrows: DrawnArrow[];
}

function drawServicePort(servicePort: GraphServicePort, draft: Draft): void {
  const id = `s${draft.servicePorts.length}`;
  draft.servicePorts.push(makeBox(id, 'service port', linesOfPort(servicePort)));
  for (const frontend of servicePort.frontends) {
    const from = `f${draft.frontends.length}`;
    draft.frontends.push(makeBox(from, 'frontend', linesOfFrontend(frontend, servicePort)));
    const label = frontend.heldBy === '' ? '' : `held by ${frontend.heldBy}`;
    draft.arrows.push({ from, to: id, ...makeLabel(label), dashed: frontend.routes.length === 0 });
  }
  for (const [index, { refusal, clients, reason }] of servicePort.routes.entries()) {
    if (refusal !== null) {
      const to = `r${draft.refusals.length}`;
      const lines = [refusal, ...wrapText(reason, lineWidth), ...placesOf(index, servicePort)];
      draft.refusals.push(makeBox(to, 'refusal', lines));
      draft.arrows.push({ from: id, to, ...makeLabel(clients), dashed: false });
    }
  }
  for (const endpoint of servicePort.endpoints) {
    const { box } = placeEndpoint(endpoint, draft);
    const label = endpoint.leftOut || shareText(endpoint, servicePort);
    draft.arrows.push({ from: id, to: box.id, ...makeLabel(label), dashed: endpoint.leftOut !== '' });
  }
}

function placeEndpoint(endpoint: GraphEndpoint, { endpoints }: Draft): PlacedBox {
  const known = endpoints.get(endpoint.endpointAddress);
  if (known) {
    return known;
  }
  const kind = endpoint.local ? 'endpoint here' : 'endpoint';
  const lines = [endpoint.endpointAddress, ...(endpoint.pod === '' ? [] : [endpoint.pod])];
  const placed: PlacedBox = { endpoint, box: makeBox(`e${endpoints.size}`, kind, lines) };
  endpoints.set(endpoint.endpointAddress, placed);
  return placed;
}

function makeBox(id: string, kind: DrawnBox['kind'], lines: readonly string[]): DrawnBox {
  const shown = lines.map(shortenName);
  return { id, kind, lines: shown, full: fullText(lines, shown) };
}

function makeLabel(label: string): Pick<DrawnArrow, 'label' | 'full'> {
  const shown = shortenName(label);
  return { label: shown, full: fullText([label], [shown]) };
}

function fullText(lines: readonly string[], shown: readonly string[]): string {
  return lines.every((line, index) => line === shown[index]) ? '' : lines.join(', ');
}

function linesOfPort(servicePort: GraphServicePort): string[] {
  const { namespace, name, portName, affinitySeconds } = servicePort;
  return [
    `${namespace}/${name}`,
    `${portName === '' ? '' : `${portName} `}${portText(servicePort)}`,
    ...(affinitySeconds > 0 ? [`affinity ${secondsText(affinitySeconds)}`] : []),
  ];
}

/** A frontend's kind in a sentence: `cluster IP`; `external address` where it may be a load balancer's. */
export function kindText(kind: GraphFrontend['kind']): string {
  return kind === 'External' ? 'external address' : frontendKindText(kind);
}

function linesOfFrontend({ kind, address, sourceRanges, routes }: GraphFrontend, port: GraphServicePort): string[] {
  const refused = routes.flatMap((index) => port.routes[index]?.refusal ?? []);
  const which = refused.length < routes.length ? ' for external clients' : '';
  return [
    kindText(kind),
    address,
    ...(sourceRanges === null ? [] : [`only from ${sourceRangesText(sourceRanges)}`]),
    ...refused.map((refusal) => `${refusal}${which}`),
  ];
}

/** Where a route starts, a line each: `at load balancer IP 198.18.0.10:80`. */
function placesOf(route: number, { frontends }: GraphServicePort): string[] {
  const places = frontends.filter(({ routes }) => routes.includes(route));
  const named = places.slice(0, mostPlaces).map(({ kind, address }) => `at ${kindText(kind)} ${address}`);
  return places.length > mostPlaces ? [...named, `and ${places.length - mostPlaces} more`] : named;
}

/** How many frontends a refusal names. */
const mostPlaces = 4;

/** How long the lines of a reason are, in characters. */
const lineWidth = 44;

function sourceRangesText(ranges: readonly string[]): string {
  const [first = 'no client', ...others] = ranges;
  return others.length === 0 ? first : `${first} and ${others.length.toLocaleString('en')} more`;
}

/** Endpoints by zone, then by node; this node's zone and this node come first, the rest is sorted by name. */
function groupByPlace(placed: readonly PlacedBox[], { zone: here }: Pick<Graph, 'zone'>): DrawnZone[] {
  const zones = groupBy(placed, ({ endpoint }) => endpoint.zone, here);
  let nodes = 0;
  return zones.map(([zone, inZone], index) => ({
    id: `z${index}`,
    ...nameGroup('zone', zone),
    nodes: groupBy(inZone, nodeKeyOf, localKey).map(([, onNode]) => {
      nodes += 1;
      return drawNode(onNode, `n${nodes - 1}`);
    }),
  }));
}

/** That of this node, whose name may be unknown, as the names of others may be. */
const localKey = '\0';

function nodeKeyOf({ endpoint }: PlacedBox): string {
  return endpoint.local ? localKey : endpoint.nodeName;
}

function drawNode(onNode: readonly PlacedBox[], id: string): DrawnNode {
  const { local: isHere = false, nodeName = '' } = onNode[0]?.endpoint ?? {};
  const { title, full } = nameGroup('node', nodeName);
  const here = nodeName === '' ? 'this node' : `${title} (this node)`;
  return { id, title: isHere ? here : title, full, isHere, endpoints: onNode.map(({ box }) => box) };
}

function nameGroup(kind: 'zone' | 'node', name: string): Pick<DrawnZone, 'title' | 'full'> {
  const shown = shortenName(name);
  return { title: name === '' ? `unknown ${kind}` : `${kind} ${shown}`, full: shown === name ? '' : name };
}

function groupBy(
  placed: readonly PlacedBox[],
  nameOf: (box: PlacedBox) => string,
  first: string | undefined,
): [string, PlacedBox[]][] {
  const groups = new Map<string, PlacedBox[]>();
  for (const box of placed) {
    const name = nameOf(box);
    pushTo(groups, name, box);
  }
  return [...groups].sort(([a], [b]) => Number(b === first) - Number(a === first) || compareText(a, b));
}

/** An endpoint's share of the new connections: `1/3`, or `internal 1/3 · external 1/1` where clients differ; empty for none. */
export function shareText({ routes }: GraphEndpoint, servicePort: GraphServicePort): string {
  const shares = routes.flatMap((index) => {
    const route = servicePort.routes[index];
    return route ? `${route.clients === '' ? '' : `${route.clients} `}1/${route.endpoints}` : [];
  });
  return shares.join(' · ');
}

/** How many characters of a name a drawing shows. */
const mostShown = 60;

/** How many of them are the end of the name. */
const ending = 20;

/**
 * A text as a drawing shows it. Long ones lose their middle: names of pods and nodes often differ only at the end, and
 * Kubernetes does not limit a node name in an EndpointSlice.
 */
export function shortenName(text: string): string {
  const characters = [...text];
  if (characters.length <= mostShown) {
    return text;
  }
  const beginning = characters.slice(0, mostShown - ending - 1).join('');
  return `${beginning}…${characters.slice(-ending).join('')}`;
}

/** `80/tcp`, and `80/tcp over IPv6`, which distinguishes the two families of a Service. */
export function portText({ port, protocol, family }: Pick<GraphServicePort, 'port' | 'protocol' | 'family'>): string {
  return `${port}/${protocol}${family === 'ip6' ? ' over IPv6' : ''}`;
}
