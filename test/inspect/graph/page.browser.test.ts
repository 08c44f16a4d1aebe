import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import { browserTestsRun } from '../../support/chromium.ts';
import { complaintsOf, type OpenedGraph, openGraph, requestedBy } from './build-page.ts';
import { graphOf } from './graph-of.ts';
import { hostileGraph, hostileTexts } from './hostile.ts';
import { shopObjects } from './shop.ts';

describe.skipIf(!browserTestsRun)('the page of a shop', () => {
  let page: OpenedGraph;
  beforeAll(async () => {
    page = await openGraph(graphOf(shopObjects));
  });
  afterAll(async () => {
    await page.close();
  });

  test('begins with an overview: figures, problems, and nodes by what is wrong there', async () => {
    await page.goTo('');
    expect(await page.textsOf('h1')).toEqual(['Services on worker-1']);
    expect(await page.textsOf('.figures dd')).toEqual(['5', '4', '7', '5', '3']);
    expect(await page.textsOf('.chips button')).toEqual(['rejected 1', 'address taken 1', 'not ready 1']);
    expect(await page.textsOf('.troubled button')).toEqual(['shop/mail', 'edge/web', 'shop/web']);
    expect(await page.textsOf('tbody tr')).toEqual([
      'aworker-1this node22 of 20',
      'bworker-321 of 31',
      'aworker-222 of 20',
    ]);
    expect(await page.textsOf('.row .name')).toEqual(['web', 'cart', 'db', 'mail', 'web']);
    expect(await page.textsOf('.unserved li')).toEqual([
      'shop/dbit is headless (clusterIP None), so DNS returns the addresses of its pods',
    ]);
    expect(await page.textsOf('.source')).toEqual(['from dump.yaml']);
  });

  test('draws the Service that the address names, with shares', async () => {
    await page.goTo('#service=shop/web');
    expect(await page.textsOf('h2')).toEqual(['shop/webnot ready']);
    expect(await page.textsOf('.frontend .mono')).toEqual(['10.96.0.10:80', '198.18.0.10:80', '*:30080']);
    expect(await page.textsOf('.group .title')).toEqual([
      'zone a',
      'zone b',
      'node worker-1 · this nodepress to list the Services with endpoints here',
      'node worker-2press to list the Services with endpoints here',
      'node worker-3press to list the Services with endpoints here',
    ]);
    expect(await page.textsOf('.endpoint .mono')).toEqual([
      '10.244.1.10:8080',
      '10.244.2.20:8080',
      '10.244.3.30:8080',
      '10.244.3.31:8080',
    ]);
    expect(await page.textsOf('.arrow .share')).toEqual([
      'internal 1/3',
      'external 1/1',
      'internal 1/3',
      'internal 1/3',
      'not ready',
    ]);
    expect(await page.textsOf('.arrow.dashed .share')).toEqual(['not ready']);
    expect(await page.textsOf('.row[aria-selected="true"] .name')).toEqual(['web']);
  });

  test('draws refusals, and addresses that others have', async () => {
    await page.goTo('#service=shop/mail&service=edge/web');
    expect(await page.textsOf('h2')).toEqual(['shop/mailrejected', 'edge/webaddress taken']);
    expect(await page.textsOf('.refusal text')).toEqual([
      'rejected',
      'no EndpointSlice belongs to it (it has',
      'no selector, so its EndpointSlices must',
      'be written by hand)',
      'at cluster IP 10.96.0.30:25',
    ]);
    expect(await page.textsOf('.frontend.refused .refused-note')).toEqual(['rejected']);
    expect(await page.textsOf('.frontend.taken .muted')).toEqual(['external IP', 'held by shop/cart:http']);
  });

  test.each(['#service=shop/web', '#service=shop/cart&service=shop/mail&service=edge/web'])(
    '%s: boxes stand apart, with their texts inside',
    async (hash) => {
      await page.goTo(hash);
      const faults = await page.evaluate(`[...document.querySelectorAll('.diagram')].flatMap((svg) => {
        const boxes = [...svg.querySelectorAll('.box')];
        const frame = (box) => box.querySelector('rect').getBBox();
        const isInside = (a, b) =>
          a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;
        const areApart = (a, b) =>
          a.x + a.width < b.x || b.x + b.width < a.x || a.y + a.height < b.y || b.y + b.height < a.y;
        return boxes.flatMap((box, index) => [
          ...boxes.slice(index + 1).filter((other) => !areApart(frame(box), frame(other))),
          ...[...box.querySelectorAll('text')].filter((text) => !isInside(text.getBBox(), frame(box))),
          ...(isInside(frame(box), svg.viewBox.baseVal) ? [] : [box]),
        ]).map((fault) => fault.textContent);
      })`);
      expect(faults).toEqual([]);
    },
  );

  test('what the pointer is on lights up with its ways', async () => {
    await page.goTo('#service=shop/web');
    const lit = `(index) => { document.querySelectorAll('.endpoint')[index].dispatchEvent(new PointerEvent('pointerover', { bubbles: true })); return document.querySelectorAll('.diagram.lit .frontend.on').length; }`;
    // All frontends lead to the endpoint of this node, and to the next one; none to the last, which is not ready.
    expect(await page.evaluate(`[0, 1, 3].map(${lit})`)).toEqual([3, 3, 0]);
    const clusterIP = `document.querySelector('.frontend').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))`;
    await page.evaluate(clusterIP);
    expect(await page.textsOf('.endpoint.on .mono')).toEqual([
      '10.244.1.10:8080',
      '10.244.2.20:8080',
      '10.244.3.30:8080',
    ]);
    expect(await page.textsOf('.frontend.on .mono')).toEqual(['10.96.0.10:80']);
  });

  test('an endpoint leads to all Services of its address, a node to all with endpoints there', async () => {
    await page.goTo('#service=shop/web');
    await page.evaluate(`document.querySelector('.endpoint').dispatchEvent(new MouseEvent('click'))`);
    expect(await page.evaluate('location.hash')).toBe('#search=10.244.1.10');
    expect(await page.textsOf('.row .name')).toEqual(['web']);
    await page.goTo('#service=shop/cart');
    await page.evaluate(`document.querySelector('.node .title').focus()`);
    await page.press('Enter');
    expect(await page.evaluate('location.hash')).toBe('#node=worker-1');
    expect(await page.textsOf('.row')).toEqual(['cartshop · 1 of 2 endpoints', 'webnot readyshop · 3 of 4 endpoints']);
    await page.evaluate(
      `new Promise((done) => { addEventListener('popstate', done, { once: true }); history.back(); }).then(() => 0)`,
    );
    expect(await page.textsOf('h2')).toEqual(['shop/cart']);
  });

  test('works without the mouse', async () => {
    await page.goTo('');
    await page.press('/');
    for (const key of 'shop') {
      await page.press(key);
    }
    expect(await page.textsOf('.row .name')).toEqual(['cart', 'db', 'mail', 'web']);
    await page.press('ArrowDown');
    await page.press('ArrowDown');
    expect(await page.textsOf('h2')).toEqual(['shop/db']);
    expect(await page.textsOf('.service > .muted')).toEqual([
      'No node serves it: it is headless (clusterIP None), so DNS returns the addresses of its pods.',
    ]);
    await page.press('ArrowDown');
    expect(await page.textsOf('h2')).toEqual(['shop/mailrejected']);
    await page.press('ArrowDown');
    await page.press(' ');
    expect(await page.textsOf('[aria-selected="true"]')).toEqual([]);
    await page.press('Enter');
    expect(await page.textsOf('h2')).toEqual(['shop/webnot ready']);
    await page.press('Escape');
    expect(await page.textsOf('h2')).toEqual(['Problems', 'Without rules', 'Where endpoints run']);
    expect(await page.evaluate('location.hash')).toBe('#search=shop');
  });

  test.each([
    ['#namespace=edge', ['web']],
    ['#zone=b', ['cart', 'web']],
    ['#node=worker-2', ['web', 'web']],
    ['#problem=any', ['web', 'mail', 'web']],
    ['#problem=rejected', ['mail']],
    ['#search=CART-2', ['cart']],
    ['#search=web+198.18', ['web']],
    ['#search=nobody', []],
    ['#service=shop/nobody', ['web', 'cart', 'db', 'mail', 'web']],
    ['#search=%&service', []],
    ['#search=headless', ['db']],
  ])('%s leaves %j', async (hash, names) => {
    await page.goTo(hash);
    expect(await page.textsOf('.row .name')).toEqual(names);
  });

  test('nothing leaves the page, and nothing else may run in it', async () => {
    await page.goTo('');
    const tries = await page.evaluate(`(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 1';
      document.body.append(script);
      const image = new Image();
      image.src = 'http://192.0.2.1/x.png';
      const shown = new Promise((done) => { image.onload = () => done('shown'); image.onerror = () => done('refused'); });
      const fetched = await fetch('http://192.0.2.1/').then(() => 'fetched', () => 'refused');
      return [window.hacked ?? null, fetched, await shown];
    })()`);
    expect(tries).toEqual([null, 'refused', 'refused']);
    expect(requestedBy(page)).toEqual([]);
  });
});

