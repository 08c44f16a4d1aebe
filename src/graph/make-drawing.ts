import type { Drawing, DrawnArrow, DrawnBox } from './drawing.ts';
import type { Graph, GraphEndpoint, GraphFrontend, GraphServicePort } from './graph.ts';
import { groupByPlace } from './group-by-place.ts';
import { portText } from './port-text.ts';
import { shareText } from './share-text.ts';
import { shortenName } from './shorten-name.ts';

/** A graph as boxes and arrows. An endpoint of several service ports is one box; so is a refusal of each kind of one port. */
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
    zones: groupByPlace([...endpoints.values()], graph),
    arrows,
  };
}

/** An endpoint and its box. */
export interface PlacedBox {
  readonly endpoint: GraphEndpoint;
  readonly box: DrawnBox;
}

interface Draft {
  readonly frontends: DrawnBox[];
  readonly servicePorts: DrawnBox[];
  readonly refusals: DrawnBox[];
  /** By socket. */
  readonly endpoints: Map<string, PlacedBox>;
  readonly arrows: DrawnArrow[];
}

function drawServicePort(servicePort: GraphServicePort, draft: Draft): void {
  const id = `s${draft.servicePorts.length}`;
  draft.servicePorts.push(makeBox(id, 'service port', linesOfPort(servicePort)));
  for (const frontend of servicePort.frontends) {
    const from = `f${draft.frontends.length}`;
    draft.frontends.push(makeBox(from, 'frontend', linesOfFrontend(frontend)));
    const label = frontend.heldBy === '' ? '' : `held by ${frontend.heldBy}`;
    draft.arrows.push({ from, to: id, ...makeLabel(label), dashed: frontend.routes.length === 0 });
  }
  for (const { refusal, clients } of servicePort.routes) {
    if (refusal !== null) {
      const to = `r${draft.refusals.length}`;
      draft.refusals.push(makeBox(to, 'refusal', [refusal]));
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
  const known = endpoints.get(endpoint.socket);
  if (known) {
    return known;
  }
  const kind = endpoint.local ? 'endpoint here' : 'endpoint';
  const lines = [endpoint.socket, ...(endpoint.pod === '' ? [] : [endpoint.pod])];
  const placed: PlacedBox = { endpoint, box: makeBox(`e${endpoints.size}`, kind, lines) };
  endpoints.set(endpoint.socket, placed);
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
    ...(affinitySeconds > 0 ? [`affinity ${affinitySeconds} s`] : []),
  ];
}

function linesOfFrontend({ kind, place, sourceRanges }: GraphFrontend): string[] {
  return [
    ...(kind === 'node port' ? [place] : [kind, place]),
    ...(sourceRanges === null ? [] : [`only from ${sourceRangesText(sourceRanges)}`]),
  ];
}

function sourceRangesText(ranges: readonly string[]): string {
  const [first = 'nobody', ...others] = ranges;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
