import { expect, test } from 'vitest';
import { layOutSvg, writeSvg } from '../../../src/cli/output/lay-out-svg.ts';
import { type Drawing, makeDrawing } from '../../../src/inspect/graph/drawing.ts';
import { writeDot } from '../../../src/inspect/graph/write-dot.ts';
import { escapeControls } from '../../../src/lib/text.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { graphOf } from './graph-of.ts';
import { hostileGraph, hostileTexts } from './hostile.ts';
import { shopObjects } from './shop.ts';

const drawing = makeDrawing(graphOf(shopObjects));

test('boxes in clusters, and arrows with shares', () => {
  const lines = writeDot(drawing).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '  f0 [label="cluster IP\\n10.96.0.40:80"];',
      '  s3 [label="shop/web\\nhttp 80/tcp", fillcolor="#dbe7ff", color="#2457d6"];',
      '  r0 [label="rejected\\nno EndpointSlice belongs to it (it has no\\nselector, so its EndpointSlices must be\\nwritten by hand)\\nat cluster IP 10.96.0.30:25", fillcolor="#ffe0dd", color="#c62828"];',
      '    label="zone a"; margin=14; style="rounded,filled"; fillcolor="#f4f6f8"; color="#aeb7c2";',
      '      label="node worker-1 (this node)"; style="rounded,filled"; fillcolor=white; color="#1b7f45"; penwidth=2;',
      '  f1 -> s0 [label="held by shop/cart:http", style=dashed, color="#9aa4b0", fontcolor="#5b6672"];',
      '  s1 -> e2 [label="hinted for other zones", style=dashed, color="#9aa4b0", fontcolor="#5b6672"];',
      '  s2 -> r0;',
      '  s3 -> e3 [label="internal 1/3 · external 1/1"];',
      '  s3 -> e6 [label="not ready", style=dashed, color="#9aa4b0", fontcolor="#5b6672"];',
    ]),
  );
});

test('the picture has every label', async () => {
  const svg = await layOutSvg(writeDot(drawing));
  expect(svg).toMatch(/^<\?xml/);
  expect(textsIn(svg)).toEqual(labelsOf(drawing));
});

test.each(hostileTexts)('%j is text, and nothing else', async (text) => {
  const hostile = makeDrawing(hostileGraph(text));
  const svg = await layOutSvg(writeDot(hostile));
  expect(svg).not.toMatch(/<script|<img|onerror="|<!--<|\u2028|\u202e/);
  expect(textsIn(svg)).toEqual(labelsOf(hostile).map(escapeControls).sort());
});

test('nothing at all is a picture too', async () => {
  const svg = await layOutSvg(writeDot(makeDrawing(graphOf([]))));
  expect(textsIn(svg)).toEqual(['Services on node worker-1 in zone a']);
});

test.each([
  [24, ['shop/large']],
  [25, ['shop/large (1 of 2)', 'shop/large (2 of 2)']],
  [60, ['shop/large (1 of 3)', 'shop/large (2 of 3)', 'shop/large (3 of 3)']],
])('a Service with %i endpoints is drawn as %j', async (count, names) => {
  const addresses = Array.from({ length: count }, (_, index) => `10.244.2.${index}`);
  const large = [service('large', { clusterIP: '10.96.0.1' }), slice('large', addresses)];
  const small = [service('small', { clusterIP: '10.96.0.2' }), slice('small', ['10.244.3.1'])];
  const texts = textsIn(await writeSvg(graphOf([...large, ...small])));
  expect(texts.filter((text) => /^shop\/(large|small)/.test(text))).toEqual([...names, 'shop/small']);
  const shown = texts.filter((text) => text.endsWith(':8080'));
  expect(shown).toEqual([...addresses, '10.244.3.1'].map((address) => `${address}:8080`).sort());
});

/** Every line of text of a drawing, sorted. */
function labelsOf({ title, frontends, servicePorts, refusals, unserved, zones, arrows }: Drawing): string[] {
  const nodes = zones.flatMap((zone) => zone.nodes);
  const boxes = [
    ...frontends,
    ...servicePorts,
    ...refusals,
    ...unserved,
    ...nodes.flatMap(({ endpoints }) => endpoints),
  ];
  const labels = arrows.map(({ label }) => label).filter((label) => label !== '');
  return [
    title,
    ...boxes.flatMap(({ lines }) => lines),
    ...[...zones, ...nodes].map((each) => each.title),
    ...labels,
  ].sort();
}

/** Every line of text of a picture, sorted. */
function textsIn(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => readXml(text)).sort();
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function readXml(text: string): string {
  return text.replace(/&(#(\d+)|#x([0-9a-f]+)|\w+);/gi, (_, name: string, decimal?: string, hex?: string) => {
    const code = decimal ?? (hex && String(Number.parseInt(hex, 16)));
    return code === undefined ? (entities[name] ?? `?${name}?`) : String.fromCodePoint(Number(code));
  });
}
