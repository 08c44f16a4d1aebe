import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserTestsRun } from '../../support/chromium.ts';
import { complaintsOf, type OpenedGraph, openGraph } from './build-page.ts';
import { graphOf } from './graph-of.ts';
import { shopObjects } from './shop.ts';

describe.skipIf(!browserTestsRun)('the page of long names', () => {
  const nodeName = 'ip-10-0-12-34.eu-central-1.compute.internal';
  const endless = 'n'.repeat(5_000);
  const cut = `${'n'.repeat(39)}…${'n'.repeat(20)}`;
  let page: OpenedGraph;
  beforeAll(async () => {
    const renamed = new Map([
      ['worker-1', nodeName],
      ['worker-2', 'gke-prod-cluster-default-pool-3f9c2a1b-x7k2'],
      ['web-3', 'p'.repeat(253)],
    ]);
    const text = JSON.stringify(shopObjects)
      .replaceAll('"a"', '"eu-central-1a"')
      .replace(/"(worker-[12]|web-3)"/g, (_, name) => `"${renamed.get(name)}"`);
    // The Node object keeps its name; nothing holds the slices' to it.
    const objects = JSON.parse(
      text.replaceAll('"nodeName":"worker-3","zone":"b"', `"nodeName":"${endless}","zone":"eu-central-1b"`),
    );
    page = await openGraph(graphOf(objects, { nodeName, zone: 'eu-central-1a' }));
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 1200,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
  });
  afterAll(async () => {
    await page.close();
  });

  test('names in the overview stay on one line, and the table in its frame', async () => {
    await page.goTo('');
    expect(await page.textsOf('td:nth-child(2) .place')).toEqual([
      nodeName,
      cut,
      'gke-prod-cluster-default-pool-3f9c2a1b-x7k2',
    ]);
    const measured = await page.evaluate(`(() => {
      const { scrollWidth, clientWidth } = document.querySelector('.scroll');
      const heights = [...document.querySelectorAll('tbody tr')].map((row) => row.offsetHeight);
      const titles = [...document.querySelectorAll('td:nth-child(2) .place')].map(({ title }) => title.length);
      const isWhole = [...document.querySelectorAll('td .place')].map((name) => name.scrollWidth <= name.clientWidth);
      return { isWide: scrollWidth > clientWidth, isTall: Math.max(...heights) > 40, titles, isWhole };
    })()`);
    // A name that does not fit ends with an ellipsis; zones, and the names of nodes as clouds give them, fit.
    expect(measured).toEqual({
      isWide: false,
      isTall: false,
      titles: [nodeName.length, 5_000, 43],
      isWhole: [true, true, true, false, true, true],
    });
  });

  test('a bar is as full as its words say', async () => {
    await page.goTo('');
    const bars = await page.evaluate(`[...document.querySelectorAll('td.share')].map((cell) => {
      const [whole, part] = [...cell.querySelectorAll('rect')].map((rect) => rect.getBBox().width);
      return [cell.textContent, Math.round((100 * part) / whole)];
    })`);
    expect(bars).toEqual([
      ['2 of 2', 100],
      ['1 of 3', 33],
      ['2 of 2', 100],
    ]);
  });

  test('diagrams keep their size, with titles in their frames and all of a name beside', async () => {
    await page.goTo('#service=shop/web');
    const titles = await page.textsOf('.node .title');
    expect(titles).toContain(`node ${cut}${endless}\npress to list the Services with endpoints here`);
    const faults = await page.evaluate(`[...document.querySelectorAll('.group, .endpoint')].filter((group) => {
      const frame = group.querySelector('rect').getBBox();
      return [...group.querySelectorAll('text')].some((text) => {
        const { x, width } = text.getBBox();
        return x < frame.x || x + width > frame.x + frame.width;
      });
    }).map((group) => group.textContent)`);
    expect(faults).toEqual([]);
    expect(await page.evaluate(`document.querySelector('.diagram').viewBox.baseVal.width < 1300`)).toBe(true);
    expect(
      await page.evaluate(`Math.max(...[...document.querySelectorAll('option')].map(({ text }) => text.length))`),
    ).toBe(60);
    expect(complaintsOf(page)).toEqual([]);
  });
});
