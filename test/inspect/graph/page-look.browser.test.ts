import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../cli/run-command.ts';
import { browserTestsRun } from '../../support/chromium.ts';
import { createFakeNft } from '../../support/fake-nft.ts';
import { complaintsOf, type OpenedGraph, openGraph } from './build-page.ts';
import { graphOf } from './graph-of.ts';
import { shopObjects } from './shop.ts';

/** Also a Service that external clients cannot reach on worker-1, with an address of a node, and one over IPv6. */
const objects = [...shopObjects, ...localOnWorker2()];

function localOnWorker2(): object[] {
  const metadata = { namespace: 'shop', name: 'api' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.50',
        externalTrafficPolicy: 'Local',
        ports: [{ name: 'https', port: 443, nodePort: 30443 }],
      },
      status: { loadBalancer: { ingress: [{ ip: '198.18.0.50' }] } },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: 'api-1', labels: { 'kubernetes.io/service-name': 'api' } },
      addressType: 'IPv4',
      ports: [{ name: 'https', port: 8443 }],
      endpoints: [{ addresses: ['10.244.2.51'], nodeName: 'worker-2', zone: 'a' }],
    },
  ];
}

const explain = (node: string) => `svc2nft explain 'my dump.yaml' --node ${node} --cluster-cidr 10.244.0.0/16`;

async function openShop(otherNodes = 0): Promise<OpenedGraph> {
  const first = graphOf(objects);
  const second = graphOf(objects, { nodeName: 'worker-2', nodeAddresses: ['192.0.2.12'] });
  return openGraph(first, {
    graphs: [
      { graph: first, explain: explain('worker-1') },
      { graph: second, explain: explain('worker-2') },
    ],
    otherNodes,
  });
}

/** Sets what the browser prefers, and how wide its window is. */
async function setLook(
  page: OpenedGraph,
  look: { scheme?: 'dark' | 'light'; width?: number; height?: number; media?: string },
): Promise<void> {
  const { scheme = 'light', width = 1300, height = 900, media = 'screen' } = look;
  await page.send('Emulation.setEmulatedMedia', { media, features: [{ name: 'prefers-color-scheme', value: scheme }] });
  await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
}

