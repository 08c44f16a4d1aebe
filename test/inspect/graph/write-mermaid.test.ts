import { describe, expect, test } from 'vitest';
import { makeDrawing } from '../../../src/inspect/graph/drawing.ts';
import { writeMermaid } from '../../../src/inspect/graph/write-mermaid.ts';
import { graphOf } from './graph-of.ts';
import { hostileGraph, hostileTexts } from './hostile.ts';
import { shopObjects } from './shop.ts';

const quoted = '"([-A-Za-z0-9 ./:,[\\]()·_#;]|<br/>)+"';

/** The part of Mermaid's grammar that is written, a line each. */
const grammar = [
  /^%% [-A-Za-z0-9 ./:,[\]()·_#;]+$/,
  /^flowchart LR$/,
  new RegExp(`^[fsrue]\\d+\\[${quoted}\\](:::(port|refusal|unserved|here))?$`),
  new RegExp(`^subgraph [zn]\\d+\\[${quoted}\\]$`),
  /^end$/,
  new RegExp(`^[fs]\\d+ (-->|-\\.->)(\\|${quoted}\\|)? [sre]\\d+$`),
  /^classDef (port|refusal|unserved|here|nodehere) [-a-z0-9:#,]+$/,
  /^class n\d+ nodehere$/,
];

function unknownLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !grammar.some((form) => form.test(line)));
}

describe('a shop', () => {
  const text = writeMermaid(makeDrawing(graphOf(shopObjects)));
  const lines = text.split('\n');

  test('every line is Mermaid', () => {
    expect(unknownLines(text)).toEqual([]);
    expect(lines.slice(0, 2)).toEqual(['%% Services on node worker-1 in zone a', 'flowchart LR']);
    expect(lines.filter((line) => line.startsWith('subgraph '))).toHaveLength(
      lines.filter((line) => line === 'end').length,
    );
  });

  test('boxes in subgraphs, and arrows with shares', () => {
    expect(lines).toEqual(
      expect.arrayContaining([
        'f0["cluster IP<br/>10.96.0.40:80"]',
        'f5["load balancer IP<br/>198.18.0.10:80<br/>only from 198.51.100.0/24 and 1 more"]',
        's3["shop/web<br/>http 80/tcp"]:::port',
        's1["shop/cart<br/>http 80/tcp<br/>affinity 10,800 s"]:::port',
        'f3["cluster IP<br/>10.96.0.30:25<br/>rejected"]',
        'r0["rejected<br/>no EndpointSlice belongs to it (it has no<br/>selector, so its EndpointSlices must be<br/>written by hand)<br/>at cluster IP 10.96.0.30:25"]:::refusal',
        'u0["shop/db<br/>it is headless (clusterIP None), so DNS<br/>returns the addresses of its pods"]:::unserved',
        'subgraph z0["zone a"]',
        'subgraph n0["node worker-1 (this node)"]',
        'e3["10.244.1.10:8080<br/>shop/web-1"]:::here',
        'f1 -.->|"held by shop/cart:http"| s0',
        's1 -.->|"hinted for other zones"| e2',
        's2 --> r0',
        's3 -->|"internal 1/3 · external 1/1"| e3',
        'class n0 nodehere',
      ]),
    );
  });

  test('every arrow has two boxes', () => {
    const boxes = new Set(lines.flatMap((line) => /^([fsre]\d+)\[/.exec(line)?.[1] ?? []));
    const ends = lines.flatMap((line) => /^([fs]\d+) .* ([sre]\d+)$/.exec(line)?.slice(1) ?? []);
    expect(ends.length).toBeGreaterThan(20);
    expect(ends.filter((end) => !boxes.has(end))).toEqual([]);
  });
});

test.each(hostileTexts)('%j is text, and nothing else', (text) => {
  const drawing = makeDrawing(hostileGraph(text));
  const written = writeMermaid(drawing);
  expect(unknownLines(written)).toEqual([]);
  // As many lines as without it.
  const plain = writeMermaid(makeDrawing(hostileGraph('a')));
  expect(written.split('\n')).toHaveLength(plain.split('\n').length);
});

test('an endpoint of two Services is one box', () => {
  const graph = graphOf(shopObjects);
  const [port] = graph.servicePorts;
  const twice = { ...graph, servicePorts: port ? [port, { ...port, name: 'other' }] : [] };
  const { zones, arrows } = makeDrawing(twice);
  expect(zones.flatMap(({ nodes }) => nodes.flatMap(({ endpoints }) => endpoints)).map(({ id }) => id)).toEqual(['e0']);
  expect(arrows.filter(({ to }) => to === 'e0').map(({ from }) => from)).toEqual(['s0', 's1']);
});