describe.skipIf(!browserTestsRun)('the page of 2,000 Services with ten endpoints each', () => {
  let large: OpenedGraph;
  beforeAll(async () => {
    large = await openGraph(graphOf(generateCluster({ services: 2_000, endpoints: 10 }).items));
    await large.goTo('');
  });
  afterAll(async () => {
    await large.close();
  });

  test('makes only the rows that are seen', async () => {
    expect(await large.textsOf('.count [role=status]')).toEqual(['2,000 of 2,000 Services']);
    expect(await large.evaluate(`document.querySelectorAll('.row').length < 60`)).toBe(true);
    expect(await large.evaluate(`document.querySelector('.rows').offsetHeight`)).toBe(100_000);
  });

  test('finds while one types', async () => {
    await large.press('/');
    const counts: unknown[] = [];
    for (const key of 'service-1234') {
      await large.press(key);
      counts.push(await large.evaluate(`document.querySelector('.count [role=status]').textContent`));
    }
    expect(counts.slice(7)).toEqual([
      '2,000 of 2,000 Services',
      '1,111 of 2,000 Services',
      '111 of 2,000 Services',
      '11 of 2,000 Services',
      '1 of 2,000 Services',
    ]);
    expect(await large.textsOf('.row .name')).toEqual(['service-1234']);
  });

  test('the last row can be reached and drawn', async () => {
    await large.goTo('');
    await large.evaluate(`document.querySelector('#services').focus()`);
    await large.press('End');
    expect(await large.textsOf('.row.active .name')).toEqual(await large.textsOf('.row[aria-selected="true"] .name'));
    expect(await large.textsOf('.row.active')).toHaveLength(1);
    expect(await large.textsOf('.endpoint')).toHaveLength(10);
    expect(await large.textsOf('.arrow .share')).toEqual(Array.from({ length: 10 }, () => '1/10'));
  });

  test('no complaint, no request', () => {
    expect(complaintsOf(large)).toEqual([]);
    expect(requestedBy(large)).toEqual([]);
  });
});

