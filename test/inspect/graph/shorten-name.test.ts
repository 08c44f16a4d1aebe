import { expect, test } from 'vitest';
import { makeDrawing, shortenName } from '../../../src/inspect/graph/drawing.ts';
import { writeDot } from '../../../src/inspect/graph/write-dot.ts';
import { writeMermaid } from '../../../src/inspect/graph/write-mermaid.ts';
import { hostileGraph } from './hostile.ts';

test.each([
  ['worker-1', 'worker-1'],
  ['a'.repeat(60), 'a'.repeat(60)],
  [
    `${'a'.repeat(50)}-x7k2-tail-tail-end`,
    `${'a'.repeat(50)}-x7k2-tail-tail-end`.replace(/^(.{39}).*(.{20})$/, '$1…$2'),
  ],
  [`${'a'.repeat(5_000)}z`, `${'a'.repeat(39)}…${'a'.repeat(19)}z`],
  ['🚢'.repeat(61), `${'🚢'.repeat(39)}…${'🚢'.repeat(20)}`],
])('%s', (name, shown) => {
  expect(shortenName(name)).toBe(shown);
  expect([...shown].length).toBeLessThanOrEqual(60);
});

const long = 'n'.repeat(5_000);
const cut = `${'n'.repeat(39)}…${'n'.repeat(20)}`;
const drawing = makeDrawing(hostileGraph(long));

test('names of 5,000 letters are cut wherever they stand, and kept beside', () => {
  expect(drawing.title).toBe(`Services on node ${cut} in zone ${cut}`);
  const [zone] = drawing.zones;
  expect(zone).toMatchObject({ title: `zone ${cut}`, full: long });
  expect(zone?.nodes[0]).toMatchObject({ title: `node ${cut} (this node)`, full: long });
  expect(zone?.nodes[0]?.endpoints[0]).toMatchObject({ lines: [cut, cut], full: `${long}, ${long}` });
  expect(drawing.servicePorts[0]?.lines.every((line) => line.length <= 60)).toBe(true);
  expect(drawing.arrows[0]?.label).toMatch(/^held by n{31}…n{20}$/);
});

test('what is short has no text beside', () => {
  const { servicePorts, zones, arrows } = makeDrawing(hostileGraph('web'));
  const fulls = [...servicePorts, ...zones, ...zones.flatMap(({ nodes }) => nodes), ...arrows].map(({ full }) => full);
  expect(fulls.length).toBeGreaterThan(5);
  expect(fulls.join('')).toBe('');
});

test('dot has the full names as tooltips, Mermaid has none', () => {
  const lines = writeDot(drawing).split('\n');
  expect(lines).toContain(`      tooltip="${long}";`);
  // Clusters within a zone must not take its tooltip over.
  const zone = lines.indexOf(`    tooltip="${long}";`);
  expect(lines[zone - 1]).toBe('    }');
  expect(lines[zone + 1]).toBe('  }');
  expect(writeMermaid(drawing).length).toBeLessThan(3_000);
});
