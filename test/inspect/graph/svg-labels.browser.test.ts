import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layOutSvg } from '../../../src/cli/output/lay-out-svg.ts';
import { makeDrawing } from '../../../src/inspect/graph/drawing.ts';
import { writeDot } from '../../../src/inspect/graph/write-dot.ts';
import { browserTestsRun } from '../../support/chromium.ts';
import { hostileGraph } from './hostile.ts';
import { type OpenedPicture, openPicture } from './open-picture.ts';

/** Names as clouds give them, and one of letters as wide as they get that no rule keeps short. */
const names = [
  'ip-10-0-12-34.eu-central-1.compute.internal',
  'gke-prod-cluster-default-pool-3f9c2a1b-x7k2',
  'a',
  'n'.repeat(100),
];

describe.skipIf(!browserTestsRun)('in a browser, every label of the picture is within its box', () => {
  let page: OpenedPicture;
  beforeAll(async () => {
    page = await openPicture();
  });
  afterAll(async () => {
    await page.close();
  });

  // The widest font that browsers may show, and what they take where it is not installed.
  test.each(names.flatMap((name) => ['as it is', 'DejaVu Sans', 'Verdana,sans-serif'].map((font) => ({ name, font }))))(
    '%j',
    async ({ name, font }) => {
      const svg = await layOutSvg(writeDot(makeDrawing(hostileGraph(name))));
      await page.show(font === 'as it is' ? svg : svg.replace(/font-family="[^"]*"/g, `font-family="${font}"`));
      const found = await page.evaluate(`(() => {
        const boxes = [...document.querySelectorAll('.cluster, .node')];
        const texts = boxes.flatMap((box) => [...box.querySelectorAll('text')].map((text) => {
          const [a, b] = [text.getBBox(), box.querySelector('path').getBBox()];
          const isInside = a.x >= b.x + 3 && a.y >= b.y && a.x + a.width <= b.x + b.width - 3 && a.y + a.height <= b.y + b.height;
          return { text: text.textContent, isInside };
        }));
        return { count: texts.length, outside: texts.filter(({ isInside }) => !isInside).map(({ text }) => text), clusters: boxes.length };
      })()`);
      expect(found).toEqual({ count: 17, outside: [], clusters: 10 });
    },
  );
});