describe.skipIf(!browserTestsRun)('the page of hostile names', () => {
  test('shows all of them as text', async () => {
    const graphs = hostileTexts.map(hostileGraph);
    const [first] = graphs;
    const hostile = await openGraph({
      ...hostileGraph(''),
      ...first,
      servicePorts: graphs.flatMap((graph) => graph.servicePorts),
    });
    try {
      await hostile.goTo('');
      expect(await hostile.textsOf('.troubled button')).toHaveLength(12);
      const all = new URLSearchParams(hostileTexts.map((text): [string, string] => ['service', `n${text}/s${text}`]));
      await hostile.goTo(`#${all}`);
      expect(await hostile.textsOf('.frontend .mono')).toEqual(hostileTexts);
      expect(await hostile.textsOf('.endpoint .mono')).toEqual(hostileTexts.flatMap((text) => [text, `2${text}`]));
      expect(await hostile.textsOf('.port .strong')).toEqual(hostileTexts);
      expect(await hostile.textsOf('img, main script, iframe')).toEqual([]);
      expect(await hostile.evaluate('window.hacked ?? null')).toBeNull();
      expect(await hostile.textsOf('h1')).toEqual([`Services on ${hostileTexts[0]}`]);
      expect(complaintsOf(hostile)).toEqual([]);
    } finally {
      await hostile.close();
    }
  });
});
