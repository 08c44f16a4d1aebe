import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import { writeSvg } from '../../../src/cli/output/lay-out-svg.ts';
import type { Graph } from '../../../src/inspect/graph/graph.ts';
import { browserTestsRun } from '../../support/chromium.ts';
import { graphOf } from './graph-of.ts';
import { hostileGraph, hostileTexts } from './hostile.ts';
import { type OpenedPicture, openPicture } from './open-picture.ts';
import { shopObjects } from './shop.ts';

const shop = graphOf(shopObjects);

describe.skipIf(!browserTestsRun)('pictures in a browser', () => {
  let page: OpenedPicture;
  beforeAll(async () => {
    page = await openPicture();
  });
  afterAll(async () => {
    await page.close();
  });

  async function show(graph: Graph, look: { scheme?: 'dark' | 'light'; media?: string } = {}): Promise<void> {
    const { scheme = 'light', media = 'screen' } = look;
    await page.send('Emulation.setEmulatedMedia', {
      media,
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
    await page.show(await writeSvg(graph));
  }

  /** Every color of a text on the box that is behind it, with its contrast (WCAG 2.2), of least contrast first. */
  const contrasts = `[...document.querySelectorAll('.node text, .cluster text, .graph > text, .edge text')].map((text) => {
    const own = text.parentElement.querySelector('path, polygon');
    const back = text.parentElement.matches('.node, .cluster') ? own : document.querySelector('[fill="white"][stroke="none"]');
    const light = (color) => {
      const [r, g, b] = color.match(/\\d+/g).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [low, high] = [text, back].map((each) => light(getComputedStyle(each).fill)).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }).sort((a, b) => a - b)`;

  test.each([
    ['light', 'screen', 'rgb(255, 255, 255)'],
    ['dark', 'screen', 'rgb(15, 19, 24)'],
    // Paper is white.
    ['dark', 'print', 'rgb(255, 255, 255)'],
  ] as const)('%s on %s: every text can be read', async (scheme, media, background) => {
    await show(shop, { scheme, media });
    const ratios = (await page.evaluate(contrasts)) as number[];
    expect(ratios.length).toBeGreaterThan(40);
    expect(ratios[0]).toBeGreaterThanOrEqual(4.5);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('[fill="white"][stroke="none"]')).fill`)).toBe(
      background,
    );
  });

  test.each([5, 50, 150])(
    '%d Services: wide rather than a strand, and nothing on top of anything else',
    async (services) => {
      await show(graphOf(generateCluster({ services, endpoints: 3 }).items));
      const { shape, boxes, overlaps } = (await page.evaluate(`(() => {
      const { width, height } = document.documentElement.viewBox.baseVal;
      const nodes = [...document.querySelectorAll('.node')].map((node) => node.getBoundingClientRect());
      const overlaps = nodes.flatMap((a, index) => nodes.slice(index + 1).filter((b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
      return { shape: width / height, boxes: nodes.length, overlaps: overlaps.length };
    })()`)) as { shape: number; boxes: number; overlaps: number };
      expect(shape).toBeGreaterThan(0.8);
      expect(shape).toBeLessThan(3);
      expect(boxes).toBeGreaterThanOrEqual(services * 2);
      expect(overlaps).toBe(0);
    },
  );

  test('one Service with 100 endpoints: in parts, each endpoint once, frontends once', async () => {
    const graph = graphOf(generateCluster({ services: 1, endpoints: 100 }).items);
    await show(graph);
    const { shape, texts } = (await page.evaluate(`(() => {
      const { width, height } = document.documentElement.viewBox.baseVal;
      return { shape: width / height, texts: [...document.querySelectorAll('text')].map((text) => text.textContent) };
    })()`)) as { shape: number; texts: string[] };
    expect(shape).toBeGreaterThan(0.8);
    expect(shape).toBeLessThan(3);
    const [port] = graph.servicePorts;
    const addresses = port?.endpoints.map(({ endpointAddress }) => endpointAddress) ?? [];
    expect(addresses).toHaveLength(100);
    expect(texts.filter((text) => addresses.includes(text)).sort()).toEqual([...addresses].sort());
    expect(texts.filter((text) => text === '1/100')).toHaveLength(100);
    expect(texts.filter((text) => text === port?.frontends[0]?.address)).toHaveLength(1);
    expect(texts.filter((text) => /^\S+ \(\d of 5\)$/.test(text))).toHaveLength(5);
  });

  test('Services that share an endpoint are drawn together, with one box for it', async () => {
    const port = shop.servicePorts[0];
    const servicePorts = port ? ['a', 'b', 'c'].map((name) => ({ ...port, name })) : [];
    await show({ ...shop, servicePorts, unserved: [] });
    expect(await page.evaluate(`document.querySelectorAll('svg svg').length`)).toBe(0);
    const last = shop.servicePorts.at(-1);
    await show({ ...shop, servicePorts: last ? [...servicePorts, last] : [], unserved: [] });
    // The heading, the three, and the other one.
    expect(await page.evaluate(`document.querySelectorAll('svg svg').length`)).toBe(3);
  });

  test('hostile names are text', async () => {
    const graphs = hostileTexts.map(hostileGraph);
    await show({
      ...hostileGraph('a'),
      servicePorts: graphs.flatMap(({ servicePorts }) => servicePorts),
      unserved: graphs.flatMap(({ unserved }) => unserved),
    });
    expect(await page.evaluate('window.hacked ?? null')).toBeNull();
    expect(await page.evaluate(`document.querySelectorAll('script, img, parsererror').length`)).toBe(0);
  });
});