describe.skipIf(!browserTestsRun)('commands, nodes and looks', () => {
  let page: OpenedGraph;
  beforeAll(async () => {
    page = await openShop(3);
  });
  afterAll(async () => {
    await page.close();
  });

  /** What the buttons of the page copy, in order. */
  async function copied(): Promise<string[]> {
    await page.evaluate(
      `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => (window.copied ??= []).push(text) } })`,
    );
    await page.evaluate(
      `document.querySelectorAll('.copy').forEach((each) => each.dispatchEvent(new MouseEvent('click')))`,
    );
    return (await page.evaluate('window.copied')) as string[];
  }

  test('every arrow copies the command that explains it', async () => {
    await setLook(page, {});
    await page.goTo('#service=shop/api');
    expect((await copied()).map((command) => command.replace(`${explain('worker-1')} `, ''))).toEqual([
      '--from node --to 10.96.0.50:443/tcp',
      '--from outside --to 198.18.0.50:443/tcp',
      '--from outside --to 192.0.2.11:30443/tcp',
      '--from outside --to 198.18.0.50:443/tcp',
      '--from node --to 10.96.0.50:443/tcp',
    ]);
    expect(await page.evaluate(`document.querySelectorAll('.arrow').length`)).toBe(5);
  });

  test('source ranges, taken addresses and endpoints that are left out have commands too', async () => {
    await page.goTo('#service=shop/web&service=edge/web');
    expect((await copied()).map((command) => command.replace(`${explain('worker-1')} `, ''))).toEqual([
      '--from node --to 10.96.0.10:80/tcp',
      '--from 198.51.100.0 --to 198.18.0.10:80/tcp',
      '--from outside --to 192.0.2.11:30080/tcp',
      ...Array.from({ length: 4 }, () => '--from node --to 10.96.0.10:80/tcp'),
      '--from node --to 10.96.0.40:80/tcp',
      '--from outside --to 10.96.0.20:80/tcp',
      '--from node --to 10.96.0.40:80/tcp',
    ]);
  });

  test('the keyboard copies, and the page says what', async () => {
    await page.goTo('#service=shop/api');
    await page.evaluate(
      `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => (window.copied ??= []).push(text) } })`,
    );
    await page.evaluate(`document.querySelectorAll('.copy')[1].focus()`);
    await page.press('Enter');
    const command = `${explain('worker-1')} --from outside --to 198.18.0.50:443/tcp`;
    expect(await page.evaluate('window.copied')).toEqual([command]);
    expect(await page.textsOf('.copied.shown')).toEqual([`copied: ${command}`]);
    expect(await page.evaluate(`document.querySelectorAll('.copy')[1].getAttribute('aria-label')`)).toBe(
      `Copy: ${command}`,
    );
  });

  test('explain answers each command as the arrow says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    const file = join(folder, 'dump.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const graph = graphOf(objects);
    const command = `svc2nft explain ${file} --node worker-1 --cluster-cidr 10.244.0.0/16`;
    const real = await openGraph(graph, { graphs: [{ graph, explain: command }] });
    try {
      await real.goTo('#service=shop/api&service=shop/mail&service=shop/web');
      const commands = (await real.evaluate(
        `[...document.querySelectorAll('.copy')].map((each) => each.getAttribute('aria-label').replace('Copy: svc2nft ', ''))`,
      )) as string[];
      const verdicts: string[] = [];
      for (const each of commands) {
        const { exitCode, stdout } = await runCommand(each.split(' '), { run: createFakeNft().run });
        verdicts.push(exitCode === 0 ? (stdout.split(' ')[0] ?? '') : stdout);
      }
      expect(verdicts).toEqual([
        ...['SENT', 'DROPPED', 'DROPPED', 'DROPPED', 'SENT'],
        ...['REFUSED', 'REFUSED'],
        ...Array.from({ length: 7 }, () => 'SENT'),
      ]);
    } finally {
      await real.close();
      rmSync(folder, { recursive: true });
    }
  });

  test('a browser that refuses the clipboard shows the command', async () => {
    await page.goTo('#service=shop/api');
    await page.evaluate(
      `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async () => { throw new Error('refused'); } } })`,
    );
    await page.evaluate(`document.querySelector('.copy').dispatchEvent(new MouseEvent('click'))`);
    expect(await page.textsOf('.copied.shown')).toEqual([
      `copy this: ${explain('worker-1')} --from node --to 10.96.0.50:443/tcp`,
    ]);
  });

  test('what is dropped, why, and at which frontends', async () => {
    await page.goTo('#service=shop/api');
    expect((await page.textsOf('.refusal text')).join(' ')).toBe(
      'dropped externalTrafficPolicy is Local and no endpoint on worker-1 can receive connections at load balancer IP 198.18.0.50:443 at node port *:30443',
    );
    expect(await page.textsOf('.frontend.refused .mono')).toEqual(['198.18.0.50:443', '*:30443']);
    expect(await page.textsOf('.refused-note')).toEqual([
      'dropped for external clients',
      'dropped for external clients',
    ]);
  });

  test('another node has other arrows, commands and shares; going back leads to the first', async () => {
    await page.goTo('#service=shop/api');
    expect(await page.textsOf('.arrow .share')).toEqual(['external', 'internal 1/1']);
    expect(await page.textsOf('#nodes option')).toEqual(['worker-1', 'worker-2']);
    await page.evaluate(
      `{ const nodes = document.querySelector('#nodes'); nodes.value = 'worker-2'; nodes.dispatchEvent(new Event('change')); }`,
    );
    expect(await page.textsOf('h1')).toEqual(['Services on worker-2']);
    expect(await page.evaluate('[location.hash, document.activeElement.id]')).toEqual([
      '#on=worker-2&service=shop/api',
      'nodes',
    ]);
    expect(await page.textsOf('.arrow .share')).toEqual(['1/1']);
    expect(await page.textsOf('.refusal')).toEqual([]);
    expect((await copied()).at(2)).toBe(`${explain('worker-2')} --from outside --to 192.0.2.12:30443/tcp`);
    await page.evaluate(
      `new Promise((done) => { addEventListener('popstate', done, { once: true }); history.back(); }).then(() => 0)`,
    );
    expect(await page.textsOf('h1')).toEqual(['Services on worker-1']);
    expect(await page.textsOf('.refusal .strong')).toEqual(['dropped']);
  });

  test('says how many nodes it does not have', async () => {
    await page.goTo('');
    expect(await page.textsOf('p.nodes')).toEqual([
      expect.stringMatching(/^3 other nodes of the snapshot are not on this page/),
    ]);
  });

  test('narrow screens have refusals as text, others only in the diagram', async () => {
    const shown = `[...document.querySelectorAll('.refusal-text')].filter((each) => each.getClientRects().length > 0).map((each) => each.innerText.split('\\n'))`;
    await setLook(page, { width: 400 });
    await page.goTo('#service=shop/api&service=shop/web');
    expect(await page.evaluate(shown)).toEqual([
      [
        'dropped',
        'externalTrafficPolicy is Local and no endpoint on worker-1 can receive connections',
        'at load balancer IP 198.18.0.50:443',
        'at node port *:30443',
      ],
    ]);
    await setLook(page, {});
    expect(await page.evaluate(shown)).toEqual([]);
  });

  test('a window of 1,180 pixels has room for the whole diagram', async () => {
    await setLook(page, { width: 1180 });
    await page.goTo('#service=shop/api');
    expect(await page.evaluate(`document.querySelector('.diagram').getBoundingClientRect().right`)).toBeLessThanOrEqual(
      1180,
    );
  });

  test.each(['#service=shop/api&service=shop/web&service=shop/mail', ''])(
    'at 400 pixels nothing is cut off: %s',
    async (hash) => {
      await setLook(page, { width: 400 });
      await page.goTo(hash);
      const wide = await page.evaluate(`(() => {
      const scrolls = (element) => element.closest('figure, .scroll') !== null;
      const tooWide = [...document.querySelectorAll('body *')].filter((element) => !scrolls(element) && element.getBoundingClientRect().right > 400.5);
      return [document.documentElement.scrollWidth - document.documentElement.clientWidth, ...tooWide.map((element) => element.outerHTML.slice(0, 80))];
    })()`);
      expect(wide).toEqual([0]);
    },
  );

  test.each([480, 700, 1300])(
    'at 400 pixels, %d high, the list ends above the overview, which fits',
    async (height) => {
      await setLook(page, { width: 400, height });
      await page.goTo('');
      const { list, rows, aside, main, tables } = (await page.evaluate(`(() => {
      const boxOf = (selector) => document.querySelector(selector).getBoundingClientRect();
      const tables = [...document.querySelectorAll('.scroll')].map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
      return { list: boxOf('.list').bottom, rows: boxOf('.list').height, aside: boxOf('aside').bottom, main: boxOf('main').top, tables };
    })()`)) as { list: number; rows: number; aside: number; main: number; tables: number[] };
      expect(rows).toBeGreaterThan(150);
      expect(list).toBeLessThanOrEqual(aside);
      expect(aside).toBeLessThanOrEqual(main);
      expect(tables).toEqual([0]);
    },
  );

  test.each([
    ['light', '#service=shop/api&service=shop/web&service=edge/web&service=shop/mail'],
    ['dark', '#service=shop/api&service=shop/web&service=edge/web&service=shop/mail'],
    ['light', ''],
    ['dark', ''],
  ] as const)('%s: every text stands out from what is behind it, %s', async (scheme, hash) => {
    await setLook(page, { scheme });
    await page.goTo(hash);
    const faint = await page.evaluate(contrastScript);
    expect(faint).toEqual({ count: expect.any(Number), faint: [] });
    expect((faint as { count: number }).count).toBeGreaterThan(30);
    const background = await page.evaluate(`getComputedStyle(document.body).backgroundColor`);
    expect(background).toBe(scheme === 'dark' ? 'rgb(15, 19, 24)' : 'rgb(243, 245, 248)');
  });

  test('labels do not overlap each other, nor buttons', async () => {
    await setLook(page, {});
    await page.goTo('#service=shop/api&service=shop/web&service=edge/web&service=shop/mail&service=shop/cart');
    const overlaps = await page.evaluate(`[...document.querySelectorAll('.diagram')].flatMap((svg) => {
      const parts = [...svg.querySelectorAll('text, .copy rect')].map((part) => [part.textContent || 'button', part.getBoundingClientRect()]);
      return parts.flatMap(([name, a], index) => parts.slice(index + 1)
        .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
        .map(([other]) => name + ' / ' + other));
    })`);
    expect(overlaps).toEqual([]);
  });

  test('on paper there are diagrams and headings, but no controls', async () => {
    await setLook(page, { media: 'print', width: 800 });
    await page.goTo('#service=shop/api');
    const shown = await page.evaluate(
      `['.diagram', 'h1', '.source', '.filters', '.list', '.copy', '#nodes'].filter((each) => document.querySelector(each).getClientRects().length > 0)`,
    );
    expect(shown).toEqual(['.diagram', 'h1', '.source']);
    expect(await page.evaluate(`document.querySelector('.diagram').getBoundingClientRect().right <= 800`)).toBe(true);
  });

  test('no complaint', () => {
    expect(complaintsOf(page)).toEqual([]);
  });
});

/** Texts with less than 4.5:1 to what is behind them (WCAG 2.2, 1.4.3), and how many there are. */
const contrastScript = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const blend = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => { const [low, high] = [light(a), light(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05); };
  const behind = (element) => {
    const colors = [];
    for (let each = element; each; each = each.parentElement) {
      const rects = each.localName === 'g' ? [...each.children].filter((child) => child.localName === 'rect') : [];
      for (const rect of rects) { if (getComputedStyle(rect).fill !== 'none') colors.unshift(getComputedStyle(rect).fill); }
      colors.unshift(getComputedStyle(each).backgroundColor);
    }
    return colors;
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    !['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION', 'title'].includes(element.tagName) && element.getClientRects().length > 0 &&
    getComputedStyle(element).visibility === 'visible' &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''));
  const faint = texts.map((element) => {
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = element instanceof SVGElement ? style.fill : style.color;
    return [element.textContent.slice(0, 40), Math.round(ratio(blend([...back, front]), blend(back)) * 10) / 10];
  }).filter(([, contrast]) => contrast < 4.5);
  return { count: texts.length, faint };
})()`;
